"""A private pack: noisy tables, the public ones they start from, and nothing else of the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

from synthgen import __version__
from synthgen.enclave.private.adaptive import Measured
from synthgen.enclave.private.prepare import Prepared
from synthgen.enclave.private.prior import borrowed_tables
from synthgen.enclave.private.questions import Rows
from synthgen.enclave.private.settings import PrivateSettings
from synthgen.enclave.wording import RECORDS, named_apart, period_of, population_of, table_name
from synthgen.statistics.ledger import Ledger
from synthgen.statistics.model import (
    Block,
    Cell,
    Protection,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
    SurvivalReference,
    Target,
)


def noisy_pack(
    ready: Prepared,
    settings: PrivateSettings,
    measured: Sequence[tuple[Rows, Measured]],
    totals: Mapping[str, float],
    ledger: Ledger | None,
) -> StatisticsPack:
    """Pack of noisy answers.

    Parameters
    ----------
    ready : Prepared
    settings : PrivateSettings
    measured : sequence of (Rows, Measured)
        None, for a pack that only says what is public.
    totals : mapping of str to float
        Noisy number of rows of each table.
    ledger : Ledger or None
    """
    asked = settings.asked
    population, population_ko = population_of(asked)
    own = ready.schema
    tables = [_table(rows, m, totals, settings) for rows, m in measured]
    sources = {
        RECORDS: Source(
            RECORDS,
            f"{population}; tabulated with differential privacy by synthgen {__version__} under "
            f"the schema {own.key}",
            "terms of those who hold the records",
            "unconfirmed",
        )
    }
    target = Target(population, population_ko, period_of(asked))
    scope: Mapping[str, tuple[str, ...]] = {}
    references: tuple[SurvivalReference, ...] = ()
    told: set[str] | None = None
    if measured:
        told = {n for t in tables for n in t.variables}
    if settings.prior is not None:
        prior = settings.prior.pack
        public, theirs = borrowed_tables(settings.prior)
        tables = [*public, *tables]
        sources |= theirs
        people = f"prior-{prior.target.people}"[:80] if prior.target.people else ""
        target = replace(target, people=people)
        scope = prior.scope
        references = tuple(
            replace(r, source=f"prior-{r.source}") for r in prior.survival_references
        )
        if told is not None:
            told |= {n for b in prior.blocks for n in b.variables}
    title = f"{own.title}: tables with differential privacy"[:300]
    claim = (
        f"epsilon {settings.epsilon:g}, delta {settings.delta:g}, unit patient; see ledger.json."
    )
    return StatisticsPack(
        id=f"{own.id[:60]}-private",
        version="1.0.0",
        schema=own.key,
        title=title,
        title_ko=f"{own.title_ko}: 차등 정보 보호를 적용한 표"[:300],
        origin="enclave",
        target=target,
        scope=scope,
        sources=sources,
        tables=named_apart(tables),
        blocks=_blocks(ready, told),
        survival_references=references,
        description=f"Counts with noise: {claim} Counts below zero are as they were drawn.",
        description_ko=f"잡음을 더한 건수: {claim} 0보다 작은 값도 뽑힌 그대로 둠.",
        own_schema=own,
        ledger=ledger,
    )


def _blocks(ready: Prepared, told: set[str] | None) -> tuple[Block, ...]:
    blocks = []
    for rows in ready.units:
        names = tuple(n for n in rows.own if told is None or n in told)
        if names:
            blocks.append(Block(table_name(rows.name), names))
    return tuple(blocks)


def _table(
    rows: Rows, measured: Measured, totals: Mapping[str, float], settings: PrivateSettings
) -> StatisticsTable:
    question = measured.question
    labels: list[list[tuple[str, ...]]] = []
    groups: dict[str, dict[str, tuple[str, ...]]] = {}
    for name in question.names:
        if name in question.by_family:
            families = rows.families[name]
            labels.append([families.members[label] for label in families.labels])
            groups[name] = {
                label: codes for label, codes in families.members.items() if len(codes) > 1
            }
        else:
            labels.append([(c.code,) for c in rows.variables[name].categories])
    total = totals[rows.name]
    cells = [Cell({}, total, total, printed=str(round(total)))]
    flat = measured.counts.ravel().tolist()
    for codes, count in zip(product(*labels), flat, strict=True):
        members = dict(zip(question.names, codes, strict=True))
        cells.append(Cell(members, count, count, printed=str(round(count))))
    titles = [rows.variables[n] for n in question.names]
    by = " (by family)" if question.by_family else ""
    by_ko = " (계열별)" if question.by_family else ""
    table = rows.unit.unit.table
    family = ["family", *question.names] if question.by_family else list(question.names)
    return StatisticsTable(
        name=table_name("-".join(family)),
        title=f"{table.title} by {', '.join(v.title for v in titles)}{by}, with noise"[:300],
        title_ko=f"{table.title_ko}: {', '.join(v.title_ko for v in titles)}{by_ko}, 잡음 포함"[
            :300
        ],
        kind="noisy_counts",
        variables=question.names,
        given=(),
        scope={},
        relation=Relation.PUBLISHED,
        source=RECORDS,
        population=f"{population_of(settings.asked)[0]}: {table.title}",
        period=period_of(settings.asked),
        cells=tuple(replace(c, row=row) for row, c in enumerate(cells, start=2)),
        unit="cases",
        protection=Protection(noise_sd=measured.sigma),
        groups=groups,
    )
