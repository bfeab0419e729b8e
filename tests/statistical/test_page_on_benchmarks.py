"""The page of benchmarks is the one that its script makes of the results that are kept."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def script(root, load_script):
    folder = root / "evaluation" / "benchmarks"
    if not folder.is_dir():
        pytest.skip("a source distribution holds no benchmarks")
    return load_script(folder / "report.py", folder)


def test_the_page_says_what_the_results_say(script, root):
    page = (root / "docs" / "reference" / "benchmarks.md").read_text("utf-8")
    assert page == script.page(), "python evaluation/benchmarks/report.py makes it anew"


def test_the_pictures_show_what_the_results_say(script, root):
    for name, text in script.pictures().items():
        assert (root / "docs" / "reference" / "pictures" / name).read_text("utf-8") == text


def test_the_results_meet_what_is_promised(script):
    fit = {r["task"]: r for r in script.result("fit")["results"]}
    assert fit["kr-demo"]["cpu_seconds"] < 3
    assert fit["ci5-korea"]["cpu_seconds"] < 5
    assert max(r["peak_mib"] for r in script.result("fit")["results"]) < 1024
    sample = script.result("sample")
    speed = {r["task"]: r["rows_per_cpu_second"] for r in sample["results"]}
    assert speed["synthgen"] > 2_000_000
    assert sample["times_as_fast_as_sdv"] > 20
    assert sample["times_as_fast_as_mbi"] > 10
    written = {(r["patients"], r["jobs"]): r for r in script.result("generate")["results"]}
    of_all = "peak_mib_of_all_processes"
    assert written[3_000_000, 2][of_all] < 1.15 * written[1_000_000, 2][of_all]
    survival = script.result("survival")
    assert survival["largest_z"]["pohar_perme"] < survival["limit"]


def test_a_million_patients_with_their_tumours_take_half_a_minute_of_two_processors(script):
    generate = script.result("generate")
    by_size = {(r["patients"], r["jobs"]): r for r in generate["results"]}
    million, three = by_size[1_000_000, 2], by_size[3_000_000, 2]
    assert million["tumours"] > 1_000_000
    assert million["cpu_seconds"] / 2 < 30
    assert max(million["peak_mib_of_all_processes"], three["peak_mib_of_all_processes"]) < 1536
    assert three["peak_mib_of_all_processes"] < 1.1 * million["peak_mib_of_all_processes"]
    assert generate["times_as_fast_as_sdv"] > 10
