"""Outputs that appear whole or not at all.

A folder is written beside its destination under a hidden name and renamed at the end; if
anything goes wrong on the way (a full disk, Ctrl-C, a bug) the half-written folder is
removed and the destination is as it was.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from synthgen.errors import OutputError, UsageError


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _refuse_existing(destination: Path, *, force: bool) -> None:
    if destination.exists() and not force:
        raise UsageError(f"{destination}: exists already; choose another name or use --force")


def _replace(written: Path, destination: Path) -> None:
    """Rename ``written`` to ``destination``, keeping the old one until the new one stands."""
    if not destination.exists() or (written.is_file() and destination.is_file()):
        written.replace(destination)
        return
    old = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}.old")
    destination.rename(old)
    try:
        written.rename(destination)
    except BaseException:  # Ctrl-C between the two renames, too
        old.rename(destination)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


@contextlib.contextmanager
def _written_beside(destination: Path, *, force: bool, folder: bool) -> Iterator[Path]:
    destination = Path(os.path.abspath(destination))  # keeps a symlink's own name
    _refuse_existing(destination, force=force)
    beside = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}.partial")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        if folder:
            beside.mkdir()
        yield beside
        _refuse_existing(destination, force=force)
        _replace(beside, destination)
    except OSError as error:
        _remove(beside)
        raise OutputError(f"{destination}: cannot be written: {_reason(error)}") from error
    except BaseException:
        _remove(beside)
        raise


@contextlib.contextmanager
def output_folder(destination: Path, *, force: bool = False) -> Iterator[Path]:
    """Folder to write into, renamed to ``destination`` when the block ends well.

    Parameters
    ----------
    destination : Path
        Where the folder will stand.
    force : bool
        Replace what stands there.

    Yields
    ------
    Path
        An empty folder on the same file system.

    Raises
    ------
    UsageError
        If ``destination`` exists and ``force`` is not set.
    OutputError
        If the disk is full, or writing is not permitted.
    """
    with _written_beside(destination, force=force, folder=True) as beside:
        yield beside


@contextlib.contextmanager
def output_file(destination: Path, *, force: bool = False) -> Iterator[Path]:
    """Path of a file to write, renamed to ``destination`` when the block ends well.

    Parameters, errors and promise are those of :func:`output_folder`.
    """
    with _written_beside(destination, force=force, folder=False) as beside:
        yield beside
