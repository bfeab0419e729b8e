"""Shipped folders are found, and a broken installation is our bug and says so."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from synthgen.resources import data_root, shipped


def test_a_checkout_is_read_where_it_stands(root):
    assert data_root() == root


def test_ids_come_in_order_and_formats_are_not_a_schema():
    ids = list(shipped("schemas"))
    assert ids == sorted(ids)
    assert "rare-cancer" in ids
    assert "formats" not in ids


def test_a_folder_that_is_not_shipped_is_empty():
    assert shipped("no_such_folder") == {}


@pytest.fixture
def copy(tmp_path, root):
    """A copy of the package alone, as an installation has it."""
    package = tmp_path / "synthgen"
    package.mkdir()
    for name in ("__init__.py", "resources.py"):
        shutil.copy(root / "synthgen" / name, package)
    return package


def roots(package, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"import sys; sys.path.insert(0, {str(package.parent)!r}); {code}",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=package.parent,
    )


def test_an_installation_is_read_from_inside_the_package(copy):
    (copy / "_data" / "schemas" / "mine").mkdir(parents=True)
    done = roots(copy, "from synthgen.resources import *; print(data_root(), *shipped('schemas'))")
    assert done.stdout.split() == [str(copy / "_data"), "mine"]


def test_a_project_that_happens_to_lie_around_the_package_is_not_taken_for_a_checkout(copy):
    (copy / "_data").mkdir()
    (copy.parent / "pyproject.toml").write_text("")
    done = roots(copy, "from synthgen.resources import *; print(data_root())")
    assert done.stdout.strip() == str(copy / "_data")


def test_an_installation_without_its_folders_says_what_is_missing(copy):
    done = roots(copy, "from synthgen.resources import *; data_root()")
    assert done.returncode == 1
    assert done.stderr.strip().endswith("_data: the data folders of synthgen are missing")
