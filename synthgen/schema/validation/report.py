"""What a check found: broken rules with counts and row numbers, and how files were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from synthgen.errors import ContractError
from synthgen.messages import LANGUAGES, amount, message
from synthgen.schema.model import Severity

FIRST_ROWS = 5
"""How many row numbers (and, when asked for, values) a broken rule names."""


LEFT_OUT = frozenset({"check.structure.second_file", "check.structure.other_file"})
"""Notes of files that were not read; each has a text for many of them, with a final ``s``."""
MANY = 4
"""So many such files are told in one line: a database has a table for everything."""


@dataclass(frozen=True)
class Broken:
    """One rule that rows of a table break.

    Parameters
    ----------
    rule : str
        Id of a rule of the schema (``"SEX-SITE-M"``), or what the schema itself demands:
        ``structure.*``, ``column.*``, ``key.*``, ``code.implies``.
    table, column : str
        Where; ``column`` is ``""`` for a rule about whole rows or tables.
    severity : Severity
        Impossible: the contract is broken.  Unlikely: counted, and nothing more.
    message, message_ko : str
        What is wrong, without values.
    count : int
        Rows that break it.
    rows : tuple of int
        The first of them as a person sees them: line numbers of a text file (the header is
        line 1), record numbers from 1 of Parquet and DuckDB.
    values : tuple of str
        Their values, in the same order; empty unless they were asked for.
    total : int
        Rows that were looked at.
    """

    rule: str
    table: str
    column: str
    severity: Severity
    message: str
    message_ko: str
    count: int
    rows: tuple[int, ...] = ()
    values: tuple[str, ...] = ()
    total: int = 0

    @property
    def where(self) -> str:
        """Table, and column if it is about one."""
        return f"{self.table}.{self.column}" if self.column else self.table

    @property
    def rate(self) -> float:
        """Share of the rows looked at that break the rule."""
        return self.count / self.total if self.total else 0.0

    def label(self, language: str) -> str:
        """Message in Korean (``"ko"``) or English."""
        return self.message_ko if language == "ko" else self.message

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "table": self.table,
            "column": self.column,
            "message": self.message,
            "message_ko": self.message_ko,
            "count": self.count,
            "rows_checked": self.total,
            "first_rows": list(self.rows),
            "values": list(self.values),
        }


@dataclass(frozen=True)
class Note:
    """Something to know that breaks nothing: how a file was read, an extra column.

    Parameters
    ----------
    kind : {"reading", "structure", "unchecked"}
    key : str
        Key of the text in the catalogue.
    table, column : str
    values : mapping of str to object
        What fills the gaps of the text; plain JSON values.
    """

    kind: str
    key: str
    table: str = ""
    column: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def label(self, language: str) -> str:
        """Text in Korean (``"ko"``) or English."""
        return message(self.key, language, **self.values)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        texts = {language: self.label(language) for language in LANGUAGES}
        return {
            "kind": self.kind,
            "table": self.table,
            "column": self.column,
            "message": texts["en"],
            "message_ko": texts["ko"],
        }


@dataclass(frozen=True)
class Missing:
    """Cells of a column without a value.

    Parameters
    ----------
    empty : int
        Empty, or a mark that was read as empty.
    coded : int
        With a code that the schema declares as missing (``99``).
    """

    empty: int
    coded: int


@dataclass(frozen=True)
class TableSummary:
    """One table as it was read.

    Parameters
    ----------
    name, file : str
    rows : int
    missing : mapping of str to Missing
        By column that the file has.
    numbered : {"line", "row"}
        What row numbers count: lines of a text file, the header being line 1, or records.
    """

    name: str
    file: str
    rows: int
    missing: Mapping[str, Missing] = field(default_factory=dict)
    numbered: str = "row"


@dataclass(frozen=True)
class Report:
    """Result of a check.

    Parameters
    ----------
    source : str
        What was checked.
    schema : str
        ``"rare-cancer@1.0.0"``.
    tables : tuple of TableSummary
    broken : tuple of Broken
        Impossible ones first, in the order of the schema.
    notes : tuple of Note
    """

    source: str
    schema: str
    tables: tuple[TableSummary, ...]
    broken: tuple[Broken, ...]
    notes: tuple[Note, ...] = ()

    @property
    def impossible(self) -> tuple[Broken, ...]:
        """What breaks the contract."""
        return tuple(b for b in self.broken if b.severity is Severity.IMPOSSIBLE)

    @property
    def unlikely(self) -> tuple[Broken, ...]:
        """What is only counted."""
        return tuple(b for b in self.broken if b.severity is Severity.UNLIKELY)

    @property
    def passes(self) -> bool:
        """Whether nothing impossible was found."""
        return not self.impossible

    @property
    def rows(self) -> Mapping[str, int]:
        """Rows by table."""
        return {table.name: table.rows for table in self.tables}

    def demand(self) -> None:
        """Do nothing if the contract is kept.

        Raises
        ------
        ContractError
            If anything impossible was found; one line, without values.
        """
        if self.impossible:
            first = self.impossible[0]
            raise ContractError(
                f"{self.source}: breaks {self.schema} in {amount(len(self.impossible), 'way')}; "
                f"first "
                f"{first.rule} in {first.where}: {first.message}"
            )

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values: what ``synthgen check --json`` prints."""
        return {
            "source": self.source,
            "schema": self.schema,
            "passes": self.passes,
            "tables": [
                {
                    "table": table.name,
                    "file": table.file,
                    "rows": table.rows,
                    "numbered_by": table.numbered,
                    "missing": {
                        name: {"empty": found.empty, "coded": found.coded}
                        for name, found in table.missing.items()
                    },
                }
                for table in self.tables
            ],
            "broken": [found.as_json() for found in self.broken],
            "notes": [note.as_json() for note in self.notes],
        }

    def lines(self, language: str = "en") -> list[str]:
        """Lines for people: tables, how they were read, one line per broken rule."""
        lines = [
            message("check.table_line", language, table=t.name, file=t.file, rows=f"{t.rows:,}")
            for t in self.tables
        ]
        lines += _note_lines(self.notes, language)
        numbered = {table.name: table.numbered for table in self.tables}
        lines += [_line(b, numbered.get(b.table, "row"), language) for b in self.broken]
        key = "check.kept" if self.passes else "check.not_kept"
        lines.append(
            message(
                key,
                language,
                schema=self.schema,
                broken=len(self.impossible),
                unlikely=len(self.unlikely),
            )
        )
        return lines


