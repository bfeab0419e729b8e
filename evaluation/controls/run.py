"""Puts every control to every shipped policy and keeps what came out.

``python evaluation/controls/run.py table``
    Control x policy x number of records: verdicts (about 20 minutes on two cores).
``python evaluation/controls/run.py private``
    The same of private tables and of fits to them (about three minutes).
``python evaluation/controls/run.py refusals --seeds 100 --n 60 343``
    How often generators that are honest by construction are refused.
``python evaluation/controls/run.py coverage --seeds 200 --n 343 2000 --refits 256``
    How often the interval of the refit audit covers on generators that leak nothing; rows of
    other generators and sizes stay, and every ten audits are kept.
``python evaluation/controls/run.py page``
    Makes ``docs/reference/controls.md`` from what was kept.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from synthgen.evaluation.policy import read_policy, shipped_policies  # noqa: E402
from synthgen.evaluation.self_test import (  # noqa: E402
    BATTERY,
    PRIMARY_ONLY,
    PRIVATE_TABLES,
    SIZES,
    findings_of,
    outcome,
    private_outcome,
    table_outcome,
)
from synthgen.privacy.controls.private_tables import FAULTS  # noqa: E402
from synthgen.privacy.controls.table import CONTROLS, control  # noqa: E402
from synthgen.privacy.refit_audit import refit_audit  # noqa: E402

RESULTS = HERE / "results"
PAGE = ROOT / "docs" / "reference" / "controls.md"
NULLS = ("published tables", "uniform")
#: Guaranteed fits, at every size; the honest one is asked at 2,000 records.
HONEST = ("published tables", "noisy shares")


def keep(name: str, document: Any) -> None:
    """Write one result."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")


def revision() -> str:
    """Commit that is measured, as far as git knows it."""
    asked = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() or "unknown"


def table(seed: int, sizes: list[int]) -> None:
    """Verdict of every policy on every control."""
    policies = [read_policy(path) for path in sorted(shipped_policies().values())]
    rows: list[dict[str, Any]] = [
        table_outcome(n, seed, policy).as_json() for n in sizes for policy in policies
    ]
    for one in CONTROLS:
        for n in sizes:
            start = time.process_time()
            findings = findings_of(one, n, seed)
            seconds = round(time.process_time() - start, 1)
            rows += [outcome(one, n, findings, policy).as_json() for policy in policies]
            sys.stderr.write(f"{one.id} {n}: {seconds} s, {rows[-1]['verdict']}\n")
            keep("verdicts", {"seed": seed, "refits": 64, "revision": revision(), "rows": rows})


def private(seed: int, sizes: list[int]) -> None:
    """Verdict of every policy on private tables, right and wrong, and on fits to one."""
    policies = [read_policy(path) for path in sorted(shipped_policies().values())]
    rows = [
        private_outcome(fault or PRIVATE_TABLES, fault, n, seed, policy).as_json()
        for fault in ("", *FAULTS)
        for n in sizes
        for policy in policies
    ]
    for one in CONTROLS:
        for n in sizes if one.tables is not None else ():
            findings = findings_of(one, n, seed)
            rows += [outcome(one, n, findings, policy).as_json() for policy in policies]
            sys.stderr.write(f"{one.id} {n}: {rows[-1]['verdict']}\n")
    keep("private", {"seed": seed, "refits": 64, "revision": revision(), "rows": rows})


def refusals(seeds: int, sizes: list[int], names: list[str]) -> None:
    """Share of seeds in which honest generators do not pass, and in which they fail."""
    policy = read_policy("public")
    file = RESULTS / "refusals.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    for name in names:
        for n in sizes:
            verdicts: dict[str, int] = {}
            measures: dict[str, int] = {}
            for seed in range(1000, 1000 + seeds):
                found = outcome(control(name), n, findings_of(control(name), n, seed), policy)
                verdicts[found.verdict] = verdicts.get(found.verdict, 0) + 1
                for measure in set(found.failed) | set(found.open_ones):
                    measures[measure] = measures.get(measure, 0) + 1
            row = {"control": name, "n": n, "seeds": seeds, "verdicts": verdicts, "for": measures}
            kept = [r for r in kept if (r["control"], r["n"]) != (name, n)] + [row]
            keep("refusals", kept)
            sys.stderr.write(f"{row}\n")


