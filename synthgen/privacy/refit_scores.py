"""From features of many refits to scores that were never shown what they are judged on.

Refits are cut into four folds.  For each fold in turn, two others teach what a release
looks like with and without each person, the third chooses the threshold, and the fold
itself is only counted: so the advantage has no optimism, whatever is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from synthgen.fidelity.encoding import Floats
from synthgen.fidelity.intervals import Z_80, Z_95, Bounded, share_difference

Booleans = npt.NDArray[np.bool_]

FOLDS = 4
RIDGE = 0.1
"""Added to the diagonal of the correlation of features before it is inverted."""

PRIOR_RUNS = 16.0
"""Refits that the common variance of a feature counts for beside a person's own."""

ENOUGH = 100
"""Scores of members that the threshold fold needs; with fewer the threshold is 0, which is
best where the scores are what they claim to be, log likelihood ratios."""

FALSE_ALARMS = 0.01
"""Rate of false alarms at which the rate of true ones is reported."""


@dataclass(frozen=True, eq=False)
class Teacher:
    """What releases look like with and without each person.

    Parameters
    ----------
    middle, spread, weight : ndarray of float64, shape (targets, features)
        Midpoint between the two means, standard deviation, and weight of each feature.
    """

    middle: Floats
    spread: Floats
    weight: Floats

    def scores(self, features: Floats) -> Floats:
        """Log likelihood ratio of membership, up to its scale.

        Parameters
        ----------
        features : ndarray of float64, shape (targets, runs, features)
        """
        standard = (features - self.middle[:, None]) / self.spread[:, None]
        return np.asarray(np.einsum("irj,ij->ir", standard, self.weight))


def taught(features: Floats, members: Booleans) -> Teacher:
    """Learn from some runs.

    Parameters
    ----------
    features : ndarray of float64, shape (targets, runs, features)
    members : ndarray of bool, shape (targets, runs)

    Notes
    -----
    A Gaussian likelihood ratio for each person as in LiRA (Carlini et al. 2022,
    arXiv:2112.03570), as a linear discriminant over the features, whose correlation is
    shared by all people.  With few runs a person's own difference of means is mostly noise:
    it is shrunk towards the mean of all people by its estimated reliability (Morris 1983,
    doi:10.1080/01621459.1983.10477920), so that where nothing leaks nothing is seen.
    """
    inside = members[:, :, None]
    count_in = np.maximum(members.sum(axis=1), 1)[:, None]
    count_out = np.maximum((~members).sum(axis=1), 1)[:, None]
    mean_in = np.where(inside, features, 0.0).sum(axis=1) / count_in
    mean_out = np.where(inside, 0.0, features).sum(axis=1) / count_out
    rest = features - np.where(inside, mean_in[:, None], mean_out[:, None])
    runs = features.shape[1]
    freedom = max(runs - 2, 1)
    own = (rest**2).sum(axis=1) / freedom
    common = own.mean(axis=0)
    variance = (own * freedom + common * PRIOR_RUNS) / (freedom + PRIOR_RUNS)
    spread = np.sqrt(np.where(variance > 0, variance, 1.0))
    difference = (mean_in - mean_out) / spread
    noise = (1.0 / count_in + 1.0 / count_out).mean(axis=0)
    centre = difference.mean(axis=0)
    signal = np.maximum(difference.var(axis=0) - noise, 0.0)
    shrunk = centre + (signal / (signal + noise)) * (difference - centre)
    flat = (rest / spread[:, None]).reshape(-1, features.shape[2])
    together = flat.T @ flat / max(len(flat), 1)
    together = together + RIDGE * np.eye(len(together))
    weight = np.linalg.solve(together, shrunk.T).T
    return Teacher((mean_in + mean_out) / 2, spread, weight)


