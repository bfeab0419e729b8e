"""Writes ``exports.md`` from the mapping files: ``python docs/reference/exports.py``."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from synthgen.exports.mapping import TargetMapping  # noqa: E402
from synthgen.exports.targets import targets  # noqa: E402

HEAD = """# Exports

`synthgen export COHORT --to TARGET -o FOLDER` writes a cohort in the format that a program reads. This page is made from
the mapping files in `schemas/exports/` by `python docs/reference/exports.py`.

| target | what it is | files | options |
|---|---|---|---|
{targets}

`export.json` in the folder says what was written from which cohort, with the SHA-256 of every file; the notice that the
data are synthetic is copied. The same cohort gives the same bytes (a workbook apart, which holds the time).

A mapping file is data: it names columns, codes and dates of the schema, and can hold no code. A new target of this kind
is one JSON file of format `export/1` and one line in `synthgen/exports/targets.py`.
"""


def section(mapping: TargetMapping) -> str:
    """What a person who has read the standard must know."""
    lines = [
        f"\n## {mapping.id}: {mapping.title}",
        f"\n{mapping.title_ko}. Standard: {mapping.standard}. {mapping.licence}.",
        "\nDifferences to what a registry sends:\n",
        *(f"- {english}" for english, _ in mapping.differences),
    ]
    for table in mapping.tables:
        noted = [c for c in table.columns if c.note]
        empty = [c for c in table.columns if c.empty]
        lines.append(f"\n`{table.name}` has {len(table.columns)} columns; {len(empty)} stay empty:")
        lines.append("\n| column | why it stays empty |\n|---|---|")
        why: dict[str, list[str]] = {}
        for column in empty:
            why.setdefault(column.empty, []).append(f"`{column.name}`")
        lines += [f"| {', '.join(names)} | {reason} |" for reason, names in why.items()]
        if noted:
            lines.append("\n| column | note |\n|---|---|")
            lines += [f"| `{c.name}` | {c.note} |" for c in noted]
    return "\n".join(lines) + "\n"


def page() -> str:
    """The whole page."""
    rows = "\n".join(
        f"| `{t.id}` | {t.title} | {', '.join(f'`{f}`' for f in t.files)} | "
        f"{', '.join(f'`{k}={v}`' for k, v in t.options.items()) or 'none'} |"
        for t in targets().values()
    )
    mapped = (t.mapping for t in targets().values())
    return HEAD.format(targets=rows) + "".join(section(m) for m in mapped if m is not None)


if __name__ == "__main__":
    (HERE / "exports.md").write_text(page(), encoding="utf-8")
