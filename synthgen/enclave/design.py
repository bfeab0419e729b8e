"""Which variables records are tabulated by: every column that tells something, as categories."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace

from synthgen.enclave.bins import (
    DAYS,
    ROWS,
    YEARS,
    Edges,
    Layout,
    categories_of,
    divided,
    from_edges,
    public_bins,
    special,
    year_bins,
)
from synthgen.enclave.coding import cell, position_sql
from synthgen.enclave.made_bins import layout_of, patients_where
from synthgen.enclave.order import earlier_dates, leads_to, not_above
from synthgen.enclave.records import Records
from synthgen.enclave.units import Counted, Design, Unit, parents_of, source_of
from synthgen.errors import RecordsError
from synthgen.schema.model import (
    Category,
    CodeList,
    Column,
    ColumnType,
    Sensitivity,
    Table,
    Variable,
)
from synthgen.schema.rules.sql import identifier
from synthgen.schema.validation.database import row_of, rows_of
from synthgen.statistics.tables import NUMBER_COLUMNS

#: Names that columns of a pack's tables have already.
RESERVED = frozenset({*NUMBER_COLUMNS, "value", "lower", "upper"})
ROWS_OF, DETAIL = "rows_of_", "_detail"


def design_of(
    records: Records,
    *,
    from_records: bool,
    detail: bool = False,
    guarded: bool = False,
    least: int = 1,
    wanted: Iterable[str] | None = None,
) -> Design:
    """Variables for every column that can be counted.

    Parameters
    ----------
    records : Records
    from_records : bool
        Whether bins may be made of the records where the schema has none.
    detail : bool
        Whether numbers get a second, finer variable for the values within their bins.
    guarded : bool
        Whether the design leaves the enclave: no edge is then somebody's value.
    least : int
        Fewest patients that anything in a guarded design may rest on.
    wanted : iterable of str, optional
        Names of the only variables to keep.

    Raises
    ------
    RecordsError
        If a value lies in no category, tables are not linked, or a column that may not be
        missing has no public bins.
    """
    made = _Designer(records, from_records=from_records, detail=detail, wanted=wanted)
    made.guarded, made.least = guarded, max(least, 2) if guarded else 1
    made.above = not_above(records, least=made.least)
    return made.design()


class _Designer:
    def __init__(
        self,
        records: Records,
        *,
        from_records: bool,
        detail: bool,
        wanted: Iterable[str] | None,
    ) -> None:
        self.records = records
        self.schema = records.schema
        self.from_records, self.guarded = from_records, False
        self.detail = detail
        self.wanted = None if wanted is None else set(wanted)
        self.least = 1
        self.above: dict[str, str] = {}
        self.earlier = earlier_dates(self.schema)
        self.names: set[str] = set()
        self.left_out: list[str] = []
        self.times = {f"{t.name}.{p.time}" for t in records.tables for p in t.end_points}

    def design(self) -> Design:
        children = {t.name: parents_of(self.records, t) for t in self.records.tables}
        ordered = sorted(self.records.tables, key=lambda t: len(children[t.name]))
        roots = [t.name for t in ordered if not children[t.name]]
        if len(roots) > 1:
            raise RecordsError(
                f"records: tables {', '.join(roots)} are not linked by a key; tabulate one at a time"
            )
        units = [self._unit(table, children[table.name]) for table in ordered]
        return Design(tuple(units), tuple(self.left_out))

    def _unit(self, table: Table, parents: tuple[str, ...]) -> Unit:
        source = source_of(self.records, table)
        counted: list[Counted] = []
        taken: set[str] = set()
        for variable in self.schema.variables:
            mine = [j for j in variable.joins if j.startswith(f"{table.name}.")]
            if mine and mine == list(variable.joins) and self._has(mine):
                taken |= set(mine)
                nullable = any(self._column(j).nullable for j in mine)
                categories = self._with_missing(variable, nullable)
                counted += self._keep(replace(variable, categories=categories))
        for column in table.columns:
            qualified = f"{table.name}.{column.name}"
            if qualified not in taken and self._is_told(table, column):
                counted += self._of_column(table, column, parents, source)
        for made, joined in self._row_counts(table):
            counted.append(made)
            source += joined
        return Unit(table, parents, source, tuple(counted))

    def _has(self, columns: Iterable[str]) -> bool:
        there: dict[str, set[str]] = {}
        for qualified in columns:
            table, _, name = qualified.partition(".")
            if table not in there:
                relation = self.records.relations[table]
                there[table] = {r[0] for r in rows_of(self.records.db, f"DESCRIBE {relation}")}
            if name not in there[table]:
                return False
        return True

    def _column(self, qualified: str) -> Column:
        table, _, name = qualified.partition(".")
        return self.schema.table(table).column(name)

    def _is_told(self, table: Table, column: Column) -> bool:
        keys = {*table.primary_key, *(c for key in table.foreign_keys for c in key.columns)}
        named = column.name in keys or column.sensitivity is Sensitivity.IDENTIFIER
        return not named and self._has([f"{table.name}.{column.name}"])

    def _with_missing(self, variable: Variable, nullable: bool) -> tuple[Category, ...]:
        has = any(c.means == "missing" for c in variable.categories)
        return (*variable.categories, *((special("missing"),) if nullable and not has else ()))

    def _name(self, table: str, column: str) -> str:
        bare = re.sub(r"[^a-z0-9_]+", "_", column.lower()).strip("_") or "column"
        bare = bare if bare[0].isalpha() else f"v_{bare}"
        name = bare[:50]
        taken = self.names | RESERVED
        taken |= {v.name for v in self.schema.variables if v.column != f"{table}.{column}"}
        for candidate in (name, f"{table.lower()}_{name}"[:60]):
            if candidate not in taken:
                return candidate
        return f"{name}_{len(self.names)}"

    def _keep(self, variable: Variable, detail_of: str = "") -> list[Counted]:
        base = detail_of or variable.name
        if self.wanted is not None and base not in self.wanted:
            return []
        self.names.add(variable.name)
        column = self._column(variable.column) if variable.column else None
        return [Counted(variable, position_sql(variable, column), detail_of)]

    def _of_column(
        self, table: Table, column: Column, parents: tuple[str, ...], source: str
    ) -> list[Counted]:
        qualified = f"{table.name}.{column.name}"
        own = next((v for v in self.schema.variables if v.column == qualified), None)
        if column.type is ColumnType.STRING:
            if own is None:
                self.left_out.append(f"{qualified} (text)")
                return []
            return self._keep(replace(own, categories=self._with_missing(own, column.nullable)))
        if column.type is ColumnType.CODE and column.codes is not None:
            return self._coded(qualified, column, column.codes, own)
        if column.type is ColumnType.DATE:
            return self._date(qualified, column, own, parents, source)
        return self._number(qualified, column, own, source)

    def _coded(
        self, qualified: str, column: Column, codes: CodeList, own: Variable | None
    ) -> list[Counted]:
        if own is None:
            own = Variable(
                self._name(*qualified.split(".", 1)),
                column.title,
                column.title_ko,
                tuple(Category(c.code, c.title, c.title_ko) for c in codes.codes),
                qualified,
                implies={
                    c.code: {f"{qualified.partition('.')[0]}.{n}": a for n, a in c.implies.items()}
                    for c in codes.codes
                    if c.implies
                },
            )
        return self._keep(replace(own, categories=self._with_missing(own, column.nullable)))

    def _number(
        self, qualified: str, column: Column, own: Variable | None, source: str
    ) -> list[Counted]:
        bound = self.above.get(qualified, "")
        layout = Layout([], [])
        if own is not None:
            layout = Layout(
                [(c.lower or 0.0, c.upper or 0.0) for c in own.categories if not c.means], []
            )
        elif not self.from_records:
            layout = Layout(public_bins(column), [])
        if self.from_records and (own is None or self.detail):
            made = self._from_values(qualified, cell(qualified), source, column)
            layout = (
                made if own is None else Layout(layout.coarse, divided(made.fine, layout.coarse))
            )
        if not layout.coarse:
            return self._without_bins(qualified, column)
        whole = column.type is ColumnType.INTEGER
        if own is None:
            own = Variable(
                self._name(*qualified.split(".", 1)),
                column.title,
                column.title_ko,
                categories_of(layout.coarse, whole=whole),
                qualified,
                column.unit,
                unit_ko=column.unit_ko,
                bins_from="records" if self.from_records else "schema",
            )
        categories = (*own.categories, *((special("equal"),) if bound else ()))
        own = replace(own, categories=categories, not_above=bound)
        kept = self._keep(replace(own, categories=self._with_missing(own, column.nullable)))
        if kept and self.detail and not bound and len(layout.fine) > len(layout.coarse):
            kept += self._details(kept[0].variable, layout.fine, whole=whole)
        return kept

    def _details(self, coarse: Variable, edges: Edges, *, whole: bool) -> list[Counted]:
        fine = replace(
            coarse,
            name=f"{coarse.name[:55]}{DETAIL}",
            categories=(
                *categories_of(edges, whole=whole),
                *(c for c in coarse.categories if c.means),
            ),
            bins_from="records",
            implies={},
        )
        return self._keep(fine, coarse.name)

    def _without_bins(self, qualified: str, column: Column) -> list[Counted]:
        if not column.nullable:
            raise RecordsError(
                f"{qualified}: may not be missing and has no public bins; give it bins in "
                "variables.json, or both limits, or say --bins-from-data"
            )
        self.left_out.append(f"{qualified} (no public bins)")
        return []

    def _from_values(
        self, qualified: str, value: str, source: str, column: Column | None = None
    ) -> Layout:
        least = self.least if self.guarded else None
        is_time = qualified in self.times
        return layout_of(
            self.records, qualified, value, source, column, is_time=is_time, least=least
        )

    def _date(
        self,
        qualified: str,
        column: Column,
        own: Variable | None,
        parents: tuple[str, ...],
        source: str,
    ) -> list[Counted]:
        since = self._since(qualified, parents, source)
        edges: Edges
        layout = Layout([], [])
        if own is not None and own.since == since:
            edges = [(c.lower or 0.0, c.upper or 0.0) for c in own.categories if not c.means]
        elif since:
            days = f"date_diff('day', {cell(since)}, {cell(qualified)})"
            if self.from_records:
                layout = self._from_values(qualified, days, source)
                edges = layout.coarse
                if not edges:
                    return self._without_bins(qualified, column)
            else:
                ordered = leads_to(self.earlier, qualified, since)
                before = [] if ordered else [-float(d) for d in reversed(DAYS[1:])]
                edges = from_edges([*before, *map(float, DAYS)])
        else:
            edges = self._years(cell(qualified), source)
        if own is None or own.since != since:
            own = Variable(
                self._name(*qualified.split(".", 1)),
                column.title,
                column.title_ko,
                categories_of(edges, whole=True),
                qualified,
                "days" if since else "years",
                unit_ko="일" if since else "년",
                since=since,
                bins_from="records" if self.from_records else "schema",
            )
        kept = self._keep(replace(own, categories=self._with_missing(own, column.nullable)))
        if kept and self.detail and len(layout.fine) > len(layout.coarse):
            kept += self._details(kept[0].variable, layout.fine, whole=True)
        return kept

    def _since(self, qualified: str, parents: tuple[str, ...], source: str) -> str:
        """The date that this one is counted from: an earlier one by rule, else the first."""
        table = qualified.partition(".")[0]
        near = (table, *parents)
        candidates = [self.earlier[qualified]] if qualified in self.earlier else []
        for name in near:
            candidates += [
                f"{name}.{c.name}"
                for c in self.schema.table(name).columns
                if c.type is ColumnType.DATE
            ]
        for other in candidates:
            if other == qualified:
                return ""  # it is the first date itself
            if other.partition(".")[0] not in near or not self._has([other]):
                continue
            if leads_to(self.earlier, other, qualified):
                continue
            may_miss = self._column(other).nullable
            if self.guarded and may_miss and not self._column(qualified).nullable:
                continue  # without a category for the few that would be lost
            lost = patients_where(
                self.records,
                table,
                source,
                f"{cell(qualified)} IS NOT NULL AND {cell(other)} IS NULL",
            )
            if lost < self.least:
                return other
        return ""

    def _years(self, value: str, source: str) -> Edges:
        if not self.from_records or self.guarded:
            return from_edges([float(y) for y in YEARS])
        years = f"min(year({value})), max(year({value}))"
        return year_bins(*row_of(self.records.db, f"SELECT {years} FROM {source}"))  # noqa: S608

    def _row_counts(self, table: Table) -> list[tuple[Counted, str]]:
        """How many rows another table has for a row of this one, and the join that says it."""
        found: list[tuple[Counted, str]] = []
        for other in self.records.tables:
            key = next((k for k in other.foreign_keys if k.table == table.name), None)
            if key is None or parents_of(self.records, other)[:1] != (table.name,):
                continue
            name = f"{ROWS_OF}{self._name('', other.name)}"
            if self.wanted is not None and name not in self.wanted:
                continue
            self.names.add(name)
            variable = Variable(
                name,
                f"Rows of {other.title}",
                f"{other.title_ko} 행 수",
                categories_of(from_edges([*map(float, ROWS), math.inf]), whole=True),
                unit=f"rows of {other.name}",
                unit_ko=f"rows of {other.name}",
            )
            columns = ", ".join(identifier(c) for c in key.columns)
            same = " AND ".join(
                f"{name}.{identifier(a)} = {cell(f'{table.name}.{b}')}"
                for a, b in zip(key.columns, key.references, strict=True)
            )
            joined = (
                f" LEFT JOIN (SELECT {columns}, count(*) AS n FROM "  # noqa: S608
                f"{self.records.relations[other.name]} GROUP BY {columns}) AS {name} ON {same}"
            )
            sql = position_sql(variable, None, f"coalesce({name}.n, 0)")
            found.append((Counted(variable, sql), joined))
        return found
