"""From a bin of net survival time to an exact time, a death and its cause.

The model draws the interval in which the cancer would kill.  Within it the hazard is
constant and such that the stratum's own share dies in it; beyond the last published time
the declared reference curve goes on, with its cured fraction.  Death from other causes is
drawn from the life table by exact age and sex; the earlier of the two is the death.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from synthgen.models.distribution import Distribution
from synthgen.models.domain import Domain
from synthgen.models.mixture import Mixture
from synthgen.models.references import bin_edges, survival_at
from synthgen.schema.model import Variable
from synthgen.statistics.model import SurvivalReference
from synthgen.statistics.statement import TIME_VARIABLE

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


def dying_share(distribution: Distribution) -> tuple[tuple[str, ...], FloatArray]:
    """Probability of dying of the cancer in each bin, for those alive at its start.

    Returns
    -------
    tuple of str
        Variables that it depends on.
    ndarray of float64, shape (codes of those variables..., bins)
    """
    table = next(t for t in distribution.tables if TIME_VARIABLE in t.variables)
    others = table.given + tuple(n for n in table.variables if n != TIME_VARIABLE)
    axes = table.given + table.variables
    order = [axes.index(n) for n in (*others, TIME_VARIABLE)]
    probability = table.probability.transpose(order)
    alive = probability[..., ::-1].cumsum(axis=-1)[..., ::-1]
    share = np.divide(probability, alive, out=np.zeros_like(probability), where=alive > 0)
    return others, np.clip(share, 0.0, 1.0)


def exact_times(
    distribution: Distribution | Mixture,
    variable: Variable,
    references: tuple[SurvivalReference, ...],
    drawn: Mapping[str, IntArray],
    uniform: FloatArray,
) -> FloatArray:
    """Net survival times [years since diagnosis]; infinite for the cured.

    Parameters
    ----------
    distribution : Distribution or Mixture
        The whole model, before any conditioning on evidence.
    variable : Variable
        The bins of net survival time.
    references : tuple of SurvivalReference
        Declared curves; the last one that fits a patient holds.
    drawn : mapping of str to ndarray of intp, shape (n,)
        Sampled codes.
    uniform : ndarray of float64, shape (n,)
        In [0, 1).
    """
    edges = bin_edges(variable)
    bins = drawn[TIME_VARIABLE]
    dying = _dying(distribution, drawn)
    start, end = edges[bins], edges[bins + 1]
    width = np.where(np.isfinite(end), end - start, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = -np.log1p(-np.minimum(dying, 1 - 1e-12)) / width
        inside = np.where(hazard > 0, -np.log1p(-uniform * dying) / hazard, uniform * width)
    times = start + np.minimum(inside, width)
    beyond = ~np.isfinite(end)
    times[beyond] = _beyond(
        distribution.domain,
        references,
        {n: v[beyond] for n, v in drawn.items()},
        float(edges[-2]),
        uniform[beyond],
    )
    return times


def _dying(distribution: Distribution | Mixture, drawn: Mapping[str, IntArray]) -> FloatArray:
    """Each patient's probability of dying within the bin drawn, if alive at its start."""
    if isinstance(distribution, Distribution):
        others, share = dying_share(distribution)
        return np.asarray(share[(*(drawn[n] for n in others), drawn[TIME_VARIABLE])])
    dying = np.zeros(len(drawn[TIME_VARIABLE]))
    for position, code in enumerate(distribution.domain.codes[distribution.split]):
        mine = np.flatnonzero(drawn[distribution.split] == position)
        if len(mine):
            others, share = dying_share(distribution.components[code])
            index = (
                distribution.local(code, name, drawn[name][mine])
                for name in (*others, TIME_VARIABLE)
            )
            dying[mine] = share[tuple(index)]
    return dying


def hazards(
    distribution: Distribution | Mixture,
    variable: Variable,
    drawn: Mapping[str, IntArray],
    years: FloatArray,
) -> FloatArray:
    """Hazard of dying of the cancer at a time [per year]; 0 beyond the last published time.

    Parameters
    ----------
    distribution : Distribution or Mixture
        The whole model, before any conditioning on evidence.
    variable : Variable
        The bins of net survival time.
    drawn : mapping of str to ndarray of intp, shape (n,)
        Sampled codes; the sampled time is not looked at.
    years : ndarray of float64, shape (n,)
        Since diagnosis.
    """
    edges = bin_edges(variable)
    bins = np.clip(np.searchsorted(edges, years, side="right") - 1, 0, len(edges) - 2)
    dying = np.minimum(_dying(distribution, {**drawn, TIME_VARIABLE: bins}), 1 - 1e-12)
    width = edges[bins + 1] - edges[bins]
    closed = np.isfinite(width)
    found = np.zeros(len(years))
    found[closed] = -np.log1p(-dying[closed]) / width[closed]
    return found


def _beyond(
    domain: Domain,
    references: tuple[SurvivalReference, ...],
    drawn: Mapping[str, IntArray],
    start: float,
    uniform: FloatArray,
) -> FloatArray:
    """Times after the last edge, by inverting the declared curve of each patient."""
    times = np.full(len(uniform), np.inf)
    for reference in references:
        mine = np.ones(len(uniform), dtype=np.bool_)
        for name, codes in reference.members.items():
            known = [c for c in codes if c in domain.codes[name]]
            mine &= np.isin(drawn[name], domain.positions(name, known))
        alive = float(survival_at(reference, start)) * (1.0 - uniform[mine])
        falling = (alive - reference.cured) / max(1.0 - reference.cured, 1e-300)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = reference.median * (-np.log2(falling)) ** (1.0 / reference.shape)
        times[mine] = np.where(falling > 0, np.maximum(t, start), np.inf)
    return times
