"""What every benchmark says about itself: machine, versions, CPU seconds, peak memory.

CPU seconds, not the clock on the wall: the machines that run this are shared.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

#: Packages whose versions are named where they are installed.
PACKAGES = ("numpy", "scipy", "pandas", "duckdb", "sdv", "mbi", "jax")
T = TypeVar("T")


def machine() -> dict[str, Any]:
    """Processor, system and versions."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(encoding="utf-8") if cpuinfo.is_file() else ""
    named = [line.split(":")[1].strip() for line in text.splitlines() if "model name" in line]
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "processor": named[0] if named else platform.processor(),
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **versions,
    }


def peak_mib() -> float:
    """Peak memory of this process [MiB]."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 1024 / (1024 if sys.platform == "darwin" else 1), 1)


def spent(cpu: float, clock: float) -> dict[str, float]:
    """CPU seconds and seconds since two readings, and peak memory: what a child says at its end."""
    return {
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "seconds": round(time.perf_counter() - clock, 1),
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """Result of a call and its CPU seconds."""
    start = time.process_time()
    result = call()
    return result, time.process_time() - start


def best_of(repeats: int, call: Callable[[], T]) -> tuple[T, float]:
    """Result of a call and the fewest CPU seconds of some repeats.

    The fewest: others on the machine can only make it slower.
    """
    result, best = timed(call)
    for _ in range(repeats - 1):
        best = min(best, timed(call)[1])
    return result, best


def alone(script: str, arguments: Sequence[str], python: str = sys.executable) -> dict[str, Any]:
    """One measurement in a process of its own, whose last line is its result."""
    done = subprocess.run(  # noqa: S603 - starts this script again
        [python, script, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [""]
        return {"not_measured": last[0]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@dataclass
class TreePeak:
    """Peak memory of this process and all its children while a block of code runs.

    Proportional set sizes, so that memory which processes share counts once; read from
    ``/proc`` five times a second, so a shorter peak may be missed.  Linux only.
    """

    peak_mib: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> TreePeak:
        """Begin to watch."""
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            total = sum(_pss_kib(pid) for pid in _tree(os.getpid()))
            self.peak_mib = max(self.peak_mib, round(total / 1024, 1))


def _tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            except OSError:
                continue  # it has ended since
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue += parents.get(pid, [])
    return found


def _pss_kib(pid: int) -> int:
    """Proportional set size of a process [KiB]; 0 if it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def publish(document: dict[str, Any], output: Path | None) -> None:
    """Print a result as JSON, and keep it where asked."""
    text = json.dumps(document, indent=1) + "\n"
    sys.stdout.write(text)
    if output is not None:
        output.write_text(text, encoding="utf-8")
