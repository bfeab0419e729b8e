"""Zip files of exactly one form: stored, in order of name, without times; read the same way.

There is one way to write given contents, so a file that differs from it in any byte is
refused.  Nothing is compressed: nothing can unpack to more than it is (a zip bomb), and the
bytes depend on no version of a compressor.  Any unzip program can read it.  Form: PKWARE,
APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from synthgen.errors import OutputError, VerificationError
from synthgen.schema.documents import one_line

#: Largest file and largest archive of this form, and most files in it; beyond, use a folder.
LARGEST = 2**32 - 2**20
MOST_FILES = 2**16 - 2
LONGEST_NAME = 1_000  # bytes
CHUNK = 1 << 20

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_VERSION, _UTF8, _STORED, _TIME, _DATE = 20, 0x0800, 0, 0, 0x21  # 1 January 1980, 00:00
_REGULAR_FILE = 0o100644 << 16
_MADE_ON_UNIX = 3 << 8 | _VERSION


@dataclass(frozen=True)
class Member:
    """One file of an archive.

    Parameters
    ----------
    name : str
    size : int
        Bytes.
    crc : int
        CRC-32 of its contents.
    at : int
        Where its contents begin.
    """

    name: str
    size: int
    crc: int
    at: int


def _local(name: bytes, size: int, crc: int) -> bytes:
    fixed = (b"PK\x03\x04", _VERSION, _UTF8, _STORED, _TIME, _DATE, crc, size, size, len(name), 0)
    return _LOCAL.pack(*fixed) + name


def _directory(members: list[Member], start: int) -> bytes:
    made = b""
    for one in members:
        name = one.name.encode()
        at = one.at - len(name) - _LOCAL.size
        made += _CENTRAL.pack(
            *(b"PK\x01\x02", _MADE_ON_UNIX, _VERSION, _UTF8, _STORED, _TIME, _DATE),
            *(one.crc, one.size, one.size, len(name), 0, 0, 0, 0, _REGULAR_FILE, at),
        )
        made += name
    count = len(members)
    return made + _END.pack(b"PK\x05\x06", 0, 0, count, count, len(made), start, 0)


def write_stored_zip(folder: Path, path: Path) -> None:
    """Write all files of a folder into an archive.

    Raises
    ------
    OutputError
        If it would be too large for this form.
    """
    files = sorted((p.relative_to(folder).as_posix(), p) for p in folder.rglob("*") if p.is_file())
    total = sum(p.stat().st_size for _, p in files)
    if total > LARGEST or len(files) > MOST_FILES:
        raise OutputError(
            f"{path}: {len(files)} files of {total} bytes are too many for a zip file; write the "
            "bundle as a folder"
        )
    members: list[Member] = []
    with path.open("wb") as out:
        for name, file in files:
            crc = 0
            with file.open("rb") as opened:
                while piece := opened.read(CHUNK):
                    crc = zlib.crc32(piece, crc)
            out.write(_local(name.encode(), file.stat().st_size, crc))
            members.append(Member(name, file.stat().st_size, crc, out.tell()))
            with file.open("rb") as opened:
                while piece := opened.read(CHUNK):
                    out.write(piece)
        out.write(_directory(members, out.tell()))


def read_stored_zip(path: Path) -> dict[str, Member]:
    """Files of an archive, which is of the one form in every byte.

    Returns
    -------
    dict of str to Member

    Raises
    ------
    VerificationError
        If it is not: compressed, encrypted, with times, comments, links, gaps, a name that
        stands twice, or contents that have changed.
    """
    refused = VerificationError(
        f"{path}: is not as it was written; a bundle's zip file is stored without compression"
    )
    members: list[Member] = []
    with path.open("rb") as file:
        while (head := file.read(_LOCAL.size)).startswith(b"PK\x03\x04"):
            member = _read_member(file, head)
            if member is None or len(members) >= MOST_FILES:
                raise refused
            members.append(member)
        start = file.tell() - len(head)
        rest = head + file.read(MOST_FILES * (_CENTRAL.size + LONGEST_NAME))
        if file.read(1) or rest != _directory(members, start):
            raise refused
    names = [member.name for member in members]
    if names != sorted(set(names)):
        raise VerificationError(f"{path}: names of files stand twice, or are out of order")
    return dict(zip(names, members, strict=True))


def _read_member(file: BinaryIO, head: bytes) -> Member | None:
    if len(head) < _LOCAL.size:
        return None
    said = _LOCAL.unpack(head)
    crc, size, length = said[6], said[7], said[9]
    raw = file.read(min(length, LONGEST_NAME + 1))
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        return None
    if length > LONGEST_NAME or head + raw != _local(raw, size, crc):
        return None
    at, found, left = file.tell(), 0, size
    while left and (piece := file.read(min(left, CHUNK))):
        found = zlib.crc32(piece, found)
        left -= len(piece)
    return Member(name, size, crc, at) if not left and found == crc else None


def read_member(path: Path, member: Member) -> Iterator[bytes]:
    """Contents of a file, piece by piece."""
    with path.open("rb") as file:
        file.seek(member.at)
        left = member.size
        while left and (piece := file.read(min(left, CHUNK))):
            left -= len(piece)
            yield piece
    if left:
        raise VerificationError(f"{path}: {one_line(member.name)} breaks off")
