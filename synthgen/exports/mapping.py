"""Mapping files: which column of a target comes from what, and which stay empty and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from synthgen.errors import SchemaError, UsageError
from synthgen.exports.terms import Term
from synthgen.resources import data_root
from synthgen.schema.documents import one_line, read_document


@dataclass(frozen=True)
class TargetColumn:
    """A column of a target.

    Parameters
    ----------
    name, type : str
        As the standard has them; the type in SQL (``"VARCHAR(20)"``).
    required : bool
        Whether the standard lets it be empty.
    value : mapping or None
        What fills it in every part of the file that does not say otherwise.
    empty, empty_ko : str
        Why it stays empty; ``""`` where it does not.
    note, note_ko : str
        Where it differs from the standard.
    codes : str
        Code list of the mapping whose codes it holds, ``""`` for any value.
    name_of : str
        Column with codes whose names it holds, or ``""``.
    format : str
        Form of its texts (``"YYYYMMDD"``), or ``""``.
    available : tuple of int
        How many of how many hospitals can supply it; empty where nothing is published.
    title, title_ko : str
        What people read; ``""`` where the standard has no titles.
    """

    name: str
    type: str
    required: bool
    value: Term | None
    empty: str
    empty_ko: str
    note: str
    note_ko: str
    codes: str = ""
    name_of: str = ""
    format: str = ""
    available: tuple[int, ...] = ()
    title: str = ""
    title_ko: str = ""


@dataclass(frozen=True)
class TargetPart:
    """Rows of a target that come from one table of the cohort.

    Parameters
    ----------
    rows : str
        Table of the cohort.
    where : tuple of (mapping, tuple of str)
        Terms with the values one of which they must have; ``("*",)``: any but null.
    values : mapping of str to mapping
        Terms by column of the target.
    distinct : bool
        Whether rows that are alike become one.
    since, before : str
        Versions of the schema from which the part is used, and from which it is no more;
        ``""`` for all.
    """

    rows: str
    where: tuple[tuple[Term, tuple[str, ...]], ...]
    values: Mapping[str, Term]
    distinct: bool
    since: str = ""
    before: str = ""

    def speaks(self, version: str) -> bool:
        """Whether it is about cohorts of that version of the schema."""
        at = version_key(version)
        after = not self.since or version_key(self.since) <= at
        return after and (not self.before or at < version_key(self.before))


@dataclass(frozen=True)
class TargetTable:
    """A table of a target.

    Parameters
    ----------
    name, title, title_ko : str
    columns : tuple of TargetColumn
    parts : tuple of TargetPart
    number : str
        Column that numbers the rows from 1, or ``""``.
    key : tuple of str
        Primary key; empty where the standard has none.
    references : tuple of (str, str)
        Columns that must be found as the key of another table of the target.
    prefixed : bool
        Whether its name begins with the option ``prefix``.
    sequence : tuple of (str, tuple of str)
        Column that numbers rows from 1 among those that agree in other columns, with these;
        at most one.
    merged_by : tuple of str
        Rows that agree in these columns become one; empty where none do.
    empty, empty_ko : str
        Why it has no rows; ``""`` where it has.
    least : tuple of str
        Columns of which the least is taken when rows become one; of others it is the greatest.
    """

    name: str
    title: str
    title_ko: str
    columns: tuple[TargetColumn, ...]
    parts: tuple[TargetPart, ...]
    number: str
    key: tuple[str, ...]
    references: tuple[tuple[str, str], ...]
    prefixed: bool = False
    sequence: tuple[tuple[str, tuple[str, ...]], ...] = ()
    merged_by: tuple[str, ...] = ()
    empty: str = ""
    empty_ko: str = ""
    least: tuple[str, ...] = ()

    def called(self, options: Mapping[str, str]) -> str:
        """Name of the table in a delivery with these options.

        Examples
        --------
        >>> TargetTable("DIAG_INF", "", "", (), (), "", (), (), True).called({"prefix": "RRCN"})
        'RRCN_DIAG_INF'
        """
        return f"{options['prefix']}_{self.name}" if self.prefixed else self.name


@dataclass(frozen=True)
class TargetCodes:
    """A code list of a target.

    Parameters
    ----------
    title, title_ko : str
    names : mapping of str to str
        Name by code, as the target writes it.
    """

    title: str
    title_ko: str
    names: Mapping[str, str]


@dataclass(frozen=True)
class TargetMapping:
    """What a mapping file says.

    Parameters
    ----------
    id, title, title_ko, standard, licence : str
    schema : str
        Id of the schema that it maps.
    form : {"csv", "omop"}
    separator : str
    tables : tuple of TargetTable
    options : mapping of str to str
        Options with their defaults.
    differences : tuple of (str, str)
        Differences to the real standard, in English and Korean.
    version : str
        Of the target.
    code_lists : mapping of str to TargetCodes
    """

    id: str
    title: str
    title_ko: str
    standard: str
    licence: str
    schema: str
    form: str
    separator: str
    tables: tuple[TargetTable, ...]
    options: Mapping[str, str]
    differences: tuple[tuple[str, str], ...]
    version: str = "1.0.0"
    code_lists: Mapping[str, TargetCodes] = field(default_factory=dict)


def version_key(version: str) -> tuple[int, ...]:
    """Version as numbers that compare."""
    return tuple(int(part) for part in version.split("."))


#: What options must look like that stand in names or choose between two.
_FORMS = {
    "prefix": (r"[A-Z][A-Z0-9]{1,7}", "two to eight capital letters and digits"),
    "availability": (r"published|full", "published or full"),
    "tables": (r"filled|all", "filled or all"),
}


@cache
def _format() -> dict[str, Any]:
    return dict(read_document(data_root() / "schemas/formats/export/1.schema.json"))


def load_mapping(path: Path) -> TargetMapping:
    """Read a mapping file.

    Raises
    ------
    SchemaError
        If it is not a mapping of format ``export/1``, or says a thing twice.
    """
    document: dict[str, Any] = dict(read_document(path))
    problem = jsonschema.Draft202012Validator(_format())
    for error in problem.iter_errors(document):
        place = "/".join(str(p) for p in error.absolute_path) or "the document"
        raise SchemaError(f"{path.name}: {place}: {one_line(error.message)}")
    lists = {
        name: TargetCodes(entry["title"], entry["title_ko"], entry["codes"])
        for name, entry in document.get("code_lists", {}).items()
    }
    tables = tuple(_table(path.name, entry, lists) for entry in document["tables"])
    return TargetMapping(
        id=document["id"],
        title=document["title"],
        title_ko=document["title_ko"],
        standard=document["standard"],
        licence=document["licence"],
        schema=document["schema"],
        form=document["form"],
        separator=document.get("separator", ","),
        tables=tables,
        options=document.get("options", {}),
        differences=tuple((d["en"], d["ko"]) for d in document["differences"]),
        version=document.get("version", "1.0.0"),
        code_lists=lists,
    )


def _column(entry: Mapping[str, Any]) -> TargetColumn:
    return TargetColumn(
        name=entry["name"],
        type=entry["type"],
        required=entry.get("required", False),
        value=entry.get("value"),
        empty=entry.get("empty", ""),
        empty_ko=entry.get("empty_ko", ""),
        note=entry.get("note", ""),
        note_ko=entry.get("note_ko", ""),
        codes=entry.get("codes", ""),
        name_of=entry.get("name_of", ""),
        format=entry.get("format", ""),
        available=tuple(entry.get("available", ())),
        title=entry.get("title", ""),
        title_ko=entry.get("title_ko", ""),
    )


def _part(entry: Mapping[str, Any]) -> TargetPart:
    return TargetPart(
        rows=entry["rows"],
        where=tuple((w["term"], tuple(w["in"])) for w in entry.get("where", ())),
        values=entry.get("values", {}),
        distinct=entry.get("distinct", False),
        since=entry.get("since", ""),
        before=entry.get("before", ""),
    )


def _table(file: str, entry: Mapping[str, Any], lists: Mapping[str, TargetCodes]) -> TargetTable:
    sequence = entry.get("sequence")
    table = TargetTable(
        name=entry["name"],
        title=entry["title"],
        title_ko=entry["title_ko"],
        columns=tuple(_column(c) for c in entry["columns"]),
        parts=tuple(_part(p) for p in entry["parts"]),
        number=entry.get("number", ""),
        key=tuple(entry.get("key", ())),
        references=tuple((r["column"], r["table"]) for r in entry.get("references", ())),
        prefixed=entry.get("prefixed", False),
        sequence=((sequence["column"], tuple(sequence["within"])),) if sequence else (),
        merged_by=tuple(entry.get("merged_by", ())),
        least=tuple(entry.get("least", ())),
        empty=entry.get("empty", ""),
        empty_ko=entry.get("empty_ko", ""),
    )
    _demand_columns(file, table)
    if bool(table.parts) == bool(table.empty):
        raise SchemaError(f"{file}: {table.name}: must have parts, or a reason why it has no rows")
    counted = {table.number, *(column for column, _ in table.sequence)}
    named = {c.name for c in table.columns if c.name_of}
    for column in table.columns:
        filled = column.value is not None or any(column.name in p.values for p in table.parts)
        if table.parts and column.name not in counted | named and filled == bool(column.empty):
            raise SchemaError(
                f"{file}: {table.name}.{column.name}: must have a value, or a reason why it is "
                "empty"
            )
        if column.codes and column.codes not in lists:
            raise SchemaError(
                f"{file}: {table.name}.{column.name}: there is no code list "
                f"{one_line(column.codes)}"
            )
    return table


def _demand_columns(file: str, table: TargetTable) -> None:
    """Refuse columns that stand twice, or that something names and the table does not have."""
    names = [c.name for c in table.columns]
    if len(set(names)) < len(names):
        raise SchemaError(f"{file}: {table.name}: a column stands twice")
    told = [name for part in table.parts for name in part.values]
    told += [*table.key, *table.merged_by, *(column for column, _ in table.references)]
    told += [name for column, within in table.sequence for name in (column, *within)]
    told += [c.name_of for c in table.columns if c.name_of]
    unknown = sorted(set(told) - set(names))
    if unknown:
        raise SchemaError(f"{file}: {table.name} has no column {one_line(unknown[0])}")
    codes = {c.name: c.codes for c in table.columns}
    for column in table.columns:
        if column.name_of and not codes[column.name_of]:
            raise SchemaError(
                f"{file}: {table.name}.{column.name}: {column.name_of} has no code list"
            )


def options_of(mapping: TargetMapping, given: Mapping[str, str]) -> dict[str, str]:
    """Options with defaults, overridden by the given ones.

    Raises
    ------
    UsageError
        If the target has no such option, or the option cannot be what was given.
    """
    unknown = sorted(set(given) - set(mapping.options))
    if unknown:
        known = ", ".join(mapping.options) or "none"
        raise UsageError(f"{mapping.id}: has no option {unknown[0]}; it has: {known}")
    options = {**mapping.options, **given}
    for name, (form, words) in _FORMS.items():
        if name in options and not re.fullmatch(form, options[name]):
            raise UsageError(
                f"{mapping.id}: option {name} is {one_line(options[name], 30)}; it must be {words}"
            )
    return options
