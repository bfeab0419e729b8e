"""A public pack as the beginning of a private one: what is public costs nothing."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from pathlib import Path

from synthgen.enclave.private.settings import PublicPrior
from synthgen.errors import PrivacyBudgetError
from synthgen.schema.model import Category, Schema, Variable
from synthgen.statistics.descriptor import DESCRIPTOR
from synthgen.statistics.model import Relation, Source, StatisticsPack, StatisticsTable
from synthgen.statistics.read import read_pack


def read_public_prior(folder: Path) -> PublicPrior:
    """Public pack in a folder, with the hash of its descriptor.

    Raises
    ------
    StatisticsError
        If it cannot be read.
    """
    pack = read_pack(folder)
    return PublicPrior(pack, hashlib.sha256((folder / DESCRIPTOR).read_bytes()).hexdigest())


def require_public(prior: PublicPrior, schema: Schema) -> None:
    """Refuse a prior that is not public, or speaks about other variables.

    Raises
    ------
    PrivacyBudgetError
        In one line.
    """
    pack = prior.pack
    if pack.schema != schema.key:
        raise PrivacyBudgetError(
            f"prior {pack.id}: speaks schema {pack.schema}; the records speak {schema.key}, and "
            "both must speak the same"
        )
    if pack.unprotected:
        raise PrivacyBudgetError(
            f"prior {pack.id}: holds exact counts of records; a prior must be public"
        )
    if not pack.tables:
        raise PrivacyBudgetError(f"prior {pack.id}: has no tables")


def with_variables_of(schema: Schema, prior: PublicPrior | None) -> Schema:
    """The schema with the variables, and so the bins, of a public prior.

    Its outer bins are open: a value beyond the public range counts in the bin at that end.
    """
    if prior is None or prior.pack.own_schema is None:
        return schema
    own = {v.name for v in prior.pack.own_schema.variables}
    rest = tuple(v for v in schema.variables if v.name not in own)
    widened = tuple(_opened(v) for v in prior.pack.own_schema.variables)
    return replace(schema, variables=(*widened, *rest))


def _opened(variable: Variable) -> Variable:
    # The design adds the category "equal" to whatever is bounded by another column.
    made: list[Category] = [c for c in variable.categories if c.means != "equal"]
    at = [i for i, c in enumerate(made) if not c.means]
    if not variable.is_binned or not at:
        return replace(variable, categories=tuple(made))
    made[at[0]] = replace(made[at[0]], lower=-math.inf)
    made[at[-1]] = replace(made[at[-1]], upper=math.inf)
    return replace(variable, categories=tuple(made))


def closed(variable: Variable, prior: PublicPrior | None) -> Variable:
    """A variable of the tabulation with the outer bins that the prior states."""
    if prior is None or prior.pack.own_schema is None:
        return variable
    stated = {v.name: v for v in prior.pack.own_schema.variables}.get(variable.name)
    if stated is None:
        return variable
    known = {c.code: c for c in stated.categories}
    return replace(variable, categories=tuple(known.get(c.code, c) for c in variable.categories))


def borrowed_tables(
    prior: PublicPrior,
) -> tuple[tuple[StatisticsTable, ...], dict[str, Source]]:
    """Tables of a prior as a private pack keeps them, with their sources under other names."""
    pack: StatisticsPack = prior.pack
    tables = tuple(
        replace(
            table,
            name=f"prior-{table.name}"[:80],
            source=f"prior-{table.source}",
            relation=Relation.BORROWED if table.relation is Relation.PUBLISHED else table.relation,
            carries=tuple(f"prior-{name}"[:80] for name in table.carries),
        )
        for table in pack.tables
    )
    sources = {
        f"prior-{name}": replace(source, id=f"prior-{name}")
        for name, source in pack.sources.items()
    }
    return tables, sources
