"""What ``bench_private.py`` found, as docs/reference/private-packs.md shows it."""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "reference" / "private-packs.md"
BEGIN, END = "<!-- tables of bench_private.py: begin -->", "<!-- end -->"


def lines(heads: list[str], rows: list[list[object]]) -> str:
    """A Markdown table."""
    told = [heads, ["---"] * len(heads), *([str(c) for c in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in told)


def tables(document: dict) -> str:
    """Everything that was measured, as the page shows it."""
    parts = []
    rows = []
    for label in sorted(document):
        if not label.startswith("adult"):
            continue
        for engine, said in document[label]["found"].items():
            if "error" not in said:
                rows.append(
                    [label, engine, "-", f"not ended after {said['seconds']:,.0f}", "-", "-", "-"]
                )
                continue
            numbers = [f"{said[k]:,.0f}" for k in ("seconds", "cpu_seconds", "rss_mib")]
            shown = engine + " (an earlier run)" * bool(said.get("earlier"))
            residual = f"{said['residual']:.1f}" if "residual" in said else "-"
            rows.append([label, shown, f"{said['error']:.4f}", *numbers, residual])
    if rows:
        heads = ["records", "engine", "error", "seconds", "CPU seconds", "MiB", "largest residual"]
        parts.append("Adult, 48,842 rows, 14 variables in the public bins of `records/adult`, delta 1e-9:\n\n" + lines(heads, rows))  # fmt: skip
    if "prior epsilon 1" in document:
        said = document["prior epsilon 1"]["found"]
        named = {
            "whole series alone": "pack of the whole series, alone",
            "node-positive alone": "pack of its node-positive patients, alone",
            "without": "without a prior",
            "with whole series": "with the whole series",
            "with node-positive": "with its node-positive patients",
            "opendp-mst": "OpenDP's MST, without a prior",
            "opendp-aim": "OpenDP's AIM, without a prior",
        }
        rows = []
        for label, text in named.items():
            if label in said:
                right = ", ".join(f"{r}" for r in said[label].get("signs_right", [])) or "-"
                error = f"{said[label]['error']:.3f}" if "error" in said[label] else "not ended"
                rows.append([text, error, right])
        floor = said["floor"]
        rows.append(["columns independent, no privacy", f"{floor['independent']:.3f}", "-"])
        rows.append(["the patients' own distribution (half the distance of two halves)", f"{floor['perfect']:.3f}", "-"])  # fmt: skip
        parts.append("The German series (gbsg, 686 rows, 10 variables) at epsilon 1, delta 1e-6, median of the runs, with protected packs of the Rotterdam series as prior; how many of the signs of the three strongest Cox effects are right, run by run:\n\n" + lines(["start", "error", "signs right"], rows))  # fmt: skip
    if "family" in document:
        columns = {
            "n": "", "own fit": "own", "own counts, family's tree": "own on the family's tree",
            "own columns, independent": "own, columns independent", "family": "family",
            "drawn to it": "shrunk", "of own fit": "of own",
            "of own on its tree": "of own on the family's tree",
            "of own independent": "of own, columns independent", "of family": "of family",
        }  # fmt: skip
        rows = [
            [n, *(f"{said[key]:.3f}" for key in columns.values() if key)]
            for n, said in document["family"]["found"].items()
        ]
        parts.append("Eight groups of the Rotterdam series (grade x menopause x nodes positive) with n records each, without noise; the family is the rest of the series. Error over all pairs of the other seven variables:\n\n" + lines(list(columns), rows))  # fmt: skip
    return "\n\n".join(parts)


def write_page(results: Path) -> None:
    """Put the tables into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    made = tables(json.loads(results.read_text()))
    PAGE.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")
