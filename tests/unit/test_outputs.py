"""Outputs appear whole or not at all, whatever goes wrong on the way."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from synthgen.errors import OutputError, UsageError
from synthgen.outputs import output_file, output_folder

ROOM = 64 * 1024  # bytes of the small disk


def entries(folder: Path) -> list[str]:
    """Everything in a folder, hidden names too."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 64 KiB: a disk of its own where one may be mounted.

    Where it may not, no file can grow over 64 KiB, which fails in the same place.
    """
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = (
        sys.platform == "linux"
        and os.geteuid() == 0
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", disk],
            capture_output=True,
            check=False,
        ).returncode
        == 0
    )
    if mounted:
        yield disk
        subprocess.run(["umount", disk], check=True)
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, hard))
    yield disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_folder_appears_when_it_is_whole(tmp_path):
    with output_folder(tmp_path / "cohort") as folder:
        (folder / "patient.csv").write_text("id\n")
        assert not (tmp_path / "cohort").exists()
    assert entries(tmp_path) == ["cohort"]
    assert (tmp_path / "cohort" / "patient.csv").read_text() == "id\n"


def test_a_file_appears_when_it_is_whole(tmp_path):
    with output_file(tmp_path / "report.html") as file:
        file.write_text("<p>")
        assert not (tmp_path / "report.html").exists()
    assert entries(tmp_path) == ["report.html"]


def test_folders_on_the_way_are_made(tmp_path):
    with output_folder(tmp_path / "a" / "b" / "cohort"):
        pass
    assert (tmp_path / "a" / "b" / "cohort").is_dir()


@pytest.mark.parametrize("output", [output_file, output_folder])
@pytest.mark.parametrize("error", [RuntimeError("a bug"), KeyboardInterrupt(), UsageError("no")])
def test_an_error_leaves_nothing_and_passes_on(tmp_path, output, error):
    def write() -> None:
        with output(tmp_path / "out") as path:
            (path / "half" if path.is_dir() else path).write_text("half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert entries(tmp_path) == []


def test_what_exists_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "out").mkdir()
    entered = False
    with (
        pytest.raises(UsageError, match=r"out: exists already; .* --force$"),
        output_folder(tmp_path / "out"),
    ):
        entered = True
    assert not entered
    assert entries(tmp_path) == ["out"]


def test_what_appears_in_the_meantime_is_not_overwritten(tmp_path):
    with (
        pytest.raises(UsageError, match="exists already"),
        output_file(tmp_path / "out") as file,
    ):
        file.write_text("mine")
        (tmp_path / "out").write_text("somebody else's")
    assert entries(tmp_path) == ["out"]
    assert (tmp_path / "out").read_text() == "somebody else's"


def test_force_replaces_a_folder_whole(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("old")
    with output_folder(tmp_path / "out", force=True) as folder:
        (folder / "new").write_text("new")
        assert entries(tmp_path / "out") == ["old"]
    assert entries(tmp_path) == ["out"]
    assert entries(tmp_path / "out") == ["new"]


def test_force_keeps_what_stands_when_writing_fails(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("old")
    with pytest.raises(RuntimeError), output_folder(tmp_path / "out", force=True) as folder:
        (folder / "new").write_text("half")
        raise RuntimeError("a bug")
    assert entries(tmp_path) == ["out"]
    assert entries(tmp_path / "out") == ["old"]


def test_force_replaces_a_file_by_a_folder(tmp_path):
    (tmp_path / "out").write_text("a file")
    with output_folder(tmp_path / "out", force=True):
        pass
    assert entries(tmp_path) == ["out"]
    assert (tmp_path / "out").is_dir()


def test_force_replaces_a_link_and_not_what_it_points_to(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").write_text("kept")
    (tmp_path / "out").symlink_to("elsewhere")
    with output_folder(tmp_path / "out", force=True):
        pass
    assert entries(tmp_path) == ["elsewhere", "out"]
    assert entries(tmp_path / "elsewhere") == ["kept"]
    assert not (tmp_path / "out").is_symlink()


@pytest.mark.parametrize("force", [False, True])
def test_a_full_disk_is_one_line_and_leaves_what_was(small_disk, force):
    if force:
        with output_folder(small_disk / "out") as folder:
            (folder / "old").write_text("old")
    before = entries(small_disk)
    with (
        pytest.raises(
            OutputError, match=r"out: cannot be written: (No space left|File too large)"
        ) as e,
        output_folder(small_disk / "out", force=force) as folder,
    ):
        (folder / "patient.csv").write_bytes(bytes(2 * ROOM))
    assert "\n" not in str(e.value)
    assert e.value.exit_code == 74
    assert entries(small_disk) == before
    if force:
        assert (small_disk / "out" / "old").read_text() == "old"


def test_a_destination_below_a_file_is_one_line(tmp_path):
    (tmp_path / "a").write_text("a file")
    with (
        pytest.raises(OutputError, match=r"a/out: cannot be written: "),
        output_file(tmp_path / "a" / "out"),
    ):
        pass


def test_a_forgotten_file_is_not_a_success(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"), output_file(tmp_path / "out"):
        pass
    assert entries(tmp_path) == []


WAITING_WRITER = """
import sys, time
from pathlib import Path
from synthgen.outputs import output_folder
with output_folder(Path("out")) as folder:
    (folder / "half").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


def test_ctrl_c_leaves_nothing(tmp_path, root):
    with subprocess.Popen(
        [sys.executable, "-c", WAITING_WRITER],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        assert len(entries(tmp_path)) == 1
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode != 0
    assert entries(tmp_path) == []


def test_nobody_ever_sees_half_an_output(tmp_path):
    """A reader that looks all the time sees nothing, then everything."""
    seen = set()
    with output_folder(tmp_path / "out") as folder:
        for number in range(20):
            (folder / f"block{number}.csv").write_text("x")
            seen.add(len(entries(tmp_path / "out")) if (tmp_path / "out").exists() else None)
            time.sleep(0)
    seen.add(len(entries(tmp_path / "out")))
    assert seen == {None, 20}


def test_ctrl_c_between_the_two_renames_puts_the_old_one_back(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("old")
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if self.name.endswith(".partial"):
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), output_folder(tmp_path / "out", force=True):
        pass
    assert entries(tmp_path) == ["out"]
    assert entries(tmp_path / "out") == ["old"]
