"""tabulate of a registry of two tables: told as it goes, little to compute, and nothing given away."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from synthgen.cli.main import commands
from synthgen.statistics.audit.work import MOST_WORK, Work

PLAN = """{"format": "plan/1", "target": {"population": "Patients", "period": "2020"},
"tables": [{"variables": ["entity", "seer_stage"]}, {"variables": ["entity", "grade"]}]}"""


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cohort") / "kr"
    options = ["-n", "3000", "--seed", "1", "-o", str(folder)]
    made = CliRunner().invoke(commands, ["generate", "kr-demo", *options])
    assert made.exit_code == 0, made.output
    return folder


@pytest.mark.parametrize("is_planned", [True, False])
def test_three_thousand_patients_are_tabulated_with_little_work(
    cohort, tmp_path, monkeypatch, is_planned
):
    made = importlib.import_module("synthgen.statistics.protection.protect")
    spent: list[Work] = []
    monkeypatch.setattr(made, "Work", lambda: spent.append(Work()) or spent[-1])
    plan = tmp_path / "plan.json"
    plan.write_text(PLAN, encoding="utf-8")
    planned = ["--plan", str(plan)] if is_planned else []
    out = tmp_path / "pack"
    options = ["--schema", "rare-cancer", "--min-cell", "11", *planned, "-o", str(out)]
    result = CliRunner().invoke(commands, ["tabulate", str(cohort), *options])
    assert result.exit_code == 0, result.output
    assert "by rounding: audit 1" in result.stderr
    assert spent
    assert sum(MOST_WORK - work.left for work in spent) < MOST_WORK / 3
    audited = CliRunner().invoke(commands, ["audit", str(out), "--min-cell", "11"])
    assert audited.exit_code == 0, audited.output
    assert "contradict" not in audited.output
