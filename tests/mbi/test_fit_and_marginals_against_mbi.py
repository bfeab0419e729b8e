"""The same distributions and the same fits by mbi (private-pgm), an independent oracle.

mbi computes marginals of products of potentials by its own message passing and fits a
graphical model to measured marginals by mirror descent (McKenna, Sheldon and Miklau 2019,
arXiv 1901.09136).  On exact, consistent margins its fit and ours are the same distribution:
the one of maximum entropy.  Needs mbi and jax, in an environment of their own.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from synthgen.models.block import Potential, fit_block
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.statistics.model import Relation
from synthgen.statistics.statement import Statement

pytestmark = pytest.mark.mbi

SIZES = {"a": 2, "b": 3, "c": 4, "d": 2, "e": 5, "f": 3}
DOMAIN = Domain(tuple((n, tuple(str(i) for i in range(s))) for n, s in SIZES.items()))
STRUCTURES = {
    "chain": ("ab", "bc", "cd", "de", "ef"),
    "star": ("ab", "ac", "ad", "ae", "af"),
    "cycle": ("ab", "bc", "cd", "ad"),
    "cliques of three": ("abc", "bcd", "cde", "def"),
    "two cycles that share an edge": ("ab", "bc", "ac", "cd", "bd"),
    "disconnected": ("ab", "cd", "ef"),
    "one inside another": ("abc", "ab", "c", "de"),
}


@pytest.fixture(scope="module", autouse=True)
def double_precision():
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_enable_compilation_cache", False)  # mbi warns where it is on


def mbi_domain():
    import mbi

    return mbi.Domain(list(SIZES), list(SIZES.values()))


def margin(joint, names):
    axes = tuple(i for i, n in enumerate(DOMAIN.names) if n not in names)
    return joint.sum(axis=axes)


def measured(joint, cliques):
    """What mbi fits: the margins of ``joint`` over ``cliques``, by mirror descent."""
    import mbi

    measurements = [
        mbi.LinearMeasurement(margin(joint, clique).ravel(), tuple(clique), 1.0)
        for clique in cliques
    ]
    return mbi.estimation.MirrorDescent().estimate(
        mbi_domain(), measurements, known_total=1.0, iters=20_000
    )


def stated(joint, cliques):
    """The same margins as statements, with a standard error of one in a million."""
    found = []
    for clique in cliques:
        values = margin(joint, clique)
        for cell in itertools.product(*(range(SIZES[n]) for n in clique)):
            value = float(values[cell])
            event = {n: (str(i),) for n, i in zip(clique, cell, strict=True)}
            found.append(
                Statement(
                    table="-".join(clique), row=len(found) + 2, kind="shares",
                    relation=Relation.PUBLISHED, event=event, given={}, lower=value, upper=value,
                    standard_error=1e-6, cases=None, estimator="share",
                )
            )  # fmt: skip
    return found


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_fit_to_exact_margins_is_the_fit_of_mbi(structure):
    cliques = STRUCTURES[structure]
    rng = np.random.default_rng(len(structure))
    joint = rng.dirichlet(np.ones(np.prod(list(SIZES.values())))).reshape(list(SIZES.values()))
    joint = 0.9 * joint + 0.1 / joint.size
    peer = measured(joint, cliques)
    result = fit_block(DOMAIN, None, DOMAIN.names, [list(enumerate(stated(joint, cliques)))], ())
    own = Distribution(DOMAIN, result.tables)
    for clique in cliques:  # the misfit that mirror descent was left with bounds what it can tell
        np.testing.assert_allclose(own.marginal(tuple(clique)), margin(joint, clique), atol=2e-7)
    for pair in itertools.combinations(SIZES, 2):
        there = np.asarray(peer.project(pair).datavector(flatten=False))
        np.testing.assert_allclose(own.marginal(pair), there, atol=2e-5)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_marginals_of_given_potentials_are_those_of_mbi(structure):
    import mbi

    rng = np.random.default_rng(7 + len(structure))
    cliques = STRUCTURES[structure]
    logs = {c: rng.normal(0, 1.5, [SIZES[n] for n in c]) for c in cliques}
    domain = mbi_domain()
    factors = {tuple(c): mbi.Factor(domain.project(tuple(c)), v) for c, v in logs.items()}
    vector = mbi.CliqueVector(domain, list(factors), factors)
    peer = mbi.MarkovRandomField(
        potentials=vector,
        marginals=mbi.marginal_oracles.message_passing_stable(vector, 1.0),
        total=1.0,
    )
    potentials = [Potential(tuple(c), v) for c, v in logs.items()]
    own = Distribution(DOMAIN, fit_block(DOMAIN, None, DOMAIN.names, [], potentials).tables)
    covered = set("".join(cliques))
    for pair in itertools.combinations(sorted(covered), 2):
        there = np.asarray(peer.project(pair).datavector(flatten=False))
        np.testing.assert_allclose(own.marginal(pair), there, rtol=1e-9, atol=1e-13)


def test_conditional_tables_give_the_marginals_of_mbi_also_given_evidence():
    import mbi

    rng = np.random.default_rng(11)
    parents = {"a": "", "b": "a", "c": "ab", "d": "c", "e": "bc", "f": "a"}
    tables, factors, domain = [], {}, mbi_domain()
    seen = (("c", "2"), ("f", "0"))
    for name, given in parents.items():
        shape = [SIZES[n] for n in given]
        probability = rng.dirichlet(np.ones(SIZES[name]), size=shape or None)
        tables.append(ConditionalTable(tuple(given), (name,), np.asarray(probability)))
        clique = (*given, name)
        factors[clique] = mbi.Factor(domain.project(clique), np.log(probability))
    for name, code in seen:
        mask = np.where(np.arange(SIZES[name]) == int(code), 0.0, -1e300)
        factors[(name,)] = mbi.Factor(domain.project((name,)), mask)
    factors.pop(("a",))
    factors[("a",)] = mbi.Factor(domain.project(("a",)), np.log(tables[0].probability))
    vector = mbi.CliqueVector(domain, list(factors), factors)
    peer = mbi.MarkovRandomField(
        potentials=vector,
        marginals=mbi.marginal_oracles.message_passing_stable(vector, 1.0),
        total=1.0,
    )
    own = Distribution(DOMAIN, tuple(tables)).condition({n: (c,) for n, c in seen})
    for pair in itertools.combinations("abde", 2):
        there = np.asarray(peer.project(pair).datavector(flatten=False))
        np.testing.assert_allclose(own.marginal(pair), there, rtol=1e-9, atol=1e-12)
