"""Where every part of a model comes from: entity by variable, in words anyone can check."""

from __future__ import annotations

from dataclasses import dataclass

from synthgen.cohort.fitted_model import FittedModel
from synthgen.models.fit import Gap
from synthgen.statistics.model import Relation

ENTITY = "entity"


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
    entity_specific : bool
        Whether a table singles the entity out, alone or with fewer than all others.
    """

    entity: str
    variable: str
    relation: Relation | None
    cases: float | None
    tables: tuple[str, ...]
    sources: tuple[str, ...]
    entity_specific: bool


def provenance(model: FittedModel) -> tuple[Provenance, ...]:
    """Provenance of every entity and variable, in the order of the model.

    Notes
    -----
    A table speaks of an entity's variable if the variable is among those it describes and
    its cells include the entity; of several relations the strongest counts (published over
    borrowed over pooled over assumed), because that is the one that the fit gives way to.
    """
    domain = model.distribution.domain
    if ENTITY not in domain.codes:
        return ()
    strength = {relation: i for i, relation in enumerate(Relation)}
    found: dict[tuple[str, str], list[Gap]] = {}
    for gap in model.gaps:
        said = gap.statement
        entities = said.event.get(ENTITY, domain.codes[ENTITY])
        table = model.pack.table(said.table)
        for variable in table.variables:
            for entity in entities:
                found.setdefault((entity, variable), []).append(gap)
    rows = []
    for entity in domain.codes[ENTITY]:
        for variable in domain.names:
            gaps = found.get((entity, variable), [])
            if not gaps:
                rows.append(Provenance(entity, variable, None, None, (), (), False))
                continue
            best = max((g.statement.relation for g in gaps), key=strength.__getitem__)
            mine = [g.statement for g in gaps if g.statement.relation is best]
            tables = tuple(dict.fromkeys(s.table for s in mine))
            cases = [s.cases for s in mine if s.cases is not None]
            sources = tuple(dict.fromkeys(model.pack.table(t).source for t in tables))
            specific = any(
                len(s.event.get(ENTITY, domain.codes[ENTITY])) < len(domain.codes[ENTITY])
                for s in mine
            )
            rows.append(
                Provenance(
                    entity, variable, best, max(cases, default=None), tables, sources, specific
                )
            )
    return tuple(rows)
