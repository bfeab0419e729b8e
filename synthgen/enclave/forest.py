"""The engine ``forest``: an adversarial random forest with at least k persons in every leaf.

See :mod:`synthgen.enclave.arf` for how trees are grown and :mod:`synthgen.enclave.leaves` for the
densities within their leaves.  The pack inside the model holds how often each category occurs and
nothing joint; what is joint stands in the leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from synthgen.cohort.artefact import save_model
from synthgen.cohort.fitted_model import EngineRecord, FittedModel
from synthgen.cohort.leaf_record import FOREST, LEAF_UNIT
from synthgen.enclave.arf import EXTRA
from synthgen.enclave.coding import cell
from synthgen.enclave.counting import SAMPLE, Coded, coded_units
from synthgen.enclave.design import ROWS_OF, design_of
from synthgen.enclave.learned import learned_design
from synthgen.enclave.leaves import TREE, LeafRows, Leaves, fit_leaves
from synthgen.enclave.missing import gaps_of
from synthgen.enclave.plan import Plan, PlannedTable
from synthgen.enclave.records import Records, Source, open_records
from synthgen.enclave.settings import Settings
from synthgen.enclave.tabulate import tabulate
from synthgen.enclave.tied import Tied
from synthgen.enclave.units import Design
from synthgen.errors import RecordsError, UsageError
from synthgen.extras import require
from synthgen.models.fit import Fit
from synthgen.randomness import block_generator
from synthgen.schema.model import Category, Rule, Schema, Variable
from synthgen.schema.validation.database import rows_of
from synthgen.statistics.model import StatisticsPack

if TYPE_CHECKING:
    from synthgen.enclave.engines import Request

TREES = 30
"""Trees of a forest: the default of arfpy 0.1.1."""

MIN_LEAF = 11
"""Fewest persons of a leaf: the smallest cell (``k_min``) of the shipped policies."""

JOINT_CELLS = 1_000
"""Cells of times and events that are drawn together within a leaf."""


def forest_engine(
    source: Source, schema: Schema, destination: Path, request: Request
) -> FittedModel:
    """Adversarial random forest of records, saved as leaf-wise shares.

    Raises
    ------
    UsageError
        If a leaf is to hold fewer than two persons.
    RecordsError
        If the records cannot be read, break their schema, or are fewer than a leaf needs.
    MissingExtraError
        Without scikit-learn.
    """
    require(EXTRA, "sklearn.ensemble")
    min_leaf = MIN_LEAF if request.min_leaf is None else request.min_leaf
    if min_leaf < 2:
        raise UsageError(f"smallest leaf: is {min_leaf} persons; it must be 2 or more (--min-leaf)")
    pack, leaves = fitted_leaves(
        source,
        schema,
        min_leaf=min_leaf,
        table=request.table,
        allow_repeated=request.allow_repeated,
        as_of=request.as_of,
    )
    name = request.model_id or pack.id
    pack = replace(pack, id=name)
    fit = Fit(leaves.mixture, (), 0.0, 0)
    return save_model(
        destination,
        name,
        pack.own_schema or schema,
        pack,
        fit,
        engine=record_of(leaves, min_leaf),
        force=request.force,
    )


def record_of(leaves: Leaves, min_leaf: int) -> EngineRecord:
    """What the artefact says of the engine."""
    return EngineRecord(
        FOREST,
        {
            "trees": len(leaves.mixture.weights),
            "min_leaf": min_leaf,
            "leaf_persons": {k: [list(t) for t in v] for k, v in leaves.persons.items()},
            "accuracy": {k: list(v) for k, v in leaves.accuracy.items()},
        },
    )


def fitted_leaves(
    source: Source, schema: Schema, *, min_leaf: int, **how: object
) -> tuple[StatisticsPack, Leaves]:
    """Pack of single variables, and the forest's distribution over them.

    Parameters
    ----------
    source : path, str, DataFrame or mapping of str to DataFrame
    schema : Schema
    min_leaf : int
        Fewest persons of a leaf.
    **how
        ``table``, ``as_of`` and ``allow_repeated`` as in
        :class:`~synthgen.enclave.settings.Settings`.
    """
    asked = Settings(unprotected=True, bins_from_data=True, detail=True, **how)  # type: ignore[arg-type]
    with open_records(
        source,
        schema,
        table=asked.table,
        as_of=asked.as_of,
        allow_repeated=asked.allow_repeated,
    ) as records:
        plain = design_of(records, from_records=True, detail=True)
        design, tied = learned_design(records, plain)
        units = coded_units(records, design)
        rows, rules = [], list[Rule]()
        for unit in units:
            gaps = gaps_of(unit, unit.sample(), schema)
            rules += gaps.rules
            tables = [u.unit.table.name for u in units]
            rows.append(_rows_of(records, unit, tables, design, tied))
        for table in rows:
            _require_enough(table, min_leaf)
        codes = {v.name: v.codes for v in design.variables}
        rng = block_generator("", 0, 0, "forest")  # the same records give the same forest
        leaves = fit_leaves(rows, codes, rng, trees=TREES, min_leaf=min_leaf)
    tabulated = {v.name for v in plain.variables}
    counted = [c for unit in units for c in unit.unit.counted if not c.detail_of]
    names = [c.name for c in counted if c.name in tabulated]
    plan = Plan(tuple(PlannedTable((name,)) for name in names))
    pack = tabulate(source, schema, replace(asked, plan=plan)).pack
    own = pack.own_schema or schema
    own = replace(
        own,
        variables=(
            *_latent(leaves, rows),
            *(c.variable for c in counted if c.name not in tabulated),
            *own.variables,
        ),
        rules=(*own.rules, *(r for r in rules if r.id not in {o.id for o in own.rules})),
    )
    return replace(pack, own_schema=own), leaves


def _require_enough(rows: LeafRows, min_leaf: int) -> None:
    persons = len(np.unique(rows.persons))
    if 0 < persons < min_leaf:
        raise RecordsError(
            f"{rows.table}: holds rows of {persons} persons; a leaf of a forest needs {min_leaf} "
            "(--min-leaf)"
        )


def _latent(leaves: Leaves, tables: Sequence[LeafRows]) -> list[Variable]:
    """Trees and leaves as variables that no column holds."""
    codes = leaves.mixture.domain.codes

    def variable(name: str, title: str, title_ko: str, unit: str) -> Variable:
        categories = tuple(Category(c, c, c) for c in codes[name])
        return Variable(name, title, title_ko, categories, unit=unit, unit_ko=unit)

    return [
        variable(TREE, "Tree of the forest", "숲의 나무", ""),
        *(
            variable(t.leaf, f"Leaf ({t.table})", f"잎 ({t.table})", f"{LEAF_UNIT}{t.table}")
            for t in tables
        ),
    ]


def _rows_of(
    records: Records,
    unit: Coded,
    tables: Sequence[str],
    design: Design,
    every_tied: Mapping[str, Tied],
) -> LeafRows:
    """Rows of a table, whole persons at a time, thinned where there are very many."""
    tied = every_tied.get(unit.unit.table.name)
    # What trees of the tables referred to ask of their own rows, though no tree of this one does.
    above = {every_tied[t].name for t in unit.unit.parents if t in every_tied}
    variables = dict(unit.variables)
    variables |= {c.name: c for u in design.units for c in u.counted if c.name in above}
    names = list(variables)
    root = unit.unit.parents[-1] if unit.unit.parents else unit.unit.table.name
    keys = _keys(records, root)
    person = f"hash({', '.join(keys)})" if keys else "row_number() OVER ()"
    step = max(1, -(-records.rows[root] // SAMPLE))
    listed = ", ".join(
        f"CAST({one.sql} AS USMALLINT) AS v{i}" for i, one in enumerate(variables.values())
    )
    found = records.db.execute(
        f"SELECT * FROM (SELECT {listed}, {person} AS person FROM {unit.unit.source}) "  # noqa: S608
        f"WHERE person % {step} = 0 ORDER BY ALL"
    ).fetchnumpy()
    columns = {n: np.asarray(found[f"v{i}"]).astype(np.intp) for i, n in enumerate(names)}
    persons = np.unique(np.asarray(found["person"]), return_inverse=True)[1].ravel()
    counted = list(unit.variables.values())
    times = {f"{t.name}.{p.time}" for t in records.tables for p in t.end_points}
    # A number is drawn in its finest bins, a time in those that it shares with its event.
    finest = {
        c.detail_of: c.name for c in counted if c.detail_of and c.variable.column not in times
    }
    plain = [c for c in counted if not c.detail_of]
    follow = {} if tied is None else dict.fromkeys(tied.members, tied.name)
    features = [c for c in plain if not c.name.startswith(ROWS_OF) and c.name not in follow]
    own = [c.name for c in plain if c.name not in unit.context]
    derived = {n: finest[n] for n in own if n in finest} | follow
    details = {c.name: c.detail_of for c in counted if c.detail_of in own}
    parent = unit.unit.parents[0] if unit.unit.parents else ""
    return LeafRows(
        unit.unit.table.name,
        tables.index(parent) if parent in tables else -1,
        columns,
        persons.astype(np.intp),
        tuple(finest.get(c.name, c.name) for c in features),
        frozenset(c.name for c in features if not c.variable.is_binned),
        tuple(
            tuple(finest.get(n, n) for n in group)
            for group in _groups(unit, [n for n in own if n not in follow])
        ),
        derived | {fine: coarse for fine, coarse in details.items() if coarse not in finest},
    )


def _keys(records: Records, root: str) -> list[str]:
    """Columns that name a person, as SQL; none where the records have none."""
    table = next(t for t in records.tables if t.name == root)
    there = {row[0] for row in rows_of(records.db, f"DESCRIBE {records.relations[root]}")}
    if not table.primary_key or not there >= set(table.primary_key):
        return []
    return [cell(f"{root}.{column}") for column in table.primary_key]


def _groups(unit: Coded, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Variables that are drawn together: event and time of an end point, or of all of them."""
    table = unit.unit.table
    by_column = {unit.variables[n].variable.column: n for n in names}
    pairs = [
        [
            by_column[c]
            for c in (f"{table.name}.{p.event}", f"{table.name}.{p.time}")
            if c in by_column
        ]
        for p in table.end_points
    ]
    whole = list(dict.fromkeys(n for pair in pairs for n in pair))
    joined = [whole] if whole and unit.cells(whole) <= JOINT_CELLS else pairs
    found: list[tuple[str, ...]] = []
    taken: set[str] = set()
    for group in joined:
        left = [n for n in names if n in group and n not in taken]
        taken |= set(left)
        if left:
            found.append(tuple(left))
    return (*found, *((n,) for n in names if n not in taken))
