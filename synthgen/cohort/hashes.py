"""Hashes by which a cohort can be recognised: of files, and of the rows of tables."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

_CHUNK = 1 << 20


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def file_hashes(
    folder: Path, skip: tuple[str, ...] = (), endings: tuple[str, ...] = ("",)
) -> dict[str, dict[str, Any]]:
    """Bytes and SHA-256 of every file below a folder, by relative path.

    Parameters
    ----------
    folder : Path
    skip : tuple of str
        Names of files and folders that are left out.
    endings : tuple of str
        Only files that end so.
    """
    return {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": sha256_of(path),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.relative_to(folder).parts[0] not in skip
        and path.name.endswith(endings)
    }


def table_hash(db: duckdb.DuckDBPyConnection, source: str) -> dict[str, Any]:
    """Rows of a table and a hash of their contents that no file format changes.

    The hash adds up SHA-256 prefixes of the rows, so it does not depend on their order:
    it stands for a DuckDB file, whose bytes are not reproducible.
    """
    text = f"SELECT CAST(t AS VARCHAR) AS row_text FROM {source} AS t"  # noqa: S608 - our own
    prefix = "('0x' || left(sha256(row_text), 15))::BIGINT::HUGEINT"
    query = f"SELECT count(*), coalesce(sum({prefix}), 0) FROM ({text})"  # noqa: S608 - our own
    rows, total = db.execute(query).fetchall()[0]
    return {"rows": int(rows), "content": f"{int(total):x}"}


def added_up(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows and hash of a table from those of its parts, as :func:`table_hash` gives them."""
    rows = sum(int(part["rows"]) for part in parts)
    return {"rows": rows, "content": f"{sum(int(part['content'], 16) for part in parts):x}"}
