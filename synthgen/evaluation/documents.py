"""JSON documents of evaluations: one way to write them, and their JSON Schemas.

A document is written with sorted keys, so that equal documents have equal bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthgen.errors import SynthgenError
from synthgen.schema.documents import one_line, read_document
from synthgen.schema.formats import breach


def document_bytes(document: Mapping[str, Any]) -> bytes:
    r"""The one way in which a document is written: sorted keys, one space of indent, UTF-8.

    Raises
    ------
    ValueError
        If it holds a number that JSON does not have.

    Examples
    --------
    >>> document_bytes({"b": 1, "a": "가"}).decode()
    '{\n "a": "가",\n "b": 1\n}\n'
    """
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False)
    return (text + "\n").encode()


def document_hash(document: Mapping[str, Any]) -> str:
    """Hexadecimal SHA-256 of a document as it is written, whatever the order of its keys."""
    return hashlib.sha256(document_bytes(document)).hexdigest()


def require_format(
    document: Mapping[str, Any], form: str, where: object, error: type[SynthgenError]
) -> None:
    """Refuse a document that its JSON Schema does not describe.

    Parameters
    ----------
    document : mapping
    form : str
        ``"policy/1"``: name and version of the format, as in ``schemas/formats``.
    where : object
        For the error line.
    error : type of SynthgenError

    Raises
    ------
    SynthgenError
        Of the class ``error``, with the place and the most telling of the mistakes.
    """
    said = document.get("format")
    if said != form:
        raise error(f"{where}: format is {one_line(said, 60)}; it must be {form}")
    problem = breach(document, form)
    if problem:
        raise error(f"{where}: {problem}")


def read_format(path: Path, form: str, error: type[SynthgenError]) -> dict[str, Any]:
    """Document at a path, held against its JSON Schema.

    Raises
    ------
    SynthgenError
        Of the class ``error``: it cannot be read, or is of another form.
    """
    document: dict[str, Any] = read_document(path, error)
    require_format(document, form, path, error)
    return document
