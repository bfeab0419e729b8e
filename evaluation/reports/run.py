"""Evaluates the shipped models and keeps what came out beside this file.

``python evaluation/reports/run.py [MODEL...]``
    ``evaluation.json``, its public edition and the policy of each model, under the policy
    ``public``; some minutes.  A model that was fitted again needs it again; a test says so.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from synthgen.evaluation.documents import document_bytes  # noqa: E402
from synthgen.evaluation.evaluate import evaluate, public_codes  # noqa: E402
from synthgen.evaluation.evaluation import (  # noqa: E402
    EVALUATION,
    POLICY,
    PUBLIC_EDITION,
    read_evaluation,
)
from synthgen.evaluation.policy import read_policy  # noqa: E402
from synthgen.evaluation.public_edition import public_edition  # noqa: E402
from synthgen.report.targets import load_target  # noqa: E402
from synthgen.resources import shipped  # noqa: E402

POLICY_ID, SEED = "public", 1
#: Model of residents, not of patients: nothing is drawn from it that could be released.
PEOPLE = "kr-population"


def evaluated(name: str) -> str:
    """Evaluate one model and write its documents; the verdict."""
    policy = read_policy(POLICY_ID)
    target = load_target(name, seed=SEED)
    made = evaluate(target, policy, seed=SEED)
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    shown = public_edition(made.document, policy.k_min, public_codes(target.schema))
    (folder / EVALUATION).write_bytes(document_bytes(made.document))
    (folder / PUBLIC_EDITION).write_bytes(document_bytes(shown))
    (folder / POLICY).write_bytes(document_bytes(policy.document))
    return made.decision.verdict.value


def page() -> None:
    """Make ``README.md`` of everything that is kept."""
    lines = [
        "# Evaluations of the shipped models",
        "",
        "<!-- Made by `python evaluation/reports/run.py`; do not edit. -->",
        "",
        "Each folder holds `evaluation.json`, its public edition and the policy. Nothing here was measured on records: only",
        "published statistics went into these models. What needs records is *not testable*; G0 stands in for it where the",
        "tables pass the audit. [What the verdicts mean](../../docs/explanation/verdicts.md).",
        "",
        "| model | policy | verdict | guarantee | passed | covered | does not pass |",
        "|---|---|---|---|---:|---:|---|",
    ]
    for path in sorted(HERE.glob(f"*/{EVALUATION}")):
        made = read_evaluation(path.parent)
        judged = made.decision.judged
        refused = dict.fromkeys(
            f"`{j.finding.measure}`" for j in judged if j.verdict.value == "fail"
        )
        open_ones = sum(not j.passes and j.verdict.value != "fail" for j in judged)
        said = ", ".join(refused) + (f", and {open_ones} open findings" if open_ones else "")
        lines.append(
            f"| {path.parent.name} | {made.policy.id} {made.policy.version} | "
            f"{made.decision.verdict.value} | {', '.join(made.decision.guarantees) or '-'} | "
            f"{sum(j.verdict.value == 'pass' for j in judged)} | "
            f"{sum(bool(j.covered_by) for j in judged)} | {said or '-'} |"
        )
    (HERE / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    patients = [name for name in shipped("fitted_models") if name != PEOPLE]
    for model in sys.argv[1:] or patients:
        start = time.perf_counter()
        verdict = evaluated(model)
        sys.stderr.write(f"{model}: {verdict}, {time.perf_counter() - start:.0f} s\n")
    page()