def coverage(seeds: int, sizes: list[int], refits: int, names: list[str]) -> None:
    """How often the true advantage, zero, lies within the one-sided bounds.

    Rows of other generators and sizes stay as they are. A run that is not through replaces
    what was kept only where it has seen more audits.
    """
    file = RESULTS / f"coverage-{refits}.json"
    kept: list[dict[str, Any]] = []
    if file.is_file():
        kept = json.loads(file.read_text(encoding="utf-8"))["rows"]
    measured = revision()
    for name in names:
        for n in sizes:
            counts: dict[str, list[int]] = {}
            start = time.process_time()
            before = max(
                (r["audits"] for r in kept if (r["control"], r["n"]) == (name, n)), default=0
            )
            for seed in range(seeds):
                _count_covered(counts, name, n, seed, refits)
                done, spent = seed + 1, time.process_time() - start
                if done < seeds and (done % 10 or done <= before):
                    continue
                said = {"audits": done, "revision": measured, "cpu_seconds": round(spent / done, 2)}
                rows = [_covered(name, n, part, found) | said for part, found in counts.items()]
                kept = [r for r in kept if (r["control"], r["n"]) != (name, n)] + rows
                kept.sort(key=lambda r: (r["control"], r["n"]))
                keep(file.stem, {"refits": refits, "rows": kept})
                sys.stderr.write(f"{name} {n}: {done} audits, {spent:.0f} CPU s\n")


def _count_covered(counts: dict[str, list[int]], name: str, n: int, seed: int, refits: int) -> None:
    """Add the intervals of one audit: how many lie above zero, below it, and how many there are."""
    inputs = control(name).inputs(n, np.random.default_rng([seed, n]))
    for finding in refit_audit(inputs, np.random.default_rng(seed), refits=refits):
        if finding.lower is None or finding.upper is None:
            continue
        part = "strata" if finding.part.startswith("stratum") else finding.part
        above, below, total = counts.get(part, [0, 0, 0])
        counts[part] = [above + (finding.lower > 0), below + (finding.upper < 0), total + 1]


def _covered(name: str, n: int, part: str, found: list[int]) -> dict[str, Any]:
    above, below, total = found
    return {
        "control": name,
        "n": n,
        "part": part,
        "intervals": total,
        "lower_bound_over_zero": above / total,
        "upper_bound_under_zero": below / total,
    }


