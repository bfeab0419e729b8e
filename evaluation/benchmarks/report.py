"""Makes ``docs/reference/benchmarks.md`` and its pictures from the results that are kept.

``python evaluation/benchmarks/report.py`` after any of the benchmarks was run with
``--output evaluation/benchmarks/results/NAME.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from plot import Line, chart, decades

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "reference" / "benchmarks.md"
PICTURES = PAGE.parent / "pictures"
#: Size of each curve of the fit: field of the results, name of the axis.
CURVES = {
    "statements": ("statements", "statements (one block: sites by sex and age)"),
    "entities": ("size", "entities (55 statements each: counts, stage, survival)"),
    "clique": ("largest_clique_cells", "cells of the largest clique (41 statements)"),
}
Row = dict[str, Any]


def result(name: str) -> Row:
    """A kept result."""
    found: Row = json.loads((HERE / "results" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Markdown table; numbers to the right."""
    listed = [[str(v) for v in row] for row in rows]
    ruler = ["---" if i == 0 else "---:" for i in range(len(heads))]
    lines = [list(heads), ruler, *listed]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine(document: Row) -> str:
    """Where and with what it was measured."""
    said = document["machine"]
    versions = ", ".join(f"{k} {said[k]}" for k in ("numpy", "scipy", "pandas", "duckdb"))
    return (
        f"{said['processor']}, {said['processors']} processors shared with others, "
        f"{said['system']}, Python {said['python']}, {versions}"
    )


def fit_part(document: Row) -> str:
    """Tables of the fit, and the curves."""
    rows = document["results"]
    packs = [r for r in rows if r["task"] not in CURVES]
    names = {
        "kr-demo": "`kr-demo`: 27 entities, stage, treatment, survival",
        "kr-rare": "`kr-rare`: 59 entities, stage, treatment, survival",
        "ee-rare": "`ee-rare`: 59 entities of Estonia, stage, survival",
        "ci5-korea": "CI5 XII Korea: 61 site groups by sex and age, and their total",
    }
    text = table(
        ("pack", "statements", "largest clique", "CPU seconds", "peak memory", "residual"),
        (
            (
                names[r["task"]],
                f"{r['statements']:,}",
                f"{r['largest_clique_cells']:,} cells",
                f"{r['cpu_seconds']:.2f}",
                f"{r['peak_mib']:.0f} MiB",
                f"{r['residual_standard_errors']:.0e} SE",
            )
            for r in packs
        ),
    )
    for name, points in curve_points(rows).items():
        shown = ", ".join(f"{x:,.0f}: {y:.2f} s" for x, y in points)
        text += f"\n\n![CPU seconds against {name}: {shown}](pictures/fit-{name}.svg)"
    return text


def curve_points(rows: Sequence[Row]) -> dict[str, list[tuple[float, float]]]:
    """Size and CPU seconds along each curve."""
    return {
        name: [
            (float(r[field]), max(float(r["cpu_seconds"]), 0.01)) for r in rows if r["task"] == name
        ]
        for name, (field, _) in CURVES.items()
    }


def pictures() -> dict[str, str]:
    """SVG documents by file name."""
    drawn = {}
    for name, points in curve_points(result("fit")["results"]).items():
        axis = CURVES[name][1]
        drawn[f"fit-{name}.svg"] = chart(
            f"CPU seconds of a fit against {axis.partition(' (')[0]}",
            decades(axis, [x for x, _ in points]),
            decades("CPU seconds", [y for _, y in points]),
            [Line("fit", points)],
        )
    return drawn


def sample_part(document: Row) -> str:
    """Table of samplers."""
    names = {
        "synthgen": "synthgen, codes of 20 columns",
        "synthgen-frame": "synthgen, pandas frame of 20 categorical columns",
        "mixture": "synthgen, `kr-demo` (13 variables, mixture over 27 entities)",
        "sdv": "SDV 2.0.0 GaussianCopulaSynthesizer, frame of 20 categorical columns",
        "mbi": "mbi 2.0.0 `synthetic_data`, warm, codes of 20 columns",
    }
    return table(
        ("sampler", "rows", "CPU seconds", "rows per CPU second"),
        (
            (
                names[r["task"]],
                f"{r['rows']:,}",
                f"{r['cpu_seconds']:.2f}",
                f"{r['rows_per_cpu_second']:,}",
            )
            for r in document["results"]
        ),
    )


