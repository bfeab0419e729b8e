"""``synthgen evaluate``, ``release`` and ``verify`` as a person or a script calls them."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from synthgen.cli import evaluate as evaluate_command
from synthgen.cli.main import commands
from synthgen.cohort.hashes import file_hashes
from synthgen.evaluation.documents import document_bytes

SOURCE = "made up for a test of the rule"
CANARY = "CANARY4711"


def run(*arguments: object):
    return CliRunner().invoke(commands, [str(a) for a in arguments], prog_name="synthgen")


def policy_file(folder: Path, measures: dict[str, float | None], **changes: Any) -> Path:
    """A policy that requires these measures, or only reports them (None)."""
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
        "strata": [["grade"]],
        "k_min": 11,
        "measures": [
            {"measure": name, "required": limit is not None}
            | ({} if limit is None else {"limits": [{"limit": limit, "source": SOURCE}]})
            for name, limit in measures.items()
        ],
        "guarantees": [],
        "budget": {"max_evaluations": 3, "source": SOURCE},
        "approvals": {"needed": [], "given": []},
        "expiry": None,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "own.policy.json"
    path.write_bytes(document_bytes(document | changes))
    return path


def column(title: str, sensitivity: str = "none", **more: Any) -> dict[str, Any]:
    return {"title": title, **more, "x-synthgen": {"title_ko": "열", "sensitivity": sensitivity}}


def own_schema(folder: Path) -> Path:
    """One flat table: an identifier, a code, a number, and free text."""
    folder.mkdir(parents=True)
    texts = {
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
                "sex": {"$ref": "codelists.json#/$defs/sex"}
                | {"x-synthgen": {"title_ko": "성별", "sensitivity": "quasi-identifier"}},
                "age": column("Age", "quasi-identifier", type="integer", minimum=0, maximum=110),
                "grade": column("Grade", "sensitive", type="string"),
            },
        },
        "codelists.json": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {
                "sex": {
                    "title": "Sex",
                    "type": "string",
                    "oneOf": [
                        {"const": c, "title": c, "x-synthgen": {"title_ko": "가" + c}}
                        for c in ("1", "2")
                    ],
                    "x-synthgen": {"title_ko": "성별", "source": "none"},
                }
            },
        },
        "rules.json": {"format": "rules/1", "rules": []},
        "variables.json": {"format": "variables/1", "variables": []},
    }
    for name, document in texts.items():
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    return folder


def persons(n: int, seed: int, prefix: str) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "number": [f"{prefix}{i:05d}" for i in range(n)],
            "sex": rng.choice(["1", "2"], n),
            "age": rng.integers(20, 90, n),
            "grade": rng.choice(["low", "high"], n),
        }
    )


def as_cohort(folder: Path, frame: pd.DataFrame) -> Path:
    folder.mkdir(parents=True)
    frame.to_csv(folder / "person.csv", index=False)
    manifest = {
        "format": "cohort/1",
        "synthetic": True,
        "origin": "enclave",
        "model": {"id": "unknown", "sha256": ""},
        "schema": "own@1.0.0",
        "files": file_hashes(folder),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A schema, a cohort, records with a canary in a free text, and a control."""
    folder = tmp_path_factory.mktemp("place")
    own_schema(folder / "own")
    as_cohort(folder / "cohort", persons(150, 1, "SY"))
    for name, seed in (("train", 2), ("control", 3)):
        frame = persons(150, seed, name[0])
        frame.loc[:39, "grade"] = CANARY
        frame.loc[40:44, "grade"] = f"{CANARY}-rare"
        (folder / name).mkdir()
        frame.to_csv(folder / name / "person.csv", index=False)
    return folder


ATTACKS = {
    "proximity": 0.9,
    "homogeneous_keys": 0.5,
    "strata": 0.5,
    "rare_values": 1.0,
    "replicated_uniques": 0.5,
    "linkability": 0.5,
    "labelling": 0.0,
    "marginals": None,
    "subgroups": None,
    "familiar_distances": None,
}


def evaluate(place: Path, policy: Path, output: Path, *more: object):
    return run(
        "evaluate", place / "cohort", "--schema", place / "own", "--policy", policy, "-o", output,
        "--records", place / "train", "--control", place / "control", *more,
    )  # fmt: skip


def test_an_evaluation_is_written_and_a_refusal_ends_with_exit_code_3(place, tmp_path):
    policy = policy_file(tmp_path, ATTACKS | {"labelling": -1.0})
    result = evaluate(place, policy, tmp_path / "out")
    assert result.exit_code == 3, result.output
    assert "Refused by the policy" in result.stdout
    assert result.stderr.count("\n") == 1
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert {"evaluation.json", "evaluation.public.json", "policy.json", "attempts.jsonl"} <= names
    assert {"report.html", "report.public.html"} <= names


