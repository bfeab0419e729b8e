"""A Gaussian copula with parametric marginals: drawn by NumPy and SciPy alone.

Wide columns (:mod:`synthgen.models.wide`) are quantiles of their marginals at the normal
probabilities of correlated normal numbers.  A column of combinations cuts (0, 1) into intervals,
one for each combination (the encoding of Patki, Wedge and Veeramachaneni 2016,
doi:10.1109/DSAA.2016.49); a column that may not be below another is drawn as the logarithm of
the difference plus one and added to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from synthgen.errors import ModelError
from synthgen.models.wide import DECIMALS, Layout, layout_from

FloatArray = npt.NDArray[np.float64]

#: Kinds of marginal; a constant has its value in ``loc`` and scale 0.
KINDS = ("beta", "norm", "constant")
#: The largest gap that is drawn: exp(x) - 1 of it is still a number of days or years.
LONGEST = 700.0
#: Names of the arrays beside ``edges/NN``.
CORRELATION, MARGINALS, LIMITS, EDGES = "correlation", "marginals", "limits", "edges"
#: Correlations may miss symmetry and a diagonal of 1 by this much: rounding.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Marginal:
    """A distribution of one number.

    Parameters
    ----------
    kind : {"beta", "norm", "constant"}
    a, b : float
        Shape of a beta distribution, else 1.
    loc, scale : float
    """

    kind: str
    a: float
    b: float
    loc: float
    scale: float

    def __post_init__(self) -> None:
        numbers = (self.a, self.b, self.loc, self.scale)
        good = self.kind in KINDS and np.isfinite(numbers).all() and self.a > 0 and self.b > 0
        if not good or (self.scale != 0 if self.kind == "constant" else self.scale <= 0):
            raise ModelError(f"copula: a marginal must be one of {', '.join(KINDS)} with its shape")

    def quantiles(self, normal: FloatArray) -> FloatArray:
        """Values at the probabilities of standard normal numbers, same shape."""
        if self.kind == "constant":
            return np.full_like(normal, self.loc)
        if self.kind == "norm":
            return np.asarray(self.loc + self.scale * normal)
        from scipy.stats import beta  # half a second, which no other model needs

        share = special.ndtr(normal)
        found: FloatArray = beta.ppf(share, self.a, self.b, self.loc, self.scale)
        return found

    def normals(self, values: FloatArray) -> FloatArray:
        """Standard normal numbers whose quantiles the values are, same shape."""
        if self.kind == "constant":
            return np.where(values < self.loc, -np.inf, np.inf)
        if self.kind == "norm":
            return np.asarray((values - self.loc) / self.scale)
        from scipy.stats import beta

        share = beta.cdf(values, self.a, self.b, self.loc, self.scale)
        return np.asarray(special.ndtri(share))


@dataclass(frozen=True, eq=False)
class Column:
    """One dimension of the copula.

    Parameters
    ----------
    name : str
        Wide column that it decides.
    marginal : Marginal
    positions : tuple of int
        Combination of each interval, in the order of the intervals; empty for a number.
    edges : tuple of float
        Upper ends of the intervals; the last is 1.
    lowest, highest : float
        Values outside are moved to these limits.
    digits : int or None
        Decimals that the value is rounded to.
    above : str
        Number that it stands above: it is the logarithm of the difference plus one; ``""``.
    whole_gap : bool
        Whether that difference is rounded to a whole number.
    """

    name: str
    marginal: Marginal
    positions: tuple[int, ...] = ()
    edges: tuple[float, ...] = ()
    lowest: float = -np.inf
    highest: float = np.inf
    digits: int | None = None
    above: str = ""
    whole_gap: bool = False

    def __post_init__(self) -> None:
        edges = np.asarray(self.edges, dtype=np.float64)
        if len(edges) != len(self.positions) or np.isnan([self.lowest, self.highest]).any():
            raise ModelError(f"copula: {self.name} must have an interval for each combination")
        if len(edges) and (
            not (np.diff(edges) > 0).all() or edges[0] <= 0 or abs(edges[-1] - 1) > ROUNDING
        ):
            raise ModelError(f"copula: intervals of {self.name} must ascend to 1")
        if self.lowest > self.highest:
            raise ModelError(f"copula: limits of {self.name} must be in order")
        if self.digits is not None and not 0 <= self.digits <= 2 * DECIMALS:
            raise ModelError(f"copula: digits of {self.name} must be 0 to {2 * DECIMALS}")

    @cached_property
    def _cuts(self) -> FloatArray:
        """Normal numbers at the inner ends of the intervals."""
        return self.marginal.normals(np.asarray(self.edges)[:-1])

    def values(self, normal: FloatArray) -> npt.NDArray[Any]:
        """Positions of combinations, or numbers, at standard normal numbers."""
        if self.positions:
            if self.marginal.kind == "constant":
                found = np.searchsorted(self.edges[:-1], np.full(len(normal), self.marginal.loc))
            else:
                found = np.searchsorted(self._cuts, normal, side="left")
            return np.asarray(self.positions, dtype=np.intp)[found]
        value = np.clip(self.marginal.quantiles(normal), self.lowest, self.highest)
        return value if self.digits is None else np.round(value, self.digits)


@dataclass(frozen=True, eq=False)
class GaussianCopula:
    """Wide columns as quantiles at correlated normal numbers.

    Parameters
    ----------
    layout : Layout
    columns : tuple of Column
        One for each wide column.
    correlation : ndarray of float64, shape (d, d)

    Raises
    ------
    ModelError
        If columns and layout do not fit each other, or the matrix is no correlation.
    """

    layout: Layout
    columns: tuple[Column, ...]
    correlation: FloatArray

    def __post_init__(self) -> None:
        by_name = {column.name: column for column in self.columns}
        if len(by_name) != len(self.columns) or {*by_name} != {*self.layout.names}:
            raise ModelError("copula: must have one column for each of its layout")
        for one in self.layout.codes:
            if sorted(by_name[one.name].positions) != list(range(len(one.combinations))):
                raise ModelError(f"copula: {one.name} must have an interval for each combination")
            if by_name[one.name].above:
                raise ModelError(f"copula: {one.name} is no number, and can stand above none")
        numbers = {n.column for n in self.layout.numbers}
        for column in self.columns:
            if column.name in numbers and column.positions:
                raise ModelError(f"copula: {column.name} is a number, and has no combinations")
            if column.above and (column.above not in numbers or by_name[column.above].above):
                raise ModelError(
                    f"copula: {column.name} must stand above a number that stands above none"
                )
        values = np.array(self.correlation, dtype=np.float64)
        size = len(self.columns)
        good = values.shape == (size, size) and bool(np.isfinite(values).all())
        good = good and bool((np.abs(values) <= 1 + ROUNDING).all())
        good = good and np.allclose(values, values.T, rtol=0, atol=ROUNDING)
        if not good or not set(np.round(np.diag(values), 5)) <= {0.0, 1.0}:
            raise ModelError("copula: must have a symmetric correlation for every two columns")
        values.setflags(write=False)
        object.__setattr__(self, "correlation", values)

    @cached_property
    def factor(self) -> FloatArray:
        """Matrix whose product with its transpose is the correlation, shape (d, d)."""
        try:
            return np.asarray(np.linalg.cholesky(self.correlation), dtype=np.float64)
        except np.linalg.LinAlgError:  # singular: constant columns, columns that say the same
            values, vectors = np.linalg.eigh(self.correlation)
            return np.asarray(vectors * np.sqrt(np.clip(values, 0.0, None)), dtype=np.float64)

    def sample(self, n: int, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """Wide values of ``n`` subjects; the first do not depend on how many there are.

        Parameters
        ----------
        n : int
        rng : numpy.random.Generator

        Returns
        -------
        dict of str to ndarray, shape (n,)
            Positions of combinations, and numbers, by wide column.
        """
        normal = rng.standard_normal((n, len(self.columns))) @ self.factor.T
        drawn = {c.name: c.values(normal[:, at]) for at, c in enumerate(self.columns)}
        for column in self.columns:
            if column.above:
                gap = np.exp(np.minimum(drawn[column.name], LONGEST)) - 1.0
                gap = np.round(gap) if column.whole_gap else gap
                drawn[column.name] = drawn[column.above] + gap
        return {name: drawn[name] for name in self.layout.names}

    def describe(self) -> dict[str, Any]:
        """What the arrays mean, in plain JSON values."""
        return {
            "layout": self.layout.describe(),
            "columns": [
                {
                    "name": c.name,
                    "marginal": c.marginal.kind,
                    "positions": list(c.positions),
                    "digits": c.digits,
                    "above": c.above,
                    "whole_gap": c.whole_gap,
                }
                for c in self.columns
            ],
        }

    def arrays(self) -> dict[str, FloatArray]:
        """Every number of it, by name."""
        of = [c.marginal for c in self.columns]
        largest = np.finfo(np.float64).max
        limits = np.array([[c.lowest, c.highest] for c in self.columns]).reshape(-1, 2)
        return {
            CORRELATION: np.asarray(self.correlation),
            MARGINALS: np.array([[m.a, m.b, m.loc, m.scale] for m in of]).reshape(-1, 4),
            LIMITS: np.clip(limits, -largest, largest),
            **{
                f"{EDGES}/{at:04d}": np.asarray(c.edges, dtype=np.float64)
                for at, c in enumerate(self.columns)
                if c.positions
            },
        }


def copula_shapes(said: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Shape of every array that a description speaks of."""
    size = len(said["columns"])
    return {
        CORRELATION: (size, size),
        MARGINALS: (size, 4),
        LIMITS: (size, 2),
        **{
            f"{EDGES}/{at:04d}": (len(column["positions"]),)
            for at, column in enumerate(said["columns"])
            if column["positions"]
        },
    }


