"""What people install: the wheel, the sdist, an editable install and a plain checkout.

Slow, and needs the package index; so it runs in a stage of its own (``.ci/run wheel``).
Everything that is installed here runs with the network cut off.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.package

ROOT = Path(__file__).resolve().parents[2]
MB = 1_000_000

WHEEL_LIMIT = 10 * MB
INSTALLED_LIMIT = 450 * MB
DOWNLOADED_LIMIT = 150 * MB
MODEL_LIMIT = 2 * 1024 * 1024

#: Where a folder of the checkout stands in the wheel.
SHIPPED = {
    "synthgen": "synthgen",
    "schemas": "synthgen/_data/schemas",
    "fitted_models": "synthgen/_data/fitted_models",
    "evaluation/policies": "synthgen/_data/evaluation/policies",
}

#: Python code that no socket survives, for machines that may not cut off a network.
NO_SOCKETS = """
import socket
def _refuse(*arguments, **options):
    raise OSError("the network is cut off")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = _refuse
"""


def call(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command; show what it said if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        **({"capture_output": True, "encoding": "utf-8", "check": False} | options),  # type: ignore[call-overload]
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def tracked(*folders: str) -> set[str]:
    """Files that git holds."""
    return set(call("git", "ls-files", "-z", *folders, cwd=ROOT).stdout.split("\0")) - {""}


def size(files: Iterable[Path]) -> int:
    return sum(file.lstat().st_size for file in files if not file.is_dir())


@dataclass(frozen=True)
class Network:
    """How the network is cut off: a prefix for a command, or a folder for PYTHONPATH."""

    name: str
    prefix: tuple[str, ...] = ()
    folder: Path | None = None


@pytest.fixture(scope="module")
def offline(tmp_path_factory) -> Network:
    for flags in ("-n", "-rn"):
        done = (
            subprocess.run(["unshare", flags, "true"], capture_output=True, check=False)
            if shutil.which("unshare")
            else None
        )
        if done and done.returncode == 0:
            return Network(f"unshare {flags}", ("unshare", flags))
    folder = tmp_path_factory.mktemp("nosockets")
    (folder / "sitecustomize.py").write_text(NO_SOCKETS)
    return Network("a sitecustomize without sockets", folder=folder)


@dataclass(frozen=True)
class Built:
    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Built:
    """The sdist, and the wheel made from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return Built(sdist, wheel)


def environment(folder: Path) -> Path:
    """A virtual environment without anything; its Python."""
    call(sys.executable, "-m", "venv", folder)
    return folder / "bin" / "python"


@dataclass(frozen=True)
class Installation:
    """One way to have synthgen: the start of a command line, and what it needs around it."""

    name: str
    command: tuple[str, ...]
    python: Path
    path: Path | None = None


@pytest.fixture(scope="module")
def wheelhouse(built, tmp_path_factory) -> Path:
    """The wheel and all it needs, as it is carried into an enclave."""
    folder = tmp_path_factory.mktemp("wheelhouse")
    call(
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--only-binary",
        ":all:",
        "-d",
        folder,
        built.wheel,
    )
    return folder


@pytest.fixture(scope="module")
def wheel_installation(wheelhouse, offline, tmp_path_factory) -> Installation:
    """The wheel in a clean environment, installed without a network."""
    python = environment(tmp_path_factory.mktemp("wheel") / "env")
    call(
        *offline.prefix,
        *(
            python,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-index",
            "--find-links",
            wheelhouse,
            "synthgen-cohort",
        ),
        env=os.environ | {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""},
    )
    return Installation("wheel", (str(python.parent / "synthgen"),), python)


@pytest.fixture(scope="module")
def editable_installation(tmp_path_factory) -> Installation:
    python = environment(tmp_path_factory.mktemp("editable") / "env")
    call(python, "-m", "pip", "install", "-q", "-e", ROOT)
    return Installation("editable", (str(python.parent / "synthgen"),), python)


