"""U3: how well a classifier tells synthetic from real patients."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.errors import MissingExtraError
from synthgen.extras import require
from synthgen.fidelity.encoding import Floats, encoder_of, rows_of
from synthgen.fidelity.intervals import mean_bounds, share_difference
from synthgen.fidelity.marginals import real_patients
from synthgen.fidelity.results import FEWEST, bounded
from synthgen.findings import NO_RECORDS, TOO_FEW, Finding, Inputs, not_testable

MEASURE = "propensity"

NO_RECORDS_EXTRA = "measure.reason.no_records_extra"
RIDGE = 1e-3
"""Penalty on standardised coefficients of the logistic regression, per patient."""

SHUFFLES = 5
"""Times that labels are dealt out to find what chance alone gives."""

MOST_EACH = 5000
"""Patients of each side, at most; drawn at random beyond."""

FOLDS = 2


def logistic(x: Floats, y: Floats) -> Floats:
    """Fitted probabilities of a ridge logistic regression with an intercept, by Newton's method.

    Parameters
    ----------
    x : ndarray of float64, shape (n, p)
    y : ndarray of float64, shape (n,)
        0 or 1.
    """
    spread = x.std(axis=0)
    kept = spread > 0
    design = np.column_stack(
        (np.ones(len(x)), (x[:, kept] - x[:, kept].mean(axis=0)) / spread[kept])
    )
    penalty = np.full(design.shape[1], RIDGE * len(x))
    penalty[0] = 0.0
    beta = np.zeros(design.shape[1])
    for _ in range(30):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ beta, -30, 30)))
        weight = np.maximum(p * (1 - p), 1e-10)
        curvature = (design * weight[:, None]).T @ design + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curvature, design.T @ (y - p) - penalty * beta)
        beta = beta + step
        if np.abs(step).max() < 1e-8:
            break
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(design @ beta, -30, 30))))


def propensity(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Excess of the propensity score's mean square over chance, and its largest gap.

    Parameters
    ----------
    inputs : Inputs
        With ``train`` or ``control``, or both.
    rng : numpy.random.Generator

    Returns
    -------
    list of Finding
        ``pMSE, logistic regression``: mean squared distance of the score from the share of
        synthetic patients, divided by its largest possible value, less what dealt-out
        labels give; main effects of all columns, ridge penalty.  ``SPECKS, gradient
        boosting``: largest difference between the two distributions of the score, on
        patients that the classifier has not seen, at a cut chosen on those that it has.

    Notes
    -----
    pMSE: Snoke, Raab, Nowok, Dibben & Slavkovic 2018, doi:10.1111/rssa.12358.  SPECKS: Bowen,
    Liu & Su 2021, arXiv:1803.06763.  The first sees margins, the second everything; neither
    says for what a release is useful.
    """
    real = real_patients(inputs)
    if real is None:
        return [not_testable(MEASURE, "U", NO_RECORDS)]
    sides = []
    for side in (real, inputs.synthetic):
        few = len(side) <= MOST_EACH
        sides.append(
            side if few else rows_of(side, np.sort(rng.permutation(len(side))[:MOST_EACH]))
        )
    n, m = len(sides[0]), len(sides[1])
    if min(n, m) < FEWEST:
        return [not_testable(MEASURE, "U", TOO_FEW, n=min(n, m))]
    encoder = encoder_of(sides[0])
    x = np.clip(np.vstack([encoder(side).points for side in sides]), -5, 5)
    y = np.concatenate((np.zeros(n), np.ones(m)))
    return [_pmse(x, y, rng), _specks(x, y, rng)]


def _pmse(x: Floats, y: Floats, rng: np.random.Generator) -> Finding:
    part, share = "pMSE, logistic regression", float(y.mean())
    largest = share * (1 - share)

    def squares(labels: Floats) -> Floats:
        return np.asarray((logistic(x, labels) - share) ** 2 / largest)

    own = squares(y)
    null = np.array([squares(rng.permutation(y)).mean() for _ in range(SHUFFLES)])
    error = float(np.hypot(own.std(ddof=1) / np.sqrt(len(own)), null.std(ddof=1)))
    found = mean_bounds(float(own.mean() - null.mean()), error, 1e-6)
    detail = {
        "classifier": "ridge logistic regression, main effects",
        "pmse": float(own.mean()) * largest,
        "null_pmse": float(null.mean()) * largest,
        "ratio": float(own.mean() / null.mean()) if null.mean() > 0 else None,
    }
    return bounded(MEASURE, "U", part, found, len(y), detail)


def _specks(x: Floats, y: Floats, rng: np.random.Generator) -> Finding:
    part = "SPECKS, gradient boosting"
    try:
        ensemble = require("records", "sklearn.ensemble")
        limits = require("records", "threadpoolctl")
    except MissingExtraError:
        return not_testable(MEASURE, "U", NO_RECORDS_EXTRA, part=part, n=len(y))
    fold = rng.permutation(len(y)) % FOLDS
    caught = np.zeros(len(y), dtype=np.bool_)
    seed = int(rng.integers(2**31))
    for held in range(FOLDS):
        seen = fold != held
        learner: Any = ensemble.HistGradientBoostingClassifier(
            max_iter=40, min_samples_leaf=10, early_stopping=False, random_state=seed
        )
        with limits.threadpool_limits(1, user_api="openmp"):
            learner.fit(x[seen], y[seen])
            known = learner.predict_proba(x[seen])[:, 1]
            score = learner.predict_proba(x[~seen])[:, 1]
        caught[~seen] = score > _best_cut(known, y[seen] == 1)
    synthetic = y == 1
    found = share_difference(
        int(caught[synthetic].sum()),
        int(synthetic.sum()),
        int(caught[~synthetic].sum()),
        int((~synthetic).sum()),
    )
    detail = {"classifier": "histogram gradient boosting, 40 rounds, two folds"}
    return bounded(MEASURE, "U", part, found, len(y), detail)


def _best_cut(score: Floats, positive: npt.NDArray[np.bool_]) -> float:
    order = np.argsort(score, kind="stable")
    ahead = (
        np.cumsum(~positive[order]) / (~positive).sum()
        - np.cumsum(positive[order]) / positive.sum()
    )
    return float(score[order][int(np.argmax(ahead))])
