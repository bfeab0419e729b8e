"""Sites that cancers of different families share: refused until something says their ages.

Counts of a site by age are a mixture.  If nothing says which of its entities the children
have, maximum entropy gives every entity the ages of the whole site: from counts of Korean
eye cancers alone it made 32 uveal melanomas under 15 and 171 retinoblastomas from 20 on.

The criterion.  Entities of one family (``bone_sarcoma``) may share the ages of their site:
that is borrowing from the family, which the model card shows.  Entities of different
families may not.  An entity is *dated* if a statement of the pack is about its ages (ages
given the entity, a median age, the entity's share of an age), whatever its relation to the
target population, or if a rule of the schema excludes some ages for it.  At every site, all
entities that have at least one in a hundred of its cases must be dated, but for those of
one family: they are what the others leave.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from synthgen.errors import StatisticsError
from synthgen.models.distribution import Distribution
from synthgen.models.domain import Domain
from synthgen.models.mixture import Mixture
from synthgen.models.references import AGE_VARIABLE
from synthgen.schema.model import Schema
from synthgen.statistics.statement import Statement

SITE_VARIABLE, ENTITY_VARIABLE = "site_group", "entity"
#: Share of a site's cases below which an entity cannot bend the ages of the others.
NOTICED = 0.01


def require_ages_at_shared_sites(
    pack_id: str,
    schema: Schema,
    distribution: Distribution | Mixture,
    statements: Iterable[Statement],
) -> None:
    """Refuse a pack that leaves the ages of a site's entities to chance.

    Parameters
    ----------
    pack_id : str
        Name of the pack, for the message.
    schema : Schema
    distribution : Distribution or Mixture
        Fitted to the block of the entity; without sites, entities or ages nothing is asked.
    statements : iterable of Statement
        All that the pack says.

    Raises
    ------
    StatisticsError
        Naming the site, the entities whose ages are open, and what would settle them.
    """
    domain = distribution.domain
    if not {SITE_VARIABLE, ENTITY_VARIABLE, AGE_VARIABLE} <= set(domain.names):
        return
    family = _families(schema)
    cases = distribution.marginal((SITE_VARIABLE, ENTITY_VARIABLE))
    by_age = distribution.marginal((SITE_VARIABLE, ENTITY_VARIABLE, AGE_VARIABLE)) > 0
    spoken = [s for s in statements if _is_about_ages(domain, s)]
    for site, row, ages in zip(domain.codes[SITE_VARIABLE], cases, by_age, strict=True):
        noticed = [
            (entity, possible)
            for entity, share, possible in zip(
                domain.codes[ENTITY_VARIABLE], row, ages, strict=True
            )
            if share >= NOTICED * row.sum() and share > 0
        ]
        others = frozenset(entity for entity, _ in noticed)
        open_families: dict[str, list[str]] = {}
        for entity, possible in noticed:
            ruled = bool(np.any(ages.any(axis=0) & ~possible))
            here = (s for s in spoken if site in s.event.get(SITE_VARIABLE, (site,)))
            if not ruled and not _is_dated(entity, others, here, family):
                open_families.setdefault(family.get(entity) or entity, []).append(entity)
        if len(open_families) > 1:
            listed = ", ".join(
                entity if name == entity else f"{entity} ({name})"
                for name, members in open_families.items()
                for entity in members
            )
            raise StatisticsError(
                f"pack {pack_id}: site {site} is shared by {listed}, and nothing says which of "
                f"them patients of an age have; give the ages ({AGE_VARIABLE} given "
                f"{ENTITY_VARIABLE}, a median age, or {ENTITY_VARIABLE} given {AGE_VARIABLE}) of "
                f"all but one family ({len(open_families)} families without)"
            )


def _families(schema: Schema) -> dict[str, str]:
    """Family of each entity; ``""`` for one that has none."""
    table, _, column = schema.variable(ENTITY_VARIABLE).column.partition(".")
    codes = schema.table(table).column(column).codes if column else None
    return {code.code: code.family for code in codes.codes} if codes else {}


def _is_about_ages(domain: Domain, statement: Statement) -> bool:
    """Whether a statement ties ages to entities, and does not only condition on both."""
    pair = {AGE_VARIABLE, ENTITY_VARIABLE}
    asked = {n for n, codes in statement.event.items() if statement.given.get(n) != codes}
    restricted = {
        name
        for members in (statement.event, statement.given)
        for name, codes in members.items()
        if name in pair and set(codes) < set(domain.codes[name])
    }
    return restricted == pair and bool(pair & asked)


def _is_dated(
    entity: str,
    others: frozenset[str],
    statements: Iterable[Statement],
    family: dict[str, str],
) -> bool:
    """Whether a statement about ages means the entity, alone or with its family only."""
    own = {e for e in others if (family.get(e) or e) == (family.get(entity) or entity)}
    for statement in statements:
        meant = set(statement.event.get(ENTITY_VARIABLE) or statement.given[ENTITY_VARIABLE])
        if entity in meant and meant & others <= own:
            return True
    return False
