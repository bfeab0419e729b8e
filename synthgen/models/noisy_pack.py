"""Fit of a private pack: its noisy counts, on top of the public tables that it starts from.

Tables of kind ``noisy_counts`` are what was measured of records; every other table of such a
pack is public, and their fit is the reference that the noisy counts are drawn towards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from synthgen.errors import StatisticsError
from synthgen.models.block import Potential
from synthgen.models.decomposable import fit_decomposable, tables_in_order
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.models.fit import Fit, fit_pack, gaps_of, statements_by_block
from synthgen.models.mixture import Mixture
from synthgen.models.noisy import NoisyModel, fit_in_stages
from synthgen.models.noisy_table import NoisyTable
from synthgen.models.observed import to_net
from synthgen.models.pack_domain import domain_of
from synthgen.models.structure import held_zeros, zero_potentials
from synthgen.schema.model import Schema
from synthgen.statistics.life_table import life_table_of
from synthgen.statistics.model import Block, StatisticsPack, StatisticsTable
from synthgen.statistics.statements import DESCRIBING, block_of

FloatArray = npt.NDArray[np.float64]

KIND = "noisy_counts"

#: Share of a prior's row that is spread over all codes: what it has not seen is rare, not
#: impossible.
UNSEEN = 1e-3
#: Smallest share of what is given, so that no log is of zero.
RAREST = 1e-12


def is_private(pack: StatisticsPack) -> bool:
    """Whether a pack was made of records with differential privacy."""
    return pack.ledger is not None and any(t.kind == KIND for t in pack.tables)


def prior_of(pack: StatisticsPack, schema: Schema) -> Distribution | Mixture | None:
    """Fit of the public tables of a private pack, None where it has none.

    Raises
    ------
    StatisticsError, ModelError
        If the public tables cannot be fitted.
    """
    public = tuple(t for t in pack.tables if t.kind != KIND)
    told = {
        n for t in public if t.kind not in DESCRIBING for n in (*t.variables, *t.given, *t.scope)
    }
    if not told:
        return None
    kept = [Block(b.name, tuple(n for n in b.variables if n in told)) for b in pack.blocks]
    part = replace(pack, tables=public, ledger=None, blocks=tuple(b for b in kept if b.variables))
    exact = all(
        c.published and c.lower == c.upper
        for t in public
        if t.kind not in DESCRIBING
        for c in t.cells
    )
    if exact and tables_in_order(part) is not None:
        return fit_decomposable(part, schema).distribution
    return fit_pack(part, schema).distribution


def prior_factors(
    prior: Distribution | Mixture, domain: Domain, own: Sequence[str]
) -> list[Potential]:
    """A prior's tables that decide some variables, as log factors on the codes of a domain.

    Parameters
    ----------
    prior : Distribution or Mixture
    domain : Domain
        Codes that the prior does not know get a small share (:data:`UNSEEN`).
    own : sequence of str
        The variables that are decided.
    """
    pieces: dict[str, Distribution] = (
        {"": prior} if isinstance(prior, Distribution) else dict(prior.components)
    )
    split = prior.split if isinstance(prior, Mixture) else ""
    found: dict[tuple[str, ...], FloatArray] = {}
    for code, piece in pieces.items():
        if code and code not in domain.codes.get(split, ()):
            continue  # also where the unit stands before the variable that the prior splits by
        for table in piece.tables:
            scope = {*table.given, *table.variables}
            if not set(table.variables) & set(own) or not scope <= set(domain.names):
                continue
            names = domain.ordered({*scope, split} - {""})
            inner = tuple(n for n in names if n != split)
            factor = _on_domain(table, piece.domain, domain, inner)
            whole = found.setdefault(names, np.zeros(domain.shape(names)))
            if split and split in names and split not in scope:
                at = domain.codes[split].index(code)
                index = [slice(None)] * len(names)
                index[names.index(split)] = at  # type: ignore[call-overload]
                whole[tuple(index)] += factor
            else:
                whole += factor
    if split and split in own and isinstance(prior, Mixture):
        weights = np.full(domain.size(split), UNSEEN)
        for code, weight in zip(prior.domain.codes[split], prior.weights, strict=True):
            if code in domain.codes[split]:
                weights[domain.codes[split].index(code)] += weight
        found[(split,)] = found.get((split,), 0.0) + np.log(weights / weights.sum())
    return [Potential(names, values) for names, values in found.items()]


def _on_domain(
    table: ConditionalTable, theirs: Domain, ours: Domain, names: tuple[str, ...]
) -> FloatArray:
    """Log of a conditional table on the codes of another domain, none of them impossible."""
    axes = (*table.given, *table.variables)
    values = np.zeros(ours.shape(axes))
    here, there = [], []
    for name in axes:
        both = [c for c in theirs.codes[name] if c in set(ours.codes[name])]
        here.append(np.array([ours.codes[name].index(c) for c in both], dtype=np.intp))
        there.append(np.array([theirs.codes[name].index(c) for c in both], dtype=np.intp))
    values[np.ix_(*here)] = table.probability[np.ix_(*there)]
    cells = int(np.prod(ours.shape(table.variables), dtype=np.int64))
    own = tuple(range(len(table.given), len(axes)))
    total = values.sum(axis=own, keepdims=True)
    share = np.divide(values, total, out=np.full_like(values, 1 / cells), where=total > 0)
    mixed = (1 - UNSEEN) * share + UNSEEN / cells
    return np.asarray(np.log(mixed).transpose([axes.index(n) for n in names]))


def grid_of(table: StatisticsTable, domain: Domain) -> tuple[NoisyTable, float]:
    """Noisy counts of a table on its grid, and the rows that it says it is about.

    Parameters
    ----------
    table : StatisticsTable
        Every cell names one code, or one group of codes, of each variable; the row without
        codes is the total.
    domain : Domain

    Raises
    ------
    StatisticsError
        If cells overlap, or stand for less than all combinations.
    """
    names = domain.ordered(table.variables)
    axes = [_groups(table, name, domain) for name in names]
    counts = np.full([len(labels) for labels, _ in axes], np.nan)
    total = 0.0
    for cell in table.cells:
        if not cell.members:
            total = cell.value
            continue
        where = []
        for name, (labels, _) in zip(names, axes, strict=True):
            codes = tuple(c for c in cell.members.get(name, ()) if c in set(domain.codes[name]))
            where.append(labels.get(codes, -1))
        if min(where) >= 0:
            counts[tuple(where)] = cell.value
    if np.isnan(counts).any():
        raise StatisticsError(
            f"{table.name}: some combinations of {', '.join(names)} are not printed; noisy counts "
            f"must be, all of them ({int(np.isnan(counts).sum())} combinations)"
        )
    sigma = table.protection.noise_sd or 0.0
    groups = [
        None if len(labels) == domain.size(name) else positions
        for name, (labels, positions) in zip(names, axes, strict=True)
    ]
    whole = total if total > 0 else max(float(counts.sum()), 1.0)
    return NoisyTable(names, counts, sigma, tuple(groups)), whole


def _groups(
    table: StatisticsTable, name: str, domain: Domain
) -> tuple[dict[tuple[str, ...], int], npt.NDArray[np.intp]]:
    """Groups of codes that the cells of a table use, and the group of each code."""
    codes = domain.codes[name]
    known = set(codes)
    said = {tuple(c for c in cell.members.get(name, ()) if c in known) for cell in table.cells}
    ordered = sorted((g for g in said if g), key=lambda g: codes.index(g[0]))
    positions = np.full(len(codes), -1, dtype=np.intp)
    for at, group in enumerate(ordered):
        for code in group:
            if positions[codes.index(code)] >= 0:
                raise StatisticsError(
                    f"{table.name}: its groups of {name} overlap; noisy counts must have groups "
                    "that do not"
                )
            positions[codes.index(code)] = at
    if (positions < 0).any():
        raise StatisticsError(
            f"{table.name}: {int((positions < 0).sum())} codes of {name} are in no cell; noisy "
            "counts must have all"
        )
    return {group: at for at, group in enumerate(ordered)}, positions


def fit_noisy(pack: StatisticsPack, schema: Schema) -> Fit:
    """Distribution of a private pack.

    Parameters
    ----------
    pack : StatisticsPack
    schema : Schema

    Returns
    -------
    Fit
        Its gaps are in standard errors of the noise and of sampling.

    Raises
    ------
    StatisticsError
        If a noisy table is no whole grid.
    ModelError
        If a clique is too large.
    """

    def grids(table: StatisticsTable, domain: Domain) -> tuple[list[NoisyTable], float]:
        grid, total = grid_of(table, domain)
        return [grid], total

    return fit_counts(pack, schema, KIND, grids, prior_of(pack, schema))


def fit_counts(
    pack: StatisticsPack,
    schema: Schema,
    kind: str,
    grids: Callable[[StatisticsTable, Domain], tuple[list[NoisyTable], float]],
    prior: Distribution | Mixture | None = None,
) -> Fit:
    """Distribution behind the counts of a pack that are known up to an error.

    Parameters
    ----------
    pack : StatisticsPack
    schema : Schema
    kind : str
        Kind of the tables that are read; others are left alone.
    grids : callable
        Counts of a table on the grids that it prints, and the rows that it says it is about.
    prior : Distribution or Mixture, optional
        What the counts are drawn towards.

    Raises
    ------
    StatisticsError
        If a table cannot be read.
    ModelError
        If a clique is too large.
    """
    whole = domain_of(pack, schema)
    zeros = zero_potentials(whole, schema)
    earlier: tuple[str, ...] = ()
    made: list[ConditionalTable] = []
    residual, cells = 0.0, 0
    for block in pack.blocks:
        read = [
            grids(t, whole) for t in pack.tables if t.kind == kind and _block(pack, t) == block.name
        ]
        tables = [grid for found, _ in read for grid in found]
        total = max((total for _, total in read), default=1.0)
        model = unit_model(whole, block.variables, earlier, tables, total, zeros, prior)
        weigh_context(model, whole, earlier, made)
        fit_in_stages(model, tables, informed=prior is not None)
        made += model.conditional_tables()
        residual = max(residual, model.residual)
        cells = max(cells, *(whole.cells(c) for c in model.tree.cliques))
        earlier = (*earlier, *block.variables)
    distribution = Distribution(whole, tuple(made))
    blocks = statements_by_block(pack, schema, whole).values()
    said = [statement for statements in blocks for statement in statements]
    has_life_table = any(t.kind == "life_table" for t in pack.tables)
    net = to_net(said, distribution, schema, life_table_of(pack) if has_life_table else None)
    return Fit(distribution, gaps_of(distribution, said, net, {}, {}), residual, cells)


def _block(pack: StatisticsPack, table: StatisticsTable) -> str:
    block = block_of(pack, table)
    return "" if block is None else block.name


def weigh_context(
    model: NoisyModel, whole: Domain, earlier: Sequence[str], made: Sequence[ConditionalTable]
) -> None:
    """Weight what is given as the units before it are: margins are over rows like theirs.

    Parameters
    ----------
    model : NoisyModel
        Its reference gets one more factor, if anything is given.
    whole : Domain
    earlier : sequence of str
        Variables of the units before.
    made : sequence of ConditionalTable
        Their tables.
    """
    if model.context:
        before = Domain(tuple(v for v in whole.variables if v[0] in set(earlier)))
        seen = Distribution(before, tuple(made)).marginal(model.context)
        model.reference.append(Potential(model.context, np.log(np.maximum(seen, RAREST))))
        model.refresh()


def unit_model(
    whole: Domain,
    own: tuple[str, ...],
    earlier: tuple[str, ...],
    tables: Sequence[NoisyTable],
    total: float,
    zeros: Sequence[Potential],
    prior: Distribution | Mixture | None,
) -> NoisyModel:
    """Empty model of one unit: what the rules exclude, and the prior.

    Parameters
    ----------
    whole : Domain
    own, earlier : tuple of str
        Variables of the unit, and of the units before it.
    tables : sequence of NoisyTable
        What will be taken in: the context is what they share with the units before.
    total : float
        Rows of the unit.
    zeros : sequence of Potential
    prior : Distribution or Mixture or None
    """
    known = {*own, *earlier}
    reference: list[Potential] = []
    if prior is not None:
        part = Domain(tuple(v for v in whole.variables if v[0] in known))
        reference = prior_factors(prior, part, own)
    speaking = [z for z in zeros if set(z.names) & set(own) and set(z.names) <= known]
    fixed = [*(p.names for p in reference), *(t.names for t in tables)]
    reference += held_zeros(whole, speaking, fixed, earlier)
    used = {n for t in tables for n in t.names} | {n for p in reference for n in p.names}
    context = tuple(n for n in earlier if n in used)
    names = {*own, *context}
    domain = Domain(tuple(v for v in whole.variables if v[0] in names))
    return NoisyModel(domain, total, domain.ordered(context), reference=reference)
