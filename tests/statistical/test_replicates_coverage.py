"""Whether the 90 % bands of replicates hold the truth as often as they say.

Small true populations are drawn, a sample of n patients of each is published as tables, the
tables are fitted and replicated, and the band over the replicates either holds the truth or
not.  The populations are the entities of one pack, twenty to a fit: entities tell each other
nothing here, and one fit of twenty takes less time than twenty fits.
Run as a script, it prints the table of docs/explanation/what-replicates-show.md.
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np
import pytest
from scipy.stats import binom

from synthgen.models.domain import Domain
from synthgen.models.fit import Ground, fit_pack
from synthgen.models.interactions import SPREAD
from synthgen.models.replicates import design_of, fit_replicate
from synthgen.schema.model import Category, Schema, Variable
from synthgen.statistics.model import (
    Block,
    Cell,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
    SurvivalReference,
    Target,
)
from synthgen.statistics.statements import statements_of_table

SEXES, STAGES, TIMES = ("1", "2"), ("L", "D"), (0.0, 1.0, 5.0)
ENTITIES = tuple(f"e{i:02d}" for i in range(20))
#: Between its order statistics, 19 replicates hold a 20th with probability 18/20.
REPLICATES, REPETITIONS = 19, 200
MARGIN, SURVIVAL, ASSOCIATION = "published margin", "S(t) by stratum", "unpublished association"


def coded(name, *codes):
    return Variable(name, name, name, tuple(Category(c, c, c) for c in codes), f"patient.{name}")


TIME = Variable(
    "net_survival",
    "t",
    "t",
    tuple(
        Category(f"{a:g}+" if math.isinf(b) else f"{a:g}-{b:g}", "t", "t", a, b)
        for a, b in zip(TIMES, (*TIMES[1:], math.inf), strict=True)
    ),
    unit="years",
)
SCHEMA = Schema(
    "tiny", "1.0.0", "t", "t", (), {},
    variables=(coded("entity", *ENTITIES), coded("sex", *SEXES), coded("stage", *STAGES), TIME),
)  # fmt: skip
DOMAIN = Domain(tuple((v.name, v.codes) for v in SCHEMA.variables))


def true_population(rng, spread):
    """Joint of sex, stage and time: fixed margins, random associations with sex."""
    sex, stage = np.array([0.55, 0.45]), np.array([0.6, 0.4])
    effects = rng.standard_normal((2, 2)) * spread / 2  # four of them make a log odds ratio
    joint = np.outer(sex, stage) * np.exp(effects)
    for _ in range(100):
        joint *= (sex / joint.sum(axis=1))[:, np.newaxis]
        joint *= stage / joint.sum(axis=0)
    alive = np.array([[0.85, 0.6], [0.55, 0.25]])  # stage x (1 year, 5 years)
    shift = np.array([-0.5, 0.5]) * rng.standard_normal() * spread
    odds = (alive / (1 - alive))[np.newaxis] * np.exp(shift)[:, np.newaxis, np.newaxis]
    curve = np.concatenate([np.ones((2, 2, 1)), odds / (1 + odds), np.zeros((2, 2, 1))], axis=2)
    return joint[:, :, np.newaxis] * -np.diff(curve, axis=2)


def table(name, kind, variable, given, cells):
    return StatisticsTable(
        name, name, name, kind, (variable,), given, {}, Relation.PUBLISHED, "s", "p", "2020",
        tuple(Cell(row=i, **cell) for i, cell in enumerate(cells, start=2)),
    )  # fmt: skip


def counted(variable, numbers):
    """Cells of a table of counts by entity; ``numbers`` has shape (entities, codes)."""
    return [
        {"members": {"entity": (entity,), variable: (code,)}, "lower": float(k), "upper": float(k)}
        for entity, row in zip(ENTITIES, numbers, strict=True)
        for code, k in zip(DOMAIN.codes[variable], row, strict=True)
    ]


def published(people):
    """Counts by sex and by stage, survival by stage at 1 and 5 years, all by entity.

    ``people`` has shape (entities, sexes, stages, times).
    """
    curves = []
    for entity, sample in zip(ENTITIES, people.sum(axis=1), strict=True):
        for stage, deaths in zip(STAGES, sample, strict=True):
            n = float(deaths.sum())
            for i in (1, 2) if n else ():
                share = float(deaths[i:].sum()) / n
                members = {"entity": (entity,), "stage": (stage,)}
                about = {"members": members, "n": n, "time": TIMES[i]}
                curves.append({**about, "lower": share, "upper": share})
    totals = [
        {"members": {"entity": (entity,)}, "lower": float(k), "upper": float(k)}
        for entity, k in zip(ENTITIES, people.sum(axis=(1, 2, 3)), strict=True)
    ]
    return StatisticsPack(
        "tiny", "1.0.0", "tiny@1.0.0", "t", "t", "public-statistics", Target("p", "p", "2020"), {},
        {"s": Source("s", "c", "l", "open")},
        (
            table("entity", "counts", "entity", (), totals),
            table("sex", "counts", "sex", ("entity",), counted("sex", people.sum(axis=(2, 3)))),
            table("stage", "counts", "stage", ("entity",), counted("stage", people.sum(axis=(1, 3)))),
            table("survival", "net_survival", "net_survival", ("entity", "stage"), curves),
        ),
        (Block("who", ("entity", "sex")), Block("stage", ("stage",)),
         Block("survival", ("net_survival",))),
        (SurvivalReference({}, 1.0, 3.0, 0.3, "s"),),
    )  # fmt: skip


def grounded(pack):
    said = {block.name: [] for block in pack.blocks}
    for one, block in zip(pack.tables, ("who", "who", "stage", "survival"), strict=True):
        said[block] += statements_of_table(pack, one, SCHEMA)
    return Ground(DOMAIN, said, (), None)


def figures(joint):
    """What the bands are asked about, by kind, shape (entities, figures)."""
    joint = joint / joint.sum(axis=(1, 2, 3), keepdims=True)
    who, by_stage, by_sex = joint.sum(axis=3), joint.sum(axis=1), joint.sum(axis=2)
    alive = [
        by_stage[:, s, i:].sum(axis=1) / by_stage[:, s].sum(axis=1) for s in (0, 1) for i in (1, 2)
    ]
    odds = who[:, 0, 1] * who[:, 1, 0] / (who[:, 0, 0] * who[:, 1, 1])
    return {
        MARGIN: np.stack([who[:, :, 1].sum(axis=1), who[:, 0].sum(axis=1)], axis=1),
        SURVIVAL: np.stack(alive, axis=1),
        ASSOCIATION: np.stack(
            [
                who[:, 0, 1] / who[:, 0].sum(axis=1),
                np.log(odds),
                by_sex[:, 0, 2] / by_sex[:, 0].sum(axis=1),
            ],
            axis=1,
        ),
    }


def coverage(n, repetitions, replicates, *, truth=SPREAD, spread=SPREAD):
    """Share of the repetitions in which the band holds the truth, by kind of figure."""
    held: dict[str, list[float]] = {MARGIN: [], SURVIVAL: [], ASSOCIATION: []}
    for fit_number in range(repetitions // len(ENTITIES)):
        rng = np.random.default_rng([2024, n, fit_number])
        joint = np.array([true_population(rng, truth) for _ in ENTITIES])
        people = np.array([rng.multinomial(n, p.ravel()).reshape(p.shape) for p in joint])
        pack = published(people)
        ground = grounded(pack)
        base = fit_pack(pack, SCHEMA, ground=ground)
        design = design_of(pack, SCHEMA, base, ground=ground)
        drawn = []
        for number in range(1, replicates + 1):
            fit = fit_replicate(design, f"{n}-{fit_number}", 1, number, spread=spread)
            drawn.append(figures(fit.distribution.marginal(DOMAIN.names)))
        for kind, true in figures(joint).items():
            values = np.array([d[kind] for d in drawn])
            low, high = np.quantile(values, [0.05, 0.95], axis=0, method="weibull")
            held[kind].append(float(((low <= true) & (true <= high)).mean()))
    return {kind: float(np.mean(shares)) for kind, shares in held.items()}


@pytest.mark.parametrize("n", [25, 100])
def test_bands_hold_the_truth_as_often_as_they_say(n):
    measured = coverage(n, REPETITIONS, REPLICATES)
    # A true coverage of 0.9 leaves this range over 200 repetitions with a chance below 2 %.
    low, high = math.ceil(0.85 * REPETITIONS), math.floor(0.97 * REPETITIONS)
    assert binom.cdf(low - 1, REPETITIONS, 0.9) + binom.sf(high, REPETITIONS, 0.9) < 0.02
    for kind, share in measured.items():
        assert 0.85 <= share <= 0.97, (kind, measured)


def test_without_random_associations_bands_of_unpublished_figures_miss():
    narrow = coverage(100, 40, REPLICATES, spread=0.0)
    assert narrow[MARGIN] > 0.8
    assert narrow[ASSOCIATION] < 0.6


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--replicates", type=int, default=REPLICATES)
    arguments = parser.parse_args()
    for cases in (25, 100):
        for true_spread, drawn_spread in ((0.8, 0.8), (0.8, 0.0), (0.4, 0.8), (1.2, 0.8)):
            begin = time.process_time()
            shares = coverage(
                cases,
                arguments.repetitions,
                arguments.replicates,
                truth=true_spread,
                spread=drawn_spread,
            )
            seconds = (time.process_time() - begin) / (arguments.repetitions / len(ENTITIES))
            listed = ", ".join(f"{kind} {share:.3f}" for kind, share in shares.items())
            milliseconds = 1000 * seconds / (arguments.replicates + 1)
            print(  # noqa: T201
                f"n = {cases}, true spread {true_spread}, drawn {drawn_spread}: {listed} "
                f"({milliseconds:.0f} ms a fit of {len(ENTITIES)})"
            )
