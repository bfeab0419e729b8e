"""Fitting a whole pack: block after block, each frozen before the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.errors import StatisticsError
from synthgen.models.block import Numbered, Potential, Start, fit_block
from synthgen.models.constraints import statement_variables
from synthgen.models.distribution import Distribution
from synthgen.models.domain import Domain
from synthgen.models.mixture import Mixture, split_by
from synthgen.models.observed import Converted, to_net
from synthgen.models.pack_domain import domain_of
from synthgen.models.references import (
    AGE_VARIABLE,
    age_reference,
    residence_reference,
    time_reference,
)
from synthgen.models.shared_sites import require_ages_at_shared_sites
from synthgen.models.slices import fit_slices
from synthgen.models.structure import zero_potentials
from synthgen.schema.model import Schema
from synthgen.statistics.carry import carried
from synthgen.statistics.life_table import LifeTable, life_table_of
from synthgen.statistics.model import Relation, StatisticsPack
from synthgen.statistics.statement import TIME_VARIABLE, Statement
from synthgen.statistics.statements import block_of, statements_of_table

FloatArray = npt.NDArray[np.float64]

#: Variable that the distribution is split by as soon as it is fitted.
SPLIT = "entity"
#: Gap beyond which a statement is said to be in conflict with its rivals [standard errors].
CONFLICT = 3.0


@dataclass(frozen=True)
class Gap:
    """One published value beside the fitted one.

    Parameters
    ----------
    statement : Statement
        As published.
    fitted : float
        The model's value, by the published estimator [probability].
    standard_errors : float
        How far the fitted value lies outside the published interval, in standard errors,
        negative below; 0 inside.
    multiplier : float
        What the statement had to impose on its reference [log odds].
    """

    statement: Statement
    fitted: float
    standard_errors: float
    multiplier: float


@dataclass(frozen=True, eq=False)
class Fit:
    """The distribution fitted to a pack, and how well it could be.

    Parameters
    ----------
    distribution : Distribution or Mixture
    gaps : tuple of Gap
        One per statement, in the order of the pack.
    residual : float
        Largest violation of the optimality conditions [standard errors].
    largest_clique : int
        [cells]
    """

    distribution: Distribution | Mixture
    gaps: tuple[Gap, ...]
    residual: float
    largest_clique: int

    def _repr_html_(self) -> str:
        from synthgen.models.views import fit_view

        return fit_view(self)


def _known_codes(domain: Domain, statement: Statement) -> Statement:
    """The statement without codes that the pack's scope and rules leave out."""

    def kept(members: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {
            name: tuple(c for c in codes if c in domain.codes[name])
            for name, codes in members.items()
        }

    event, given = kept(statement.event), kept(statement.given)
    empty = [n for n, c in given.items() if not c]
    if empty:
        raise StatisticsError(
            f"{statement.table}: row {statement.row} is about codes of {empty[0]} outside the "
            "scope of the pack"
        )
    return Statement(**{**statement.__dict__, "event": event, "given": given})


def statements_by_block(
    pack: StatisticsPack, schema: Schema, domain: Domain
) -> dict[str, list[Statement]]:
    """What each block of a pack is fitted to, in the order of blocks, tables and rows.

    Raises
    ------
    StatisticsError
        If a table cannot be turned into statements, or speaks about nobody in scope.
    """
    said: dict[str, list[Statement]] = {block.name: [] for block in pack.blocks}
    pack = carried(pack, schema).pack
    for table in pack.tables:
        block = block_of(pack, table)
        if block is not None:
            said[block.name] += [
                _known_codes(domain, s) for s in statements_of_table(pack, table, schema)
            ]
    return said


@dataclass(frozen=True, eq=False)
class Ground:
    """What every fit of a pack starts from; prepared once for many fits of the same tables.

    Parameters
    ----------
    domain : Domain
        All variables of the pack.
    statements : mapping of str to sequence of Statement
        What each block is fitted to, by its name.
    zeros : sequence of Potential
        Combinations that the schema excludes.
    life_table : LifeTable or None
    redrawn : bool
        Whether the statements are drawn from the pack's own; what a pack must say has been
        asked of those.
    """

    domain: Domain
    statements: Mapping[str, Sequence[Statement]]
    zeros: Sequence[Potential]
    life_table: LifeTable | None
    redrawn: bool = False


def ground_of(pack: StatisticsPack, schema: Schema) -> Ground:
    """Domain, statements, structural zeros and life table of a pack.

    Raises
    ------
    StatisticsError
        If a table cannot be turned into statements, or speaks about nobody in scope.
    """
    domain = domain_of(pack, schema)
    has_life_table = any(t.kind == "life_table" for t in pack.tables)
    return Ground(
        domain,
        statements_by_block(pack, schema, domain),
        zero_potentials(domain, schema),
        life_table_of(pack) if has_life_table else None,
    )


def _stages(numbered: Sequence[Numbered]) -> list[list[Numbered]]:
    return [[(i, s) for i, s in numbered if s.relation is relation] for relation in Relation]


def declared_potentials(
    domain: Domain,
    new: tuple[str, ...],
    pack: StatisticsPack,
    schema: Schema,
    zeros: Sequence[Potential],
) -> list[Potential]:
    """Structural zeros and declared references that touch the new variables of a block.

    Parameters
    ----------
    domain : Domain
        The variables so far, the new ones included.
    new : tuple of str
    pack : StatisticsPack
    schema : Schema
    zeros : sequence of Potential
        Of any variables; those about later ones are left out.

    Raises
    ------
    StatisticsError
        If a combination of codes has no declared survival curve.
    """
    found = _within(domain, new, zeros)
    target = carried(pack, schema)
    people = target.people.by_sex_and_age if target.people else None
    curve = age_reference(
        domain,
        [
            table
            for table in target.pack.tables
            if table.kind == "counts" and set(table.variables) <= set(new) and not table.given
        ],
        people or next((t for t in pack.tables if t.kind == "population"), None),
    )
    found += [] if curve is None else [curve]
    residence = residence_reference(domain, new, target.people)
    found += [] if residence is None else [residence]
    if TIME_VARIABLE in new:
        found.append(time_reference(domain, pack, schema))
    return found


def _within(
    domain: Domain, new: tuple[str, ...], potentials: Sequence[Potential]
) -> list[Potential]:
    known = set(domain.names)
    return [p for p in potentials if set(p.names) & set(new) and set(p.names) <= known]


def fit_pack(
    pack: StatisticsPack,
    schema: Schema,
    *,
    ground: Ground | None = None,
    references: Sequence[Potential] = (),
    start: Start | None = None,
) -> Fit:
    """Distribution that says what the tables say and presumes nothing else.

    Parameters
    ----------
    pack : StatisticsPack
    schema : Schema
        The schema that the pack speaks about.
    ground : Ground, optional
        As :func:`ground_of` makes it, where it has been made already, or with other
        statements in the place of the pack's own (:mod:`synthgen.models.replicates`).
    references : sequence of Potential
        What is added to the declared references: a prior (:mod:`synthgen.models.prior`), or
        associations that nobody published.
    start : Start, optional
        Multipliers to begin with; the result does not depend on them beyond the residual.

    Returns
    -------
    Fit

    Raises
    ------
    StatisticsError
        If a table is about patients that cannot exist, or is out of order, or entities of
        different families share a site and nothing says how old their patients are.
    ModelError
        If a clique is too large or the fit does not converge.
    """
    ground = ground or ground_of(pack, schema)
    whole = ground.domain
    before: Distribution | Mixture | None = None
    converted: list[Converted] = []
    published: list[Statement] = []
    multipliers: dict[int, float] = {}
    residual, cells = 0.0, 0
    values: dict[int, float] = {}
    for block in pack.blocks:
        statements = ground.statements[block.name]
        net = to_net(statements, before, schema, ground.life_table)
        numbered = [(len(published) + i, c.statement) for i, c in enumerate(net)]
        published += statements
        converted += net
        count = len(before.domain.names) if before else 0
        domain = Domain(whole.variables[: count + len(block.variables)])
        potentials = declared_potentials(domain, block.variables, pack, schema, ground.zeros)
        potentials += _within(domain, block.variables, references)
        stages = _stages(numbered)
        if isinstance(before, Mixture):
            grown = fit_slices(domain, before, block.variables, stages, potentials, start)
            before, size = grown.mixture, grown.cells
            residual = max(residual, grown.residual)
            multipliers |= grown.multipliers
            values |= grown.values
        else:
            result = fit_block(domain, before, block.variables, stages, potentials, start)
            tables = (*before.tables, *result.tables) if before else result.tables
            before, size = Distribution(domain, tables), result.cells
            residual = max(residual, result.residual)
            multipliers |= result.multipliers
            values |= result.values
            if SPLIT in domain.codes:
                before = split_by(before, SPLIT)
                said = [s for block_said in ground.statements.values() for s in block_said]
                told = any({SPLIT, AGE_VARIABLE} <= set(r.names) for r in references)
                if not ground.redrawn and not told:  # a prior knows ages by entity
                    require_ages_at_shared_sites(pack.id, schema, before, said)
        cells = max(cells, size)
    if before is None:
        raise StatisticsError(f"pack {pack.id}: has no blocks; it needs at least one")
    gaps = gaps_of(before, published, converted, multipliers, values)
    return Fit(before, gaps, residual, cells)


def gaps_of(
    distribution: Distribution | Mixture,
    published: Sequence[Statement],
    converted: Sequence[Converted],
    multipliers: Mapping[int, float],
    values: Mapping[int, float],
) -> tuple[Gap, ...]:
    """Every published value beside the fitted one.

    Parameters
    ----------
    distribution : Distribution or Mixture
    published, converted : sequence
        Statements, and the same in terms of net survival.
    multipliers, values : mapping of int to float
        What is known already, by number of the statement.
    """
    domain = distribution.domain
    marginals: dict[tuple[str, ...], FloatArray] = {}
    gaps = []
    for i, (said, net) in enumerate(zip(published, converted, strict=True)):
        if i in values:
            value = values[i] / net.factor
        else:
            names = statement_variables(domain, said)
            if names not in marginals:
                marginals[names] = distribution.marginal(names)
            joint = marginals[names]
            given = float(joint[domain.mask(names, said.given)].sum())
            event = float(joint[domain.mask(names, said.event)].sum())
            value = event / given / net.factor if given > 0 else 0.0
        outside = max(value - said.upper, 0.0) - max(said.lower - value, 0.0)
        gaps.append(Gap(said, value, outside / said.standard_error, multipliers.get(i, 0.0)))
    return tuple(gaps)
