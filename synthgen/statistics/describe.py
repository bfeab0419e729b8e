"""Rows that ``show`` prints of a pack: tables, sources, and what rests on what."""

from __future__ import annotations

from synthgen.errors import StatisticsError
from synthgen.statistics.model import Relation, StatisticsPack, StatisticsTable
from synthgen.statistics.statements import block_of

Row = dict[str, str | int]

RELATION_TITLES: dict[Relation, tuple[str, str]] = {
    Relation.PUBLISHED: ("published for this population", "해당 인구에서 공표"),
    Relation.BORROWED: ("borrowed from another population", "다른 인구에서 빌림"),
    Relation.POOLED: ("pooled over a wider group", "더 넓은 집단의 값"),
    Relation.ASSUMED: ("assumed by us", "가정"),
}
"""What each relation means to people: English, Korean."""


def about(table: StatisticsTable) -> str:
    """Variables of a table as a formula: ``seer_stage | entity, age_group``."""
    own = ", ".join(table.variables)
    given = ", ".join(table.given)
    return f"{own} | {given}" if given else own


def table_rows(pack: StatisticsPack, language: str = "en") -> list[Row]:
    """One row for each table.

    Parameters
    ----------
    pack : StatisticsPack
    language : {"en", "ko"}

    Returns
    -------
    list of dict
        Keys: table, title, kind, about, block, cells, relation, relation_title, population,
        period, source, redistribution, note.
    """
    rows: list[Row] = []
    for table in pack.tables:
        korean = language == "ko"
        rows.append(
            {
                "table": table.name,
                "title": table.label(language),
                "kind": table.kind,
                "about": about(table),
                "block": _block_name(pack, table),
                "cells": len(table.cells),
                "relation": table.relation.value,
                "relation_title": RELATION_TITLES[table.relation][1 if korean else 0],
                "population": table.population,
                "period": table.period,
                "source": table.source,
                "redistribution": pack.source_of(table).redistribution,
                "note": (table.note_ko if korean and table.note_ko else table.note),
            }
        )
    return rows


def _block_name(pack: StatisticsPack, table: StatisticsTable) -> str:
    try:
        block = block_of(pack, table)
    except StatisticsError:
        return ""
    return "" if block is None else block.name


def source_rows(pack: StatisticsPack) -> list[Row]:
    """One row for each source.

    Returns
    -------
    list of dict
        Keys: source, citation, url, part, read_on, licence, redistribution, tables.
    """
    return [
        {
            "source": name,
            "citation": source.citation,
            "url": source.url,
            "part": source.table,
            "read_on": source.read_on,
            "licence": source.licence,
            "redistribution": source.redistribution,
            "tables": sum(table.source == name for table in pack.tables),
        }
        for name, source in pack.sources.items()
    ]


def relation_rows(pack: StatisticsPack, language: str = "en") -> list[Row]:
    """How many tables and cells are published, borrowed, pooled, assumed.

    Returns
    -------
    list of dict
        Keys: relation, title, tables, cells, open, cite_only, unconfirmed (tables by
        whether their source may be redistributed).
    """
    rows: list[Row] = []
    for relation in reversed(Relation):
        tables = [table for table in pack.tables if table.relation is relation]
        terms = [pack.source_of(table).redistribution for table in tables]
        rows.append(
            {
                "relation": relation.value,
                "title": RELATION_TITLES[relation][1 if language == "ko" else 0],
                "tables": len(tables),
                "cells": sum(len(table.cells) for table in tables),
                "open": terms.count("open"),
                "cite_only": terms.count("cite-only"),
                "unconfirmed": terms.count("unconfirmed"),
            }
        )
    return rows


def variable_rows(pack: StatisticsPack) -> list[Row]:
    """For each fitted variable, how many tables of each relation are about it.

    Returns
    -------
    list of dict
        Keys: variable, block, published, borrowed, pooled, assumed.
    """
    rows: list[Row] = []
    for block in pack.blocks:
        for variable in block.variables:
            about_it = [
                table
                for table in pack.tables
                if variable in {*table.variables, *table.given}
                and _block_name(pack, table) == block.name
            ]
            row: Row = {"variable": variable, "block": block.name}
            for relation in reversed(Relation):
                row[relation.value] = sum(table.relation is relation for table in about_it)
            rows.append(row)
    return rows
