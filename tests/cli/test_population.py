"""``generate --population --years``: the cases of a region, as a person asks for them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from synthgen.cli.main import commands
from synthgen.evaluation.target import load_target


def run(*arguments: object):
    return CliRunner().invoke(commands, [str(a) for a in arguments])


def generate(out, *arguments):
    return run("generate", "kr-rare", *arguments, "--format", "csv", "--no-report", "-o", out)


def test_a_province_over_some_years(tmp_path):
    out = tmp_path / "jeju"
    result = generate(out, "--population", "제주", "--years", 2, "--seed", 3)
    assert result.exit_code == 0, result.output
    said, made = result.stdout.splitlines()
    assert said.startswith("Jeju, years: 2. Cases expected: ")
    assert made.startswith("kr-rare, seed 3: patient ")
    card = (out / "DATA_CARD.md").read_text(encoding="utf-8")
    assert "| Cases of | Jeju; years: 2; cases expected: " in card
    assert "synthgen generate kr-rare --years 2 --population 50 --seed 3" in card
    korean = (out / "DATA_CARD.ko.md").read_text(encoding="utf-8")
    assert "| 발생 집단 | 제주특별자치도, 2년, 기대 발생 " in korean
    assert run("check", out).exit_code == 0


def test_districts_are_named_with_their_expected_cases(tmp_path):
    asked = ("--population", "gangwon", "--years", 1, "--where", "entity=mesothelioma")
    result = generate(tmp_path / "en", *asked)
    assert "Expected by district, in proportion to residents alone: Wonju-si " in result.stdout
    result = generate(tmp_path / "ko", *asked, "--lang", "ko")
    assert "시군별 기대 발생 수(주민 수에만 비례): 원주시 " in result.stdout


def test_the_manifest_says_what_was_expected(tmp_path):
    switches = ("--no-trend", "--no-age-adjustment", "--where", "entity=mesothelioma")
    result = generate(tmp_path / "c", "--population", "gangwon", "--years", 10, *switches, "--json")
    manifest = json.loads(result.stdout)
    asked = manifest["settings"]["population"]
    assert (asked["region"], asked["years"]) == ("51", 10)
    assert (asked["age_adjusted"], asked["trend"]) == (False, False)
    # 693 cases of five years in Korea (CI5 XII), 1,532,153 of its people in Gangwon.
    assert asked["expected_cases"] == pytest.approx(41.7, abs=0.2)
    assert manifest["expected_cases"]["site_group"]["mesothelioma"] == pytest.approx(41.7, abs=0.2)
    assert len(manifest["expected_cases"]["places"]) == 18
    assert manifest["tables"]["patient"]["rows"] == manifest["settings"]["n"]
    # and nothing is missing to make it again
    assert load_target(str(tmp_path / "c"), seed=1).doubt == ""


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--population", "gangwan", "--years", 5), "did you mean Gangwon (강원특별자치도), "),
        (("--population", "강운", "--years", 5), "did you mean Gangwon (강원특별자치도)?"),
        (("--years", 0), "years: is 0; it must be 1 to 100"),
        (("--years", -3), "years: is -3; it must be 1 to 100"),
        (("--years", 3, "-n", 4), "both are given; it must be one of them"),
        ((), "neither is given; it must be one of them"),
        (("-n", 0), "number of patients: is 0; it must be 1 or more"),
        (("-n", 3, "--population", "busan"), "population: goes with a number of years"),
        (("--years", 3, "--population", "busan", "--where", "region=11"), "give one of them"),
    ],
)
def test_a_bad_request_is_one_clear_line_and_leaves_nothing(tmp_path, arguments, line):
    out = tmp_path / "c"
    result = generate(out, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    (said,) = result.stderr.splitlines()
    assert said.startswith("Error: ")
    assert line in said
    assert list(tmp_path.iterdir()) == []


def test_a_model_of_people_is_listed_and_makes_no_patients(tmp_path):
    assert "kr-population" in run("catalog").stdout
    assert "people_region_sex_2023" in run("show", "kr-population/statistics").stdout
    result = run("generate", "kr-population", "-n", 3, "-o", tmp_path / "c")
    assert result.exit_code == 2
    assert "is no model of patients" in result.stderr