def test_no_value_of_a_record_is_printed_logged_or_published(place, tmp_path):
    result = evaluate(place, policy_file(tmp_path, ATTACKS), tmp_path / "out", "--json")
    assert result.exit_code in (0, 3), result.output
    document = json.loads(result.stdout)
    measured = [f for f in document["findings"] if f["reason"] is None]
    assert len(measured) >= 8
    shown = [result.stderr, (tmp_path / "attempts.jsonl").read_text()]
    names = ("evaluation.public.json", "report.public.html", "attempts.jsonl", "policy.json")
    shown += [(tmp_path / "out" / name).read_text(encoding="utf-8") for name in names]
    assert not [text for text in shown if CANARY in text]
    public = json.loads((tmp_path / "out" / "evaluation.public.json").read_text(encoding="utf-8"))
    assert [f for f in public["findings"] if f["part"].startswith("group 1")]


def test_the_same_seed_gives_the_same_findings_for_any_number_of_workers(place, tmp_path):
    policy = policy_file(tmp_path, ATTACKS)
    documents = []
    for jobs in (1, 2):
        out = tmp_path / f"out{jobs}"
        evaluate(place, policy, out, "--seed", 5, "--jobs", jobs)
        documents.append(json.loads((out / "evaluation.json").read_text(encoding="utf-8")))
    one, two = documents
    assert one["findings"] == two["findings"]
    assert (one["attempt"]["number"], two["attempt"]["number"]) == (1, 2)
    assert {**one, "attempt": None} == {**two, "attempt": None}


def changed(place: Path, tmp_path: Path, name: str, how) -> Path:
    copy = shutil.copytree(place, tmp_path / "place")
    path = copy / name / "person.csv"
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    how(frame).to_csv(path, index=False)
    return copy


def all_missing(frame):
    return frame.assign(grade="")


@pytest.mark.parametrize(
    ("name", "how", "exit_code", "said"),
    [
        ("control", lambda f: f.head(4), 13, "at least 10 are needed"),
        ("control", lambda f: f.drop(columns="grade"), 13, "person.grade structure.column"),
        ("train", lambda f: f.assign(extra="x"), 13, "none of the schema's"),
        ("train", lambda f: f.assign(age="CANARY4711"), 13, "person.age column.type (150 rows)"),
        ("train", lambda f: pd.concat([f, f.head(3)]), 13, "person.number key.unique (3 rows)"),
        ("cohort", lambda f: f, 4, "is not as it was generated"),
    ],
)
def test_bad_records_are_one_line_and_leave_nothing_behind(
    place, tmp_path, name, how, exit_code, said
):
    copy = changed(place, tmp_path, name, how)
    if name == "cohort":
        with (copy / name / "person.csv").open("a") as file:
            file.write("SY9,1,30,low\n")
    result = evaluate(copy, policy_file(tmp_path / "p", ATTACKS), tmp_path / "out")
    assert result.exit_code == exit_code, result.output
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert CANARY not in result.output
    assert result.stdout == ""
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "attempts.jsonl").exists()


def test_a_person_in_both_is_refused(place, tmp_path):
    copy = shutil.copytree(place, tmp_path / "place")
    shutil.copy(copy / "train" / "person.csv", copy / "control" / "person.csv")
    result = evaluate(copy, policy_file(tmp_path / "p", ATTACKS), tmp_path / "out")
    assert result.exit_code == 13
    assert "150 of 150 patients are training records as well" in result.stderr


def test_constant_and_missing_columns_are_no_crash(place, tmp_path):
    copy = changed(place, tmp_path, "cohort", lambda f: f.assign(grade="", sex="1"))
    manifest = json.loads((copy / "cohort" / "manifest.json").read_text())
    (copy / "cohort" / "manifest.json").unlink()
    manifest["files"] = file_hashes(copy / "cohort")
    (copy / "cohort" / "manifest.json").write_text(json.dumps(manifest))
    evaluate(copy, policy_file(tmp_path / "p", ATTACKS), tmp_path / "out")
    document = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    crashed = [f for f in document["findings"] if f["reason"] == "finding.reason.crashed"]
    assert crashed == []


@pytest.mark.parametrize(
    ("changes", "exit_code", "said"),
    [
        ({"secrets": ["smoker"]}, 2, "names column smoker as secret"),
        ({"expiry": "2020-01-01"}, 3, "expired on 2020-01-01"),
        ({"schema": "rare-cancer"}, 2, "is for the schema rare-cancer"),
        ({"k_min": -1}, 2, "k_min"),
    ],
)
def test_a_policy_that_cannot_be_used_is_one_line(place, tmp_path, changes, exit_code, said):
    result = evaluate(place, policy_file(tmp_path, ATTACKS, **changes), tmp_path / "out")
    assert result.exit_code == exit_code, result.output
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "attempts.jsonl").exists()