def copula_from(said: Mapping[str, Any], arrays: Mapping[str, FloatArray]) -> GaussianCopula:
    """The copula that :meth:`GaussianCopula.describe` describes.

    Parameters
    ----------
    said : mapping
    arrays : mapping of str to ndarray of float64
        Of the shapes that :func:`copula_shapes` announces.

    Raises
    ------
    ModelError
        If it is none.
    """
    columns = []
    for at, one in enumerate(said["columns"]):
        whole = [*one["positions"], *([] if one["digits"] is None else [one["digits"]])]
        texts = (one["name"], one["marginal"], one["above"])
        if any(type(v) is not int for v in whole) or any(not isinstance(t, str) for t in texts):
            raise ModelError("copula: a column must have names, and whole numbers for positions")
        a, b, loc, scale = (float(v) for v in arrays[MARGINALS][at])
        columns.append(
            Column(
                one["name"],
                Marginal(one["marginal"], a, b, loc, scale),
                tuple(one["positions"]),
                tuple(arrays[f"{EDGES}/{at:04d}"].tolist()) if one["positions"] else (),
                float(arrays[LIMITS][at][0]),
                float(arrays[LIMITS][at][1]),
                one["digits"],
                one["above"],
                bool(one["whole_gap"]),
            )
        )
    return GaussianCopula(layout_from(said["layout"]), tuple(columns), arrays[CORRELATION])
