"""Text files as they really come, made ready for DuckDB in one bounded stream.

Compression, encoding and line lengths are settled before DuckDB opens a file: what is not
plain UTF-8 is written anew into the temporary folder.  Memory holds one chunk.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from synthgen.errors import ContractError

CHUNK = 2**20
"""What is read at a time [bytes]."""

LONGEST_LINE = 2**20
"""Longest line that is read [bytes]; 500 columns of K-CURE's longest type are under half of it."""

LARGEST_RATIO = 200
"""Largest expansion of a compressed file that is read; deliveries expand 5 to 20 times, and
gzip can do 1,032."""

SMALLEST_BOMB = 2**28
"""Expanded size [bytes] under which the expansion does not matter."""

UTF8 = ".utf8"
"""Ending of the copy that is made of a text in an old encoding."""

GZIP = b"\x1f\x8b"
BINARY = {
    b"PK\x03\x04": "a workbook or zip archive",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"SQLite f": "an SQLite database",
    b"%PDF": "a PDF",
}
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)

#: Names that people know, of the encodings that are read.
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 (BOM)",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "cp949": "CP949",
    "cp1252": "Windows-1252",
}


@dataclass(frozen=True)
class TextFile:
    """A text file that DuckDB can read.

    Parameters
    ----------
    path : Path
        The UTF-8 file to read: the one that came, or a copy.
    encoding : str
        As it came; a key of :data:`ENCODINGS`.
    compressed : bool
    lines : int
        Lines, the header among them.
    head : str
        The first lines, at most one chunk, without a byte-order mark.
    old_line_ends : bool
        Whether some line ends with a lone carriage return.
    """

    path: Path
    encoding: str
    compressed: bool
    lines: int
    head: str
    old_line_ends: bool


class _Lines:
    """Counts lines of ASCII-compatible bytes, and refuses what cannot be text."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._since_end = 0
        self._returns = 0
        self._last = b""
        self.lines = 0
        self.bytes = 0
        self.old_line_ends = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the file."""
        first = _first_end(chunk)
        if self._since_end + (len(chunk) if first < 0 else first) > LONGEST_LINE:
            raise ContractError(
                f"{self._name}: line {self.lines + 1} has more than {LONGEST_LINE:,} bytes; "
                "is it a table with line ends?"
            )
        zero = chunk.find(b"\0")
        if zero >= 0:
            line = self.lines + chunk.count(b"\n", 0, zero) + 1
            raise ContractError(
                f"{self._name}: holds a zero byte in line {line}; it is not a text file"
            )
        pairs = chunk.count(b"\r\n") + (self._last == b"\r" and chunk[:1] == b"\n")
        self._returns += chunk.count(b"\r") - pairs
        ends = chunk.count(b"\n")
        last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        self._since_end = self._since_end + len(chunk) if last < 0 else len(chunk) - last - 1
        self._last = chunk[-1:]
        self.lines += ends
        self.bytes += len(chunk)

    def finish(self) -> None:
        """Take the end of the file: a last line without an end is a line."""
        self.old_line_ends = self._returns > 0
        if self._since_end or (self.bytes and self._last == b"\r"):
            self.lines += 1


def _first_end(chunk: bytes) -> int:
    ends = [at for at in (chunk.find(b"\n"), chunk.find(b"\r")) if at >= 0]
    return min(ends, default=-1)


def _chunks(opened: BinaryIO) -> Iterator[bytes]:
    while chunk := opened.read(CHUNK):
        yield chunk


def _expanded(path: Path, name: str) -> Iterator[bytes]:
    """Bytes of a gzip file, unless it expands like a bomb."""
    limit = max(SMALLEST_BOMB, LARGEST_RATIO * path.stat().st_size)
    made = 0
    try:
        with gzip.open(path) as opened:
            for chunk in _chunks(opened):  # type: ignore[arg-type]
                made += len(chunk)
                if made > limit:
                    raise ContractError(
                        f"{name}: expands to more than {LARGEST_RATIO} times its size; "
                        "unpack it by hand if that is right"
                    )
                yield chunk
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ContractError(f"{name}: is not a whole gzip file") from error


def _plain(path: Path) -> Iterator[bytes]:
    with path.open("rb") as opened:
        yield from _chunks(opened)


