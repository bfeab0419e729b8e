"""What disagrees within a pack: totals, subtotals, labels, sexes, sources, shares.

Contradictions between tables need the whole population and are found before the fit; here
each table is held against itself, the schema and its source.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from synthgen.errors import StatisticsError
from synthgen.schema.model import Schema
from synthgen.statistics.hierarchy import allowed_codes, leaves, memberships
from synthgen.statistics.kinds.rates import as_counts
from synthgen.statistics.kinds.survival import rises
from synthgen.statistics.model import Cell, StatisticsPack, StatisticsTable
from synthgen.statistics.problems import SEVERITIES, Problem
from synthgen.statistics.read import validate_pack
from synthgen.statistics.sampling import cases_behind
from synthgen.statistics.statement import members_label
from synthgen.statistics.statements import with_person_years

COUNTED = frozenset({"counts", "noisy_counts", "rates", "population"})
"""Kinds whose parts add up to their totals."""

SURVIVAL = frozenset(
    {"net_survival", "relative_survival", "observed_survival", "cumulative_incidence"}
)

NOISE_SPREAD = 4.0
"""Standard deviations of added noise within which a noisy sum agrees with its total."""

MALE_SITES = frozenset({"C60", "C61", "C62", "C63"})
FEMALE_SITES = frozenset({"C51", "C52", "C53", "C54", "C55", "C56", "C57", "C58"})
"""ICD-O-3 topography of organs that one sex has (WHO, ICD-O 3rd edition, 2000)."""

_NON_COMMERCIAL = re.compile(r"\bNC\b|non-?commercial", re.IGNORECASE)


def check_pack(pack: StatisticsPack, schema: Schema) -> list[Problem]:
    """Everything that is wrong, suspicious or worth knowing in a pack.

    Parameters
    ----------
    pack : StatisticsPack
    schema : Schema
        That the pack speaks about.

    Returns
    -------
    list of Problem
        Errors first, then warnings, then information; in the order of the tables.
    """
    try:
        validate_pack(pack, schema)
    except StatisticsError as problem:
        return [Problem("broken", "error", values={"reason": str(problem)})]
    found: list[Problem] = []
    for table in pack.tables:
        whole = with_person_years(pack, table, schema)
        if table.kind in COUNTED:
            counted = as_counts(whole) if table.kind == "rates" else whole
            found += _totals(counted, schema)
            found += _sexes(counted, schema)
        elif table.kind == "shares":
            found += _shares(table, schema)
        elif table.kind == "relative_survival":
            found += _rises(table, schema)
        found += _labels(table, schema)
        found += _units(table)
        found += _weights(table)
        found += _outside(pack, table)
    found += _sources(pack)
    observed = any(_needs_life_table(table) for table in pack.tables)
    if observed and not any(table.kind == "life_table" for table in pack.tables):
        found.append(Problem("life_table", "error"))
    return sorted(found, key=lambda problem: SEVERITIES.index(problem.severity))


def _needs_life_table(table: StatisticsTable) -> bool:
    return table.kind in {"observed_survival", "cumulative_incidence"}


def _number(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _totals(table: StatisticsTable, schema: Schema) -> list[Problem]:
    """Printed totals and subtotals that are not the sum of the finest cells inside them."""
    allowed = allowed_codes(table, schema)
    groups: dict[object, list[Cell]] = {}
    for cell in table.cells:
        if all(cell.members.values()):
            key = tuple((v, cell.members[v]) for v in table.given if v in cell.members)
            groups.setdefault(key, []).append(cell)
    found = []
    for cells in groups.values():
        found += _totals_of(table, cells, allowed, schema)
    return found


def _totals_of(
    table: StatisticsTable,
    cells: Sequence[Cell],
    allowed: dict[str, tuple[str, ...]],
    schema: Schema,
) -> list[Problem]:
    is_leaf, overlap = leaves(cells, allowed)
    if overlap:
        return []
    matrices = memberships(cells, allowed)
    size = np.prod([matrix.sum(axis=1) for matrix in matrices.values()], axis=0)
    leaf = np.flatnonzero(is_leaf & np.array([cell.published for cell in cells]))
    low = np.array([cells[i].lower for i in leaf.tolist()])
    high = np.array([cells[i].upper for i in leaf.tolist()])
    noise = table.protection.noise_sd or 0.0
    found = []
    for i in np.flatnonzero(~is_leaf).tolist():
        cell = cells[i]
        inside = np.ones(len(leaf), dtype=bool)
        for matrix in matrices.values():
            inside &= (matrix[leaf] @ (1.0 - matrix[i])) == 0
        if not cell.published or size[leaf[inside]].sum() != size[i]:
            continue
        slack = NOISE_SPREAD * noise * np.sqrt(inside.sum() + 1.0) + 1e-6 * abs(cell.upper)
        least, most = float(low[inside].sum()), float(high[inside].sum())
        if least - slack <= cell.upper and most + slack >= cell.lower:
            continue
        is_total = size[i] == size.max() and not _own(table, cell)
        values = {
            "printed": _number(cell.lower, cell.upper),
            "parts": _number(least, most),
            "label": members_label(cell.members, schema),
        }
        code = "total" if is_total else "subtotal"
        found.append(Problem(code, "warning", table.name, cell.row, values))
    return found


def _own(table: StatisticsTable, cell: Cell) -> bool:
    return any(variable in cell.members for variable in table.variables)


def _sexes_of_code(name: str, code: str, schema: Schema) -> frozenset[str] | None:
    """Sexes that a category allows: as the schema says, or by the organs it implies."""
    implied = schema.variable(name).implies.get(code, {})
    if "sex" in implied:
        return frozenset(implied["sex"])
    topography = [c for key, codes in implied.items() if key.endswith("topography") for c in codes]
    if name == "topography":
        topography = [code]
    organs = {c[:3] for part in topography for c in part.split("-")}
    if organs and organs <= MALE_SITES:
        return frozenset({"1"})
    if organs and organs <= FEMALE_SITES:
        return frozenset({"2"})
    return None


def _sexes(table: StatisticsTable, schema: Schema) -> list[Problem]:
    """Cases of a sex in which the site does not occur."""
    if "sex" not in (*table.variables, *table.given):
        return []
    wrong: dict[tuple[str, str], list[Cell]] = {}
    for cell in table.cells:
        sexes = cell.members.get("sex", ())
        if len(sexes) != 1 or not cell.upper > 0 or not cell.published:
            continue
        for name in ("site_group", "entity", "topography"):
            codes = cell.members.get(name) or table.scope.get(name, ())
            allowed = [_sexes_of_code(name, code, schema) for code in codes]
            if allowed and all(a is not None and sexes[0] not in a for a in allowed):
                wrong.setdefault((name, "|".join(codes)), []).append(cell)
                break
    return [
        Problem(
            "sex",
            "warning",
            table.name,
            cells[0].row,
            {
                "label": members_label(cells[0].members, schema),
                "printed": cells[0].printed or f"{cells[0].value:g}",
                "many": len(cells),
            },
        )
        for cells in wrong.values()
    ]


def _shares(table: StatisticsTable, schema: Schema) -> list[Problem]:
    """Shares of one group that should add up to 100 % and do not."""
    allowed = allowed_codes(table, schema)
    groups: dict[object, list[Cell]] = {}
    for cell in table.cells:
        if cell.published and _own(table, cell):
            key = tuple((v, cell.members[v]) for v in table.given if v in cell.members)
            groups.setdefault(key, []).append(cell)
    found = []
    for cells in groups.values():
        is_leaf, overlap = leaves(cells, allowed)
        finest = [cell for cell, leaf in zip(cells, is_leaf, strict=True) if leaf]
        matrices = memberships(finest, allowed)
        size = np.prod([matrix.sum(axis=1) for matrix in matrices.values()], axis=0)
        whole = float(np.prod([float(len(codes)) for codes in allowed.values()]))
        low, high = sum(c.lower for c in finest), sum(c.upper for c in finest)
        agrees = low <= 1.0 + 1e-9 and high >= 1.0 - 1e-9
        if overlap or size.sum() != whole or agrees:
            continue
        given = {v: finest[0].members[v] for v in table.given if v in finest[0].members}
        values = {
            "parts": f"{100 * (low + high) / 2:.4g}",
            "label": members_label(given, schema) or table.title,
        }
        found.append(Problem("shares", "information", table.name, finest[0].row, values))
    return found


def _rises(table: StatisticsTable, schema: Schema) -> list[Problem]:
    """Relative survival that rises within its error."""
    return [
        Problem(
            "rises",
            "information",
            table.name,
            later.row,
            {"printed": earlier.printed, "parts": later.printed},
        )
        for earlier, later in rises(table, schema)
    ]


def _labels(table: StatisticsTable, schema: Schema) -> list[Problem]:
    """Group labels that are the title of a code they do not stand for."""
    found = []
    for name, labels in table.groups.items():
        titles: dict[str, str] = {}
        for category in schema.variable(name).categories:
            titles.setdefault(category.title.casefold(), category.code)
            titles.setdefault(category.title_ko.casefold(), category.code)
        for label, codes in labels.items():
            code = titles.get(label.casefold())
            if code is not None and code not in codes:
                values = {
                    "label": label,
                    "variable": name,
                    "code": code,
                    "codes": ", ".join(codes[:4]),
                }
                found.append(Problem("label", "warning", table.name, 0, values))
    return found


def _units(table: StatisticsTable) -> list[Problem]:
    """Percentages that look like proportions."""
    percent = table.unit in {"", "percent"} and table.kind in {"shares", *SURVIVAL}
    values = [cell.value for cell in table.cells if cell.published]
    if percent and len(values) > 1 and max(values) <= 0.01 and sum(values) > 0:
        return [Problem("unit", "warning", table.name)]
    return []


def _weights(table: StatisticsTable) -> list[Problem]:
    """Values whose sampling error rests on a number of cases that we took."""
    if table.kind not in {"shares", "quantiles", *SURVIVAL}:
        return []
    bare = [c for c in table.cells if c.published and c.n is None and c.ci_lower is None]
    if not bare:
        return []
    cases = cases_behind(table, replace(bare[0], n=None)) * table.weight
    values = {"many": len(bare), "cases": cases}
    return [Problem("no_n", "information", table.name, 0, values)]


def _outside(pack: StatisticsPack, table: StatisticsTable) -> list[Problem]:
    """Cells about patients that the pack does not describe."""
    found = []
    for name, scope in pack.scope.items():
        spoken = set(table.scope.get(name, ()))
        for cell in table.cells:
            spoken |= set(cell.members.get(name, ()))
        outside = spoken - set(scope)
        if outside:
            values = {"variable": name, "many": len(outside)}
            found.append(Problem("scope", "warning", table.name, 0, values))
    return found


def _sources(pack: StatisticsPack) -> list[Problem]:
    """Sources nobody uses, non-commercial ones, and those whose terms are not confirmed."""
    used = {table.source for table in pack.tables}
    used |= {reference.source for reference in pack.survival_references}
    found = []
    for name, source in pack.sources.items():
        values = {"label": name}
        if name not in used:
            found.append(Problem("unused_source", "information", values=values))
        if _NON_COMMERCIAL.search(source.licence):
            quoted = source.redistribution == "cite-only"
            code = "quoted_facts" if quoted else "non_commercial"
            severity = "information" if quoted else "error"
            found.append(Problem(code, severity, values=values))
        if source.redistribution == "unconfirmed":
            found.append(Problem("unconfirmed", "information", values=values))
    return found
