"""``synthgen doctor``: what is installed here, under which licences, and does it stay offline."""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from synthgen import __version__
from synthgen.errors import MissingExtraError
from synthgen.extras import DEPENDENCIES, EXTRAS, Dependency, Extra, installed_version, is_present
from synthgen.resources import data_root, shipped

#: Audit events of the interpreter that mean an attempt to leave this machine
#: (https://docs.python.org/3/library/audit_events.html).
NETWORK_EVENTS = frozenset(
    {
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.gethostbyaddr",
        "socket.sendto",
        "urllib.Request",
    }
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON document.")
def command(*, as_json: bool) -> None:
    """Show versions, optional parts and licences, and check that loading stays offline.

    Ends with exit code 16 if a part that every installation needs is missing or too old.

    \b
    Examples:
      synthgen doctor
      synthgen doctor --json
    """
    report = examine()
    if as_json:
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        click.echo(as_text(report))
    problems = report["problems"]
    if problems:
        raise MissingExtraError(f"installation: {problems[0]} ({len(problems)} problems)")


def examine() -> dict[str, Any]:
    """Look at this installation.

    Returns
    -------
    dict
        A JSON document with the keys ``synthgen``, ``python``, ``data``, ``dependencies``,
        ``extras``, ``offline`` and ``problems``.
    """
    attempts = network_attempts(load_everything)
    dependencies = [_dependency(part) for part in DEPENDENCIES]
    return {
        "synthgen": {"version": __version__, "licence": "Apache-2.0"},
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "system": f"{platform.system()} {platform.machine()}",
            "processors": os.cpu_count(),
        },
        "data": {
            "folder": str(data_root()),
            "schemas": sorted(shipped("schemas")),
            "fitted_models": sorted(shipped("fitted_models")),
        },
        "dependencies": dependencies,
        "extras": [_extra(part) for part in EXTRAS.values()],
        "offline": {
            "loaded": [part.module for part in DEPENDENCIES if part.module in sys.modules],
            "network_attempts": attempts,
        },
        "problems": [
            *(f"{d['distribution']} {d['problem']}" for d in dependencies if d["problem"]),
            *(f"loading reaches for the network ({event})" for event in attempts),
        ],
    }


def _dependency(part: Dependency) -> dict[str, Any]:
    version = installed_version(part.distribution)
    problem = ""
    if version is None:
        problem = f"is not installed; it must be {part.lowest} or newer"
    elif _release(version) < _release(part.lowest):
        problem = f"is {version}; it must be {part.lowest} or newer"
    return {
        "distribution": part.distribution,
        "version": version,
        "lowest": part.lowest,
        "licence": part.licence,
        "problem": problem,
    }


def _release(version: str) -> tuple[int, ...]:
    """Numbers at the head of a version: ``2.2.0rc1`` is (2, 2, 0).

    Examples
    --------
    >>> _release("2.2.0rc1") < _release("2.10")
    True
    """
    numbers = []
    for part in version.split(".")[:3]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        numbers.append(int(digits or 0))
    return tuple(numbers)


def _extra(part: Extra) -> dict[str, Any]:
    return {
        "name": part.name,
        "purpose": part.purpose,
        "present": is_present(part.name),
        "distributions": [
            {"distribution": name, "version": installed_version(name), "licence": licence}
            for name, licence in part.distributions
        ],
        "licence": part.licence,
        "note": part.note,
    }


def load_everything() -> None:
    """Import every dependency, and every module of synthgen; only what is installed."""
    present = [part for part in DEPENDENCIES if installed_version(part.distribution) is not None]
    for part in present:
        importlib.import_module(part.module)
    if len(present) < len(DEPENDENCIES):
        return
    package = Path(__file__).resolve().parent.parent
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package.parent).with_suffix("").parts
        importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))


def network_attempts(action: Callable[[], None]) -> list[str]:
    """Names of the audit events by which an action reached for the network.

    Python sees what Python code does; what a compiled library does by itself, it does
    not see.

    Parameters
    ----------
    action : callable
        Called once, without arguments.

    Returns
    -------
    list of str
        Empty where it stayed offline.
    """
    seen: list[str] = []
    watching = True

    def watch(event: str, _: tuple[Any, ...]) -> None:
        if watching and event in NETWORK_EVENTS:
            seen.append(event)

    sys.addaudithook(watch)  # cannot be taken off again, so it is told to stop watching
    try:
        action()
    finally:
        watching = False
    return seen


def as_text(report: dict[str, Any]) -> str:
    """Lay out what :func:`examine` found, for people."""
    python, data, offline = report["python"], report["data"], report["offline"]
    lines = [
        f"synthgen {report['synthgen']['version']} ({report['synthgen']['licence']})",
        f"{python['implementation']} {python['version']}, {python['system']}, "
        f"{python['processors']} processors",
        f"data in {data['folder']}: {len(data['schemas'])} schemas, "
        f"{len(data['fitted_models'])} models",
        "",
        "Needed",
    ]
    lines += [
        f"  {part['distribution']:<12} {part['version'] or '-':<12} {part['licence']:<14} "
        f"{part['problem']}".rstrip()
        for part in report["dependencies"]
    ]
    lines += ["", "Optional"]
    for part in report["extras"]:
        state = "present" if part["present"] else "missing"
        lines.append(f"  {part['name']:<12} {state:<12} {part['licence']:<28} {part['purpose']}")
        if part["note"]:
            lines.append(f"  {'':<12} {'':<12} {part['note']}")
    attempts = len(offline["network_attempts"])
    lines += [
        "",
        "Offline",
        "  synthgen opens no network connection, sends no usage figures and downloads nothing.",
        f"  Checked now: {attempts} attempts to reach the network while all of it was loaded.",
    ]
    return "\n".join(lines)
