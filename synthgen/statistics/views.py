"""Notebook views of statistics packs and their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthgen.notebook import both, card, facts, listing

if TYPE_CHECKING:
    from synthgen.statistics.model import StatisticsPack, StatisticsTable


def pack_view(pack: StatisticsPack) -> str:
    """What a pack says about whom, and from where."""
    rows = (
        (t.name, t.kind, len(t.cells), t.relation.value, pack.sources[t.source].citation)
        if t.source in pack.sources
        else (t.name, t.kind, len(t.cells), t.relation.value, t.source)
        for t in pack.tables
    )
    target = pack.target
    return card(
        "pack",
        f"{pack.id} {pack.version}",
        facts(
            [
                ("title", both(pack.title, pack.title_ko)),
                ("population", both(target.population, target.population_ko)),
                ("period", target.period),
                ("origin", pack.origin),
                ("schema", pack.schema),
                ("tables", len(pack.tables)),
                ("sources", len(pack.sources)),
                ("licence", pack.licence),
            ]
        ),
        listing(("table", "kind", "cells", "relation", "source"), rows, len(pack.tables)),
    )


def statistics_table_view(table: StatisticsTable) -> str:
    """What one published table is about."""
    scope = "; ".join(f"{name} = {', '.join(codes)}" for name, codes in table.scope.items())
    return card(
        "statistics_table",
        table.name,
        facts(
            [
                ("kind", table.kind),
                ("variables", ", ".join(table.variables)),
                ("given", ", ".join(table.given)),
                ("scope", scope),
                ("population", table.population),
                ("period", table.period),
                ("relation", table.relation.value),
                ("source", table.source),
                ("cells", len(table.cells)),
            ]
        ),
    )
