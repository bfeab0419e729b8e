"""Evidence on linked tables leaves what is decided parents first, and is exact."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.errors import EvidenceError, ModelError
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.models.parents_first import parents_first

GROUPS = (("a", "b"), ("c", "d"))


@pytest.fixture
def distribution():
    rng = np.random.default_rng(3)
    domain = Domain(tuple((n, ("0", "1", "2")) for n in "abcd"))

    def table(given, variables):
        values = rng.random((3,) * (len(given) + len(variables)))
        axes = tuple(range(len(given), values.ndim))
        return ConditionalTable(given, variables, values / values.sum(axis=axes, keepdims=True))

    tables = (
        table((), ("a",)),
        table(("a",), ("b",)),
        table(("b",), ("c",)),
        table(("c",), ("d",)),
    )
    return Distribution(domain, tables)


def test_parents_are_decided_before_the_rows_that_refer_to_them(distribution):
    found = parents_first(distribution, {"d": ("1",)}, GROUPS)
    order = [table.variables[0] for table in found.tables]
    assert set(order[:2]) == {"a", "b"}
    for at, table in enumerate(found.tables):
        assert set(table.given) <= set(order[:at])


def test_the_distribution_is_that_among_those_described(distribution):
    evidence = {"d": ("1",), "a": ("0", "2")}
    found = parents_first(distribution, evidence, GROUPS)
    names = ("a", "b", "c", "d")
    np.testing.assert_allclose(
        found.marginal(names), distribution.marginal(names, evidence), atol=1e-12
    )


def test_impossible_evidence_and_unknown_codes_are_refused(distribution):
    never = ConditionalTable((), ("a",), np.array([1.0, 0.0, 0.0]))
    without = Distribution(distribution.domain, (never, *distribution.tables[1:]))
    with pytest.raises(EvidenceError, match="probability zero"):
        parents_first(without, {"a": ("1",)}, GROUPS)
    with pytest.raises(ModelError):
        parents_first(distribution, {"a": ("9",)}, GROUPS)
