"""What a program gets to see of a delivery: columns, forms, codes, gaps, keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthgen.schema.comparison.shifts import cuts_of
from synthgen.schema.model import Column, ColumnType, ForeignKey
from synthgen.schema.rules.sql import identifier
from synthgen.schema.validation.cells import VALUED, WRONG, Cell
from synthgen.schema.validation.columns import TypedTable
from synthgen.schema.validation.database import row_of, rows_of
from synthgen.schema.validation.keys import repeated_keys
from synthgen.schema.validation.text_files import ENCODINGS

if TYPE_CHECKING:
    import duckdb

_ORDERED = (ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.DATE)


@dataclass(frozen=True)
class ColumnProfile:
    """One column of a delivery.

    Parameters
    ----------
    column : Column
    name : str
        As it stands in the file.
    stored : str
        Type in a Parquet or DuckDB file, ``""`` in text.
    empty, coded : int
        Cells without a value, and with a code that means missing.
    wrong : int
        Cells that are not what the schema wants.
    forms : frozenset of Cell
        Ways in which values are written.
    padded : bool
        Whether some have blanks at their ends.
    codes : mapping of str to int
        Cells by code, for columns with codes; codes of the list only.
    least, greatest : object
        Smallest and largest value of numbers and dates; never printed.
    longest : int
        Characters of the longest text.
    valued : int
        Cells with a value that could be read.
    cuts : tuple of (object, int)
        Nine values that part numbers or dates into tenths, each with the cells up to it;
        never printed.
    """

    column: Column
    name: str
    stored: str
    empty: int
    coded: int
    wrong: int
    forms: frozenset[Cell]
    padded: bool
    codes: Mapping[str, int]
    least: Any = None
    greatest: Any = None
    longest: int = 0
    valued: int = 0
    cuts: tuple[tuple[Any, int], ...] = ()


@dataclass(frozen=True)
class KeyProfile:
    """A foreign key of a delivery.

    Parameters
    ----------
    key : ForeignKey
    orphans : int
        Rows whose key leads nowhere.
    most : int
        Most rows with one key.
    childless : int
        Rows of the other table that no row refers to.
    followed : bool
        Whether the other table is there.
    """

    key: ForeignKey
    orphans: int
    most: int
    childless: int
    followed: bool


@dataclass(frozen=True)
class TableProfile:
    """One table of a delivery.

    Parameters
    ----------
    name, file : str
    form : str
        Ending, encoding and separator, as a program has to know them.
    rows : int
    columns : mapping of str to ColumnProfile
        By name in the schema.
    names : tuple of str
        As they stand in the file, in its order.
    extra : tuple of str
        Columns that the schema does not know.
    uneven : int
        Records that are no records.
    repeated : int
        Rows that repeat a primary key.
    keys : tuple of KeyProfile
    """

    name: str
    file: str
    form: str
    rows: int
    columns: Mapping[str, ColumnProfile]
    names: tuple[str, ...]
    extra: tuple[str, ...]
    uneven: int
    repeated: int
    keys: tuple[KeyProfile, ...]


def profile_table(
    db: duckdb.DuckDBPyConnection, tables: Mapping[str, TypedTable], typed: TypedTable
) -> TableProfile:
    """Profile of one table of a delivery.

    Parameters
    ----------
    db : duckdb.DuckDBPyConnection
    tables : mapping of str to TypedTable
        All tables of the delivery, by name.
    typed : TypedTable
    """
    loaded = typed.loaded
    limits = _limits(db, typed)
    cuts = cuts_of(db, typed)
    columns = {
        name: _column(db, typed, name, limits.get(name, (None, None, 0)), cuts.get(name, ()))
        for name in typed.readers
    }
    return TableProfile(
        name=typed.name,
        file=loaded.file,
        form=_form(typed),
        rows=loaded.rows,
        columns=columns,
        names=loaded.names,
        extra=tuple(loaded.names[at] for at in loaded.extra),
        uneven=loaded.uneven.count,
        repeated=repeated_keys(db, typed),
        keys=tuple(_keys(db, tables, typed)),
    )


def _form(typed: TypedTable) -> str:
    loaded = typed.loaded
    if not loaded.separator:
        return "DuckDB" if ":" in loaded.file else "Parquet"
    separator = "tab" if loaded.separator == "\t" else f'"{loaded.separator}"'
    packed = ", gzip" if loaded.compressed else ""
    return f"{ENCODINGS[loaded.encoding]}, {separator}{packed}"


def _column(
    db: duckdb.DuckDBPyConnection,
    typed: TypedTable,
    name: str,
    limits: tuple[Any, Any, int],
    cuts: tuple[tuple[Any, int], ...],
) -> ColumnProfile:
    loaded, counts = typed.loaded, typed.counts[name]
    column = loaded.table.column(name)
    at = loaded.positions[name]
    return ColumnProfile(
        column=column,
        name=loaded.names[at],
        stored=loaded.stored[at] if loaded.stored else "",
        empty=typed.missing[name].empty,
        coded=typed.missing[name].coded,
        wrong=sum(counts.get(kind, 0) for kind in WRONG),
        forms=frozenset(kind for kind in (*VALUED, Cell.MARKED) if counts.get(kind)),
        padded=typed.padded[name] > 0,
        codes=_codes(db, typed, column),
        least=limits[0],
        greatest=limits[1],
        longest=limits[2],
        valued=typed.values_of(name),
        cuts=cuts,
    )


def _codes(db: duckdb.DuckDBPyConnection, typed: TypedTable, column: Column) -> dict[str, int]:
    """Cells by code; a code outside the list is data of the delivery and not looked at."""
    if column.codes is None:
        return {}
    value = identifier(column.name)
    known = {*column.codes.index, *column.missing_codes}
    found = rows_of(
        db,
        f"SELECT {value}, count(*) FROM {typed.relation} WHERE {value} IS NOT NULL "  # noqa: S608
        "GROUP BY 1 ORDER BY 1",
    )
    return {code: int(count) for code, count in found if code in known}


def _limits(db: duckdb.DuckDBPyConnection, typed: TypedTable) -> dict[str, tuple[Any, Any, int]]:
    """Smallest and largest value, and the longest text, by column."""
    wanted: list[str] = []
    selected: list[str] = []
    for name, reader in typed.readers.items():
        value = identifier(name)
        if reader.column.type in _ORDERED:
            wanted.append(name)
            selected += [f"min({value})", f"max({value})", "0"]
        elif reader.column.type is ColumnType.STRING:
            wanted.append(name)
            selected += ["NULL", "NULL", f"coalesce(max(length({value})), 0)"]
    if not wanted:
        return {}
    found = row_of(db, f"SELECT {', '.join(selected)} FROM {typed.relation}")  # noqa: S608
    return {
        name: (found[3 * i], found[3 * i + 1], int(found[3 * i + 2]))
        for i, name in enumerate(wanted)
    }


def _keys(
    db: duckdb.DuckDBPyConnection, tables: Mapping[str, TypedTable], typed: TypedTable
) -> list[KeyProfile]:
    made = []
    for key in typed.loaded.table.foreign_keys:
        target = tables.get(key.table)
        if not set(key.columns) <= set(typed.readers):
            continue
        mine = ", ".join(identifier(column) for column in key.columns)
        most = row_of(
            db,
            f"SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM {typed.relation} "  # noqa: S608
            f"WHERE {identifier(key.columns[0])} IS NOT NULL GROUP BY {mine})",
        )[0]
        orphans = childless = 0
        followed = target is not None and set(key.references) <= set(target.readers)
        if target is not None and followed:
            on = " AND ".join(
                f"child.{identifier(own)} = parent.{identifier(theirs)}"
                for own, theirs in zip(key.columns, key.references, strict=True)
            )
            known = " AND ".join(f"child.{identifier(own)} IS NOT NULL" for own in key.columns)
            orphans = row_of(
                db,
                f"SELECT count(*) FROM {typed.relation} AS child ANTI JOIN {target.relation} "  # noqa: S608
                f"AS parent ON {on} WHERE {known}",
            )[0]
            childless = row_of(
                db,
                f"SELECT count(*) FROM {target.relation} AS parent ANTI JOIN {typed.relation} "  # noqa: S608
                f"AS child ON {on}",
            )[0]
        made.append(KeyProfile(key, int(orphans), int(most), int(childless), followed))
    return made