def page() -> None:
    """Make the page of the documentation."""
    verdicts = json.loads((RESULTS / "verdicts.json").read_text(encoding="utf-8"))
    file = RESULTS / "private.json"
    own = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"rows": []}
    rows = verdicts["rows"] + own["rows"]  # of the same control, the later one is shown
    policies = sorted({row["policy"] for row in rows})
    lines = [
        "# Planted controls",
        "",
        "<!-- Made by `python evaluation/controls/run.py page`; do not edit. -->",
        "",
        "Generators whose properties are known, made from an invented population (no real record), measured like any",
        "other release and held against the limits of each shipped policy. `synthgen evaluate --self-test` runs them on",
        "your machine: all 60 in 2 minutes 57 seconds with two workers on two idle cores (305 seconds of processor time).",
        "`kr-pipc-2024` has empty limits, for the steward to fill, so nothing can pass it.",
        "",
        f"Seed {verdicts['seed']}, {verdicts['refits']} refits an audit (a release needs 256), a release of as many patients as records, at",
        f"least 500. Measured at revision {verdicts.get('revision', 'unknown')}. Measures: "
        + ", ".join(f"`{name}`" for name in BATTERY)
        + ".",
        "",
        "## Control, policy, records: verdict",
        "",
        "`G0` and `G1` after a control: the guarantee that it may claim. Where a policy does not know the guarantee, an open",
        "finding stays open.",
        "",
        "| control | kind | records | "
        + " | ".join(policies)
        + " | fails (policy `public`) | as it must be |",
        "|---|---|---:|" + "---|" * len(policies) + "---|---|",
    ]
    by_key = {(r["control"], r["n"], r["policy"]): r for r in rows}
    known = [(PRIMARY_ONLY, ""), (PRIVATE_TABLES, "G1"), *((fault, "") for fault in FAULTS)]
    known += [(one.id, one.guarantee) for one in CONTROLS]
    for name, guarantee in known:
        for n in sorted({r["n"] for r in rows}):
            cells = [by_key.get((name, n, policy)) for policy in policies]
            shown = [c["verdict"].replace("_", " ") if c else "-" for c in cells]
            public = by_key.get((name, n, "public"))
            if public is None:
                continue
            titled = f"{name} ({guarantee})" if guarantee else name
            lines.append(
                f"| {titled} | {public['kind']} | {n:,} | {' | '.join(shown)} | "
                f"{public['failed'] or '-'} | {'yes' if public['as_expected'] else '**no**'} |"
            )
    lines += ["", "## Honest generators refused", ""]
    lines += _refusals()
    lines += ["", "## Coverage of the refit audit's interval", ""]
    lines += _coverage()
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _refusals() -> list[str]:
    file = RESULTS / "refusals.json"
    if not file.is_file():
        return ["Not recorded."]
    lines = [
        "Policy `public`; each seed has its own records, control, release and refits. For a guaranteed generator everything",
        "but a pass is a false refusal.",
        "",
        "| control | records | seeds | pass | fail | other | because of |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for row in json.loads(file.read_text(encoding="utf-8")):
        said = row["verdicts"]
        other = row["seeds"] - said.get("pass", 0) - said.get("fail", 0)
        why = ", ".join(f"{k} {v}" for k, v in sorted(row["for"].items(), key=lambda p: -p[1]))
        lines.append(
            f"| {row['control']} | {row['n']:,} | {row['seeds']} | {said.get('pass', 0)} | "
            f"{said.get('fail', 0)} | {other} | {why or '-'} |"
        )
    return lines


def _coverage() -> list[str]:
    """Coverage for each number of refits that was tried, the smallest first."""
    files = sorted(RESULTS.glob("coverage-*.json"), key=lambda f: int(f.stem.rpartition("-")[2]))
    if not files:
        return ["Not recorded."]
    lines = [
        "Generators that do not look at the records, so that the true advantage is zero. Nominal: 5 % on each side. A lower bound",
        "over zero is a false alarm, an upper bound under zero a false comfort; intervals of one audit depend on each other.",
        "",
        "| generator | records | refits | audits | part | intervals | lower bound over zero | upper bound under zero |",
        "|---|---:|---:|---:|---|---:|---:|---:|",
    ]
    for file in files:
        document = json.loads(file.read_text(encoding="utf-8"))
        lines += [
            f"| {row['control']} | {row['n']:,} | {document['refits']} | {row['audits']} | {row['part']} | "
            f"{row['intervals']:,} | {100 * row['lower_bound_over_zero']:.1f} % | "
            f"{100 * row['upper_bound_under_zero']:.1f} % |"
            for row in document["rows"]
        ]
    return lines


def main() -> None:
    """Run one of the tasks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=("table", "private", "refusals", "coverage", "page"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--refits", type=int, default=64)
    parser.add_argument("--n", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--controls", nargs="+", help="of refusals and coverage")
    asked = parser.parse_args()
    if asked.task == "table":
        table(asked.seed, asked.n)
    elif asked.task == "private":
        private(asked.seed, asked.n)
    elif asked.task == "refusals":
        refusals(asked.seeds, asked.n, asked.controls or list(HONEST))
    elif asked.task == "coverage":
        coverage(asked.seeds, asked.n, asked.refits, asked.controls or list(NULLS))
    else:
        page()


if __name__ == "__main__":
    main()
