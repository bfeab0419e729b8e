"""Statistics packs of the invented population: what public and private controls share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from synthgen.privacy.controls.truth import truth_schema
from synthgen.schema.model import Category, Schema, Variable
from synthgen.statistics.ledger import Ledger
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

SOURCE = Source("invented", "the invented population of synthgen's controls", "Apache-2.0", "open")


def schema_of_codes(codes: Mapping[str, Iterable[str]]) -> Schema:
    """The invented contract with model variables of these codes, which tables speak about."""
    variables = tuple(
        Variable(name, name, name, tuple(Category(c, c, c) for c in listed), f"patient.{name}")
        for name, listed in codes.items()
    )
    return replace(truth_schema(), variables=variables)


def table_of_patients(
    axes: tuple[str, ...],
    titles: tuple[str, str],
    kind: str,
    cells: Iterable[Cell],
    protection: Protection,
) -> StatisticsTable:
    """Table of cases.

    Parameters
    ----------
    axes : tuple of str
        Its variables; they name it.
    titles : tuple of (str, str)
        English and Korean.
    kind : str
    cells : iterable of Cell
    protection : Protection
    """
    return StatisticsTable(
        name="_".join(axes),
        title=titles[0],
        title_ko=titles[1],
        kind=kind,
        variables=axes,
        given=(),
        scope={},
        relation=Relation.PUBLISHED,
        source=SOURCE.id,
        population="invented",
        period="2020",
        cells=tuple(cells),
        unit="cases",
        protection=protection,
    )


def pack_of_tables(
    titles: tuple[str, str, str],
    schema: Schema,
    origin: str,
    tables: Iterable[StatisticsTable],
    block: tuple[str, ...],
    ledger: Ledger | None = None,
) -> StatisticsPack:
    """Pack of tables of the invented population.

    Parameters
    ----------
    titles : tuple of (str, str, str)
        Id, English and Korean title.
    schema : Schema
    origin : str
    tables : iterable of StatisticsTable
    block : tuple of str
        Variables that are fitted together.
    ledger : Ledger, optional
    """
    return StatisticsPack(
        id=titles[0],
        version="1.0.0",
        schema=schema.key,
        title=titles[1],
        title_ko=titles[2],
        origin=origin,
        target=Target("invented", "가상 인구", "2020"),
        scope={},
        tables=tuple(tables),
        sources={SOURCE.id: SOURCE},
        blocks=(Block("all", block),),
        ledger=ledger,
    )