def test_an_unknown_measure_is_named(place, tmp_path):
    policy = policy_file(tmp_path, {"magic": 0.1})
    result = evaluate(place, policy, tmp_path / "out")
    assert result.exit_code == 2
    assert "names a measure magic that there is not" in result.stderr


def test_the_budget_of_evaluations_is_kept_and_a_changed_policy_is_refused(place, tmp_path):
    policy = policy_file(tmp_path, {"labelling": 0.0})
    for at in range(3):
        assert evaluate(place, policy, tmp_path / f"out{at}").exit_code == 0
    result = evaluate(place, policy, tmp_path / "out3")
    assert result.exit_code == 3
    assert "allows 3 evaluations of these data and 3 were begun" in result.stderr
    assert not (tmp_path / "out3").exists()
    policy_file(tmp_path, {"labelling": 5.0})
    result = evaluate(place, policy, tmp_path / "out4")
    assert "was changed after the first evaluation" in result.stderr
    log = (tmp_path / "attempts.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in log] == ["started", "finished"] * 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say what is evaluated"),
        (("kr-demo",), "needs --policy and -o"),
        (("kr-demo", "--policy", "public", "-o", "x", "--seed", "-1"), "seed"),
        (("kr-demo", "--policy", "public", "-o", "x", "--records", "r"), "belong together"),
        (("nonsense", "--policy", "public", "-o", "x"), "is no cohort, model or pack"),
        (("kr-demo", "--policy", "nonsense", "-o", "x"), "no such policy"),
    ],
)
def test_a_call_that_cannot_work_says_so(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    result = run("evaluate", *arguments)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_policy_with_empty_limits_refuses_everything(tmp_path):
    result = run("evaluate", "kr-demo", "--policy", "kr-pipc-2024", "-o", tmp_path / "out")
    assert result.exit_code == 3
    assert "is not filled in; the steward must state it" in result.stderr


def test_a_policy_with_a_measure_that_there_is_not_is_shown_all_the_same(tmp_path):
    policy = json.loads(run("show", "public", "--json").stdout)
    policy["measures"][0]["measure"] = "no_such_measure"
    path = tmp_path / "odd.policy.json"
    path.write_text(json.dumps(policy), encoding="utf-8")
    assert "no_such_measure" in run("show", path).stdout


def test_policies_are_listed_shown_and_checked():
    listed = {row["id"] for row in json.loads(run("catalog", "--json").stdout)}
    assert {"public", "enclave", "teaching", "ema-hc-009", "uscs-16", "kr-pipc-2024"} <= listed
    shown = run("show", "public", "--lang", "ko").stdout
    assert "일반 공개" in shown
    assert "European Medicines Agency" in shown
    assert "측정" in shown
    assert "SDMetrics 품질 보고서(참고용)" in shown
    assert "보고만 함" in shown
    assert "\nmeasure " not in shown
    assert json.loads(run("check", "public", "--json").stdout)["policy"] == "public"
    refused = run("check", "kr-pipc-2024")
    assert refused.exit_code == 3


def test_what_did_not_pass_is_not_released(place, tmp_path):
    policy = policy_file(tmp_path, {"labelling": -1.0})
    assert evaluate(place, policy, tmp_path / "out").exit_code == 3
    result = run("release", tmp_path / "out", "-o", tmp_path / "bundle")
    assert result.exit_code == 3
    assert not (tmp_path / "bundle").exists()


def test_verify_of_nonsense_is_one_line(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 nonsense")
    for path in (tmp_path / "x.zip", tmp_path / "nowhere", tmp_path):
        result = run("verify", path)
        assert result.exit_code == 15, result.output
        assert result.stderr.count("\n") == 1


def test_a_self_test_without_its_extra_is_refused_before_anything_is_measured(
    tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    out = tmp_path / "evaluation"
    made = run("evaluate", "kr-demo", "--policy", "public", "--self-test", "-o", out)
    assert made.exit_code == 16
    assert "synthgen-cohort[records]" in made.output
    assert not out.exists()


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_controls_that_were_not_seen_are_named_beside_the_verdict(lang):
    rows = [
        {"control": "copier", "as_expected": True},
        {"control": "raw columns", "as_expected": False},
    ]
    said = evaluate_command.said_of_self_test({"controls": rows}, lang)
    assert "raw columns" in said
    assert "copier" not in said
    assert "2" in evaluate_command.said_of_self_test({"controls": [rows[0]] * 2}, lang)
