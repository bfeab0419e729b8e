"""Exact marginals of a product of potentials, with some variables frozen.

One upward pass collects log sums, one downward pass multiplies conditionals.  Where the
root holds *context* variables whose distribution is already fixed, the root is normalised
within each context instead of as a whole, so that fitting new variables cannot move old
ones: a conditional exponential family.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.errors import ModelError
from synthgen.models.domain import Domain
from synthgen.models.junction_tree import JunctionTree

FloatArray = npt.NDArray[np.float64]


def log_sum(values: FloatArray, axes: tuple[int, ...]) -> FloatArray:
    """``log(sum(exp(values)))`` over axes; an empty set of possibilities gives ``-inf``."""
    if not axes:
        return values
    top = values.max(axis=axes, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        total: FloatArray = np.log(np.exp(values - top).sum(axis=axes, keepdims=True)) + top
    return total.reshape([n for i, n in enumerate(values.shape) if i not in axes])


def expand(values: FloatArray, names: tuple[str, ...], to: tuple[str, ...]) -> FloatArray:
    """View of an array over ``names`` that broadcasts over the axes ``to``.

    Both tuples are in the order of the domain, and ``names`` is part of ``to``.
    """
    sizes = dict(zip(names, values.shape, strict=True))
    return values.reshape([sizes.get(name, 1) for name in to])


def other_axes(names: tuple[str, ...], keep: tuple[str, ...]) -> tuple[int, ...]:
    """Axes of ``names`` that are not in ``keep``."""
    return tuple(i for i, name in enumerate(names) if name not in keep)


def conditional(log_joint: FloatArray, log_given: FloatArray) -> FloatArray:
    """``exp(log_joint - log_given)``, zero where the given is impossible."""
    with np.errstate(invalid="ignore"):
        values: FloatArray = np.exp(log_joint - np.where(np.isfinite(log_given), log_given, 0.0))
    return values


@dataclass(frozen=True, eq=False)
class Calibrated:
    """Marginals and conditionals of every clique.

    Parameters
    ----------
    marginals : tuple of ndarray of float64
        Joint probability of each clique's variables; each sums to 1.
    conditionals : tuple of ndarray of float64
        Probability of each clique's own variables given its separator (the root: given
        the context), with the clique's axes.
    log_partition : ndarray of float64, shape of the context
        Log of the sum over everything but the context; a 0-d array without context.
    objective : float
        Mean of ``log_partition`` over the context.
    """

    marginals: tuple[FloatArray, ...]
    conditionals: tuple[FloatArray, ...]
    log_partition: FloatArray
    objective: float


def calibrate(
    domain: Domain,
    tree: JunctionTree,
    log_potentials: list[FloatArray],
    context: tuple[str, ...] = (),
    context_probability: FloatArray | None = None,
) -> Calibrated:
    """Marginals of all cliques under the product of their potentials.

    Parameters
    ----------
    domain : Domain
        Order of axes.
    tree : JunctionTree
        Its root holds all ``context`` variables.
    log_potentials : list of ndarray of float64
        One per clique, with the clique's axes; ``-inf`` is impossible.
    context : tuple of str
        Frozen variables, in the order of the domain.
    context_probability : ndarray of float64, shape ``domain.shape(context)``
        Their distribution; None without context.

    Raises
    ------
    ModelError
        If a context of positive probability (or everything) is impossible.
    """
    cliques = tree.cliques
    collected = list(log_potentials)
    upward: list[FloatArray] = [np.zeros(())] * len(cliques)
    for i in range(len(cliques) - 1, 0, -1):
        upward[i] = log_sum(collected[i], other_axes(cliques[i], tree.separators[i]))
        parent = tree.parents[i]
        message = expand(upward[i], tree.separators[i], cliques[parent])
        collected[parent] = collected[parent] + message
    log_partition = log_sum(collected[0], other_axes(cliques[0], context))
    weight = np.ones(()) if context_probability is None else context_probability
    reached = weight > 0
    if not np.isfinite(log_partition[reached]).all():
        raise ModelError(
            f"{' x '.join(domain.ordered(set().union(*cliques)))}: the rules and zeros leave "
            f"no possible combination ({int((~np.isfinite(log_partition[reached])).sum())} "
            "contexts of positive probability)"
        )
    own = [conditional(collected[0], expand(log_partition, context, cliques[0]))]
    marginals = [own[0] * expand(np.asarray(weight), context, cliques[0])]
    for i in range(1, len(cliques)):
        separator = tree.separators[i]
        own.append(conditional(collected[i], expand(upward[i], separator, cliques[i])))
        parent = tree.parents[i]
        above = marginals[parent].sum(axis=other_axes(cliques[parent], separator))
        marginals.append(own[i] * expand(np.asarray(above), separator, cliques[i]))
    objective = float((log_partition[reached] * weight[reached]).sum())
    return Calibrated(tuple(marginals), tuple(own), log_partition, objective)
