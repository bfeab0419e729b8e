"""The files of a bundle, whether it is a folder or a zip file."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from synthgen.errors import OutputError, VerificationError
from synthgen.release.stored_zip import CHUNK, Member, read_member, read_stored_zip
from synthgen.schema.documents import LARGEST_DOCUMENT, one_line

#: Most files of a bundle that are looked at.
MOST_FILES = 100_000


class Contents(Protocol):
    """Files by name: how long they are, and what is in them."""

    def sizes(self) -> dict[str, int]:
        """Bytes of every file, by its path inside the bundle."""

    def pieces(self, name: str) -> Iterator[bytes]:
        """What is in a file, piece by piece."""


@dataclass(frozen=True)
class FolderContents:
    """Files of a folder, none of which is a link."""

    folder: Path
    found: dict[str, int]

    def sizes(self) -> dict[str, int]:
        """Bytes of every file, by its path inside the bundle."""
        return dict(self.found)

    def pieces(self, name: str) -> Iterator[bytes]:
        """What is in a file, piece by piece."""
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            with os.fdopen(os.open(self.folder / name, flags), "rb") as file:
                while piece := file.read(CHUNK):
                    yield piece
        except OSError as error:
            raise VerificationError(
                f"{self.folder}: {one_line(name)} cannot be read: {error.strerror or error}"
            ) from error


@dataclass(frozen=True)
class ZipContents:
    """Files of a zip file of the one form that bundles have."""

    path: Path
    members: dict[str, Member]

    def sizes(self) -> dict[str, int]:
        """Bytes of every file, by its path inside the bundle."""
        return {name: member.size for name, member in self.members.items()}

    def pieces(self, name: str) -> Iterator[bytes]:
        """What is in a file, piece by piece."""
        return read_member(self.path, self.members[name])


def open_contents(bundle: Path) -> Contents:
    """Files of a bundle.

    Raises
    ------
    VerificationError
        If there is no such bundle, or something in it is no plain file: a link, a device, an
        empty folder.
    """
    try:
        mode = bundle.lstat().st_mode
    except OSError as error:
        raise VerificationError(f"{bundle}: cannot be read: {error.strerror or error}") from error
    if stat.S_ISREG(mode):
        try:
            return ZipContents(bundle, read_stored_zip(bundle))
        except OSError as error:
            raise OutputError(f"{bundle}: cannot be read: {error.strerror or error}") from error
    if not stat.S_ISDIR(mode):
        raise VerificationError(f"{bundle}: is neither a folder nor a file")
    found: dict[str, int] = {}
    for path in _walk(bundle):
        found[path.relative_to(bundle).as_posix()] = path.lstat().st_size
        if len(found) > MOST_FILES:
            raise VerificationError(f"{bundle}: holds more than {MOST_FILES:,} files")
    return FolderContents(bundle, found)


def _walk(folder: Path) -> Iterator[Path]:
    entries = sorted(folder.iterdir())
    if not entries:
        raise VerificationError(f"{folder}: is an empty folder; a bundle has none")
    for path in entries:
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            yield from _walk(path)
        elif stat.S_ISREG(mode):
            yield path
        else:
            raise VerificationError(
                f"{folder}: {one_line(path.name)} is a link or no plain file; a bundle has none"
            )


def is_inside(name: str) -> bool:
    r"""Whether a name stays in the bundle, on every system.

    Examples
    --------
    >>> [is_inside(n) for n in ("data/a.csv", "../a", "/a", "a\\b", "c:a", "a//b", "a/./b", "")]
    [True, False, False, False, False, False, False, False]
    """
    path = PurePosixPath(name)
    plain = path.as_posix() == name and not path.is_absolute() and ".." not in path.parts
    return bool(name) and name != "." and plain and not set(name) & {"\\", ":", "\0"}


def read_small(contents: Contents, name: str, where: object) -> bytes:
    """All of a file that must be small.

    Raises
    ------
    VerificationError
        If it is not there or too large.
    """
    size = contents.sizes().get(name)
    if size is None:
        raise VerificationError(f"{where}: has no {name}")
    if size > LARGEST_DOCUMENT:
        raise VerificationError(f"{where}: {name} has {size} bytes; at most {LARGEST_DOCUMENT}")
    return b"".join(contents.pieces(name))


def hash_of(contents: Contents, name: str) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    for piece in contents.pieces(name):
        digest.update(piece)
    return digest.hexdigest()
