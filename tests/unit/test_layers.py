"""The shape of the house: which room may import which, and what no file may contain."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from synthgen import __version__
from synthgen.extras import DEPENDENCIES, EXTRAS

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "synthgen"
FILES = sorted(PACKAGE.rglob("*.py"))

#: Rooms, ground floor first; rooms of one line stand side by side and do not see each other.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("resources", "randomness", "outputs", "messages", "extras", "findings"),
    ("notebook",),
    ("schema",),
    ("statistics",),
    ("models",),
    ("cohort",),
    ("enclave",),
    ("exports",),
    ("fidelity",),
    ("privacy",),  # its controls are also measured for fidelity
    ("evaluation",),
    ("report",),
    ("release",),
    ("scale",),
    ("teaching", "web", "testing"),
    ("synthgen",),  # the package's own names: its Python API
    ("cli",),
    ("__main__",),
)
RANK = {room: rank for rank, floor in enumerate(FLOORS) for room in floor}

#: Names that say nothing about what is in a file.
EMPTY_NAMES = {"common", "data", "handle", "helper", "helpers", "manager", "misc", "process"}
EMPTY_NAMES |= {"util", "utils"}

#: Modules that run code out of files, or reach for a network.
CODE_MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "marshal", "shelve", "joblib"}
NETWORK_MODULES = {"ftplib", "http", "requests", "smtplib", "socket", "telnetlib"}
NETWORK_MODULES |= {"urllib.request", "urllib3", "xmlrpc"}
NETWORK_ROOMS = {"web"}
OPTIONAL_MODULES = {module for extra in EXTRAS.values() for module in extra.modules}

FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
#: Hiding warnings, and the global random state, are the caller's business.
FORBIDDEN_CALL_PREFIXES = ("warnings.filter", "warnings.simple", "warnings.catch", "np.random.seed")
HIDING_WARNINGS = {f"warnings.{n}" for n in ("filterwarnings", "simplefilter", "catch_warnings")}

LONGEST_FILE = 400  # lines


def room_of(file: Path, package: Path = PACKAGE) -> str:
    """Room that a file is in: its folder, or its own name on the ground floor."""
    inside = file.relative_to(package)
    if inside.parts == ("__init__.py",):
        return "synthgen"
    return inside.parts[0].removesuffix(".py")


def imports_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a file imports, wherever it does so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def broken_layers(file: Path, package: Path = PACKAGE) -> list[str]:
    """Imports of a file that do not go down."""
    own = room_of(file, package)
    broken = []
    for line, name in imports_of(ast.parse(file.read_text(encoding="utf-8"))):
        parts = name.split(".")
        if parts[0] != "synthgen" or parts[1:] == ["__version__"]:
            continue
        room = parts[1] if len(parts) > 1 and parts[1] in RANK else "synthgen"
        if room != own and not RANK[room] < RANK[own]:
            broken.append(f"{file.name}:{line} {own} imports {room}")
    return broken


def forbidden_things(text: str, room: str) -> list[str]:
    """What a file must not do: run code out of data, reach a network, hide warnings ..."""
    tree = ast.parse(text)
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            found.append(f"line {node.lineno}: relative import")
        elif isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in typing_only:
            for line, name in imports_of(node):
                reaches = starts_with_module(name, NETWORK_MODULES) and room not in NETWORK_ROOMS
                if reaches or starts_with_module(name, CODE_MODULES | HIDING_WARNINGS):
                    found.append(f"line {line}: imports {name}")
                if starts_with_module(name, OPTIONAL_MODULES):
                    found.append(f"line {line}: imports optional {name}; use extras.require")
        elif isinstance(node, ast.Call):
            found += [f"line {node.lineno}: calls {call}" for call in forbidden_calls(node)]
    return found


def starts_with_module(name: str, modules: set[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def forbidden_calls(node: ast.Call) -> Iterator[str]:
    function = ast.unparse(node.func)
    if function in FORBIDDEN_CALLS or function.startswith(FORBIDDEN_CALL_PREFIXES):
        yield function
    if function in {"np.load", "numpy.load"} and not any(
        keyword.arg == "allow_pickle" and ast.unparse(keyword.value) == "False"
        for keyword in node.keywords
    ):
        yield f"{function} without allow_pickle=False"


def named(file: Path) -> str:
    return str(file.relative_to(ROOT))


def test_every_room_has_its_floor():
    rooms = {room_of(file) for file in FILES}
    assert rooms - set(RANK) == set()


@pytest.mark.parametrize("file", FILES, ids=named)
def test_imports_go_down_or_stay_in_their_room(file):
    assert broken_layers(file) == []


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("schema/load.py", "from synthgen.cli.main import main", ["schema imports cli"]),
        (
            "schema/load.py",
            "def f():\n    import synthgen.models.maxent",
            ["schema imports models"],
        ),
        ("schema/load.py", "from synthgen import load_model", ["schema imports synthgen"]),
        ("fidelity/a.py", "from synthgen.privacy import b", ["fidelity imports privacy"]),
        ("errors.py", "import synthgen.messages", ["errors imports messages"]),
        ("schema/load.py", "from synthgen import __version__, errors", []),
        ("schema/load.py", "from synthgen.schema.model import Schema\nimport numpy", []),
        ("cli/main.py", "from synthgen.models import maxent\nimport synthgen", []),
    ],
)
def test_the_layer_test_sees_an_import_that_goes_up(tmp_path, path, text, found):
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    assert [line.split(" ", 1)[1] for line in broken_layers(file, tmp_path)] == found


@pytest.mark.parametrize("file", FILES, ids=named)
def test_no_file_is_longer_than_one_idea(file):
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE


@pytest.mark.parametrize("file", FILES, ids=named)
def test_a_file_name_says_what_is_in_it(file):
    assert not {part.removesuffix(".py") for part in file.relative_to(PACKAGE).parts} & EMPTY_NAMES


@pytest.mark.parametrize("file", FILES, ids=named)
def test_nothing_runs_code_from_data_reaches_a_network_or_hides_warnings(file):
    assert forbidden_things(file.read_text(encoding="utf-8"), room_of(file)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import pickle", "imports pickle"),
        ("def f():\n    from urllib.request import urlopen", "imports urllib.request.urlopen"),
        ("from urllib import request", "imports urllib.request"),
        ("import socket", "imports socket"),
        ("from . import model", "relative import"),
        ("eval('1')", "calls eval"),
        ("import numpy as np\nnp.load(f)", "calls np.load without allow_pickle=False"),
        ("import numpy as np\nnp.load(f, allow_pickle=True)", "calls np.load without"),
        ("import warnings\nwarnings.simplefilter('ignore')", "calls warnings.simplefilter"),
        ("from warnings import catch_warnings", "imports warnings.catch_warnings"),
        ("import sklearn.ensemble", "imports optional sklearn.ensemble"),
        ("def f():\n    from sdv import single_table", "imports optional sdv.single_table"),
    ],
)
def test_the_test_of_forbidden_things_sees_each_of_them(text, found):
    assert [line for line in forbidden_things(text, "schema") if found in line]


@pytest.mark.parametrize(
    "text",
    [
        "from urllib.parse import quote",
        "import numpy as np\nnp.load(f, allow_pickle=False)",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import sklearn",
        "import re\nre.compile('a')",
    ],
)
def test_what_is_allowed_is_not_found(text):
    assert forbidden_things(text, "schema") == []


def test_nothing_outside_the_standard_library_is_imported_but_the_declared_dependencies():
    known = set(sys.stdlib_module_names) | {"synthgen", "referencing"}  # jsonschema's registry
    known |= {part.module for part in DEPENDENCIES}
    known |= {module for extra in EXTRAS.values() for module in extra.modules}
    imported = {
        name.split(".")[0]
        for file in FILES
        for _, name in imports_of(ast.parse(file.read_text(encoding="utf-8")))
    }
    assert imported - known == set()


def test_the_registry_of_parts_says_what_pyproject_declares():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [f"{part.distribution}>={part.lowest}" for part in DEPENDENCIES] == project[
        "dependencies"
    ]
    declared = dict(project["optional-dependencies"])
    declared.pop("dev")
    assert set(declared) == set(EXTRAS)
    for name, requirements in declared.items():
        names = {r.partition(">=")[0].partition("[")[0] for r in requirements}
        assert names <= {distribution for distribution, _ in EXTRAS[name].distributions}


def test_the_citation_names_this_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {__version__}\n" in citation
