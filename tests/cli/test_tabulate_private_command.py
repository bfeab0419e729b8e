"""``synthgen tabulate --epsilon``: what is printed, what is refused, and that nothing is spent."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from synthgen.cli.main import commands

EXAMPLE = Path(__file__).resolve().parents[2] / "docs/how-to/examples/sarcoma-surgery"
PLAN = {
    "format": "plan/1",
    "target": {"population": "One hospital", "period": "2015-2020"},
    "tables": [{"variables": ["grade", "status"]}, {"variables": ["age_group"]}],
}


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A folder with records of 600 operations, their schema and a plan."""
    folder = tmp_path_factory.mktemp("room")
    shutil.copytree(EXAMPLE, folder / "schema")
    rng = np.random.default_rng(1)
    n = 600
    months = rng.exponential(40, n).round(1) + 1
    day = np.datetime64("2015-01-01") + rng.integers(0, 2000, n)
    frame = pd.DataFrame(
        {
            "operation_no": [f"OP{i:04d}" for i in range(n)],
            "age": rng.integers(18, 95, n),
            "biopsy_date": day.astype(str),
            "surgery_date": day.astype(str),
            "size_mm": rng.integers(5, 200, n),
            "grade": rng.choice(["1", "2", "3"], n),
            "margin": "R0",
            "months_followed": months,
            "status": rng.choice(["alive", "dead"], n),
            "months_to_relapse": 0.5,
            "relapse": "local",
        }
    )
    (folder / "records").mkdir()
    frame.to_csv(folder / "records" / "operation.csv", index=False)
    (folder / "plan.json").write_text(json.dumps(PLAN), "utf-8")
    return folder


@pytest.fixture
def call(room, monkeypatch):
    """The command in this process, in the room."""
    monkeypatch.chdir(room)

    def called(*arguments: str) -> Result:
        plan = ["tabulate", "records", "--schema", "schema", "--plan", "plan.json"]
        return CliRunner().invoke(commands, [*plan, *arguments])

    return called


def test_a_private_pack_is_made_once_and_the_budget_is_then_spent(room, call):
    pytest.importorskip("opendp", reason="the extra dp is not installed")
    claim = ("--epsilon", "1", "--delta", "1e-6", "--budget", "budget.json")
    done = call(*claim, "-o", "pack")
    assert done.exit_code == 0, done.stderr
    assert "noisy_counts grade, status: " in done.stdout
    assert "Epsilon 1, delta 1e-06, rho 0.024" in done.stdout
    assert (room / "pack" / "ledger.json").is_file()
    again = call(*claim, "-o", "again")
    assert again.exit_code == 14
    assert again.stderr.count("\n") == 1
    assert "is spent" in again.stderr
    assert not (room / "again").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--epsilon", "0", "-o", "x"), 14, "epsilon: is 0"),
        (("--epsilon", "1", "--delta", "0.1", "-o", "x"), 14, "delta: is 0.1"),
        (("--epsilon", "1", "--delta", "0.01", "--expect-n", "100", "-o", "x"), 14, "delta: is"),
        (("--epsilon", "1", "--bins-from-data", "-o", "x"), 14, "bins of the records"),
        (("--epsilon", "1", "--prior", "kr-demo/statistics", "-o", "x"), 14, "prior kr-demo"),
        (("--epsilon", "1", "--expect-n", "20", "-o", "x"), 14, "would be noise"),
        (("--epsilon", "1", "--expect-n", "20", "--dry-run"), 14, "would be noise"),
        (("--epsilon", "1", "--rows-per-patient", "2", "-o", "x"), 14, "is a patient"),
        (("--epsilon", "1", "--rows-per-patient", "many", "-o", "x"), 2, "must be a number"),
        (("--delta", "1e-6", "-o", "x"), 2, "goes with --epsilon"),
        (("--epsilon", "1", "-o", "schema"), 2, "exists already"),
    ],
)
def test_what_is_refused_is_one_line_and_spends_nothing(room, call, arguments, code, said):
    done = call(*arguments, "--budget", "none.json") if code == 14 else call(*arguments)
    assert done.exit_code == code, done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (room / "x").exists()
    assert not (room / "none.json").exists()


def test_a_dry_run_prints_the_errors_to_expect(call):
    done = call("--epsilon", "1", "--expect-n", "600", "--dry-run")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.count("expected error") == 2