def generate_part(document: Row) -> str:
    """Table of whole cohorts."""
    return table(
        (
            *("patients", "tumours", "workers", "seconds", "CPU seconds"),
            *("patients per CPU second", "peak memory"),
        ),
        (
            (
                f"{r['patients']:,}",
                f"{r['tumours']:,}",
                r["jobs"],
                f"{r['seconds']:.1f}",
                f"{r['cpu_seconds']:.1f}",
                f"{r['patients_per_cpu_second']:,}",
                f"{r['peak_mib_of_all_processes']:.0f} MiB",
            )
            for r in document["results"]
        ),
    )


def memory_part(document: Row) -> str:
    """Table of frames in memory, beside SDV."""
    names = {
        "synthgen": "synthgen, two linked frames with keys, dates and further tumours",
        "sdv": "SDV 2.0.0 GaussianCopulaSynthesizer, one frame",
    }
    return table(
        ("generator", "columns", "patients", "CPU seconds", "patients per CPU second"),
        (
            (
                names[r["task"]],
                r["columns"],
                f"{r['patients']:,}",
                f"{r['cpu_seconds']:.2f}",
                f"{r['patients_per_cpu_second']:,}",
            )
            for r in document["in_memory"]
        ),
    )


def survival_part(document: Row) -> str:
    """Table of every entity."""

    def value(row: Row, name: str) -> str:
        return f"{row[name]:.4f} ({row[f'{name}_z']:+.1f})"

    return table(
        ("entity", "years", "model", "Pohar Perme (z)", "SE", "Ederer II (z)"),
        (
            (
                r["entity"],
                f"{r['years']:g}",
                f"{r['model']:.4f}",
                value(r, "pohar_perme"),
                f"{r['pohar_perme_se']:.4f}",
                value(r, "ederer_ii"),
            )
            for r in document["results"]
        ),
    )


def page() -> str:
    """The whole page."""
    fit, sample = result("fit"), result("sample")
    generate, survival = result("generate"), result("survival")
    block = {r["part"]: r["cpu_seconds"] for r in generate["block_of_65536"]}
    curve = {r["size"]: r for r in fit["results"] if r["task"] == "clique"}
    z, ederer = survival["largest_z"]["pohar_perme"], survival["largest_z"]["ederer_ii"]
    patients = survival["patients_of_each_entity"]
    return f"""# Benchmarks

This page is made by `evaluation/benchmarks/report.py` from the results in `evaluation/benchmarks/results/`. Every
script prints JSON with its machine and versions and can be run again; CPU seconds count, because the machine is
shared. What each script measures stands at its head. Checking deliveries is measured in [check.md](check.md).

Measured on: {machine(fit)}.

## The fit (`bench_fit.py`)

{fit_part(fit)}

The fewest CPU seconds of three runs (`kr-rare` and cliques of a million cells: one run). Reading the pack and Python's
start are not in them, the rules of the schema are. The cost grows more slowly than the statements, and in proportion to
the cells of the largest clique: {curve[4_000_000]["cpu_seconds"]:.0f} s and {curve[4_000_000]["peak_mib"]:.0f} MiB for
four million cells; more than eight million are refused with the tables that cause them. The counts of CI5 are not part
of this repository; the script takes the path of the file.

## Sampling (`bench_sample.py`)

{sample_part(sample)}

All peers draw in the same run on the same machine, each from an environment of its own that the script makes.
synthgen draws {sample["times_as_fast_as_sdv"]:.0f} times as many rows a CPU second as SDV (frame against frame) and
{sample["times_as_fast_as_mbi"]:.0f} times as many as mbi (codes against codes, the faster of its two methods). SDV's
model is another one, and it draws numbers as well as codes; here all columns are categories.

## Cohorts on disk (`bench_generate.py`)

{generate_part(generate)}

Two linked tables of `{generate["model"]}` in Parquet, about {generate["results"][-1]["parquet_bytes_per_patient"]:.0f} bytes
a patient. The seconds depend on what else the machine does (here it was busy: the CPU seconds shared among the workers are
what they come to on processors of their own). Memory is that of all processes together: it depends on the workers, not on
the patients. Of a block of 65,536
patients, drawing the variables takes {block["variables"]:.3f}, making the tables with their further tumours
{block["tables"]:.3f}, and the hash of their contents {block["hash"]:.3f} CPU seconds; the rest is writing Parquet twice
(parts, then joined).

{memory_part(generate)}

In memory, on the columns that have values, in the same run: synthgen makes {generate["times_as_fast_as_sdv"]:.0f} times
as many patients a CPU second as SDV's Gaussian copula, which was fitted to 20,000 of these patients and knows neither the
keys nor the order of dates.

## Survival of every entity (`bench_survival.py`)

Each entity alone, {patients:,} patients with a seed of their own, followed for 15 years at least. z is the distance
from the fitted model in standard errors of the estimate. Net survival by Pohar Perme: the largest of
{survival["comparisons"]} distances is {z:.2f}; {survival["limit"]} would be exceeded by chance once in a million.
Ederer II estimates something else where survival depends on age (largest distance {ederer:.2f}): it is shown because
registries publish it.

{survival_part(survival)}

## Evaluations (`bench_evaluate.py`)

{evaluate_part(result("evaluate"))}

Invented records with 20 columns, as many members, others and synthetic patients; each measure alone in a process of one
thread, the dearest six shown. Fits of the refit audit cost what they cost: [measures](measures.md#how-fast), where
SDMetrics' nearest measures of the same run stand beside.

## Audits of tables (`bench_audit.py`)

{audit_part(result("audit"))}
"""


