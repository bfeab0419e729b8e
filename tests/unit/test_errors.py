"""Exit codes are a contract with people who may not read the log."""

from __future__ import annotations

import importlib
import inspect
import sys

import pytest

from synthgen import errors
from synthgen.errors import SynthgenError
from synthgen.extras import EXTRAS, require

CLASSES = [
    member
    for _, member in inspect.getmembers(errors, inspect.isclass)
    if issubclass(member, SynthgenError) and member is not SynthgenError
]


def hide(monkeypatch: pytest.MonkeyPatch, *modules: str, path: tuple[object, ...] = ()) -> None:
    """Make modules absent, in whatever environment the tests run, but for those in ``path``."""
    monkeypatch.setattr(sys, "path", [str(folder) for folder in path])
    importlib.invalidate_caches()
    for module in modules:
        monkeypatch.setitem(
            sys.modules, module, None
        )  # so that what is imported goes with the test
        del sys.modules[module]


def test_each_class_has_the_exit_code_of_the_design():
    codes = {c.__name__: c.exit_code for c in CLASSES if c.__base__ is SynthgenError}
    assert codes == {
        "UsageError": 2,
        "RefusedError": 3,
        "ContractError": 4,
        "SchemaError": 10,
        "StatisticsError": 11,
        "ModelError": 12,
        "RecordsError": 13,
        "PrivacyBudgetError": 14,
        "VerificationError": 15,
        "MissingExtraError": 16,
        "OutputError": 74,
    }


def test_a_finer_class_keeps_the_exit_code_of_its_base():
    assert errors.EvidenceError.exit_code == errors.ModelError.exit_code


def test_no_exit_code_is_that_of_a_bug_or_of_success():
    assert all(c.exit_code not in {0, 1} for c in CLASSES)


@pytest.mark.parametrize("name", EXTRAS)
def test_every_extra_says_what_it_is_for_and_its_licence(name):
    extra = EXTRAS[name]
    assert extra.purpose
    assert extra.modules
    assert extra.licence


@pytest.mark.parametrize("name", EXTRAS)
def test_a_module_of_a_missing_extra_is_one_line_that_names_the_extra(name, monkeypatch):
    hide(monkeypatch, *EXTRAS[name].modules)
    with pytest.raises(errors.MissingExtraError) as caught:
        require(name, EXTRAS[name].modules[0])
    text = str(caught.value)
    assert text.startswith(f"extra {name}: {EXTRAS[name].modules[0]} is not installed")
    assert f"pip install 'synthgen-cohort[{name}]'" in text
    assert "\n" not in text
    assert caught.value.exit_code == 16


def test_the_message_for_sdv_says_what_its_licence_forbids(monkeypatch):
    hide(monkeypatch, "sdv")
    with pytest.raises(errors.MissingExtraError, match=r"BUSL-1\.1: .*third parties"):
        require("sdv", "sdv.single_table")


def test_a_part_that_is_installed_but_broken_is_told_apart(tmp_path, monkeypatch):
    (tmp_path / "sklearn.py").write_text("raise ImportError('libgomp.so.1:\\n cannot open')")
    hide(monkeypatch, "sklearn", path=(tmp_path,))
    with pytest.raises(
        errors.MissingExtraError,
        match=r"^extra records: sklearn is installed but cannot be imported "
        r"\(libgomp\.so\.1: cannot open\); ",
    ):
        require("records", "sklearn")


def test_a_module_of_another_part_is_our_bug():
    with pytest.raises(ValueError, match=r"^module \(numpy\) must be in one of"):
        require("records", "numpy")


def test_a_present_part_is_imported(tmp_path, monkeypatch):
    (tmp_path / "opendp.py").write_text("answer = 42")
    hide(monkeypatch, "opendp", path=(tmp_path,))
    assert require("dp", "opendp").answer == 42
