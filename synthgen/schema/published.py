"""Published schema versions never change: their hashes stand beside them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from synthgen.errors import VerificationError

SUMS = "SHA256SUMS"


def _listed(folder: Path) -> dict[str, str]:
    made = {}
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        made[name] = digest
    return made


def changed_files(folder: Path) -> tuple[str, ...]:
    """Files of a version folder that are not as published: changed, missing or extra.

    Parameters
    ----------
    folder : Path
        A version folder with ``SHA256SUMS`` (lines as ``sha256sum`` writes them).

    Returns
    -------
    tuple of str
        Names in order; empty if everything is as published.

    Raises
    ------
    VerificationError
        If the folder has no ``SHA256SUMS``.
    """
    if not (folder / SUMS).is_file():
        raise VerificationError(f"{folder}: has no {SUMS}; a published version needs one")
    listed = _listed(folder)
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file() and path.name != SUMS
    }
    return tuple(
        sorted(n for n in {*listed, *found} if listed.get(n, "") != found.get(n, "missing"))
    )
