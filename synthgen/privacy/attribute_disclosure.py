"""C5, first half: an attacker who learns from the release and guesses a secret.

Two attackers, because they fail in different ways: the nearest synthetic patient finds
copies, however few; boosted trees find what is only visible across many patients.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.errors import MissingExtraError
from synthgen.extras import require
from synthgen.fidelity.encoding import Floats, Positions, numbers
from synthgen.fidelity.results import excess
from synthgen.findings import CONSTANT, Finding, Inputs, Subjects, not_testable
from synthgen.privacy.attacked import NONE_NAMED, Attacked, Booleans, attacked
from synthgen.privacy.neighbours import nearest

MEASURE = "attribute_disclosure"

NO_RECORDS_EXTRA = "measure.reason.no_records_extra"
"""Catalogue key: scikit-learn is not installed."""

TOLERANCE = 0.05
"""How near a guessed number must come, in widths of the middle nine tenths of the real values;
a twentieth, as in PRIVACY's benchmarks of inference attacks."""

ROUNDS = 40
"""Boosting rounds: the attack hardly gains beyond (a few per cent of one release)."""

MOST_CLASSES = 12
"""Categories that boosted trees tell apart; rarer ones are one category to them."""

MOST_CODES = 250
"""Codes of a column that scikit-learn's histogram trees take as categories."""


