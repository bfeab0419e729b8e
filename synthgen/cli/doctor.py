"""``synthgen doctor``: what is installed here, under which licences, and does it stay offline."""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from synthgen import __version__
from synthgen.errors import MissingExtraError
from synthgen.extras import DEPENDENCIES, EXTRAS, Dependency, Extra, installed_version, is_present
from synthgen.messages import amount
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

#: Licence of SDV and its parts, whose terms are said in words.
BUSL = "BUSL-1.1"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON document.")
def command(*, as_json: bool) -> None:
    """Show versions, optional parts and licences, and check that loading stays offline.

    Ends with exit code 16 if a part that every installation needs is missing, too old or broken.

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
        raise MissingExtraError(f"installation: {problems[0]} ({len(problems)} in all)")


def examine() -> dict[str, Any]:
    """Look at this installation.

    Returns
    -------
    dict
        A JSON document with the keys ``synthgen``, ``python``, ``data``, ``dependencies``,
        ``extras``, ``engines``, ``offline`` and ``problems``.
    """
    unloaded: list[str] = []
    attempts = network_attempts(lambda: unloaded.extend(load_everything()))
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
        "engines": [] if unloaded else engines(),
        "offline": {
            "loaded": [part.module for part in DEPENDENCIES if part.module in sys.modules],
            "network_attempts": attempts,
        },
        "problems": [
            *(f"{d['distribution']} {d['problem']}" for d in dependencies if d["problem"]),
            *unloaded,
            *(f"loading reaches for the network ({event})" for event in attempts),
        ],
    }


def _dependency(part: Dependency) -> dict[str, Any]:
    version = installed_version(part.distribution)
    problem = ""
    if version is None:
        problem = f"has no version; it must be installed, {part.lowest} or newer"
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


def engines() -> list[dict[str, Any]]:
    """Engines that are fitted to records: versions, licences, and what each lacks here.

    Returns
    -------
    list of dict
        JSON values with the keys ``name``, ``use``, ``use_ko``, ``saves_model``, ``extra``,
        ``distributions``, ``missing``, ``terms`` and ``terms_ko``.
    """
    from synthgen.enclave.engines import ENGINES
    from synthgen.messages import message

    found = []
    for name, listed in ENGINES.items():
        parts = [
            {"distribution": d, "version": installed_version(d), "licence": licence}
            for d, licence in listed.parts
        ]
        restricted = any(licence == BUSL for _, licence in listed.parts)
        found.append(
            {
                "name": name,
                "use": message(f"engine.{name}", "en"),
                "use_ko": message(f"engine.{name}", "ko"),
                "saves_model": listed.fit is not None,
                "extra": listed.extra,
                "distributions": parts,
                "missing": [p["distribution"] for p in parts if p["version"] is None],
                "terms": message("engine.busl", "en") if restricted else "",
                "terms_ko": message("engine.busl", "ko") if restricted else "",
            }
        )
    return found


def _engine_lines(found: list[dict[str, Any]]) -> list[str]:
    lines = ["", "Engines fitted to records / 기록에 적합하는 엔진"]
    terms: dict[str, str] = {}
    for one in found:
        lacks = ", ".join(one["missing"])
        state = f"missing: {lacks} (pip install 'synthgen-cohort[{one['extra']}]')"
        lines.append(f"  {one['name']:<20} {state if lacks else 'present'}")
        lines.append(f"  {'':<20} {one['use']} / {one['use_ko']}")
        parts = ", ".join(
            f"{p['distribution']} {p['version'] or '-'} ({p['licence']})"
            for p in one["distributions"]
        )
        lines += [f"  {'':<20} {parts}"] if parts else []
        if one["terms"]:
            terms[one["terms"]] = one["terms_ko"]
    for english, korean in terms.items():
        lines += [f"  {BUSL}", f"    {english}", f"    {korean}"]
    return lines


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


def load_everything() -> list[str]:
    """Import every dependency, then every module of synthgen.

    Returns
    -------
    list of str
        What cannot be imported, and why; dependencies alone, if some of them cannot.
    """
    failed = _unloadable(part.module for part in DEPENDENCIES)
    if failed:
        return failed
    package = Path(__file__).resolve().parent.parent
    files = [file.relative_to(package.parent) for file in sorted(package.rglob("*.py"))]
    return _unloadable(".".join(f.with_suffix("").parts).removesuffix(".__init__") for f in files)


def _unloadable(modules: Iterable[str]) -> list[str]:
    failed = []
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            failed.append(f"{module} cannot be imported: {' '.join(str(error).split())}")
    return failed


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
        f"data in {data['folder']}: {amount(len(data['schemas']), 'schema')}, "
        f"{amount(len(data['fitted_models']), 'model')}",
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
    lines += _engine_lines(report["engines"]) if report["engines"] else []
    attempts = len(offline["network_attempts"])
    lines += [
        "",
        "Offline",
        "  synthgen opens no network connection, sends no usage figures and downloads nothing.",
        f"  Checked now: {attempts} attempts to reach the network while all of it was loaded.",
    ]
    return "\n".join(lines)
