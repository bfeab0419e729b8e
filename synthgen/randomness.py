"""Random streams that depend on the model, the seed and the block, and on nothing else.

A cohort is made in blocks of :data:`BLOCK_SIZE` patients.  Each block owns a
counter-based Philox generator (Salmon et al. 2011, doi:10.1145/2063384.2063405) whose key
comes from the model's hash, the seed and the block's number, so that any block can be
made anywhere, in any order, by any number of workers, with the same result.
"""

from __future__ import annotations

import hashlib

import numpy as np

#: Patients in a block.  Part of the format: another size gives other cohorts.
BLOCK_SIZE = 65_536


def block_generator(model_hash: str, seed: int, block: int, *stream: str) -> np.random.Generator:
    """Generator of one block, or of one named stream within it.

    Parameters
    ----------
    model_hash : str
        Hexadecimal SHA-256 of the model artefact.
    seed : int
        Seed of the cohort, 0 or greater.
    block : int
        Number of the block, from 0.
    *stream : str
        Names of independent streams within the block ("dates", "names"), so that adding
        a column does not change the others.

    Returns
    -------
    numpy.random.Generator

    Examples
    --------
    >>> a = block_generator("ab", seed=7, block=3)
    >>> b = block_generator("ab", seed=7, block=3)
    >>> bool(a.random() == b.random())
    True
    """
    text = "\x1f".join(("synthgen-block-1", model_hash, str(seed), str(block), *stream))
    key = np.frombuffer(hashlib.sha256(text.encode()).digest()[:16], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def block_sizes(n: int) -> list[int]:
    """Patients in each block of a cohort of ``n`` patients.

    Examples
    --------
    >>> block_sizes(70_000)
    [65536, 4464]
    """
    full, rest = divmod(n, BLOCK_SIZE)
    return [BLOCK_SIZE] * full + ([rest] if rest else [])
