"""Patients as numbers: points for distances and trees, and codes for tables of counts.

The scale is taken from real people without asking which of them went into the generator,
so that no distance favours one side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthgen.findings import Subjects

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]

BINS = 10
"""Groups that a numeric column is cut into, at quantiles of the real patients."""

_MISSING, _OTHER = "missing", "other"


def joined(parts: Sequence[Subjects]) -> Subjects:
    """Several sets of patients, one after the other.

    Raises
    ------
    ValueError
        If there is none.
    """
    import pandas as pd

    if not parts:
        raise ValueError("at least one set of patients is needed")
    first = parts[0]
    columns = list(first.columns)
    frames = [part.frame[columns].astype(object) for part in parts]
    whole = pd.concat(frames, ignore_index=True)
    return Subjects(whole, first.categorical, first.numeric)


def rows_of(subjects: Subjects, rows: npt.NDArray[Any]) -> Subjects:
    """Some of the patients, by position or by a mask."""
    chosen = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
    frame = subjects.frame.iloc[chosen].reset_index(drop=True)
    return Subjects(frame, subjects.categorical, subjects.numeric)


def numbers(column: pd.Series[Any]) -> Floats:
    """Values of a numeric column, NaN where missing.

    Raises
    ------
    ValueError, TypeError
        If a value is not a number.
    """
    try:
        values = column.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):  # objects that mix kinds of missing values
        missing = column.isna().to_numpy(dtype=np.bool_)
        values = np.array(
            [np.nan if gap else float(v) for v, gap in zip(column, missing, strict=True)]
        )
    return np.asarray(values, dtype=np.float64)


def texts(column: pd.Series[Any]) -> npt.NDArray[np.object_]:
    """Codes as text, None where missing."""
    import pandas as pd

    positions, distinct = pd.factorize(column.astype(object), sort=False)
    known = np.array([*(str(v) for v in distinct), None], dtype=object)
    return np.asarray(known[positions])


@dataclass(frozen=True, eq=False)
class Encoded:
    """Patients as numbers.

    Parameters
    ----------
    points : ndarray of float64, shape (patients, dimensions)
        Squared Euclidean distance adds 1 for every categorical column that differs, and for
        a number the square of the difference over the width of the middle nine tenths.
    codes : mapping of str to ndarray of intp, shape (patients,)
        Category of every column; numbers in bins.
    """

    points: Floats
    codes: dict[str, Positions]

    def __len__(self) -> int:
        return len(self.points)


@dataclass(frozen=True, eq=False)
class Encoder:
    """Turns patients into numbers, always in the same way.

    Parameters
    ----------
    categorical, numeric : tuple of str
    known : mapping of str to tuple of str
        Codes of each categorical column among those whom the encoder was made from.
    middle, width : mapping of str to float
        Median, and distance from the 5 % to the 95 % point, of each numeric column.
    cuts : mapping of str to ndarray of float64
        Inner limits of the bins of each numeric column.
    gaps : frozenset of str
        Numeric columns with missing values.
    """

    categorical: tuple[str, ...]
    numeric: tuple[str, ...]
    known: dict[str, tuple[str, ...]]
    middle: dict[str, float]
    width: dict[str, float]
    cuts: dict[str, Floats]
    gaps: frozenset[str]

    def size(self, column: str) -> int:
        """Categories of a column, the last two of them "other" and "missing"."""
        if column in self.known:
            return len(self.known[column]) + 2
        return len(self.cuts[column]) + 3

    def columns(self) -> tuple[str, ...]:
        """All columns, the categorical ones first."""
        return (*self.categorical, *self.numeric)

    def __call__(self, subjects: Subjects, columns: Sequence[str] | None = None) -> Encoded:
        """Encode patients.

        Parameters
        ----------
        subjects : Subjects
        columns : sequence of str, optional
            Only these; all by default.
        """
        wanted = self.columns() if columns is None else tuple(columns)
        values = {n: numbers(subjects.frame[n]) for n in wanted if n not in self.known}
        codes = {
            n: self._binned(values[n], n) if n in values else self._codes(subjects, n)
            for n in wanted
        }
        parts: list[Floats] = [
            np.eye(self.size(name))[codes[name]] * np.sqrt(0.5)
            for name in wanted
            if name in self.known
        ]
        for name in values:
            parts += self._scaled(values[name], name)
        points = np.hstack(parts) if parts else np.zeros((len(subjects), 0))
        return Encoded(np.ascontiguousarray(points), codes)

    def _codes(self, subjects: Subjects, name: str) -> Positions:
        import pandas as pd

        size = self.size(name)
        rank = {code: at for at, code in enumerate(self.known[name])}
        positions, distinct = pd.factorize(subjects.frame[name].astype(object), sort=False)
        places = [rank.get(str(value), size - 2) for value in distinct]
        return np.array([*places, size - 1], dtype=np.intp)[positions]

    def _binned(self, values: Floats, name: str) -> Positions:
        found = np.searchsorted(self.cuts[name], values, side="right")
        return np.where(np.isnan(values), self.size(name) - 1, found).astype(np.intp)

    def _scaled(self, values: Floats, name: str) -> list[Floats]:
        missing = np.isnan(values)
        scaled = np.where(missing, 0.0, (values - self.middle[name]) / self.width[name])
        parts = [scaled[:, None]]
        if name in self.gaps or missing.any():
            parts.append(missing.astype(np.float64)[:, None])
        return parts if name in self.gaps else parts[:1]


def encoder_of(real: Subjects, bins: int = BINS) -> Encoder:
    """Encoder made from real patients, members and others together.

    Parameters
    ----------
    real : Subjects
    bins : int
        Groups of a numeric column.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"sex": ["1", "2", None], "age": [40.0, 50.0, 60.0]})
    >>> people = Subjects(frame, ("sex",), ("age",))
    >>> encoder_of(people)(people).codes["sex"].tolist()
    [0, 1, 3]
    """
    known = {
        name: tuple(sorted({v for v in texts(real.frame[name]) if v is not None}))
        for name in real.categorical
    }
    middle, width, cuts = {}, {}, {}
    gaps = set()
    for name in real.numeric:
        values = numbers(real.frame[name])
        present = values[~np.isnan(values)]
        if len(present) < len(values):
            gaps.add(name)
        if len(present) == 0:
            present = np.zeros(1)
        low, mid, high = np.quantile(present, [0.05, 0.5, 0.95])
        spread = float(high - low) or float(np.ptp(present)) or 1.0
        middle[name], width[name] = float(mid), spread
        inner = np.quantile(present, np.arange(1, bins) / bins)
        cuts[name] = np.unique(inner)
    return Encoder(real.categorical, real.numeric, known, middle, width, cuts, frozenset(gaps))


def key_codes(encoded: Encoded, encoder: Encoder, columns: Sequence[str]) -> Positions:
    """One whole number for each combination of codes; patients with missing codes get -1.

    Raises
    ------
    ValueError
        If there are more combinations than a number can tell apart.
    """
    total = np.zeros(len(encoded), dtype=np.int64)
    size = 1
    missing = np.zeros(len(encoded), dtype=np.bool_)
    for name in columns:
        size *= encoder.size(name)
        if size > 2**62:
            raise ValueError(f"key of {len(columns)} columns: too many combinations")
        total = total * encoder.size(name) + encoded.codes[name]
        missing |= encoded.codes[name] == encoder.size(name) - 1
    total[missing] = -1
    return total.astype(np.intp)
