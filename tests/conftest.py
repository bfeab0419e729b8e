"""What all tests share: no network, the same random examples every time, golden files."""

from __future__ import annotations

import difflib
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
OF_PYTEST = {"PYTEST_CURRENT_TEST"}
LOOPBACK = ("127.", "::1", "localhost")


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise RuntimeError(f"a test reaches for the network: {address[0]}")
    elif event == "socket.getaddrinfo" and not str(arguments[0]).startswith(LOOPBACK):
        raise RuntimeError(f"a test reaches for the network: {arguments[0]}")


sys.addaudithook(_refuse_network)

# A shell that starts a job in the background lets it ignore Ctrl-C, and its children inherit
# that; the tests that send Ctrl-C to a child need it to be heard.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("same", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("overnight", deadline=None, max_examples=5000)
settings.load_profile("same")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the golden files anew and show what changes",
    )


@pytest.fixture(scope="module", autouse=True)
def _nothing_left_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Each file of tests leaves the process as it was, so that their order changes nothing."""

    def state() -> dict[str, object]:
        return {
            "the current folder": Path.cwd(),
            "the environment": {k: os.environ.get(k) for k in variables},  # libraries add theirs
            "where Python looks for modules": list(sys.path),
            "modules of a test": sorted(
                name
                for name, module in list(sys.modules.items())
                if module is None or made_by_tests in (getattr(module, "__file__", None) or "")
            ),
        }

    made_by_tests = f"{tmp_path_factory.getbasetemp()}{os.sep}"
    variables = set(os.environ) - OF_PYTEST
    before = state()
    yield
    for name, value in state().items():
        assert value == before[name], f"{name}: must be as before the tests of this file"


@pytest.fixture(scope="session")
def root() -> Path:
    """Top of the checkout."""
    return ROOT


@pytest.fixture(scope="module")
def load_script() -> Iterator[Callable[..., ModuleType]]:
    """Load a script of the repository as a module: ``load_script(path, *folders it imports from)``."""
    before = sys.path[:]

    def load(path: Path, *folders: Path) -> ModuleType:
        sys.path[:0] = [str(folder) for folder in folders]
        spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    yield load
    sys.path[:] = before


@pytest.fixture
def golden(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> Callable[[str, str], None]:
    """Compare a text with ``tests/golden/NAME``, or write it with ``--update-golden``."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        kept = file.read_text(encoding="utf-8") if file.is_file() else ""
        if kept == text:
            return
        difference = "\n".join(
            difflib.unified_diff(
                kept.splitlines(), text.splitlines(), "golden", "now", lineterm="", n=1
            )
        )
        if not request.config.getoption("--update-golden"):
            pytest.fail(f"{name} is not what it was (--update-golden keeps it):\n{difference}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
        with capsys.disabled():
            sys.stdout.write(f"\n{name}:\n{difference}\n")

    return compare
