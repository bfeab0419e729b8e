"""Notebook views of schemas and their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthgen.notebook import both, card, facts, listing

if TYPE_CHECKING:
    from synthgen.schema.model import Schema, Table


def schema_view(schema: Schema) -> str:
    """What a schema holds, table by table."""
    rows = ((t.name, both(t.title, t.title_ko), len(t.columns)) for t in schema.tables)
    return card(
        "schema",
        schema.key,
        facts(
            [
                ("title", both(schema.title, schema.title_ko)),
                ("rules", len(schema.rules)),
                ("code_lists", len(schema.code_lists)),
                ("variables", len(schema.variables)),
            ]
        ),
        listing(("table", "title", "columns"), rows, len(schema.tables)),
    )


def table_view(table: Table) -> str:
    """Columns of a table."""
    rows = (
        (c.name, both(c.title, c.title_ko), c.codes.name if c.codes else c.type.value)
        for c in table.columns
    )
    return card(
        "table",
        table.name,
        facts(
            [
                ("title", both(table.title, table.title_ko)),
                ("key", ", ".join(table.primary_key)),
            ]
        ),
        listing(("column", "title", "type"), rows, len(table.columns)),
    )
