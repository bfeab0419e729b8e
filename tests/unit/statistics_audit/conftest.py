"""Cubes of counts as packs: every margin that is asked for, exact or with small cells hidden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from synthgen.schema.model import Category, Schema, Variable
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


def code(axis: int, i: int) -> str:
    return f"{'abcdef'[axis]}{i:02d}"


def cube_schema(sizes: Sequence[int]) -> Schema:
    variables = tuple(
        Variable(
            name,
            name,
            name,
            tuple(Category(code(a, i), code(a, i), code(a, i)) for i in range(size)),
        )
        for a, (name, size) in enumerate(zip(("site", "sex", "stage", "year"), sizes, strict=False))
    )
    return Schema(
        id="cube", version="1.0.0", title="Cube", title_ko="큐브", tables=(), code_lists={},
        variables=variables,
    )  # fmt: skip


def count(value: int, members: dict[str, tuple[str, ...]], row: int, below: int | None) -> Cell:
    if below and 0 < value < below:
        return Cell(members, 1.0, below - 1.0, printed=f"<{below}", row=row)
    return Cell(members, float(value), float(value), printed=str(value), row=row)


def margin(
    cube: np.ndarray, axes: Sequence[int], below: int | None = None, **changes: object
) -> StatisticsTable:
    names = ("site", "sex", "stage", "year")
    summed = cube.sum(axis=tuple(a for a in range(cube.ndim) if a not in axes))
    cells = [
        count(
            int(summed[index]),
            {names[a]: (code(a, i),) for a, i in zip(axes, index, strict=True)},
            row,
            below,
        )
        for row, index in enumerate(product(*(range(cube.shape[a]) for a in axes)), start=2)
    ]
    cells.append(count(int(cube.sum()), {}, len(cells) + 2, None))
    settings: dict[str, object] = {
        "name": "by_" + "_".join(names[a] for a in axes),
        "title": "Table",
        "title_ko": "표",
        "kind": "counts",
        "variables": tuple(names[a] for a in axes),
        "given": (),
        "scope": {},
        "relation": Relation.PUBLISHED,
        "source": "s",
        "population": "Gangwon",
        "period": "2018-2022",
        "cells": tuple(cells),
        "protection": Protection(suppressed_below=below),
    }
    return StatisticsTable(**{**settings, **changes})  # type: ignore[arg-type]


def pack_of(*tables: StatisticsTable, **changes: object) -> StatisticsPack:
    settings: dict[str, object] = {
        "id": "cube",
        "version": "1",
        "schema": "cube@1.0.0",
        "title": "Cube",
        "title_ko": "큐브",
        "origin": "enclave",
        "target": Target("Gangwon", "강원", "2018-2022"),
        "scope": {},
        "sources": {"s": Source("s", "Somebody", "none", "open")},
        "tables": tables,
        "blocks": (Block("all", ("site", "sex", "stage")),),
    }
    return StatisticsPack(**{**settings, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def small() -> np.ndarray:
    """60 cases by 9 sites, 2 sexes and 4 stages."""
    rng = np.random.default_rng(1)
    weights = np.ones(())
    for size in (9, 2, 4):
        weights = np.multiply.outer(weights, rng.dirichlet(np.full(size, 3.0)))
    return rng.multinomial(60, weights.ravel()).reshape(9, 2, 4)


@pytest.fixture(scope="session")
def schema(small: np.ndarray) -> Schema:
    return cube_schema(small.shape)


@pytest.fixture
def two_way() -> Callable[..., StatisticsPack]:
    """A pack of all one- and two-way margins of a cube."""

    def make(cube: np.ndarray, below: int | None = None, **changes: object) -> StatisticsPack:
        d = cube.ndim
        sets = [(a,) for a in range(d)] + [(a, b) for a in range(d) for b in range(a + 1, d)]
        return pack_of(*(margin(cube, axes, below) for axes in sets), **changes)

    return make


def with_cells(table: StatisticsTable, *cells: Cell) -> StatisticsTable:
    numbered = tuple(
        replace(c, row=i, printed=c.printed or f"{c.lower:g}") for i, c in enumerate(cells, 2)
    )
    return replace(table, cells=numbered)
