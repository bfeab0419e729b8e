"""From records to a statistics pack: the one way out of an enclave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from synthgen import __version__
from synthgen.enclave.counting import Coded, coded_units
from synthgen.enclave.curves import survival_tables
from synthgen.enclave.design import design_of
from synthgen.enclave.learned import learned_design
from synthgen.enclave.made_bins import rows_of_a_patient
from synthgen.enclave.missing import Gaps, gaps_of
from synthgen.enclave.plan import Plan
from synthgen.enclave.records import Records, Source, open_records
from synthgen.enclave.selection import Choice, choose_tables
from synthgen.enclave.settings import PRIVATE_SET, PUBLIC_SET, Settings
from synthgen.enclave.tied import Tied
from synthgen.enclave.units import Design
from synthgen.enclave.wording import RECORDS, named_apart, period_of, population_of, table_name
from synthgen.errors import RecordsError
from synthgen.messages import amount, message
from synthgen.schema.model import Schema
from synthgen.statistics.model import (
    Block,
    Cell,
    Relation,
    StatisticsPack,
    StatisticsTable,
    Target,
)
from synthgen.statistics.model import Source as Citation
from synthgen.statistics.protection import UndecidedError, protect

Rows = dict[str, npt.NDArray[np.int32]]

FEWER, FEWEST_CELLS = 4, 50
"""Where nobody can tell whether chosen tables are protected, they are chosen again with so many
times fewer cells at most, down to so few."""


@dataclass(frozen=True)
class Tabulated:
    """A pack, and what a person must know about how it was made.

    Parameters
    ----------
    pack : StatisticsPack
    left_out : tuple of str
        Columns that were not tabulated, with the reason.
    """

    pack: StatisticsPack
    left_out: tuple[str, ...]


def tabulate(
    source: Source,
    schema: Schema,
    settings: Settings | None = None,
    *,
    notice: Callable[[str], None] | None = None,
) -> Tabulated:
    """Statistics pack of records.

    Parameters
    ----------
    source : path, str, DataFrame or mapping of str to DataFrame
        A file or folder (CSV, Parquet, DuckDB), ``postgresql://...``, or frames.
    schema : Schema
    settings : Settings, optional
        By default small cells below 5 are protected and the tables chosen by the records; smaller
        ones where it takes too much work to find out whether they are protected.
    notice : callable, optional
        Told in one line what the protection is doing.

    Raises
    ------
    RecordsError
        If the records cannot be read, break their schema or the plan asks for too much; one
        line without values.
    """
    asked = settings or Settings()
    is_free = asked.plan is None and asked.max_cells is None
    while True:
        with open_records(
            source,
            schema,
            table=asked.table,
            as_of=asked.as_of,
            allow_repeated=asked.allow_repeated,
        ) as records:
            tabulated = _tabulate(records, asked)
        if asked.unprotected:
            return tabulated
        pack = tabulated.pack
        smallest = max(asked.min_cell, 2)
        try:
            protected = protect(
                pack, pack.own_schema, min_cell=smallest, round_to=asked.round_to, notice=notice
            )
        except UndecidedError:
            fewer = asked.cells // FEWER
            if not is_free or fewer < FEWEST_CELLS:
                raise
            asked = replace(asked, max_cells=fewer)
            if notice is not None:
                notice(message("protection.smaller_tables", "en", cells=asked.cells))
        else:
            return replace(tabulated, pack=protected)


def _tabulate(records: Records, asked: Settings) -> Tabulated:
    plan = asked.plan
    design = design_of(
        records,
        from_records=asked.bins_from_data,
        detail=asked.detail,
        guarded=not asked.unprotected,
        least=asked.min_cell,
        wanted=None if plan is None else _planned_variables(plan, records),
    )
    tied: dict[str, Tied] = {}
    if plan is None and asked.unprotected and asked.detail:
        design, tied = learned_design(records, design)
    coded = coded_units(records, design)
    tables: list[StatisticsTable] = []
    rules = list(records.schema.rules)
    samples = {unit.unit.table.name: unit.sample() for unit in coded}
    for unit in coded:
        first = len(tables)
        rows = samples[unit.unit.table.name]
        least = 1
        if not asked.unprotected:
            least = asked.min_cell * rows_of_a_patient(records, unit.unit.table)
        gaps = gaps_of(unit, rows, records.schema, least=least)
        rules += gaps.rules
        if plan is None:
            tables += _chosen(unit, rows, gaps, asked, tied.get(unit.unit.table.name))
        else:
            tables += _planned(unit, plan, asked)
        tables += survival_tables(records, unit, rows, asked)
        if len(coded) > 1:
            tables[first:] = [_of_unit(table, unit) for table in tables[first:]]
    if not tables:
        raise RecordsError("plan: no table of it can be counted")
    own = replace(records.schema, variables=design.variables, rules=tuple(rules))
    return Tabulated(_pack(records, own, design, tables, asked), design.left_out)


def _of_unit(table: StatisticsTable, unit: Coded) -> StatisticsTable:
    """The table with rows of its unit as its population: patients are not tumours.

    Tables with one population text are audited together; a total of patients and one of
    tumours would contradict each other.
    """
    return replace(table, population=f"{table.population}: {unit.unit.table.title}")


def _planned_variables(plan: Plan, records: Records) -> list[str]:
    """Variables of a plan, after asking whether there are such."""
    known = {v.name for v in design_of(records, from_records=True).variables}
    strays = [name for name in plan.variables if name not in known]
    if strays:
        raise RecordsError(
            f"plan: {strays[0]} is no variable of these records; there are "
            f"{', '.join(sorted(known))} ({len(strays)} such names)"
        )
    return list(plan.variables)


def _planned(unit: Coded, plan: Plan, asked: Settings) -> list[StatisticsTable]:
    made = []
    for planned in plan.tables:
        names = (*planned.given, *planned.variables)
        own = [n for n in planned.variables if n not in unit.context and n in unit.variables]
        if not own:
            continue
        if len(own) < len(planned.variables) or any(n not in unit.variables for n in names):
            raise RecordsError(
                f"plan: {', '.join(names)} are not of one table; variables of a table that rows "
                "refer to belong under given"
            )
        cells = unit.cells(names)
        if cells > asked.cells:
            raise RecordsError(
                f"plan: the table of {', '.join(names)} has {cells:,} cells; at most "
                f"{asked.cells:,} are allowed (--max-cells)"
            )
        made.append(_counts(unit, planned.given, planned.variables, asked))
    return made


def _chosen(
    unit: Coded, rows: Rows, gaps: Gaps, asked: Settings, tied: Tied | None
) -> list[StatisticsTable]:
    details = {c.name: c.detail_of for c in unit.unit.counted if c.detail_of}
    follow = () if tied is None else tied.followers

    def cells(names: Sequence[str]) -> int:
        known = tied is not None and tied.name in names  # heads then have one code each
        return unit.cells([n for n in names if not (known and tied and n in tied.heads)])

    choices = choose_tables(
        {
            name: column
            for name, column in rows.items()
            if not unit.variables[name].detail_of and name not in follow
        },
        unit.rows,
        cells,
        limit=asked.cells,
        context=[name for name in unit.context if not unit.variables[name].detail_of],
        groups=_groups(unit),
        partners=_partners(gaps, tied),
        cost=1.0 if asked.unprotected else float(asked.min_cell),
        largest=PRIVATE_SET if asked.unprotected else PUBLIC_SET,
    )
    choices += [Choice((tied.name,), (name,), 0.0) for name in follow if tied is not None]
    choices += [Choice((coarse,), (fine,), 0.0) for fine, coarse in details.items()]
    made = []
    for choice in choices:
        outside = bool(set(choice.given) & set(unit.context)) or bool(unit.context)
        given = choice.given if outside else ()
        variables = choice.variables if outside else choice.names
        made.append(_counts(unit, given, variables, asked))
    return made


def _partners(gaps: Gaps, tied: Tied | None) -> dict[str, frozenset[str]]:
    """Variables that one must be counted with: what is missing with what, and what a map ties."""
    if tied is None:
        return dict(gaps.partners)
    follow = set(tied.followers)
    found = {n: set(others) for n, others in tied.partners.items()}
    for name, others in gaps.partners.items():
        if name not in follow:
            moved = {tied.name if other in follow else other for other in others}
            found.setdefault(name, set()).update(moved)
    return {name: frozenset(others) for name, others in found.items()}


def _groups(unit: Coded) -> list[list[str]]:
    """Times and events of the end points of a table, which must be counted together."""
    by_column = {c.variable.column: c.name for c in unit.unit.counted if not c.detail_of}
    table = unit.unit.table
    found: list[list[str]] = []
    for point in table.end_points:
        columns = [f"{table.name}.{point.event}", f"{table.name}.{point.time}"]
        found.append([by_column[c] for c in columns if c in by_column])
    if len(found) > 1:
        merged = list(dict.fromkeys(name for group in found for name in group))
        if unit.cells(merged) <= 20_000:
            return [merged]
    return found


def _counts(
    unit: Coded, given: Sequence[str], variables: Sequence[str], asked: Settings
) -> StatisticsTable:
    """Cross-tabulation; every cell of a table for people, those with rows of one for a model."""
    names = (*given, *variables)
    positions, counts = unit.count(names)
    codes = [unit.variables[name].variable.codes for name in names]
    if not asked.unprotected:
        positions, counts = _dense(positions, counts, [len(c) for c in codes])
    cells: list[Cell] = []
    totals: dict[tuple[str, ...], float] = {}
    for position, count in zip(positions.tolist(), counts.tolist(), strict=True):
        labels = [code[at] for code, at in zip(codes, position, strict=True)]
        members = {name: (label,) for name, label in zip(names, labels, strict=True)}
        key = tuple(labels[: len(given)])
        totals[key] = totals.get(key, 0.0) + count
        cells.append(Cell(members, float(count), float(count), printed=str(count)))
    whole = [
        Cell(
            {name: (label,) for name, label in zip(given, key, strict=True)},
            total,
            total,
            printed=str(int(total)),
        )
        for key, total in totals.items()
        if total > 0 and unit.cells(variables) > 1  # else the one cell is the whole
    ]
    if given and not asked.unprotected:  # a stratum without rows says nothing
        kept = {key for key, total in totals.items() if total > 0}
        cells = [c for c in cells if tuple(c.members[n][0] for n in given) in kept]
    listed = [replace(cell, row=row) for row, cell in enumerate([*whole, *cells], start=2)]
    titles = [unit.variables[name].variable for name in names]
    return StatisticsTable(
        name=table_name("-".join(names)),
        title=f"{unit.unit.table.title} by {', '.join(v.title for v in titles)}"[:300],
        title_ko=f"{unit.unit.table.title_ko}: {', '.join(v.title_ko for v in titles)}"[:300],
        kind="counts",
        variables=tuple(variables),
        given=tuple(given),
        scope={},
        relation=Relation.PUBLISHED,
        source=RECORDS,
        population=population_of(asked)[0],
        period=period_of(asked),
        cells=tuple(listed),
        unit="cases",
    )


def _dense(
    positions: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], sizes: Sequence[int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    grid = np.zeros(sizes, dtype=np.int64)
    grid[tuple(positions.T)] = counts
    return np.stack(np.unravel_index(np.arange(grid.size), sizes), axis=1), grid.ravel()


def _pack(
    records: Records,
    own: Schema,
    design: Design,
    tables: Sequence[StatisticsTable],
    asked: Settings,
) -> StatisticsPack:
    told = {name for t in tables for name in (*t.variables, *t.given)}
    blocks = []
    for unit in design.units:
        names = tuple(c.name for c in unit.counted if c.name in told)
        if names:
            blocks.append(Block(table_name(unit.table.name), names))
    population, population_ko = population_of(asked)
    rows = ", ".join(f"{name} {n:,}" for name, n in records.rows.items())
    made = sum(v.bins_from == "records" for v in design.variables)
    made_of = f"Bins of {amount(made, 'variable')} were made of the records." if made else ""
    return StatisticsPack(
        id=f"{own.id[:60]}-records",
        version="1.0.0",
        schema=own.key,
        title=f"{own.title}: tables of records"[:300],
        title_ko=f"{own.title_ko}: 기록의 표"[:300],
        origin="enclave",
        target=Target(population, population_ko, period_of(asked)),
        scope={},
        sources={
            RECORDS: Citation(
                RECORDS,
                f"{population}; tabulated by synthgen {__version__} under the schema {own.key}",
                "terms of those who hold the records",
                "unconfirmed",
            )
        },
        tables=named_apart(tables),
        blocks=tuple(blocks),
        description=f"Rows: {rows}. {made_of}".strip() if asked.unprotected else made_of,
        description_ko="",
        own_schema=own,
        unprotected=asked.unprotected,
    )
