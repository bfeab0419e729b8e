"""On any small cube: the truth lies in every interval, and what is protected stays hidden."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen.schema.model import Category, Schema, Variable
from synthgen.statistics.audit import audit, limits_for
from synthgen.statistics.model import (
    Block,
    Cell,
    Protection,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
    Target,
)
from synthgen.statistics.protection import protect

NAMES = ("site", "sex", "stage")


def schema_of(cube: np.ndarray) -> Schema:
    return Schema(
        id="cube", version="1.0.0", title="c", title_ko="c", tables=(), code_lists={},
        variables=tuple(
            Variable(n, n, n, tuple(Category(f"{n}{i}", str(i), str(i)) for i in range(s)))
            for n, s in zip(NAMES, cube.shape, strict=True)
        ),
    )  # fmt: skip


def pack_of(cube: np.ndarray, orders: tuple[int, ...], *, totals: bool = True) -> StatisticsPack:
    tables = []
    for axes in [a for r in orders for a in combinations(range(3), r)]:
        summed = cube.sum(axis=tuple(a for a in range(3) if a not in axes))
        cells = [
            Cell(
                {NAMES[a]: (f"{NAMES[a]}{i}",) for a, i in zip(axes, index, strict=True)},
                float(v), float(v), printed=str(int(v)), row=row,
            )
            for row, (index, v) in enumerate(np.ndenumerate(summed), start=2)
        ]  # fmt: skip
        total = float(cube.sum())
        if totals:
            cells.append(Cell({}, total, total, printed=f"{total:.0f}", row=len(cells) + 2))
        tables.append(
            StatisticsTable(
                name="t" + "".join(map(str, axes)), title="T", title_ko="T", kind="counts",
                variables=tuple(NAMES[a] for a in axes), given=(), scope={},
                relation=Relation.PUBLISHED, source="s", population="P", period="2020",
                cells=tuple(cells),
            )
        )  # fmt: skip
    return StatisticsPack(
        id="cube", version="1", schema="cube@1.0.0", title="c", title_ko="c", origin="enclave",
        target=Target("P", "P", "2020"), scope={}, sources={"s": Source("s", "S", "none", "open")},
        tables=tuple(tables), blocks=(Block("all", NAMES),),
    )  # fmt: skip


def suppressed(pack: StatisticsPack, k: int) -> StatisticsPack:
    def hide(cell: Cell) -> Cell:
        if 0 < cell.lower < k:
            return replace(cell, lower=1.0, upper=k - 1.0, printed=f"<{k}")
        return cell

    return replace(
        pack,
        tables=tuple(
            replace(t, cells=tuple(map(hide, t.cells)), protection=Protection(k))
            for t in pack.tables
        ),
    )


cubes = st.tuples(
    st.lists(st.integers(0, 9), min_size=12, max_size=12).filter(sum),
    st.sampled_from([(2,), (1, 2), (1, 2, 3), (3,)]),
    st.sampled_from([3, 5]),
).map(lambda drawn: (np.array(drawn[0]).reshape(3, 2, 2), drawn[1], drawn[2]))


@settings(max_examples=25)
@given(cubes)
def test_the_true_table_lies_in_every_interval(drawn):
    cube, orders, k = drawn
    exact = pack_of(cube, orders)
    report = audit([suppressed(exact, k)], schema_of(cube), limits=limits_for(k), explain=False)
    assert not report.set_aside
    for cell in report.cells:
        true = next(c for c in exact.table(cell.where.table).cells if c.row == cell.where.row)
        assert cell.lower <= true.lower <= cell.upper


@settings(max_examples=20)
@given(cubes, st.sampled_from(["round", "suppress"]), st.booleans())
def test_protect_leaves_nothing_that_can_be_recovered(drawn, method, totals):
    cube, orders, k = drawn
    exact = pack_of(cube, orders, totals=totals)
    protected = protect(exact, schema_of(cube), min_cell=k, method=method)
    report = audit([protected], schema_of(cube), limits=limits_for(k), explain=False)
    assert report.passes, report.failed
    for table in protected.tables:
        for cell, true in zip(table.cells, exact.table(table.name).cells, strict=True):
            assert cell.lower <= true.lower <= cell.upper
