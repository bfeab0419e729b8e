"""Identifiers that nobody can take for a real person's.

A patient is ``SY`` and eight base-36 characters, a tumour its patient's id, ``T`` and its
sequence.  Numbers are scattered by a bijection that depends on the model and the seed, so
two cohorts do not share ids by accident, and an id says nothing about the order of rows.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

_DIGITS = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", dtype=np.uint8)
#: Number of distinct patient ids.
CAPACITY = 36**8
#: Odd and prime to 36, so multiplication modulo CAPACITY is a bijection; it is small
#: enough for the product with an index below 2**31 to stay within 63 bits.
_STRIDE = 2_147_483_647


def patient_ids(model_hash: str, seed: int, first: int, n: int) -> npt.NDArray[np.str_]:
    """Ids of patients number ``first`` to ``first + n - 1`` of a cohort.

    Parameters
    ----------
    model_hash : str
    seed : int
    first : int
        Number of the first patient, from 0.
    n : int

    Returns
    -------
    ndarray of str, shape (n,)

    Examples
    --------
    >>> ids = patient_ids("ab", 7, 0, 3)
    >>> len(set(ids.tolist())), len(str(ids[0]))
    (3, 10)
    """
    digest = hashlib.sha256(f"synthgen-ids-1\x1f{model_hash}\x1f{seed}".encode()).digest()
    offset = int.from_bytes(digest[:8], "big") % CAPACITY
    number = np.arange(first, first + n, dtype=np.int64)
    scattered = (number * _STRIDE + offset) % CAPACITY
    text = np.empty((n, 10), dtype=np.uint8)
    text[:, 0], text[:, 1] = ord("S"), ord("Y")
    for place in range(9, 1, -1):
        scattered, digit = np.divmod(scattered, 36)
        text[:, place] = _DIGITS[digit]
    return text.view("S10").ravel().astype(np.str_)


def tumour_ids(
    patients: npt.NDArray[np.str_], sequence: npt.NDArray[np.int64]
) -> npt.NDArray[np.str_]:
    """Ids of tumours from their patients' ids and their sequence numbers (1 to 9)."""
    text = np.empty((len(patients), 12), dtype=np.uint8)
    text[:, :10] = patients.astype("S10").view(np.uint8).reshape(-1, 10)
    text[:, 10] = ord("T")
    text[:, 11] = ord("0") + sequence
    return text.view("S12").ravel().astype(np.str_)