def evaluate_part(document: Row) -> str:
    """Table of the measures, the dearest first, and of their sum."""
    rows = [r for r in document["results"] if "." not in r["measure"]]
    sizes = sorted({r["n"] for r in rows if r["measure"] != "refit_audit"})
    cost: dict[str, dict[int, Row]] = {}
    for row in rows:
        cost.setdefault(row["measure"], {})[row["n"]] = row
    audit = cost.pop("refit_audit", {})
    dearest = sorted(cost.items(), key=lambda item: -item[1][sizes[-1]]["cpu_seconds"])
    listed = [
        (
            "all of families C and U, one after the other",
            *(f"{sum(of[n]['cpu_seconds'] for of in cost.values()):.1f}" for n in sizes),
            f"{max(of[sizes[-1]]['peak_mib'] for of in cost.values()):.0f} MiB",
        )
    ]
    listed += [
        (
            f"`{name}`",
            *(f"{of[n]['cpu_seconds']:.2f}" for n in sizes),
            f"{of[sizes[-1]]['peak_mib']:.0f} MiB",
        )
        for name, of in dearest[:6]
    ]
    listed += [
        (
            f"`refit_audit`, {n:,} records, without its fits",
            "",
            f"{row['cpu_seconds']:.2f}",
            f"{row['peak_mib']:.0f} MiB",
        )
        for n, row in audit.items()
    ]
    return table(
        ("measure", *(f"CPU seconds, {n:,} records" for n in sizes), "peak memory"), listed
    )


def audit_part(document: Row) -> str:
    """Tables that are audited, and protection of one of them."""
    names = {
        "cube": "a cube of 576 cells with all its two-way margins",
        "margins": "the one- and two-way margins alone of such a cube",
        "hierarchy": "73 sites in 12 groups, by sex and year, every total",
    }
    audited = document["audit"]
    rows = [
        (
            said,
            f"{audited[name]['printed']:,}",
            f"{audited[name]['hidden']:,}",
            f"{audited[name]['at risk']:,}",
            f"{audited[name]['cpu_seconds']:.2f}",
            f"{audited[name]['peak_mib']:.0f} MiB",
        )
        for name, said in names.items()
    ]
    heads = ("tables", "printed", "hidden", "at risk", "CPU seconds", "peak memory")
    protect = audited["protect"]
    return (
        table(heads, rows)
        + "\n\nProtecting the cube until nothing is at risk takes "
        + f"{protect['suppress']['cpu_seconds']:.1f} CPU seconds by suppression and "
        + f"{protect['round']['cpu_seconds']:.1f} by rounding."
    )


def main() -> None:
    """Write the page and the pictures."""
    PICTURES.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    for name, text in pictures().items():
        (PICTURES / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
