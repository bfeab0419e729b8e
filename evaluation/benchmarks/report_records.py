"""Writes the tables of ``docs/reference/records.md`` from ``results/records.json``.

python evaluation/benchmarks/report_records.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "reference" / "records.md"
BEGIN, END = "<!-- tables of bench_records.py: begin -->", "<!-- end -->"
NAMES = {
    "bootstrap": "bootstrap of the training half",
    "synthgen": "**synthgen, `own`**",
    "synthgen-forest": "**synthgen, `forest`, k = 11**",
    "synthgen-forest-5": "**synthgen, `forest --min-leaf 5`**",
    "arfpy": "arfpy 0.1.1",
    "sdv-gc": "SDV Gaussian copula",
    "sdv-ctgan": "SDV CTGAN, 300 epochs",
    "sdv-tvae": "SDV TVAE, 300 epochs",
    "mostly": "mostlyai-engine",
    "mbi-tree": "mbi, Chow-Liu tree",
}
#: Field of the results, head of the column, format.
COLUMNS = (
    ("marginal_distance_2", "distance, 2-way", "{:.4f}"),
    ("marginal_distance_3", "distance, 3-way", "{:.4f}"),
    ("detection_auc", "detection", "{:.3f}"),
    ("train_on_synthetic_auc", "train on synthetic", "{:.3f}"),
    ("concordance_recur", "Cox, relapse", "{:.3f}"),
    ("concordance_death", "Cox, death", "{:.3f}"),
    ("survival_gap", "survival", "{:.4f}"),
    ("relapse_after_death_rows", "relapse after death", "{:.1%}"),
    ("cpu_seconds", "CPU s", "{:.1f}"),
    ("seconds", "s", "{:.1f}"),
    ("memory_mib", "MiB", "{:.0f}"),
    ("runs", "splits", "{:.0f}"),
)
MEASURES = {field: head for field, head, _ in COLUMNS}
TITLES = {"rotterdam": "Rotterdam breast cancer", "adult": "Adult (census income)"}


def grid(rows: list[list[str]]) -> str:
    """Markdown table."""
    lines = [rows[0], ["---"] + ["---:"] * (len(rows[0]) - 1), *rows[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def part(name: str, said: dict[str, Any]) -> str:
    """Tables of one set of records."""
    engines = {e: said["engines"][e] for e in NAMES if e in said["engines"]}
    columns = [c for c in COLUMNS if any(c[0] in row for row in engines.values())]
    rows = [["engine", *(head for _, head, _ in columns)]]
    for engine, row in engines.items():
        cells = [
            form.format(row[field])
            if field in row and (field, engine) != ("cpu_seconds", "bootstrap")
            else ""
            for field, _, form in columns
        ]
        rows.append([NAMES[engine], *cells])
    text = [
        f"{TITLES.get(name, name)}: {said['rows']:,} records, {said['train']:,} to train:",
        grid(rows),
    ]
    if said.get("against_peers"):
        judged = [["measure", "ours", "best peer", "worse by", "95 % interval", "at most 0.01"]]
        for measure, row in said["against_peers"].items():
            for one in (row, row["default"]) if "default" in row else (row,):
                low, high = one["interval"]
                known = "yes" if one["met"] else "no"
                judged.append(
                    [
                        MEASURES[measure] + (", default" if one is not row else ""),
                        f"{NAMES[one['ours']].strip('*')}: {one['value']:.4f}",
                        f"{NAMES[row['peer']]}: {row['peer_value']:.4f}",
                        f"{one['worse_by']:+.4f}",
                        f"{low:+.4f} to {high:+.4f}",
                        known
                        if one["met"] == one["met_for_certain"]
                        else f"{known}, not for certain",
                    ]
                )
        resamples = said["resamples"]
        judged_too = any("default" in row for row in said["against_peers"].values())
        both = " on these splits, and the default of `fit`," if judged_too else ""
        text += [
            f"Our best engine{both} less the best peer (paired bootstrap of "
            f"the judging half, {resamples} resamples):",
            grid(judged),
        ]
    return "\n\n".join(text)


def main() -> None:
    """Replace what stands between the marks."""
    found = json.loads((HERE / "results" / "records.json").read_text(encoding="utf-8"))
    made = "\n\n".join(part(name, found[name]) for name in TITLES if name in found)
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END, 1)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
