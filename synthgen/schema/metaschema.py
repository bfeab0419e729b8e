"""The meta-schema: which keywords the files of a schema folder may have.

Unknown keywords are refused, because a misspelt ``primary_keys`` that is ignored is a
missing key that nobody notices.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from synthgen.errors import SchemaError
from synthgen.resources import data_root
from synthgen.schema.documents import Json, one_line

FORMAT = "formats/schema/1.schema.json"
KINDS = ("dataset", "table", "codelists", "variables", "rules")

MOST_COLUMNS = 2_000
"""Most columns of one table; the widest table of K-CURE has 82."""


@cache
def _validator(kind: str) -> Draft202012Validator:
    meta = json.loads((data_root() / "schemas" / FORMAT).read_text(encoding="utf-8"))
    return Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": meta["$defs"]})


def _unknown(error: ValidationError) -> str:
    """Keyword that an object may not have."""
    allowed = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
    instance: Iterable[str] = error.instance if isinstance(error.instance, Mapping) else ()
    strays = [str(key) for key in instance if key not in allowed]
    return (
        f"keyword {one_line(strays[0] if strays else '?', 60)} is unknown; "
        f"known are {', '.join(allowed)}"
    )


def _said(error: ValidationError) -> str:
    what = one_line(json.dumps(error.instance, ensure_ascii=False), 60)
    match error.validator:
        case "additionalProperties":
            return _unknown(error)
        case "required":
            return one_line(error.message, 100)
        case "const" | "enum":
            wanted = error.validator_value
            options = wanted if isinstance(wanted, list) else [wanted]
            return f"is {what}; it must be {' or '.join(map(str, options))}"
        case "pattern":
            about = error.schema.get("description", "") if isinstance(error.schema, Mapping) else ""
            wanted = about or f"text that matches {error.validator_value}"
            return f"is {what}; it must be: {one_line(wanted, 200)}"
        case "type":
            return f"is {what}; it must be of type {error.validator_value}"
        case _:
            return f"is {what}; it breaks {error.validator} {one_line(error.validator_value, 60)}"


def check_document(kind: str, path: Path, document: Mapping[str, Json]) -> None:
    """Refuse a file of a schema folder that the meta-schema does not describe.

    Parameters
    ----------
    kind : {"dataset", "table", "codelists", "variables", "rules"}
    path : Path
        For the error line.
    document : mapping

    Raises
    ------
    SchemaError
        With the place and the most telling of the mistakes.
    """
    columns = document.get("properties")
    if kind == "table" and isinstance(columns, dict) and len(columns) > MOST_COLUMNS:
        raise SchemaError(
            f"{path}: has {len(columns)} columns; a table can have {MOST_COLUMNS} at most"
        )
    error = best_match(_validator(kind).iter_errors(document))
    if error is not None:
        place = "/".join(one_line(part, 40) for part in error.absolute_path)
        raise SchemaError(f"{path}: {place + ': ' if place else ''}{_said(error)}")
