"""Hashes by which a cohort can be recognised: of files, and of the contents of tables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.randomness import BLOCK_SIZE
from synthgen.schema.model import ColumnType, Schema, Table

if TYPE_CHECKING:
    import pandas as pd

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


def table_hash(frame: pd.DataFrame, table: Table) -> dict[str, Any]:
    """Rows of a block of a table and a hash of their contents that no file format changes.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns of the table, rows in order.
    table : Table

    Notes
    -----
    SHA-256 over the buffers of the columns, not over rows: a hash of every row took as long
    as making them.  Each column gives its name and type, which cells are missing (a byte
    each), and its values: whole numbers, and days since 1970, as 64-bit integers; numbers as
    64-bit floats; texts as their lengths and all letters one after the other; codes as the
    distinct ones in order, as texts, and the position of each row's among them.  Integers
    are little-endian, and 0 where a cell is missing.
    """
    digest = hashlib.sha256()
    for column in table.columns:
        digest.update(f"{column.name}\x1f{column.type.value}\x1f{len(frame)}\n".encode())
        for part in _buffers(frame[column.name], column.type):
            digest.update(part)
    return {"rows": len(frame), "content": digest.hexdigest()}


def _buffers(values: pd.Series[Any], kind: ColumnType) -> Iterator[bytes]:
    import pandas as pd

    missing = values.isna().to_numpy(dtype=np.bool_)
    yield missing.tobytes()
    if kind is ColumnType.DATE:
        days = values.to_numpy(dtype="datetime64[D]").astype("<i8")
        yield np.where(missing, 0, days).tobytes()
    elif kind is ColumnType.INTEGER:
        yield values.astype("Int64").to_numpy(dtype="<i8", na_value=0).tobytes()
    elif kind is ColumnType.NUMBER:
        yield values.astype("Float64").to_numpy(dtype="<f8", na_value=0.0).tobytes()
    elif kind is ColumnType.CODE:
        coded = pd.Categorical(values)
        used = np.unique(coded.codes[coded.codes >= 0])
        codes = [str(coded.categories[i]) for i in used]
        order = np.argsort(np.array(codes, dtype=object)) if codes else np.zeros(0, dtype=np.intp)
        rank = np.zeros(len(coded.categories) + 1, dtype="<i4")
        rank[used[order]] = np.arange(len(used), dtype="<i4")
        yield from _texts([codes[i] for i in order])
        yield rank[coded.codes].tobytes()
    else:
        yield from _texts(values.astype(object).where(~missing, "").tolist())


def _texts(texts: list[str]) -> Iterator[bytes]:
    yield np.fromiter(map(len, texts), dtype="<i4", count=len(texts)).tobytes()
    yield "".join(texts).encode()


def joined_hash(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows and hash of a table from those of its blocks in order (:func:`table_hash`)."""
    digest = hashlib.sha256("".join(part["content"] for part in parts).encode())
    return {"rows": sum(int(part["rows"]) for part in parts), "content": digest.hexdigest()}


def content_hashes(schema: Schema, tables: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, Any]]:
    """Rows and hash of every table of a whole cohort, as its manifest has them.

    Parameters
    ----------
    schema : Schema
    tables : mapping of str to pandas.DataFrame
        Rows in the order in which they were written: a DuckDB file, which has no bytes that
        could be compared, keeps it.

    Notes
    -----
    The first table is cut into blocks of :data:`~synthgen.randomness.BLOCK_SIZE` rows; a row
    of another table belongs to the block of the row that its foreign key names, and so on up
    to the first table.
    """
    import pandas as pd

    first = schema.tables[0]
    key = pd.Index(tables[first.name][first.primary_key[0]])
    rows_of: dict[str, Any] = {}
    made = {}
    for table in schema.tables:
        frame = tables[table.name]
        refers = next((k for k in table.foreign_keys if k.table in rows_of), None)
        if refers is None:
            own = np.arange(len(frame))
        else:
            parent = pd.Index(tables[refers.table][refers.references[0]])
            nowhere = np.append(rows_of[refers.table], -1)
            own = nowhere[parent.get_indexer(frame[refers.columns[0]])]
        rows_of[table.name] = own
        blocks = np.asarray(own) // BLOCK_SIZE
        made[table.name] = joined_hash(
            [
                table_hash(frame[blocks == block].reset_index(drop=True), table)
                for block in range(max(-(-len(key) // BLOCK_SIZE), 1))
            ]
        )
    return made
