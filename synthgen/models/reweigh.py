"""Changing the first table of a distribution, or a leaf of it, without taking it apart.

Conditioning in general builds a junction tree and gives other tables; where only the first
table changes (cases weighted by site, sex and age) or one leaf is known (the region), the
other tables stay as they are, and so does the time that sampling takes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from synthgen.errors import ModelError
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.mixture import Mixture

FloatArray = npt.NDArray[np.float64]


def reweighted(
    distribution: Distribution | Mixture, names: tuple[str, ...], weight: FloatArray
) -> tuple[Distribution | Mixture, float]:
    """Distribution in proportion to the probability times a weight, and the sum of these.

    Parameters
    ----------
    distribution : Distribution or Mixture
    names : tuple of str
        Variables that the first table decides, in the order of the domain; not the splitting
        variable of a mixture.
    weight : ndarray of float64, shape (codes of each name...)
        0 or more.

    Raises
    ------
    ModelError
        If the first table does not decide all the names.
    """
    if isinstance(distribution, Distribution):
        return _reweighted_root(distribution, names, weight)
    domain = distribution.domain
    weights, components = np.zeros(len(distribution.weights)), {}
    for i, code in enumerate(domain.codes[distribution.split]):
        if distribution.weights[i] > 0:
            component = distribution.components[code]
            positions = [domain.positions(n, component.domain.codes[n]) for n in names]
            found, factor = _reweighted_root(component, names, weight[np.ix_(*positions)])
            weights[i] = distribution.weights[i] * factor
            if factor > 0:
                components[code] = found
    total = float(weights.sum())
    return Mixture(domain, distribution.split, weights / total, components), total


def _reweighted_root(
    distribution: Distribution, names: tuple[str, ...], weight: FloatArray
) -> tuple[Distribution, float]:
    root = distribution.tables[0]
    if root.given or not set(names) <= set(root.variables):
        raise ModelError(
            f"the model does not decide {', '.join(names)} in one table, so its rates cannot be "
            "taken back to those published"
        )
    ranked = _along(root, names, weight)
    values = root.probability * ranked
    total = float(values.sum())
    if not total > 0:
        return distribution, 0.0
    table = ConditionalTable(root.given, root.variables, values / total)
    return Distribution(distribution.domain, (table, *distribution.tables[1:])), total


def _along(root: ConditionalTable, names: tuple[str, ...], weight: FloatArray) -> FloatArray:
    """A weight over some variables of a table, to be multiplied with it."""
    order = [root.variables.index(n) for n in names]
    shape = [n if i in order else 1 for i, n in enumerate(root.probability.shape)]
    return np.asarray(weight.transpose(np.argsort(order)).reshape(shape))


def relocated(distribution: Distribution | Mixture, name: str, code: str) -> Distribution | Mixture:
    """The same patients, all with one code of a variable.

    Raises
    ------
    ModelError
        If the variable is decided together with others.
    """
    if isinstance(distribution, Mixture):
        components = {c: _fixed(d, name, code) for c, d in distribution.components.items()}
        return Mixture(distribution.domain, distribution.split, distribution.weights, components)
    return _fixed(distribution, name, code)


def _fixed(distribution: Distribution, name: str, code: str) -> Distribution:
    tables = []
    for table in distribution.tables:
        if name in table.variables and table.variables != (name,):
            raise ModelError(
                f"the model decides {name} together with {table.name}, so its patients cannot "
                "be given another one"
            )
        if name in table.variables:
            known = distribution.domain.codes[name]
            table = ConditionalTable((), (name,), np.array([float(c == code) for c in known]))
        tables.append(table)
    return Distribution(distribution.domain, tuple(tables))


def conditioned(
    distribution: Distribution | Mixture, evidence: Mapping[str, tuple[str, ...]]
) -> Distribution | Mixture:
    """The distribution among the patients that the evidence describes, exactly.

    The same as its own ``condition``; a leaf that is known to have one code leaves the other
    tables as they are, so that later sums stay as small as they were.

    Raises
    ------
    EvidenceError
        If the evidence has probability zero.
    ModelError
        If a variable or a code is unknown.
    """
    rest = dict(evidence)
    for name, codes in evidence.items():
        found = only(distribution, name, codes[0]) if len(codes) == 1 else None
        if found is not None:
            distribution = found
            del rest[name]
    return distribution.condition(rest)


def only(
    distribution: Distribution | Mixture, name: str, code: str
) -> Distribution | Mixture | None:
    """The distribution among patients of one code of a leaf, with the other tables unchanged.

    Parameters
    ----------
    distribution : Distribution or Mixture
    name, code : str
        A variable that depends on variables of the first table alone, and that no other table
        depends on.

    Returns
    -------
    Distribution, Mixture or None
        What :meth:`Distribution.condition` gives, factorised as before; None where the
        variable is no such leaf, or nobody has the code.
    """
    if isinstance(distribution, Distribution):
        found = _only(distribution, name, code)
        return None if found is None or found[0] is None else found[0]
    weights, components = np.zeros(len(distribution.weights)), {}
    for i, entity in enumerate(distribution.domain.codes[distribution.split]):
        if distribution.weights[i] > 0:
            part = _only(distribution.components[entity], name, code)
            if part is None:
                return None
            if part[0] is not None:
                components[entity] = part[0]
                weights[i] = distribution.weights[i] * part[1]
    total = float(weights.sum())
    if not total > 0:
        return None
    return Mixture(distribution.domain, distribution.split, weights / total, components)


def _only(
    distribution: Distribution, name: str, code: str
) -> tuple[Distribution | None, float] | None:
    """Distribution and probability of the code; None where the variable is no leaf."""
    root = distribution.tables[0]
    leaf = next((t for t in distribution.tables if name in t.variables), root)
    if (
        root.given
        or leaf.variables != (name,)
        or not set(leaf.given) <= set(root.variables)
        or any(name in t.given for t in distribution.tables)
    ):
        return None
    known = distribution.domain.codes[name]
    if code not in known:
        return None, 0.0
    chance = leaf.probability[..., known.index(code)]
    moved, total = _reweighted_root(distribution, leaf.given, chance)
    return (_fixed(moved, name, code), total) if total > 0 else (None, 0.0)
