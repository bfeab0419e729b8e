"""Rows as lines of NDJSON: rows that say the same differ in identifiers and dates only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from synthgen.exports.fhir_elements import Resource

Line = tuple[str, str]
"""Type of a resource, and the resource as JSON text."""

MOST = 20_000
"""Contents that are remembered of a table."""

OPEN, CLOSE = "\u27e6", "\u27e7"
"""Around a name that stands for a value; no code or identifier has these brackets."""

ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def line_of(resource: Resource) -> Line:
    """A resource as a line."""
    return str(resource["resourceType"]), ENCODER.encode(resource)


class RowLines:
    """Writes the resources of rows of one table, each content once.

    Parameters
    ----------
    write : callable
        The resources of a row; identifiers and dates must go into them as they are.
    varying : tuple of str
        Columns with identifiers and dates.
    """

    def __init__(
        self, write: Callable[[Mapping[str, Any]], Iterable[Resource]], varying: tuple[str, ...]
    ) -> None:
        self._write = write
        self._varying = frozenset(varying)
        self._known: dict[tuple[Any, ...], list[tuple[str, str, tuple[str, ...]]]] = {}

    def lines(self, row: Mapping[str, Any]) -> list[Line]:
        """The resources of a row, as :func:`line_of` would write them."""
        for name, value in row.items():
            if name not in self._varying:
                if isinstance(value, str) and OPEN in value:
                    return [line_of(made) for made in self._write(row)]
                continue
            if value is not None and not (value.isascii() and value.replace("-", "").isalnum()):
                return [line_of(made) for made in self._write(row)]
        key = tuple(
            (value is None) if name in self._varying else value for name, value in row.items()
        )
        forms = self._known.get(key)
        if forms is None:
            if len(self._known) >= MOST:
                self._known.clear()
            forms = self._known[key] = self._forms(row)
        return [(kind, form % tuple([row[name] for name in names])) for kind, form, names in forms]

    def _forms(self, row: Mapping[str, Any]) -> list[tuple[str, str, tuple[str, ...]]]:
        """Texts with ``%s`` where a value varies, and the columns in their order."""
        standing = {
            name: f"{OPEN}{name}{CLOSE}" if name in self._varying and value is not None else value
            for name, value in row.items()
        }
        forms = []
        for made in self._write(standing):
            kind, text = line_of(made)
            first, *rest = text.split(OPEN)
            pieces = [piece.partition(CLOSE) for piece in rest]
            names = tuple(name for name, _, _ in pieces)
            form = "%s".join(part.replace("%", "%%") for part in (first, *(p[2] for p in pieces)))
            forms.append((kind, form, names))
        return forms
