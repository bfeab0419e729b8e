"""The JSON Schemas of the formats that synthgen writes, and what breaks one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from synthgen.resources import data_root
from synthgen.schema.documents import Json, one_line, read_document


@cache
def format_schema(form: str) -> Mapping[str, Json]:
    """JSON Schema of a format.

    Parameters
    ----------
    form : str
        Name and version, as ``"pack/1"``.
    """
    name, _, version = form.partition("/")
    return read_document(data_root() / "schemas" / "formats" / name / f"{version}.schema.json")


@cache
def _validator(form: str) -> Draft202012Validator:
    return Draft202012Validator(format_schema(form))


def breach(document: Mapping[str, Json], form: str, whole: str = "") -> str:
    """Place and most telling of a document's mistakes on one line; empty if there is none.

    Parameters
    ----------
    document : mapping
    form : str
        Name and version of the format.
    whole : str
        What a mistake of the document itself is said to be in.

    Examples
    --------
    >>> breach({"format": "plan/1"}, "plan/1", "the plan")
    "the plan: 'tables' is a required property"
    """
    worst = best_match(_validator(form).iter_errors(document))
    if worst is None:
        return ""
    place = one_line("/".join(str(part) for part in worst.absolute_path) or whole, 80)
    return f"{place + ': ' if place else ''}{one_line(worst.message, 200)}"
