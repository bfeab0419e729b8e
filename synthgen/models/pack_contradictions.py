"""The statements of a pack that cannot hold together, block by block, before any fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from synthgen.errors import StatisticsError
from synthgen.models.block import Numbered, Potential
from synthgen.models.constraints import statement_variables
from synthgen.models.contradictions import FREE, Contradiction, find_contradictions
from synthgen.models.domain import Domain
from synthgen.models.fit import SPLIT, statements_by_block
from synthgen.models.pack_domain import domain_of
from synthgen.models.structure import zero_potentials
from synthgen.schema.model import Schema
from synthgen.statistics.model import Relation, StatisticsPack
from synthgen.statistics.statement import Statement

#: Most variables of an earlier statement that a block behind the entity is held against:
#: totals of entities and sites, but not every cell of site by sex by age again.
TIED = 2


def pack_contradictions(
    pack: StatisticsPack,
    schema: Schema,
    relations: frozenset[Relation] = frozenset({Relation.PUBLISHED}),
) -> list[Contradiction]:
    """Statements that must give way so that the others can hold, with the smallest relaxation.

    Parameters
    ----------
    pack : StatisticsPack
    schema : Schema
    relations : frozenset of Relation
        Tables to hold against each other.  Published ones that contradict each other are a
        fault of the pack; a borrowed one that contradicts a published one only says that
        populations differ, and gives way in the fit.

    Returns
    -------
    list of Contradiction
        In the order of blocks, largest relaxation first.

    Raises
    ------
    StatisticsError, ModelError
        If the pack cannot be turned into statements, or its cliques are too large.

    Notes
    -----
    Each block is held against the earlier statements about the same variables.  Observed
    survival bounds net survival from below: nobody dies of the cancer alone more often
    than of everything.
    """
    domain = domain_of(pack, schema)
    by_block = statements_by_block(pack, schema, domain)
    zeros = zero_potentials(domain, schema)
    found: list[Contradiction] = []
    earlier: list[Numbered] = []
    number, split_before = 0, False
    for block in pack.blocks:
        own: list[Numbered] = []
        for statement in by_block[block.name]:
            if statement.relation in relations:
                own.append((number, _bound(statement)))
            number += 1
        spoken = {n for _, s in own for n in statement_variables(domain, s)}
        most = TIED if split_before else len(domain.names)
        known = [
            (i, s)
            for i, s in earlier
            if (names := set(statement_variables(domain, s))) <= spoken and len(names) <= most
        ]
        split_before = split_before or SPLIT in block.variables
        if own:
            split = SPLIT if SPLIT in spoken else ""
            held = _narrowed(domain, spoken)
            found += find_contradictions(held, [*known, *own], _within(zeros, spoken), split)
        earlier += own
    worst: dict[int, Contradiction] = {}
    for contradiction in found:
        before = worst.get(contradiction.number)
        if before is None or before.relaxation < contradiction.relaxation:
            worst[contradiction.number] = contradiction
    return list(worst.values())


def require_consistent(pack: StatisticsPack, schema: Schema) -> None:
    """Refuse a pack whose published tables contradict each other.

    Raises
    ------
    StatisticsError
        Naming the statement that must give way most, and how many there are.
    """
    found = pack_contradictions(pack, schema)
    if found:
        worst = max(found, key=lambda c: c.relaxation)
        raise StatisticsError(
            f"pack {pack.id}: published tables contradict each other; {worst.statement.table} row "
            f"{worst.statement.row} must give way by {worst.relaxation:.3g} standard errors beyond "
            f"{FREE:g} ({len(found)} such statements)"
        )


def _bound(statement: Statement) -> Statement:
    return replace(statement, upper=1.0) if statement.estimator == "observed" else statement


def _narrowed(domain: Domain, spoken: set[str]) -> Domain:
    return Domain(tuple(v for v in domain.variables if v[0] in spoken))


def _within(zeros: Sequence[Potential], spoken: set[str]) -> list[Potential]:
    return [potential for potential in zeros if set(potential.names) <= spoken]