def _wide_encoding(head: bytes) -> str:
    """UTF-16 that says so or shows it by its zero bytes, ``""`` for anything else."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    sample = head[:256]  # of the column names, mostly
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > len(sample) // 4 and even < odd // 4:
        return "utf-16-le"
    if even > len(sample) // 4 and odd < even // 4:
        return "utf-16-be"
    return ""


def _decoded(chunks: Iterator[bytes], encoding: str, name: str, *, skip: int = 0) -> Iterator[str]:
    """Text of chunks.

    Raises
    ------
    ContractError
        If the bytes are not of that encoding; names the line.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 1
    try:
        for chunk in chunks:
            text = decoder.decode(chunk[skip:])
            skip = 0
            yield text
            lines += text.count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        before = bytes(error.object)[: error.start].decode(encoding, errors="replace")
        raise ContractError(
            f"{name}: is not {ENCODINGS.get(encoding, encoding)} "
            f"(line {lines + before.count(chr(10))})"
        ) from error


def _broken_utf8(path: Path) -> tuple[int, int] | None:
    """Line where UTF-8 stops and how many three-byte characters stand before; None for UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, wide = 1, 0
    for chunk in (*_plain(path), b""):
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            before = bytes(error.object)[: error.start].decode("utf-8")
            return lines + before.count("\n"), wide + sum(c > "\u07ff" for c in before)
        lines += text.count("\n")
        wide += 0 if text.isascii() else sum(c > "\u07ff" for c in text)
    return None


def _encoding_of(path: Path, name: str) -> str:
    """Encoding of ASCII-compatible bytes: UTF-8, else CP949, else Windows-1252.

    Raises
    ------
    ContractError
        If it is none of them, or UTF-8 that breaks off.
    """
    broken = _broken_utf8(path)
    if broken is None:
        return "utf-8"
    line, wide = broken
    for encoding in ("cp949", "cp1252"):
        if encoding == "cp1252" and wide:
            raise ContractError(f"{name}: is UTF-8 up to line {line}, and there it is damaged")
        try:
            for _ in _decoded(_plain(path), encoding, name):
                pass
        except ContractError:
            continue
        return encoding
    raise ContractError(
        f"{name}: is neither UTF-8, UTF-16, CP949 nor Windows-1252 (line {line}); save it as UTF-8"
    )


def prepare_text(path: Path, copy: Path, name: str) -> TextFile:
    """Text file that DuckDB can read, written anew if need be.

    Parameters
    ----------
    path : Path
        As it came: any of :data:`ENCODINGS`, gzip or not.
    name : str
        What people call it, for error lines.
    copy : Path
        Where a copy may be written; a second one may stand beside it, ending in :data:`UTF8`.

    Raises
    ------
    ContractError
        If it is no text, of no known encoding, has a line beyond :data:`LONGEST_LINE`, is
        empty, or is compressed and cut off.
    OSError
        If it cannot be read, or the copy cannot be written.
    """
    with path.open("rb") as opened:
        head = opened.read(8)
    for magic, what in BINARY.items():
        if head.startswith(magic):
            raise ContractError(f"{name}: is {what}; save the table as CSV (UTF-8)")
    compressed = head.startswith(GZIP)
    chunks = _expanded(path, name) if compressed else _plain(path)
    first = next(chunks, b"")
    encoding = _wide_encoding(first)
    if encoding == "utf-32-le":
        raise ContractError(f"{name}: is UTF-32; save it as UTF-8")
    lines = _Lines(name)
    made = path
    if encoding.startswith("utf-16"):
        marked = 2 if first.startswith((b"\xff\xfe", b"\xfe\xff")) else 0
        texts = _decoded(_chained(first, chunks), encoding, name, skip=marked)
        made = _write(copy, (text.encode("utf-8") for text in texts), lines)
    elif compressed:
        made = _write(copy, _chained(first, chunks), lines)
    else:
        for chunk in _chained(first, chunks):
            lines.feed(chunk)
    lines.finish()
    if not lines.bytes:
        raise ContractError(f"{name}: is empty; a table needs at least a line of column names")
    if not encoding.startswith("utf-16"):
        found = _encoding_of(made, name)
        if found != "utf-8":
            encoding = found
            texts = _decoded(_plain(made), encoding, name)
            made = _write(copy.with_suffix(UTF8), (text.encode("utf-8") for text in texts), None)
    with made.open("rb") as opened:
        text = opened.read(LONGEST_LINE + 4).decode("utf-8", errors="ignore").removeprefix("\ufeff")
    return TextFile(
        path=made,
        encoding=encoding or "utf-8",
        compressed=compressed,
        lines=lines.lines,
        head=text,
        old_line_ends=lines.old_line_ends,
    )


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _write(path: Path, chunks: Iterator[bytes], lines: _Lines | None) -> Path:
    with path.open("wb") as out:
        for chunk in chunks:
            if lines is not None and chunk:
                lines.feed(chunk)
            out.write(chunk)
    return path
