"""A small schema and a small pack, made by hand, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from synthgen.schema.model import Category, Schema, Variable
from synthgen.statistics.model import (
    Block,
    Cell,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
    Target,
)

TIMES = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0)


def coded(name: str, *codes: str, column: str = "") -> Variable:
    """A variable of codes that are their own titles."""
    return Variable(name, name, f"{name} (ko)", tuple(Category(c, c, c) for c in codes), column)


def binned(name: str, *edges: float, unit: str = "years") -> Variable:
    """A variable of adjacent bins, the last one open."""
    bins = []
    for low, high in zip(edges, (*edges[1:], float("inf")), strict=True):
        label = f"{low:g}+" if high == float("inf") else f"{low:g}-{high:g}"
        bins.append(Category(label, label, label, low, high))
    return Variable(name, name, f"{name} (ko)", tuple(bins), unit=unit)


def ages() -> Variable:
    """The age groups of registry tables, 0-4 to 85+."""
    bins = [
        Category(f"{a}-{a + 4}", f"{a}-{a + 4}", f"{a}-{a + 4}", float(a), float(a + 5))
        for a in range(0, 85, 5)
    ]
    bins.append(Category("85+", "85+", "85+", 85.0, 121.0))
    return Variable(
        "age_group", "Age at diagnosis", "진단 시 나이", tuple(bins), unit="years of age"
    )


@pytest.fixture(scope="session")
def schema() -> Schema:
    """Sex, age, site, entity, stage, net survival."""
    return Schema(
        id="tiny",
        version="1.0.0",
        title="Tiny",
        title_ko="작은 스키마",
        tables=(),
        code_lists={},
        variables=(
            coded("sex", "1", "2"),
            ages(),
            coded("site_group", "bone", "testis"),
            coded("entity", "osteosarcoma", "chondrosarcoma", "germ_cell"),
            coded("stage", "1", "2", "7", "9"),
            binned("net_survival", *TIMES),
        ),
    )


@pytest.fixture
def make_table() -> Callable[..., StatisticsTable]:
    """A table of cells, with everything that a test does not care about filled in."""

    def make(kind: str, cells: list[Cell], **changes: object) -> StatisticsTable:
        numbered = tuple(
            cell if cell.row else Cell(**{**vars(cell), "row": i})
            for i, cell in enumerate(cells, start=2)
        )
        settings: dict[str, object] = {
            "name": "t1",
            "title": "Table",
            "title_ko": "표",
            "kind": kind,
            "variables": ("sex",),
            "given": (),
            "scope": {},
            "relation": Relation.PUBLISHED,
            "source": "s1",
            "population": "somewhere",
            "period": "2020",
            "cells": numbered,
        }
        return StatisticsTable(**{**settings, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_pack() -> Callable[..., StatisticsPack]:
    """A pack around some tables."""

    def make(*tables: StatisticsTable, **changes: object) -> StatisticsPack:
        settings: dict[str, object] = {
            "id": "tiny-pack",
            "version": "1",
            "schema": "tiny@1.0.0",
            "title": "Tiny pack",
            "title_ko": "작은 팩",
            "origin": "public-statistics",
            "target": Target("somewhere", "어딘가", "2020"),
            "scope": {},
            "sources": {"s1": Source("s1", "Somebody 2020", "CC BY 4.0", "open")},
            "tables": tables,
            "blocks": (
                Block("incidence", ("site_group", "sex", "age_group")),
                Block("entity", ("entity",)),
                Block("stage", ("stage",)),
                Block("survival", ("net_survival",)),
            ),
        }
        return StatisticsPack(**{**settings, **changes})  # type: ignore[arg-type]

    return make
