"""Cox's proportional hazards by Newton's method, ties after Efron, and Harrell's concordance.

Small on purpose: a few predictors, no time-dependent effects, no penalty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.fidelity.encoding import Floats

Booleans = npt.NDArray[np.bool_]

STEPS = 50
TOLERANCE = 1e-9
"""Largest step of a coefficient, in its own units, at which the fit has arrived."""

LARGEST = 20.0
"""Log hazard ratio beyond which a predictor separates the patients: there is no estimate."""


@dataclass(frozen=True, eq=False)
class CoxFit:
    """A fitted model.

    Parameters
    ----------
    coefficients : ndarray of float64, shape (predictors,)
        Log hazard ratios.
    covariance : ndarray of float64, shape (predictors, predictors)
    log_likelihood : float
        Partial, at the maximum.
    """

    coefficients: Floats
    covariance: Floats
    log_likelihood: float

    @property
    def standard_errors(self) -> Floats:
        """Of the coefficients."""
        return np.sqrt(np.diag(self.covariance))


def cox_fit(time: Floats, event: Booleans, predictors: Floats) -> CoxFit | None:
    """Fit by Newton's method.

    Parameters
    ----------
    time : ndarray of float64, shape (n,)
    event : ndarray of bool, shape (n,)
    predictors : ndarray of float64, shape (n, p)

    Returns
    -------
    CoxFit or None
        None where there is no finite maximum: nobody died, predictors repeat each other, or
        one of them separates those who died.

    Notes
    -----
    Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; Efron 1977,
    doi:10.1080/01621459.1977.10480613.  Steps are halved until the likelihood rises.
    """
    order = np.argsort(-time, kind="stable")  # the risk set grows along the rows
    years, died = time[order], event[order]
    x = predictors[order] - predictors.mean(axis=0)
    if x.shape[1] == 0 or not died.any():
        return None
    beta = np.zeros(x.shape[1])
    value, slope, curvature = _likelihood(years, died, x, beta)
    for _ in range(STEPS):
        try:
            step = np.linalg.solve(curvature, slope)
        except np.linalg.LinAlgError:
            return None
        if not np.isfinite(step).all():
            return None
        for _halving in range(30):
            new = _likelihood(years, died, x, beta + step)
            if np.isfinite(new[0]) and new[0] >= value - 1e-12:
                break
            step = step / 2
        beta = beta + step
        value, slope, curvature = new
        if np.abs(beta).max() > LARGEST:
            return None
        if np.abs(step).max() < TOLERANCE:
            if np.linalg.cond(curvature) > 1e12:
                return None
            covariance = np.asarray(np.linalg.inv(curvature), dtype=np.float64)
            return CoxFit(beta, covariance, float(value))
    return None


def _likelihood(
    time: Floats, died: Booleans, x: Floats, beta: Floats
) -> tuple[float, Floats, Floats]:
    """Efron's log likelihood, its slope and minus its curvature; rows by falling time."""
    score = x @ beta
    risk = np.exp(np.clip(score, -500, 500))
    ends = np.append(np.flatnonzero(np.diff(time)), len(time) - 1)  # last row of each time
    dead = np.flatnonzero(died)
    group = np.searchsorted(ends, dead)  # time of each death, as its position among the times
    _, first, tied = np.unique(group, return_index=True, return_counts=True)
    of_tie = np.repeat(np.arange(len(first)), tied)
    part = (np.arange(len(dead)) - first[of_tie]) / tied[of_tie]
    outer = x[:, :, None] * x[:, None, :]
    sums = [
        (np.cumsum(values, axis=0)[ends[group]], np.add.reduceat(values[dead], first)[of_tie])
        for values in (risk, risk[:, None] * x, risk[:, None, None] * outer)
    ]
    below, above, square = (whole - _times(part, ties) * ties for whole, ties in sums)
    mean = above / below[:, None]
    value = float(score[dead].sum() - np.log(below).sum())
    slope = x[dead].sum(axis=0) - mean.sum(axis=0)
    curvature = (square / below[:, None, None]).sum(axis=0) - mean.T @ mean
    return value, slope, curvature


def _times(part: Floats, like: Floats) -> Floats:
    """One factor for each row, with as many axes as what it is multiplied with."""
    return part.reshape(-1, *([1] * (like.ndim - 1)))


def concordance(time: Floats, event: Booleans, risk: Floats) -> float:
    """Share of comparable pairs in which whoever died earlier had the higher risk.

    Harrell, Lee & Mark 1996, doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4;
    equal risks count one half.  NaN if no pair can be compared.

    Examples
    --------
    >>> concordance(np.array([1.0, 2.0, 3.0]), np.array([True, True, False]), np.array([3.0, 2, 1]))
    1.0
    """
    wins = pairs = 0.0
    for i in np.flatnonzero(event):
        later = (time > time[i]) | ((time == time[i]) & ~event)
        others = risk[later]
        pairs += len(others)
        wins += float((risk[i] > others).sum() + 0.5 * (risk[i] == others).sum())
    return wins / pairs if pairs else float("nan")