def attribute_disclosure(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """How much more often a secret is guessed of members than of others.

    The attacker knows the release and everything else about the person.

    Parameters
    ----------
    inputs : Inputs
        With ``train``, ``control`` and ``secrets``.
    rng : numpy.random.Generator

    Returns
    -------
    list of Finding
        Two for each secret: ``secret=..., nearest`` and ``secret=..., trees``.

    Notes
    -----
    The excess over people who were not in the records is what the release adds to common
    knowledge: Giomi, Boenisch, Wehmeyer & Tasnádi 2023, doi:10.56553/popets-2023-0055, and
    the consensus of Pilgram et al. 2025, doi:10.1016/j.patter.2025.101320.
    Trees: histogram gradient boosting of scikit-learn.  Bounds: Newcombe's hybrid score.
    """
    if not inputs.secrets:
        return [not_testable(MEASURE, "C", NONE_NAMED)]
    people = attacked(inputs)
    findings = []
    for secret in inputs.secrets:
        seed = int(rng.integers(2**31))
        members, others = guessed_by_nearest(inputs, people, secret)
        findings.append(_finding(secret, "nearest", members, others))
        try:
            by_trees = guessed_by_trees(inputs, people, secret, seed)
        except MissingExtraError:
            part = f"secret={secret}, trees"
            findings.append(not_testable(MEASURE, "C", NO_RECORDS_EXTRA, part=part))
            continue
        findings.append(_finding(secret, "trees", *by_trees))
    return findings


def _finding(secret: str, attacker: str, members: Booleans, others: Booleans) -> Finding:
    part = f"secret={secret}, {attacker}"
    if len(members) == 0 or len(others) == 0:
        return not_testable(MEASURE, "C", CONSTANT, part=part)
    return excess(
        MEASURE,
        "C",
        part,
        (int(members.sum()), len(members)),
        (int(others.sum()), len(others)),
        {"attacker": attacker},
    )


def guessed_by_nearest(inputs: Inputs, people: Attacked, secret: str) -> tuple[Booleans, Booleans]:
    """Whether the nearest synthetic patient has the secret of each member and each other.

    Patients whose secret is missing are left out.
    """
    columns = [name for name in people.encoder.columns() if name != secret]
    hits = []
    synthetic = people.encoder(inputs.synthetic, columns).points
    for subjects in (inputs.train, inputs.control):
        if subjects is None:
            raise ValueError("training and control records are needed")
        _, rows = nearest(people.encoder(subjects, columns).points, synthetic, 1)
        hits.append(_right(people, inputs.synthetic, subjects, secret, rows[:, 0]))
    return hits[0], hits[1]


def _right(
    people: Attacked, release: Subjects, subjects: Subjects, secret: str, rows: Positions
) -> Booleans:
    if secret in people.encoder.known:
        truth = people.encoder(subjects, [secret]).codes[secret]
        guess = people.encoder(release, [secret]).codes[secret][rows]
        known = truth < people.encoder.size(secret) - 1
        return np.asarray((truth == guess)[known])
    return _near(
        numbers(subjects.frame[secret]),
        numbers(release.frame[secret])[rows],
        people.encoder.width[secret],
    )


def _near(truth: Floats, guess: Floats, width: float) -> Booleans:
    known = ~np.isnan(truth)
    far = np.abs(truth - guess)
    return np.asarray((far <= TOLERANCE * width)[known], dtype=np.bool_)  # NaN is no hit


def guessed_by_trees(
    inputs: Inputs, people: Attacked, secret: str, seed: int
) -> tuple[Booleans, Booleans]:
    """Whether boosted trees, fitted to the release, guess each member's and other's secret.

    Raises
    ------
    MissingExtraError
        If scikit-learn is not installed.
    """
    ensemble = require("records", "sklearn.ensemble")
    train, control = inputs.train, inputs.control
    if train is None or control is None:
        raise ValueError("training and control records are needed")
    columns = [name for name in people.encoder.columns() if name != secret]
    release, categories = _features(people, inputs.synthetic, columns)
    smallest = max(2, min(20, len(inputs.synthetic) // 50))
    settings: dict[str, Any] = {
        "max_iter": ROUNDS,
        "min_samples_leaf": smallest,
        "early_stopping": False,
        "categorical_features": categories,
        "random_state": seed,
    }
    real = [_features(people, side, columns)[0] for side in (train, control)]
    if secret in people.encoder.known:
        answers = _classes(people.encoder(inputs.synthetic, [secret]).codes[secret])
        guesses = _guesses(
            ensemble.HistGradientBoostingClassifier, settings, release, answers, real
        )
        missing = people.encoder.size(secret) - 1
        truths = [people.encoder(side, [secret]).codes[secret] for side in (train, control)]
        hits = [(g == t)[t != missing] for g, t in zip(guesses, truths, strict=True)]
        return hits[0], hits[1]
    figures = numbers(inputs.synthetic.frame[secret])
    present = ~np.isnan(figures)
    if not present.any():
        return tuple(np.zeros(len(s), dtype=np.bool_) for s in (train, control))  # type: ignore[return-value]
    guesses = _guesses(
        ensemble.HistGradientBoostingRegressor, settings, release[present], figures[present], real
    )
    width = people.encoder.width[secret]
    near = [
        _near(numbers(side.frame[secret]), guess, width)
        for side, guess in zip((train, control), guesses, strict=True)
    ]
    return near[0], near[1]


def _features(
    people: Attacked, subjects: Subjects, columns: list[str]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    encoded = people.encoder(subjects, columns)
    parts, categorical = [], []
    for name in columns:
        if name in people.encoder.known:
            few = people.encoder.size(name) <= MOST_CODES
            parts.append(encoded.codes[name].astype(np.float64))
            categorical.append(few)
        else:
            parts.append(numbers(subjects.frame[name]))
            categorical.append(False)
    return np.column_stack(parts), np.array(categorical, dtype=np.bool_)


def _classes(codes: Positions) -> Positions:
    """Codes with all but the most frequent ones put together as -1."""
    distinct, counts = np.unique(codes, return_counts=True)
    if len(distinct) <= MOST_CLASSES:
        return codes
    kept = distinct[np.argsort(-counts, kind="stable")[: MOST_CLASSES - 1]]
    return np.where(np.isin(codes, kept), codes, -1)


def _guesses(
    learner: Any,
    settings: dict[str, Any],
    release: Floats,
    answers: npt.NDArray[Any],
    real: list[Floats],
) -> list[npt.NDArray[Any]]:
    if len(np.unique(answers)) == 1:
        return [np.full(len(side), answers[0]) for side in real]
    # A column without any value teaches nothing, and the learner has no bins for it.
    known = ~np.isnan(release).all(axis=0)
    if not known.any():
        values, counts = np.unique(answers, return_counts=True)
        return [np.full(len(side), values[np.argmax(counts)]) for side in real]
    settings = settings | {"categorical_features": settings["categorical_features"][known]}
    release, real = release[:, known], [side[:, known] for side in real]
    # one thread: as fast at these sizes, and the same on every machine
    with require("records", "threadpoolctl").threadpool_limits(1, user_api="openmp"):
        fitted = learner(**settings).fit(release, answers)
        return [np.asarray(fitted.predict(side)) for side in real]
