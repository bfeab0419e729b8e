"""``synthgen evaluate`` of a model and a cohort of records: the refit audit runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from synthgen.cli.main import commands
from synthgen.evaluation.documents import document_bytes

SOURCE = "made up for a test of the rule"
CANARY = "CANARY4711"


def run(*arguments: object):
    return CliRunner().invoke(commands, [str(a) for a in arguments], prog_name="synthgen")


def policy_file(folder: Path, *, required: bool) -> Path:
    rule: dict[str, Any] = {"measure": "refit_audit", "required": required}
    if required:
        rule["limits"] = [{"limit": 1.0, "source": SOURCE}]
    other = {
        "measure": "marginals",
        "required": True,
        "limits": [{"limit": 1.0, "source": SOURCE}],
    }
    document = {
        "format": "policy/1",
        "id": "own",
        "version": "1.0.0",
        "title": "Own policy",
        "title_ko": "자체 정책",
        "context": {"recipient": "nobody", "access": "public", "motive_and_capacity": ""},
        "population": {"region": "none", "size": None, "is_census": True, "source": SOURCE},
        "keys": [["sex", "age"]],
        "secrets": ["grade"],
        "strata": [],
        "k_min": 11,
        "measures": [rule, other],
        "guarantees": [],
        "budget": {"max_evaluations": 9, "source": SOURCE},
        "approvals": {"needed": [], "given": []},
        "expiry": None,
    }
    path = folder / "own.policy.json"
    path.write_bytes(document_bytes(document))
    return path


def column(title: str, sensitivity: str, **more: Any) -> dict[str, Any]:
    return {"title": title, **more, "x-synthgen": {"title_ko": "열", "sensitivity": sensitivity}}


def own_schema(folder: Path) -> Path:
    folder.mkdir(parents=True)

    def listed(*codes: str) -> dict[str, Any]:
        return {
            "title": "Codes",
            "type": "string",
            "oneOf": [
                {"const": c, "title": c, "x-synthgen": {"title_ko": "가" + c}} for c in codes
            ],
            "x-synthgen": {"title_ko": "부호", "source": "none"},
        }

    def coded(name: str, sensitivity: str) -> dict[str, Any]:
        return {
            "$ref": f"codelists.json#/$defs/{name}",
            "x-synthgen": {"title_ko": "열", "sensitivity": sensitivity},
        }

    texts: dict[str, Any] = {
        "dataset.json": {
            "format": "schema/1",
            "id": "own",
            "version": "1.0.0",
            "title": "Own",
            "title_ko": "자체",
            "description": "A test.",
            "description_ko": "시험.",
            "licence": "CC0-1.0",
            "tables": ["person"],
        },
        "person.schema.json": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Person",
            "type": "object",
            "x-synthgen": {"title_ko": "사람", "row_unit": "person", "row_unit_ko": "사람"}
            | {"primary_key": ["number"], "foreign_keys": []},
            "required": ["number", "sex", "age"],
            "additionalProperties": False,
            "properties": {
                "number": column("Number", "identifier", type="string"),
                "sex": coded("sex", "quasi-identifier"),
                "age": column("Age", "quasi-identifier", type="integer", minimum=0, maximum=110),
                "grade": coded("grade", "sensitive"),
            },
        },
        "codelists.json": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {"sex": listed("1", "2"), "grade": listed("low", "high", CANARY)},
        },
        "rules.json": {"format": "rules/1", "rules": []},
        "variables.json": {"format": "variables/1", "variables": []},
    }
    for name, document in texts.items():
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A schema, records with a canary in a rare grade, a control, a model and its cohort."""
    folder = tmp_path_factory.mktemp("place")
    own_schema(folder / "own")
    for name, seed in (("train", 2), ("control", 3)):
        rng = np.random.default_rng(seed)
        made = pd.DataFrame(
            {
                "number": [f"{name[0]}{i:05d}" for i in range(40)],
                "sex": rng.choice(["1", "2"], 40),
                "age": rng.integers(20, 90, 40),
                "grade": rng.choice(["low", "high", CANARY], 40, p=[0.5, 0.4, 0.1]),
            }
        )
        (folder / name).mkdir()
        made.to_csv(folder / name / "person.csv", index=False)
    fitted = run("fit", folder / "train", "--schema", folder / "own", "-o", folder / "model",
                 "--allow-repeated")  # fmt: skip
    assert fitted.exit_code == 0, fitted.output
    drawn = run("generate", folder / "model", "-n", 40, "-o", folder / "cohort")
    assert drawn.exit_code == 0, drawn.output
    return folder


def evaluate(place: Path, target: str, policy: Path, out: Path, *more: object):
    return run(
        "evaluate", place / target, "--schema", place / "own", "--policy", policy, "-o", out,
        "--records", place / "train", "--control", place / "control", "--json", *more,
    )  # fmt: skip


def audit_of(result) -> dict[str, Any]:
    document = json.loads(result.stdout)
    return {f["part"]: f for f in document["findings"] if f["measure"] == "refit_audit"}


