"""U5 and U6: what a survival model says that was fitted to the release instead of to patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.fidelity.cox import CoxFit, concordance, cox_fit
from synthgen.fidelity.encoding import Encoder, Floats, encoder_of
from synthgen.fidelity.end_points import NO_END_POINT, Times, times_of
from synthgen.fidelity.intervals import Bounded, mean_bounds
from synthgen.fidelity.marginals import real_patients
from synthgen.fidelity.net_survival import NORMAL_95
from synthgen.fidelity.results import FEWEST, NOT_A_NUMBER, bounded
from synthgen.findings import NO_RECORDS, TOO_FEW, Finding, Inputs, Subjects, not_testable

COX, LEARNED = "cox_overlap", "train_on_synthetic"

EVENTS_EACH = 10
"""Events that every coefficient needs, after Peduzzi et al. 1995, doi:10.1016/0895-4356(95)00048-8."""

MOST_CODES = 6
"""Codes of a column that may enter as predictors; others are put together as one."""

MOST_PREDICTORS = 12
"""Predictors of one model, in the order of the columns, codes before numbers."""

LEAST_SHARE = 0.05
"""Share of real patients that a code needs to be a predictor of its own."""

MOST_PATIENTS = 2000
"""Patients per side on whom concordance is judged."""

DRAWS = 100


@dataclass(frozen=True, eq=False)
class Design:
    """Predictors of a survival model, the same for every set of patients.

    Parameters
    ----------
    names : tuple of str
    encoder : Encoder
    chosen : tuple of (str, int)
        Column and category (-1 for the number itself) of each predictor.
    """

    names: tuple[str, ...]
    encoder: Encoder
    chosen: tuple[tuple[str, int], ...]

    def predictors(self, subjects: Subjects) -> Floats:
        """Numbers for the model, shape (patients, predictors); missing numbers are the median."""
        encoded = self.encoder(subjects, [c for c, _ in self.chosen])
        columns = []
        for name, code in self.chosen:
            if code >= 0:
                columns.append((encoded.codes[name] == code).astype(np.float64))
                continue
            alone = self.encoder(subjects, [name]).points[:, 0]
            columns.append(np.clip(alone, -3, 3))
        return np.column_stack(columns) if columns else np.zeros((len(subjects), 0))


def design_of(real: Subjects, times: Times) -> Design:
    """Choose predictors: what real patients can support, the most common codes first."""
    encoder = encoder_of(real)
    encoded = encoder(real)
    most = int(times.event[times.known].sum()) // EVENTS_EACH
    chosen: list[tuple[str, int]] = []
    for name in encoder.columns():
        if name in times.columns:
            continue
        if name not in encoder.known:
            if len(encoder.cuts[name]) > 1:
                chosen.append((name, -1))
            continue
        counts = np.bincount(encoded.codes[name], minlength=encoder.size(name))
        order = np.argsort(-counts, kind="stable")[1 : MOST_CODES + 1]  # the first is the base
        chosen += [(name, int(c)) for c in order if counts[c] >= LEAST_SHARE * len(real)]
    chosen = chosen[: min(max(most, 0), MOST_PREDICTORS)]
    names = tuple(name if code < 0 else f"{name} category {code}" for name, code in chosen)
    return Design(names, encoder, tuple(chosen))


def _fit(design: Design, times: Times, subjects: Subjects) -> CoxFit | None:
    rows = times.known
    return cox_fit(times.years[rows], times.event[rows], design.predictors(subjects)[rows])


def cox_overlap(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """How little the confidence intervals of two Cox models overlap.

    Parameters
    ----------
    inputs : Inputs
        With ``schema`` and ``train`` or ``control``.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    list of Finding
        ``interval overlap``: one less the mean overlap of 95 % intervals of the log hazard
        ratios; 0 is the same interval, 1 and more are intervals apart.  The detail counts
        coefficients with the same sign.

    Notes
    -----
    Karr, Kohnen, Oganian, Reiter & Sanil 2006, doi:10.1198/000313006X124640.  The bounds
    take coefficients as independent draws, which they are not: read them as a rough guide.
    """
    del rng
    real = real_patients(inputs)
    if real is None:
        return [not_testable(COX, "U", NO_RECORDS)]
    times = times_of(inputs.schema, real), times_of(inputs.schema, inputs.synthetic)
    if times[0] is None or times[1] is None:
        return [not_testable(COX, "U", NO_END_POINT)]
    design = design_of(real, times[0])
    if not design.chosen:
        return [not_testable(COX, "U", TOO_FEW, n=int(times[0].event.sum()))]
    fits = _fit(design, times[0], real), _fit(design, times[1], inputs.synthetic)
    if fits[0] is None:
        return [not_testable(COX, "U", NOT_A_NUMBER, n=len(real))]
    if fits[1] is None:  # the release cannot be analysed at all: no overlap
        found = Bounded(1.0, 1.0, 1.0, np.nan)
        detail: dict[str, object] = {"coefficients": len(design.chosen), "no_fit": True}
        return [bounded(COX, "U", "interval overlap", found, len(design.chosen), detail)]
    lost = 1.0 - interval_overlap(fits[0], fits[1])
    same = int((np.sign(fits[0].coefficients) == np.sign(fits[1].coefficients)).sum())
    error = float(lost.std(ddof=1) / np.sqrt(len(lost))) if len(lost) > 1 else float("nan")
    detail = {"coefficients": len(lost), "same_sign": same}
    found = mean_bounds(float(lost.mean()), error, 1e-6)
    return [bounded(COX, "U", "interval overlap", found, len(lost), detail)]


def interval_overlap(a: CoxFit, b: CoxFit) -> Floats:
    """Mean share of each of two 95 % intervals that lies in the other; below 0 if apart."""
    low_a, high_a = _interval(a)
    low_b, high_b = _interval(b)
    common = np.minimum(high_a, high_b) - np.maximum(low_a, low_b)
    return np.asarray((common / (high_a - low_a) + common / (high_b - low_b)) / 2)


def _interval(fit: CoxFit) -> tuple[Floats, Floats]:
    half = NORMAL_95 * fit.standard_errors
    return fit.coefficients - half, fit.coefficients + half


def train_on_synthetic(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Concordance that a Cox model loses by being fitted to the release.

    Parameters
    ----------
    inputs : Inputs
        With ``schema``, ``train`` and ``control``.
    rng : numpy.random.Generator
        Draws bootstrap samples of the people it is judged on.

    Returns
    -------
    list of Finding
        One: concordance on the control records of the model fitted to the training records,
        less that of the model fitted to the release.

    Notes
    -----
    "Train on synthetic, test on real": Esteban, Hyland & Rätsch 2017, arXiv:1706.02633.
    """
    train, control = inputs.train, inputs.control
    if train is None or control is None:
        return [not_testable(LEARNED, "U", NO_RECORDS)]
    times = [times_of(inputs.schema, side) for side in (train, control, inputs.synthetic)]
    known = [side for side in times if side is not None]
    if len(known) < 3:
        return [not_testable(LEARNED, "U", NO_END_POINT)]
    design = design_of(train, known[0])
    n = int((known[1].known & known[1].event).sum())
    if not design.chosen or n < FEWEST // 2:
        return [not_testable(LEARNED, "U", TOO_FEW, n=n)]
    honest, made = _fit(design, known[0], train), _fit(design, known[2], inputs.synthetic)
    if honest is None:
        return [not_testable(LEARNED, "U", NOT_A_NUMBER, n=n)]
    judged = np.flatnonzero(known[1].known)
    judged = judged[rng.permutation(len(judged))[:MOST_PATIENTS]]
    x = design.predictors(control)[judged]
    years, event = known[1].years[judged], known[1].event[judged]
    risks = [x @ honest.coefficients, x @ made.coefficients if made else np.zeros(len(x))]
    values = [concordance(years, event, risk) for risk in risks]
    lost = []
    for _ in range(DRAWS if len(judged) <= 500 else DRAWS // 5):
        rows = rng.integers(len(judged), size=len(judged))
        pair = [concordance(years[rows], event[rows], risk[rows]) for risk in risks]
        lost.append(pair[0] - pair[1])
    found = mean_bounds(values[0] - values[1], float(np.std(lost, ddof=1)), 1e-6)
    detail = {"real": values[0], "synthetic": values[1], "predictors": len(design.chosen)}
    return [bounded(LEARNED, "U", "concordance", found, len(judged), detail)]