@pytest.fixture(scope="module")
def checkout(wheelhouse, tmp_path_factory) -> Installation:
    """The dependencies alone, and the checkout on PYTHONPATH."""
    python = environment(tmp_path_factory.mktemp("checkout") / "env")
    dependencies = [file for file in wheelhouse.iterdir() if not file.name.startswith("synthgen")]
    call(python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", *dependencies)
    return Installation("checkout", (str(python), "-m", "synthgen.cli.main"), python, ROOT)


@pytest.fixture(scope="module", params=["wheel_installation", "editable_installation", "checkout"])
def installation(request) -> Installation:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def run(offline) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run synthgen of an installation without a network, as on a fresh machine."""

    def run_there(
        there: Installation, *arguments: object, cwd: Path
    ) -> subprocess.CompletedProcess[str]:
        paths = [str(path) for path in (offline.folder, there.path) if path]
        return call(
            *offline.prefix,
            *there.command,
            *arguments,
            cwd=cwd,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(cwd),
                "PYTHONPATH": os.pathsep.join(paths),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )

    return run_there


# What is in the files


def test_the_wheel_holds_what_git_holds_and_nothing_else(built):
    with zipfile.ZipFile(built.wheel) as wheel:
        held = {n for n in wheel.namelist() if not n.endswith("/") and ".dist-info/" not in n}
    expected = {
        file.replace(folder, place, 1)
        for folder, place in SHIPPED.items()
        for file in tracked(folder)
    }
    assert held == expected


def test_the_shipped_bytes_are_those_of_the_checkout(built):
    with zipfile.ZipFile(built.wheel) as wheel:
        different = [
            file
            for folder, place in SHIPPED.items()
            for file in tracked(folder)
            if wheel.read(file.replace(folder, place, 1)) != (ROOT / file).read_bytes()
        ]
    assert different == []


def test_the_sdist_holds_what_the_wheel_and_the_tests_need(built):
    with tarfile.open(built.sdist) as sdist:
        held = {name.partition("/")[2] for name in sdist.getnames()}
    assert tracked(*SHIPPED, "tests", "pyproject.toml", "README.md", "LICENSE") <= held
    assert held - tracked() <= {"", "PKG-INFO"}


def test_a_wheel_made_from_the_checkout_is_that_made_from_the_sdist(built, tmp_path):
    call(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT)
    (other,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built.wheel) as one, zipfile.ZipFile(other) as two:
        assert {i.filename: i.CRC for i in one.infolist()} == {
            i.filename: i.CRC for i in two.infolist()
        }


def test_the_wheel_says_its_licence_and_types(built):
    with zipfile.ZipFile(built.wheel) as wheel:
        names = wheel.namelist()
        (metadata,) = [n for n in names if n.endswith(".dist-info/METADATA")]
        text = wheel.read(metadata).decode()
    assert "synthgen/py.typed" in names
    assert [n for n in names if n.endswith("licenses/LICENSE")]
    assert "\nLicense-Expression: Apache-2.0\n" in text
    assert "\nName: synthgen-cohort\n" in text


def test_no_top_level_name_but_synthgen_is_taken(built):
    with zipfile.ZipFile(built.wheel) as wheel:
        tops = {n.partition("/")[0] for n in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"synthgen"}


# Sizes


def test_the_wheel_is_small(built):
    bytes_ = built.wheel.stat().st_size
    print(f"wheel: {bytes_ / MB:.2f} MB")  # noqa: T201
    assert bytes_ < WHEEL_LIMIT


def test_no_shipped_model_is_large():
    sizes: dict[str, int] = {}
    for file in tracked("fitted_models"):
        model = file.split("/")[1]
        sizes[model] = sizes.get(model, 0) + (ROOT / file).stat().st_size
    assert {model: n for model, n in sizes.items() if n > MODEL_LIMIT} == {}


def test_what_is_downloaded_is_bounded(wheelhouse):
    bytes_ = size(wheelhouse.iterdir())
    print(f"downloaded: {bytes_ / MB:.0f} MB")  # noqa: T201
    assert bytes_ < DOWNLOADED_LIMIT


def test_what_is_installed_is_bounded(wheel_installation):
    bytes_ = size(wheel_installation.python.parents[1].rglob("*"))
    print(f"installed: {bytes_ / MB:.0f} MB, virtual environment and pip included")  # noqa: T201
    assert bytes_ < INSTALLED_LIMIT


# What it does, without a network


def test_the_network_is_cut_off(offline, wheel_installation):
    print(f"the network is cut off by: {offline.name}")  # noqa: T201
    reach = (
        "import socket\n"
        "try:\n    socket.create_connection(('192.0.2.1', 80), timeout=2)\n"
        "except TimeoutError:\n    print('there is a route')\n"
        "except OSError as error:\n    print(error)\n"
    )
    folder = {"PYTHONPATH": str(offline.folder)} if offline.folder else {}
    said = call(
        *offline.prefix, wheel_installation.python, "-c", reach, env=os.environ | folder
    ).stdout
    assert "unreachable" in said or "cut off" in said


def test_help_needs_no_development_tools(installation, run, tmp_path):
    said = run(installation, "--help", cwd=tmp_path).stdout
    assert said.startswith("Usage: synthgen")
    assert list(tmp_path.iterdir()) == []


def test_doctor_finds_the_shipped_folders(installation, run, tmp_path):
    import json

    found = json.loads(run(installation, "doctor", "--json", cwd=tmp_path).stdout)
    assert found["problems"] == []
    assert "rare-cancer" in found["data"]["schemas"]
    assert found["data"]["fitted_models"]
    inside = found["data"]["folder"].endswith("_data")
    assert inside == (installation.name == "wheel")
    assert not any(extra["present"] for extra in found["extras"])


@pytest.fixture(scope="module")
def demo(installation, run, tmp_path_factory) -> Path:
    """What ``synthgen demo`` leaves in an empty folder."""
    folder = tmp_path_factory.mktemp("demo")
    run(installation, "demo", cwd=folder)
    return folder


def test_the_demo_makes_tables_and_a_report(demo):
    files = {file.name for file in demo.rglob("*") if file.is_file()}
    assert {"patient.csv", "tumour.csv", "manifest.json", "report.html"} <= files


def test_the_demo_leaves_nothing_hidden_behind(demo):
    assert not [file for file in demo.rglob(".*") if file.name != ".cache"]


def test_every_way_of_installing_makes_the_same_tables(
    wheel_installation, checkout, editable_installation, run, tmp_path
):
    tables = []
    for there in (wheel_installation, checkout, editable_installation):
        folder = tmp_path / there.name
        folder.mkdir()
        run(there, "demo", cwd=folder)
        tables.append({file.name: file.read_bytes() for file in folder.rglob("*.csv")})
    assert tables[0] == tables[1] == tables[2]
