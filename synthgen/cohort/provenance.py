"""Where every part of a model comes from: entity by variable, in words anyone can check."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.cohort.fitted_model import FittedModel
from synthgen.statistics.carry import people_of_target
from synthgen.statistics.model import Relation
from synthgen.statistics.statement import TIME_VARIABLE, Statement

ENTITY = "entity"
#: Share of a cell's patients that must have the entity for the cell to be about it.
ITS_OWN = 0.95


@dataclass(frozen=True)
class Provenance:
    """Where one variable of one entity comes from.

    Parameters
    ----------
    entity, variable : str
        Code and name.
    relation : Relation or None
        Strongest relation of a table that speaks of it; None if only the declared
        reference does.
    cases : float or None
        Most cases behind such a table, if published.
    tables : tuple of str
        Tables of that relation.
    sources : tuple of str
        Ids of their sources.
    """

    entity: str
    variable: str
    relation: Relation | None
    cases: float | None
    tables: tuple[str, ...]
    sources: tuple[str, ...]


def provenance(model: FittedModel) -> tuple[Provenance, ...]:
    """Provenance of every entity and variable, in the order of the model.

    Notes
    -----
    Where patients live follows the people of the target by sex and age, with the rates of
    the whole in every region: that is an assumption, and the table of people its ground.
    A table speaks of an entity's variable if the variable is among those it describes and
    its cells include such patients.  Where a cell is about a wider group (fewer than
    :data:`ITS_OWN` of its patients have the entity), it is pooled, whoever published it.
    Of several relations the strongest counts: published over borrowed over pooled over
    assumed.
    """
    domain = model.distribution.domain
    if ENTITY not in domain.codes:
        return ()
    strength = {relation: i for i, relation in enumerate(Relation)}
    found: dict[tuple[str, str], list[tuple[Relation, Statement]]] = {}
    shares = _Shares(model)
    for gap in model.gaps:
        said = gap.statement
        for entity, share in zip(domain.codes[ENTITY], shares.of(said), strict=True):
            if share <= 0:
                continue
            wider = share < ITS_OWN and said.relation is not Relation.ASSUMED
            relation = Relation.POOLED if wider else said.relation
            for variable in model.pack.table(said.table).variables:
                found.setdefault((entity, variable), []).append((relation, said))
    people = people_of_target(model.pack, model.schema)
    counted = set(people.names) if people else set()
    rows = []
    for entity in domain.codes[ENTITY]:
        for variable in domain.names:
            spoken = found.get((entity, variable), [])
            if not spoken and people and variable in counted:
                table = people.table
                rows.append(
                    Provenance(
                        entity, variable, Relation.ASSUMED, None, (table.name,), (table.source,)
                    )
                )
                continue
            if not spoken:
                rows.append(Provenance(entity, variable, None, None, (), ()))
                continue
            best = max((relation for relation, _ in spoken), key=strength.__getitem__)
            mine = [said for relation, said in spoken if relation is best]
            tables = tuple(dict.fromkeys(s.table for s in mine))
            cases = [s.cases for s in mine if s.cases is not None]
            sources = tuple(dict.fromkeys(model.pack.table(t).source for t in tables))
            rows.append(
                Provenance(entity, variable, best, max(cases, default=None), tables, sources)
            )
    return tuple(rows)


class _Shares:
    """Share of each entity among the patients that a statement's cell is about."""

    def __init__(self, model: FittedModel) -> None:
        self.distribution = model.distribution
        self.marginals: dict[tuple[str, ...], npt.NDArray[np.float64]] = {}

    def of(self, said: Statement) -> npt.NDArray[np.float64]:
        """Shares in the order of the entities; zero where the cell cannot have it."""
        domain = self.distribution.domain
        names = domain.ordered({ENTITY, *said.given, *said.event} - {TIME_VARIABLE})
        if names not in self.marginals:
            self.marginals[names] = self.distribution.marginal(names)
        cell = self.marginals[names] * domain.mask(names, said.event)
        axes = tuple(i for i, name in enumerate(names) if name != ENTITY)
        mass = np.asarray(cell.sum(axis=axes))
        total = float(mass.sum())
        return mass / total if total > 0 else mass
