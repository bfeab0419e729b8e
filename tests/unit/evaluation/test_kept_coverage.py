"""What the script of the planted controls keeps of the coverage of the refit audit."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "evaluation" / "controls" / "run.py"


def _row(control: str, n: int, audits: int) -> dict[str, Any]:
    shares = {"lower_bound_over_zero": 0.5, "upper_bound_under_zero": 0.25}
    known = {"control": control, "n": n, "part": "everybody", "intervals": audits}
    return known | shares | {"audits": audits, "revision": "abc1234"}


def test_another_size_leaves_the_rows_that_were_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load_script: Callable[..., ModuleType]
) -> None:
    script = load_script(SCRIPT)
    monkeypatch.setattr(script, "RESULTS", tmp_path)
    kept = [_row("published tables", 60, 200), _row("uniform", 40, 7), _row("uniform", 60, 200)]
    script.keep("coverage-32", {"refits": 32, "rows": kept})
    script.coverage(seeds=1, sizes=[40], refits=32, names=["uniform"])
    rows = json.loads((tmp_path / "coverage-32.json").read_text(encoding="utf-8"))["rows"]
    assert [row for row in rows if row["n"] == 60] == [kept[0], kept[2]]
    new = [row for row in rows if row["n"] == 40]
    assert {row["part"] for row in new} >= {"everybody", "outliers"}
    assert {(row["control"], row["audits"]) for row in new} == {("uniform", 1)}
    assert {row["revision"] for row in new} == {script.revision()}
    lines = script._coverage()
    assert any("| published tables | 60 | 32 | 200 |" in line for line in lines)
    assert any("| uniform | 40 | 32 | 1 |" in line for line in lines)
