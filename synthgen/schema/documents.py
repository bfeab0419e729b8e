"""Reading JSON files that anybody may have written: bounded in size and depth, one clear line.

Schemas, packs and manifests are input like any other.  A file that is too big, nested too
deep, not UTF-8, or that says the same thing twice is refused before anything is made of it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from synthgen.errors import SchemaError, SynthgenError

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

LARGEST_DOCUMENT = 16 * 2**20
"""Largest JSON document that is read [bytes]; the largest one shipped has under half of 2**20."""

DEEPEST_DOCUMENT = 64
"""Deepest nesting that is read [levels]; the formats of synthgen need under 16."""

_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def printable(text: object, limit: int) -> str:
    """Text of a stranger without control characters, cut where it is too long.

    Examples
    --------
    >>> printable("a\\nb ", 9)
    'a b '
    """
    clean = _UNSEEN.sub(" ", str(text)[: 4 * limit])
    return clean if len(clean) <= limit else clean[:limit] + "..."


def one_line(text: object, limit: int = 120) -> str:
    """Text of a stranger, fit for an error line: no control characters, not too long.

    Examples
    --------
    >>> one_line(" a\\nb ")
    'a b'
    >>> one_line("x" * 200, 5)
    'xxxxx...'
    """
    return printable(str(text).strip(), limit).strip()


def depth_of(text: str) -> int:
    """Deepest nesting of brackets outside strings, without recursion.

    Examples
    --------
    >>> depth_of('{"a": ["]]]", [1]]}')
    3
    """
    deepest = depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub("", text)):
        depth += 1 if bracket.group() in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


class _Twice(ValueError):
    """A key that stands twice in one object."""


class _NotANumber(ValueError):
    """A number that JSON does not have."""


def _refuse_constant(text: str) -> Json:
    raise _NotANumber(text)


def _object_of(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) < len(pairs):
        times = Counter(key for key, _ in pairs)
        raise _Twice(next(key for key, number in times.items() if number > 1))
    return made


def read_text(path: Path, error: type[SynthgenError] = SchemaError) -> str:
    """Text of a UTF-8 file of bounded size.

    Parameters
    ----------
    path : Path
    error : type of SynthgenError
        What is raised: whose problem a bad file is.

    Raises
    ------
    SynthgenError
        Of the class ``error``: no such file, no file, too big, not UTF-8, a byte-order mark.
    """
    try:
        if not path.is_file():
            raise error(f"{path}: is not a file; a JSON document is needed")
        size = path.stat().st_size
        if size > LARGEST_DOCUMENT:
            raise error(f"{path}: has {size} bytes; at most {LARGEST_DOCUMENT} are read")
        raw = path.read_bytes()
    except OSError as problem:
        raise error(f"{path}: cannot be read: {problem.strerror or problem}") from problem
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise error(f"{path}: starts with a byte-order mark; it must be plain UTF-8 without one")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise error(f"{path}: is not UTF-8 (byte {problem.start}); save it as UTF-8") from problem


def read_document(path: Path, error: type[SynthgenError] = SchemaError) -> dict[str, Json]:
    """JSON object in a file.

    Parameters
    ----------
    path : Path
    error : type of SynthgenError
        What is raised: whose problem a bad file is.

    Raises
    ------
    SynthgenError
        Of the class ``error``: the file cannot be read, is not JSON, is nested too deep,
        says a key twice, or holds something else than an object.
    """
    text = read_text(path, error)
    depth = depth_of(text)
    if depth > DEEPEST_DOCUMENT:
        raise error(f"{path}: is nested {depth} levels deep; at most {DEEPEST_DOCUMENT} are read")
    try:
        made: Json = json.loads(text, object_pairs_hook=_object_of, parse_constant=_refuse_constant)
    except _Twice as problem:
        raise error(f"{path}: key {one_line(problem)} stands twice in one object") from problem
    except _NotANumber as problem:
        raise error(f"{path}: holds {problem}, which JSON does not have") from problem
    except json.JSONDecodeError as problem:
        raise error(
            f"{path}: is not JSON: {problem.msg} (line {problem.lineno}, column {problem.colno})"
        ) from problem
    except ValueError as problem:  # a number of more digits than Python reads
        raise error(f"{path}: is not JSON that can be read: {one_line(problem)}") from problem
    if not isinstance(made, dict):
        raise error(f"{path}: holds a {type(made).__name__}; it must hold one JSON object")
    return made


def mapping_at(document: Mapping[str, Json], key: str) -> dict[str, Json]:
    """Object under a key, empty where the key is missing.

    The meta-schema has made sure of the type before.
    """
    found = document.get(key, {})
    return found if isinstance(found, dict) else {}


def list_at(document: Mapping[str, Json], key: str) -> list[Json]:
    """List under a key, empty where the key is missing."""
    found = document.get(key, [])
    return found if isinstance(found, list) else []


def text_at(document: Mapping[str, Json], key: str, default: str = "") -> str:
    """Text under a key, ``default`` where the key is missing."""
    found = document.get(key, default)
    return found if isinstance(found, str) else default


def texts_at(document: Mapping[str, Json], key: str) -> tuple[str, ...]:
    """Texts in the list under a key."""
    return tuple(item for item in list_at(document, key) if isinstance(item, str))


def objects_at(document: Mapping[str, Json], key: str) -> list[dict[str, Json]]:
    """Objects in the list under a key."""
    return [item for item in list_at(document, key) if isinstance(item, dict)]


def number_at(document: Mapping[str, Json], key: str) -> float | None:
    """Number under a key, None where the key is missing."""
    found = document.get(key)
    return None if found is None or isinstance(found, bool | str | list | dict) else float(found)


def number_list(document: Mapping[str, Json], key: str) -> list[float | None]:
    """Numbers and nulls in the list under a key."""
    return [
        None if item is None else float(item)
        for item in list_at(document, key)
        if item is None or (isinstance(item, int | float) and not isinstance(item, bool))
    ]
