"""The page on private packs says what its results say."""

from __future__ import annotations

import json

import pytest


def test_the_page_says_what_the_results_say(root, load_script):
    folder = root / "evaluation" / "benchmarks"
    if not folder.is_dir():
        pytest.skip("a source distribution holds no benchmarks")
    script = load_script(folder / "bench_private.py", folder)
    said = script.tables(json.loads(script.RESULTS.read_text("utf-8")))
    assert f"{script.BEGIN}\n{said}\n{script.END}" in script.PAGE.read_text("utf-8")