def _note_lines(notes: Sequence[Note], language: str) -> list[str]:
    """One line for a note, and one for all the files that were left out for the same reason."""
    left_out: dict[str, list[Note]] = {}
    for note in notes:
        if note.key in LEFT_OUT:
            left_out.setdefault(note.key, []).append(note)
    lines = []
    for note in notes:
        alike = left_out.get(note.key, [])
        if len(alike) < MANY:
            lines.append(note.label(language))
        elif note is alike[0]:
            files = ", ".join(str(other.values["file"]) for other in alike)
            lines.append(message(f"{note.key}s", language, count=len(alike), files=files))
    return lines


def _line(found: Broken, numbered: str, language: str) -> str:
    counted = message("check.counted", language, count=f"{found.count:,}", share=_share(found.rate))
    first = ""
    if found.rows:
        numbers = ", ".join(map(str, found.rows))
        if found.values:
            pairs = zip(found.rows, found.values, strict=True)
            numbers = ", ".join(f"{row} ({value})" for row, value in pairs)
        first = message(f"check.first_{numbered}s", language, rows=numbers)
    severity = message(f"check.severity.{found.severity.value}", language)
    shown = counted if found.total else ""
    return f"{severity}  {found.rule}  {found.where}: {found.label(language)}{shown}{first}"


def _share(rate: float) -> str:
    """Percentage that never rounds something to nothing or to all.

    Examples
    --------
    >>> _share(0.5), _share(1e-7), _share(0.99999)
    ('50 %', '<0.01 %', '>99.9 %')
    """
    if 0 < rate < 1e-4:
        return "<0.01 %"
    if 0.999 < rate < 1:
        return ">99.9 %"
    return f"{100 * rate:.3g} %"


def both(key: str, **values: object) -> tuple[str, str]:
    """Text of the catalogue in English and Korean."""
    return message(key, "en", **values), message(key, "ko", **values)
