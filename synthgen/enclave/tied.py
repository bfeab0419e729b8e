"""Codes that a code map ties to each other: learned as the combinations that occur.

Where a code of one column says what other columns of the row may hold (an entity its histologies
and its sites), hardly any row of independent codes keeps that, and no table can hold all of them
at once.  A variable without a column says which combination of the records a row has; the tied
codes follow from it with certainty, so that a drawn row holds a combination that was seen.  This
is what SDV calls ``FixedCombinations``, and only for models that stay inside the enclave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from synthgen.cohort.confined import confinements
from synthgen.cohort.record_levels import TIED_UNIT
from synthgen.enclave.records import Records
from synthgen.enclave.units import Counted, Unit
from synthgen.schema.model import Category, ColumnType, Severity, Variable
from synthgen.schema.rules import all_rules
from synthgen.schema.rules.implied import implied_rules
from synthgen.schema.rules.tree import ColumnName, walk
from synthgen.schema.validation.database import row_of, rows_of

MOST_COMBINATIONS = 5_000
"""Combinations at most; codes with more of them are not tied, and rows are drawn again."""

LARGEST_GRID = 20_000
"""Codes whose grid is no larger than a table are not tied: a table can hold them."""


@dataclass(frozen=True)
class Tied:
    """Codes of one table that are drawn as combinations.

    Parameters
    ----------
    name : str
        Variable that says which combination a row has.
    heads : tuple of str
        Variables whose codes say what the others may be; tables may be given them.
    followers : tuple of str
        The others, which only tables with the combination hold.
    partners : mapping of str to frozenset of str
        Variables that one must be counted with, because a rule speaks about both.
    """

    name: str
    heads: tuple[str, ...]
    followers: tuple[str, ...]
    partners: Mapping[str, frozenset[str]]

    @property
    def members(self) -> tuple[str, ...]:
        """All tied variables."""
        return (*self.heads, *self.followers)


def tied_of(
    records: Records, unit: Unit, context: Sequence[Counted]
) -> tuple[Counted, Tied] | None:
    """The variable of combinations of a table, and what it ties; None where a table can hold all.

    Parameters
    ----------
    records : Records
    unit : Unit
    context : sequence of Counted
        Variables of the rows that rows of the table refer to.
    """
    by_column = _by_column(unit.counted)
    heads: list[str] = []
    members: dict[str, Counted] = {}
    for checked in implied_rules(records.schema):
        columns = _columns(checked.condition)
        told = {by_column[c].name: by_column[c] for c in columns if c in by_column}
        if checked.table == unit.table.name and len(told) > 1:
            members |= told
            head = by_column.get(checked.rule.id.removeprefix("IMPLIES-"))
            heads += [head.name] if head is not None else []
    grid = 1
    for counted in members.values():
        grid *= len(counted.variable.categories)
    if grid <= LARGEST_GRID:
        return None
    members |= _determined(records, unit, list(members.values()))
    key = f"concat_ws('-', {', '.join(f'({c.sql})' for c in members.values())})"
    keys = [
        str(row[0])
        for row in rows_of(
            records.db,
            f"SELECT DISTINCT {key} AS k FROM {unit.source} ORDER BY k LIMIT {MOST_COMBINATIONS + 1}",  # noqa: S608
        )
    ]
    if not 1 < len(keys) <= MOST_COMBINATIONS:
        return None
    variable = _variable(unit, list(members.values()), keys)
    listed = ", ".join(f"'{k}'" for k in keys)
    counted = Counted(variable, f"(enum_code(TRY_CAST({key} AS ENUM({listed}))))")
    followers = tuple(n for n in members if n not in heads)
    tied = Tied(variable.name, tuple(dict.fromkeys(heads)), followers, {})
    return counted, replace(tied, partners=_partners(records, unit, tied, context))


def _determined(records: Records, unit: Unit, members: Sequence[Counted]) -> dict[str, Counted]:
    """Codes without a list, such as ICD-10 beside ICD-O-3, that follow from the tied ones in all records."""
    tied = [c.sql for c in members]
    found = {}
    for counted in unit.counted:
        column = counted.variable.column.partition(".")[2]
        if not column or unit.table.column(column).type is not ColumnType.STRING:
            continue
        alone, beside = row_of(
            records.db,
            f"SELECT count(DISTINCT ({', '.join(tied)})), "  # noqa: S608
            f"count(DISTINCT ({', '.join([*tied, counted.sql])})) FROM {unit.source}",
        )
        if alone == beside:
            found[counted.name] = counted
    return found


def _by_column(counted: Sequence[Counted]) -> dict[str, Counted]:
    """Variables of codes, by each of their columns."""
    found: dict[str, Counted] = {}
    for one in counted:
        if not one.variable.is_binned and not one.detail_of:
            for column in one.variable.joins or (one.variable.column,):
                found.setdefault(column, one)
    found.pop("", None)
    return found


def _columns(condition: object) -> list[str]:
    return list(
        dict.fromkeys(n.qualified for n in walk(condition) if isinstance(n, ColumnName))  # type: ignore[arg-type]
    )


def _variable(unit: Unit, members: Sequence[Counted], keys: Sequence[str]) -> Variable:
    width = len(str(len(keys)))
    categories = []
    for number, key in enumerate(keys, start=1):
        codes = [m.variable.codes[int(at)] for m, at in zip(members, key.split("-"), strict=True)]
        title = ", ".join(codes)
        categories.append(Category(f"C{number:0{width}d}", title, title))
    table = unit.table
    return Variable(
        f"tied_{table.name.lower()}"[:60],
        f"Combination of codes ({table.title})"[:300],
        f"부호의 조합 ({table.title_ko})"[:300],
        tuple(categories),
        unit=f"{TIED_UNIT}{table.name}",
        unit_ko=f"{TIED_UNIT}{table.name}",
    )


def _partners(
    records: Records, unit: Unit, tied: Tied, context: Sequence[Counted]
) -> dict[str, frozenset[str]]:
    """What impossible rules tie to the combination: codes beside it, and of the rows referred to."""
    own, above = _by_column(unit.counted), _by_column(context)
    wanted: dict[str, set[str]] = {tied.name: set(tied.heads)}
    for checked in all_rules(records.schema):
        columns = _columns(checked.condition)
        if checked.rule.severity is not Severity.IMPOSSIBLE or checked.table != unit.table.name:
            continue
        names = {own[c].name for c in columns if c in own}
        if not names & set(tied.members):
            continue
        outside = {above[c].name for c in columns if c in above}
        for name in (tied.name, *tied.heads):
            wanted.setdefault(name, set()).update(outside)
        for name in names - set(tied.members):
            wanted.setdefault(name, set()).add(tied.name)
    binned = {c.variable.column: c.name for c in unit.counted if not c.detail_of}
    known = {c.variable.column: c.name for c in context if not c.detail_of} | binned
    for rule in confinements(records.schema):  # an age beside a birth and a diagnosis
        mine = {known[c] for c in rule.columns if c in known}
        for name in (binned[c] for c in rule.columns if c in binned):
            wanted.setdefault(name, set()).update(mine - {name})
    return {name: frozenset(others) for name, others in wanted.items() if others}
