"""Which variables exclude each other: the structural zeros of a schema, set by set.

The rules of a schema and the definitions of its codes speak about columns; the variables
of a model speak about columns too.  Wherever two variables speak about one column, or
several about the columns of an impossible rule, some of their combinations cannot be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product

import numpy as np

from synthgen.errors import ModelError
from synthgen.models.block import Potential
from synthgen.models.domain import Domain
from synthgen.models.junction_tree import junction_tree
from synthgen.schema.model import Schema, Severity
from synthgen.schema.rules.check import check_rule
from synthgen.schema.rules.grid import structural_zeros
from synthgen.schema.rules.tree import columns_of

#: Cells that a tree may hold only to keep what the schema excludes out of it; rows that break
#: what is left out are drawn again by whoever draws.
HELD_CELLS = 1_000_000


def speakers(schema: Schema, names: Sequence[str]) -> dict[str, list[str]]:
    """Variables that say something about each column, by the column's full name."""
    found: dict[str, list[str]] = {}
    for name in names:
        variable = schema.variable(name)
        columns = {variable.column, *variable.joins} - {""}
        for implied in variable.implies.values():
            columns |= set(implied)
        for column in sorted(columns):
            found.setdefault(column, []).append(name)
    return found


def zero_scopes(schema: Schema, names: Sequence[str]) -> list[frozenset[str]]:
    """Smallest sets of variables whose combinations the schema can exclude.

    Parameters
    ----------
    schema : Schema
    names : sequence of str
        Variables of the model.
    """
    by_column = speakers(schema, names)
    scopes: dict[frozenset[str], None] = {}
    for variables in by_column.values():
        scopes |= dict.fromkeys(frozenset(pair) for pair in combinations(variables, 2))
    for rule in schema.rules:
        if rule.severity is not Severity.IMPOSSIBLE:
            continue
        columns = {c.qualified for c in columns_of(check_rule(schema, rule).condition)}
        spoken = [by_column[c] for c in sorted(columns) if c in by_column]
        if spoken:
            scopes |= dict.fromkeys(frozenset(chosen) for chosen in product(*spoken))
    return sorted(scopes, key=lambda s: (len(s), sorted(s)))


def zero_potentials(domain: Domain, schema: Schema) -> list[Potential]:
    """Combinations that the schema excludes, as potentials of 0 and ``-inf``."""
    found = []
    scope: Mapping[str, tuple[str, ...]] = domain.codes
    for variables in zero_scopes(schema, domain.names):
        names = domain.ordered(variables)
        zeros = structural_zeros(schema, names, {n: scope[n] for n in names})
        if zeros.any():
            found.append(Potential(names, np.where(zeros, -np.inf, 0.0)))
    return found


def held_zeros(
    domain: Domain,
    zeros: Sequence[Potential],
    sets: Sequence[tuple[str, ...]],
    root: Sequence[str] = (),
    limit: int = HELD_CELLS,
) -> list[Potential]:
    """Zeros that a tree can hold beside what it must hold, small ones first.

    Parameters
    ----------
    domain : Domain
    zeros : sequence of Potential
    sets : sequence of tuple of str
        Variables that stand together whatever the zeros say.
    root : sequence of str
        Variables that the root holds.
    limit : int
        Largest clique that zeros alone may make [cells].
    """
    held: list[Potential] = []
    if sets:
        beside = [n for n in root if any(n in s for s in sets)]
        ground = junction_tree(domain, sets, beside, limit=2**62)
        limit = max(limit, *(domain.cells(c) for c in ground.cliques))
    for zero in sorted(zeros, key=lambda z: domain.cells(z.names)):
        scopes = [*sets, *(h.names for h in held), zero.names]
        beside = [n for n in root if any(n in s for s in scopes)]
        if any(set(zero.names) <= set(s) for s in scopes[:-1]):
            held.append(zero)
            continue
        try:
            junction_tree(domain, scopes, beside, limit=limit)
        except ModelError:
            continue
        held.append(zero)
    return held