def test_a_model_and_its_cohort_are_refitted_the_same_for_any_number_of_jobs(place, tmp_path):
    (tmp_path / "reports").mkdir()
    reports = policy_file(tmp_path / "reports", required=False)
    first = evaluate(place, "model", reports, tmp_path / "a", "--refits", 32)
    found = audit_of(first)
    assert found["everybody"]["estimate"] is not None, found
    assert found["everybody"]["detail"]["refits"] == 32
    assert "number of refits" not in found
    assert "refit 32 of 32:" in first.stderr and "s each" in first.stderr
    assert CANARY not in first.stderr
    # The same of a cohort (with a log of its own: the policy differs), in two processes, where the audit is required: too few to pass.
    requires = policy_file(tmp_path, required=True)
    more = ("--model", place / "model", "--refits", 32, "--jobs", 2)
    second = evaluate(place, "cohort", requires, tmp_path / "reports" / "b", *more)
    assert second.exit_code == 3, second.output
    again = audit_of(second)
    assert again.pop("number of refits")["reason"] == "finding.reason.few_refits"
    assert again == found
    decision = json.loads(second.stdout)["decision"]
    judged = {r["part"]: r["verdict"] for r in decision["judged"] if r["measure"] == "refit_audit"}
    assert judged["everybody"] == "pass"  # the limit is 1
    assert judged["number of refits"] == "not_testable"
    assert decision["verdict"] == "not_testable"


def test_a_model_brings_its_schema_and_is_fitted_again_without_the_bins_of_all_records(
    place, tmp_path
):
    """It needs no --schema, and what is found is the same: no half knows the other's bins."""
    policy = policy_file(tmp_path, required=False)
    records = ("--records", place / "train", "--control", place / "control")
    found = []
    for number, more in enumerate(((), ("--schema", place / "own"))):
        out = tmp_path / str(number) / "a"
        out.parent.mkdir()
        result = run(
            "evaluate", place / "model", "--policy", policy, "--json", "--refits", 32, *records,
            *more, "-o", out,
        )  # fmt: skip
        found.append(audit_of(result))
    assert found[0]["everybody"]["estimate"] is not None
    assert found[0] == found[1]


def test_a_cohort_without_its_model_cannot_be_refitted(place, tmp_path):
    result = evaluate(place, "cohort", policy_file(tmp_path, required=True), tmp_path / "a")
    assert result.exit_code == 3, result.output
    (said,) = audit_of(result).values()
    assert said["reason"] == "finding.reason.missing_input"


@pytest.mark.parametrize("refits", [0, 30, 33])
def test_a_number_of_refits_that_cannot_be_is_one_line(place, tmp_path, refits):
    policy = policy_file(tmp_path, required=True)
    result = evaluate(place, "model", policy, tmp_path / "a", "--refits", refits)
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1
    assert "even and at least 32" in result.stderr
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("how", [("--min-cell", 5), ("--round", 5)], ids=["hidden", "rounded"])
def test_a_model_of_protected_tables_is_fitted_again_under_their_protection(place, tmp_path, how):
    made = run("tabulate", place / "train", "--schema", place / "own", *how,
               "-o", tmp_path / "pack", "--allow-repeated")  # fmt: skip
    assert made.exit_code == 0, made.output
    fitted = run("fit", tmp_path / "pack", "-o", tmp_path / "model")
    assert fitted.exit_code == 0, fitted.output
    result = run(
        "evaluate", tmp_path / "model", "--policy", policy_file(tmp_path, required=False),
        "--records", place / "train", "--control", place / "control", "--refits", 32, "--json",
        "-o", tmp_path / "a",
    )  # fmt: skip
    found = audit_of(result)
    assert found["everybody"]["reason"] is None, found
    assert found["everybody"]["detail"]["refits"] == 32
    # forty people in tables of at least five: nothing is proven against such a fit
    assert found["everybody"]["lower"] <= 0.2


def test_a_pack_does_not_hold_its_plan_so_that_its_model_is_not_audited(place, tmp_path):
    plan = {"format": "plan/1", "target": {"population": "Nobody", "period": "2020"},
            "tables": [{"variables": ["sex", "grade"]}, {"variables": ["person_age"]}]}  # fmt: skip
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    made = run("tabulate", place / "train", "--schema", place / "own", "--plan",
               tmp_path / "plan.json", "-o", tmp_path / "pack", "--allow-repeated")  # fmt: skip
    assert made.exit_code == 0, made.output
    fitted = run("fit", tmp_path / "pack", "-o", tmp_path / "model")
    assert fitted.exit_code == 0, fitted.output
    result = run("evaluate", tmp_path / "model", "--policy", policy_file(tmp_path, required=True),
                 "--records", place / "train", "--control", place / "control", "--refits", 32,
                 "-o", tmp_path / "a", "--json")  # fmt: skip
    assert result.stdout, result.stderr
    (said,) = audit_of(result).values()
    assert (said["reason"], said["estimate"]) == ("finding.reason.refit_other", None)
