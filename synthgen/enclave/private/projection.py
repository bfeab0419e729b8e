"""A public pack that the records cannot be counted by: its fit, as tables that they can.

Registries publish rates per person-years, life tables and survival by site group; records are
counted by sex, age, entity and stage.  What such a pack says about the variables of the records
is its fit, and the fit is as public as the pack.  So it is written down as tables of these
variables, one after another as a junction tree (:mod:`synthgen.enclave.selection`, on rows drawn
of the fit), each an exact marginal.  The joint distribution of everything is never built.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import numpy.typing as npt

from synthgen.enclave.private.prepare import Prepared
from synthgen.enclave.private.settings import PrivateSettings, PublicPrior
from synthgen.enclave.selection import Choice, choose_tables
from synthgen.enclave.wording import table_name
from synthgen.errors import ModelError, PrivacyBudgetError, StatisticsError
from synthgen.models.distribution import Distribution
from synthgen.models.fit import fit_pack
from synthgen.models.mixture import Mixture
from synthgen.statistics.model import (
    Block,
    Cell,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
)
from synthgen.statistics.read import schema_of

#: Rows drawn of the fit to find which of its variables depend on which.
DRAWN = 50_000
#: People that the written tables are about, and the smallest count that is written.
PEOPLE, LEAST = 1e6, 1e-3
#: Characters of the citation and of the terms of the one source of the written tables.
CITED, TERMS = 1_900, 900

Fitted = Distribution | Mixture


def countable_prior(settings: PrivateSettings, ready: Prepared) -> PrivateSettings:
    """Settings whose prior is about variables of the records, if there is a prior.

    Parameters
    ----------
    settings : PrivateSettings
    ready : Prepared

    Returns
    -------
    PrivateSettings
        The same where the prior was tabulated of records itself; else with the fit of the
        prior in place of its tables.

    Raises
    ------
    PrivacyBudgetError
        If the prior cannot be fitted, or says nothing about the records' variables.
    """
    if settings.prior is None or settings.prior.pack.own_schema is not None:
        return settings
    pack = settings.prior.pack
    wanted = {n for table in ready.planned for names in table for n in names}
    told = {n for block in pack.blocks for n in block.variables}
    counted = {n for rows in ready.units for n in rows.own if not wanted or n in wanted}
    if not told & counted:
        raise PrivacyBudgetError(
            f"prior {pack.id}: says nothing about what is counted; it has "
            f"{', '.join(sorted(told))} ({len(told)} variables)"
        )
    try:
        fitted = fit_pack(pack, schema_of(pack)).distribution
    except (StatisticsError, ModelError) as error:
        raise PrivacyBudgetError(
            f"prior {pack.id}: cannot be fitted ({error}); start from another pack, or without one"
        ) from error
    tables: list[StatisticsTable] = []
    blocks: list[Block] = []
    earlier: tuple[str, ...] = ()
    drawn = fitted.sample(DRAWN, np.random.default_rng(0))
    for rows in ready.units:
        own = tuple(
            name
            for name in rows.own
            if name in counted
            and set(fitted.domain.codes.get(name, ())) & set(rows.variables[name].codes)
        )
        if not own:
            continue
        columns = {n: drawn[n].astype(np.int32) for n in (*earlier, *own)}
        chosen = choose_tables(
            columns, DRAWN, fitted.domain.cells, limit=settings.asked.cells, context=earlier
        )
        for choice in chosen:
            codes = {n: _codes(ready, n) for n in choice.names}
            tables.append(_table(pack, fitted, choice, codes))
        blocks.append(Block(table_name(rows.name), own))
        earlier = (*earlier, *own)
    written = replace(
        pack,
        scope={},
        target=replace(pack.target, people="", places=()),
        sources={pack.id: _source(settings.prior)},
        tables=tuple(tables),
        blocks=tuple(blocks),
        survival_references=(),
    )
    return replace(settings, prior=replace(settings.prior, pack=written))


def _codes(ready: Prepared, name: str) -> frozenset[str]:
    return next(frozenset(u.variables[name].codes) for u in ready.units if name in u.variables)


def _table(
    pack: StatisticsPack, fitted: Fitted, choice: Choice, codes: dict[str, frozenset[str]]
) -> StatisticsTable:
    """One marginal of the fit, per million people."""
    names = fitted.domain.ordered(choice.names)
    cells = tuple(_cells(fitted, names, codes))
    variables = ", ".join(choice.variables)
    return StatisticsTable(
        name=table_name("fit-" + "-".join(choice.names)),
        title=f"{variables} as the fit of {pack.id} has it"[:300],
        title_ko=f"{pack.id} 적합 결과의 {variables}"[:300],
        kind="counts",
        variables=choice.variables,
        given=choice.given,
        scope={},
        relation=Relation.BORROWED,
        source=pack.id,
        population=pack.target.population,
        period=pack.target.period,
        cells=tuple(replace(cell, row=row) for row, cell in enumerate(cells, start=2)),
        unit="cases",
    )


def _cells(
    fitted: Fitted, names: tuple[str, ...], codes: dict[str, frozenset[str]]
) -> Iterator[Cell]:
    shares: npt.NDArray[np.float64] = PEOPLE * fitted.marginal(names)
    grids: list[Sequence[str]] = [fitted.domain.codes[n] for n in names]
    for members, value in zip(product(*grids), shares.ravel().tolist(), strict=True):
        if value >= LEAST and all(c in codes[n] for n, c in zip(names, members, strict=True)):
            said = {n: (c,) for n, c in zip(names, members, strict=True)}
            printed = f"{value:.6g}"
            yield Cell(said, float(printed), float(printed), printed=printed)


def _source(prior: PublicPrior) -> Source:
    pack = prior.pack
    cited = "; ".join(source.citation for source in pack.sources.values())
    worst = {source.redistribution for source in pack.sources.values()}
    terms = sorted({source.licence for source in pack.sources.values()})
    return Source(
        pack.id,
        f"Fit of the public pack {pack.id} {pack.version} (sha256 {prior.sha256}), which is made "
        f"of: {cited}"[:CITED],
        f"Terms of its sources: {'; '.join(terms)}"[:TERMS],
        next(w for w in ("unconfirmed", "cite-only", "open") if w in worst or w == "open"),
    )
