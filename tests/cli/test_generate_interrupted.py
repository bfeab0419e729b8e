"""``generate`` when something stops it on the way: one line, the exit code, nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

#: Enough for a minute of work, so that it is always stopped on the way.
MANY = "2000000"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for 1 MiB, where one may be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if (
        sys.platform != "linux"
        or os.geteuid() != 0
        or subprocess.run(mount, check=False).returncode
    ):
        pytest.skip("needs the right to mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def started(root: Path, *arguments: object, **options) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "synthgen.cli.main", "generate", "kr-demo", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def lines_of(talk: str) -> list[str]:
    """What was said, without the progress bar."""
    return [line for line in talk.splitlines() if line.strip() and not line.startswith("Patients")]


@pytest.mark.parametrize(
    ("form", "n", "jobs"),
    [("csv", 40_000, 1), ("parquet", 60_000, 1), ("duckdb", 40_000, 1), ("parquet", 70_000, 2)],
)
def test_a_disk_that_fills_on_the_way_is_one_line_and_leaves_nothing(
    root, small_disk, form, n, jobs
):
    arguments = ("-n", n, "--format", form, "--jobs", jobs, "-o", small_disk / "c")
    with started(root, *arguments) as process:
        out, talk = process.communicate(timeout=120)
    assert (process.returncode, out) == (74, ""), talk
    (line,) = lines_of(talk)
    assert line.startswith("Error: ")
    assert "cannot be written" in line
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_while_patients_are_made_is_one_line_and_leaves_nothing(root, tmp_path, jobs):
    arguments = ("-n", MANY, "--jobs", jobs, "--format", "parquet", "-o", tmp_path / "c")
    with started(root, *arguments, start_new_session=True) as process:
        deadline = time.monotonic() + 90
        while not list(tmp_path.glob(".c.*.partial/parts/tumour/*.parquet")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all of them
        out, talk = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), talk
    assert lines_of(talk) == ["Error: interrupted"]
    assert list(tmp_path.iterdir()) == []
