"""Rows as lines of NDJSON: rows that say the same differ in identifiers and dates only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
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
        Columns with identifiers and dates; at least two.
    same : tuple of str
        The other columns that ``write`` reads.
    """

    def __init__(
        self,
        write: Callable[[Mapping[str, Any]], Iterable[Resource]],
        varying: tuple[str, ...],
        same: tuple[str, ...],
    ) -> None:
        self._write = write
        self._varying = varying
        self.columns = (*varying, *same)
        self._known: dict[Any, list[_Form]] = {}

    def lines(self, row: tuple[Any, ...]) -> list[Line]:
        """The resources of a row of ``columns``, as :func:`line_of` would write them."""
        values = row[: len(self._varying)]
        key: Any = row[len(values) :]
        if None in values:
            key = (key, tuple(value is None for value in values))
            values = tuple(value for value in values if value is not None)
        plain = "".join(values).replace("-", "")
        if not (plain.isascii() and plain.isalnum()) or "" in values:
            return self._anew(row)
        forms = self._known.get(key)
        if forms is None:
            if any(isinstance(value, str) and OPEN in value for value in row):
                return self._anew(row)
            if len(self._known) >= MOST:
                self._known.clear()
            forms = self._known[key] = self._forms(row)
        return [(kind, form % pick(row)) for kind, form, pick in forms]

    def _anew(self, row: tuple[Any, ...]) -> list[Line]:
        return [line_of(made) for made in self._write(dict(zip(self.columns, row, strict=True)))]

    def _forms(self, row: tuple[Any, ...]) -> list[_Form]:
        """Texts with ``%s`` where a value varies, and what goes there."""
        standing = {
            name: f"{OPEN}{name}{CLOSE}" if name in self._varying and value is not None else value
            for name, value in zip(self.columns, row, strict=True)
        }
        forms: list[_Form] = []
        for made in self._write(standing):
            kind, text = line_of(made)
            first, *rest = text.split(OPEN)
            pieces = [piece.partition(CLOSE) for piece in rest]
            places = tuple(self.columns.index(name) for name, _, _ in pieces)
            form = "%s".join(part.replace("%", "%%") for part in (first, *(p[2] for p in pieces)))
            forms.append((kind, form, itemgetter(*places) if places else _nothing))
        return forms


_Form = tuple[str, str, Callable[[tuple[Any, ...]], Any]]
"""Type of a resource, its text with gaps, and what of a row stands in them."""


def _nothing(_: tuple[Any, ...]) -> tuple[()]:
    return ()
