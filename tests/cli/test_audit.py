"""synthgen audit: what is printed, and how it ends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from synthgen.cli.main import commands
from synthgen.resources import data_root

DEMO = "kr-demo/statistics"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["audit", *arguments])


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    folder = tmp_path / "pack"
    shutil.copytree(Path(str(data_root())) / "fitted_models" / "kr-demo" / "statistics", folder)
    return folder


def test_a_shipped_pack_is_audited_without_a_limit_and_ends_well():
    result = run(DEMO)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("kr-demo@1.0.0: ")
    assert "I1 smallest cells" in result.output


def test_a_limit_that_is_broken_ends_with_three_and_one_line():
    result = run(DEMO, "--min-cell", "5")
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1
    assert "must not be released as it is: smallest_cell" in result.stderr


def test_a_policy_brings_its_own_smallest_cell():
    result = run(DEMO, "--policy", "simulacrum-50", "--json")
    assert result.exit_code == 3
    document = json.loads(result.stdout)
    assert document["limits"]["min_cell"] == 50
    assert document["policy"]["id"] == "simulacrum-50"
    assert document["policy"]["refuses"]
    assert [f["family"] for f in document["findings"]] == ["I"] * 7


def test_korean_has_the_same_number_of_lines():
    assert len(run(DEMO, "--lang", "ko").output.splitlines()) == len(run(DEMO).output.splitlines())


def test_two_releases_are_audited_together(demo):
    result = run(DEMO, str(demo))
    assert result.exit_code == 0, result.output
    assert "kr-demo@1.0.0, kr-demo@1.0.0 #2" in result.output


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "Missing argument 'PACK...'"),
        (("no-such-pack",), 11, "no-such-pack: no such statistics pack"),
        ((str(Path(__file__).parent),), 11, "holds no datapackage.json; it must be a statistics"),
        ((DEMO, "--min-cell", "1"), 2, "--min-cell"),
        ((DEMO, "--policy", "no-such-policy"), 2, "no-such-policy"),
    ],
)
def test_bad_calls_end_with_one_line(arguments, code, words):
    result = run(*arguments)
    assert result.exit_code == code
    assert words in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_broken_pack_is_named_in_one_line(demo):
    (demo / "tables" / "life_table_2018.csv").write_bytes(b"\xff\xfe")
    result = run(str(demo))
    assert result.exit_code == 11
    assert "life_table_2018" in result.stderr
    assert result.stderr.count("\n") == 1
