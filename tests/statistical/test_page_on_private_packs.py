"""The page on private packs says what its results say."""

from __future__ import annotations

import importlib.util
import json
import sys

import pytest


def test_the_page_says_what_the_results_say(root, monkeypatch):
    folder = root / "evaluation" / "benchmarks"
    if not folder.is_dir():
        pytest.skip("a source distribution holds no benchmarks")
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    spec = importlib.util.spec_from_file_location("bench_private", folder / "bench_private.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    said = script.tables(json.loads(script.RESULTS.read_text("utf-8")))
    assert f"{script.BEGIN}\n{said}\n{script.END}" in script.PAGE.read_text("utf-8")