@dataclass(frozen=True, eq=False)
class Counts:
    """How often an attack on some people was right and wrong, in every unit of two runs.

    Parameters
    ----------
    hits, members, alarms, others : ndarray of float64, shape (units,)
        Members found, members, others taken for members, others.
    """

    hits: Floats
    members: Floats
    alarms: Floats
    others: Floats

    def advantage(self) -> Bounded:
        """Rate of true less rate of false alarms, with bounds over units.

        The standard error is that of a difference of ratios over independent units, with
        Student's t; never narrower than Newcombe's bounds for as many independent trials.
        """
        units = len(self.hits)
        binomial = share_difference(
            float(self.hits.sum()),
            float(self.members.sum()),
            float(self.alarms.sum()),
            float(self.others.sum()),
        )
        true = self.hits.sum() / self.members.sum()
        false = self.alarms.sum() / self.others.sum()
        residual = (self.hits - true * self.members) / self.members.mean()
        residual = residual - (self.alarms - false * self.others) / self.others.mean()
        error = float(np.sqrt((residual**2).sum() / (units * (units - 1))))
        far = float(student.ppf(0.95, units - 1)) * error
        estimate = binomial.estimate
        # the largest half width of the two, for what would have been found
        half = max(far, binomial.upper - estimate)
        return Bounded(
            estimate,
            min(binomial.lower, estimate - far),
            max(binomial.upper, estimate + far),
            half * (1 + Z_80 / Z_95),
        )


def folds_of(runs: int) -> list[npt.NDArray[np.intp]]:
    """Runs of each fold; two runs that share a halving stay together."""
    units = np.arange(runs // 2)
    return [
        np.sort(np.concatenate((2 * units[f::FOLDS], 2 * units[f::FOLDS] + 1)))
        for f in range(FOLDS)
    ]


def threshold(scores: Floats, members: Booleans) -> float:
    """Score beyond which somebody is taken for a member, chosen on a fold of its own."""
    inside, outside = scores[members], scores[~members]
    if min(len(inside), len(outside)) < ENOUGH:
        return 0.0
    order = np.argsort(scores.ravel(), kind="stable")
    flat, is_in = scores.ravel()[order], members.ravel()[order]
    # alarms from each position on: how far true ones are ahead of false ones
    true = np.cumsum(is_in[::-1])[::-1] / len(inside)
    false = np.cumsum(~is_in[::-1])[::-1] / len(outside)
    return float(flat[int(np.argmax(true - false))])


def attack_counts(
    features: Floats, members: Booleans, groups: dict[str, Booleans]
) -> dict[str, tuple[Counts, Counts | None]]:
    """Run the attack in every fold and count, for each group of people.

    Parameters
    ----------
    features : ndarray of float64, shape (targets, runs, features)
    members : ndarray of bool, shape (targets, runs)
    groups : dict of str to ndarray of bool, shape (targets,)

    Returns
    -------
    dict of str to (Counts, Counts or None)
        At the best threshold, and at the one with 1 % false alarms (None where there are
        too few others to find it).
    """
    folds = folds_of(features.shape[1])
    best: dict[str, list[Floats]] = {name: [] for name in groups}
    strict: dict[str, list[Floats]] = {name: [] for name in groups}
    for at, fold in enumerate(folds):
        judge = folds[(at + 1) % FOLDS]
        teach = np.sort(np.concatenate((folds[(at + 2) % FOLDS], folds[(at + 3) % FOLDS])))
        teacher = taught(features[:, teach], members[:, teach])
        chosen, counted = teacher.scores(features[:, judge]), teacher.scores(features[:, fold])
        for name, group in groups.items():
            known, truth = chosen[group], members[np.ix_(group, judge)]
            scores, inside = counted[group], members[np.ix_(group, fold)]
            best[name].append(_units(scores > threshold(known, truth), inside))
            outside = known[~truth]
            if len(outside) >= 2 / FALSE_ALARMS:
                limit = float(np.quantile(outside, 1 - FALSE_ALARMS))
                strict[name].append(_units(scores > limit, inside))
    return {
        name: (
            Counts(*np.hstack(best[name])),
            Counts(*np.hstack(strict[name])) if len(strict[name]) == FOLDS else None,
        )
        for name in groups
    }


def _units(alarm: Booleans, inside: Booleans) -> Floats:
    """Hits, members, alarms, others for each pair of runs, shape (4, units)."""
    rows = (alarm & inside, inside, alarm & ~inside, ~inside)
    counts = np.array([row.sum(axis=0) for row in rows], dtype=np.float64)
    return np.asarray(counts.reshape(4, -1, 2).sum(axis=2))
