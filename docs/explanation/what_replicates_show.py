"""Measures what ``what-replicates-show.md`` quotes beside the coverage of the bands.

``python docs/explanation/what_replicates_show.py`` prints how strong the associations are that
the packs publish, what a prior gains and costs, and the seconds of a replicate.  The coverages
come from ``python tests/statistical/test_replicates_coverage.py``.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from synthgen.cohort.artefact import load_model
from synthgen.cohort.replicates import design_for, replicate_model
from synthgen.models.distribution import Distribution
from synthgen.models.fit import fit_pack
from synthgen.models.mixture import Mixture
from synthgen.models.prior import Prior, fit_with_prior
from synthgen.schema.model import Category, Schema, Variable
from synthgen.statistics.model import (
    Block,
    Cell,
    Relation,
    Source,
    StatisticsPack,
    StatisticsTable,
    Target,
)

FloatArray = npt.NDArray[np.float64]

ENTITIES = tuple(f"e{i:02d}" for i in range(30))
SEXES, STAGES = ("1", "2"), ("0", "1", "2", "3", "4", "5", "7")


def published_associations(model_id: str) -> None:
    """Print the root mean square log odds ratio of a group against the others, by variable.

    Of published and borrowed shares and survivals; the sampling variance is taken off.
    """
    model = load_model(model_id)
    groups = defaultdict(list)
    for gap in model.gaps:
        said = gap.statement
        table = model.pack.table(said.table)
        known = said.relation in (Relation.PUBLISHED, Relation.BORROWED)
        if not known or said.upper - said.lower > 0.05 or not 0.005 < said.value < 0.995:
            continue
        for name in set(said.given) - {"entity", "site_group"} - set(table.variables):
            event = tuple(sorted((k, v) for k, v in said.event.items() if k in table.variables))
            rest = tuple(sorted((k, v) for k, v in said.given.items() if k != name))
            logit = np.log(said.value / (1 - said.value))
            error = said.standard_error / (said.value * (1 - said.value))
            groups[name, said.table, rest, event].append((logit, error))
    found = defaultdict(list)
    for (name, table, _, _), rows in groups.items():
        for i, (logit, error) in enumerate(rows if len(rows) > 1 else ()):
            others = np.array(rows[:i] + rows[i + 1 :])
            variance = error**2 + (others[:, 1] ** 2).sum() / len(others) ** 2
            found[name, table].append((logit - others[:, 0].mean()) ** 2 - variance)
    by_name = defaultdict(list)
    for (name, _), squares in found.items():
        by_name[name].append(np.mean(squares))
    for name, squares in sorted(by_name.items()):
        spread = np.sqrt(max(float(np.mean(squares)), 0.0))
        print(f"{model_id}: by {name}, {len(squares)} tables: {spread:.2f}")  # noqa: T201


def coded(name: str, codes: tuple[str, ...]) -> Variable:
    """A variable of codes."""
    return Variable(name, name, name, tuple(Category(c, c, c) for c in codes), f"patient.{name}")


SCHEMA = Schema(
    "page", "1.0.0", "t", "t", (), {},
    variables=(coded("entity", ENTITIES), coded("sex", SEXES), coded("stage", STAGES)),
)  # fmt: skip


def counts(name: str, variables: tuple[str, ...], numbers: FloatArray) -> StatisticsTable:
    """A table of counts."""
    codes = [SCHEMA.variable(v).codes for v in variables]
    cells = [
        Cell(
            {v: (codes[axis][i],) for axis, (v, i) in enumerate(zip(variables, at, strict=True))},
            float(k),
            float(k),
            row=row,
        )
        for row, (at, k) in enumerate(np.ndenumerate(numbers), start=2)
    ]
    given = ("entity",) if name == "stage" else ()
    own = tuple(v for v in variables if v not in given)
    return StatisticsTable(
        name, name, name, "counts", own, given, {}, Relation.PUBLISHED, "s", "p", "", tuple(cells)
    )


def pack(people: FloatArray, *, by_sex: bool) -> StatisticsPack:
    """Patients by entity and sex, and their stages, by sex or not."""
    stages = people if by_sex else people.sum(axis=1)
    variables = ("entity", "sex", "stage") if by_sex else ("entity", "stage")
    return StatisticsPack(
        "page", "1", "page@1.0.0", "t", "t", "public-statistics", Target("p", "p", ""), {},
        {"s": Source("s", "c", "l", "open")},
        (counts("who", ("entity", "sex"), people.sum(axis=2)), counts("stage", variables, stages)),
        (Block("who", ("entity", "sex")), Block("stage", ("stage",))),
    )  # fmt: skip


def distance(distribution: Distribution | Mixture, truth: FloatArray, *, by_sex: bool) -> float:
    """Mean total variation of the stages of an entity (by sex) from the truth."""
    joint = distribution.marginal(("entity", "sex", "stage"))
    if not by_sex:
        joint, truth = joint.sum(axis=1), truth.sum(axis=1)
    there = joint / joint.sum(axis=-1, keepdims=True)
    return float(np.abs(there - truth / truth.sum(axis=-1, keepdims=True)).sum(axis=-1).mean() / 2)


def priors() -> None:
    """Print how far fits with and without a prior are from the truth."""
    rng = np.random.default_rng(3)
    for apart in (0.3, 0.6, 1.0):
        wider = rng.dirichlet(np.full(7, 2.0), size=(len(ENTITIES), 1)).repeat(2, axis=1)
        wider = wider * np.exp(rng.normal(0, 0.4, wider.shape))
        wider /= wider.sum(axis=(1, 2), keepdims=True)
        truth = wider * np.exp(rng.normal(0, apart, (len(ENTITIES), 1, 7)))
        truth = truth * np.exp(rng.normal(0, apart / 3, truth.shape))
        truth /= truth.sum(axis=(1, 2), keepdims=True)
        many = np.array([rng.multinomial(4000, p.ravel()).reshape(p.shape) for p in wider])
        large = pack(many, by_sex=True)
        prior = Prior("wider", "", large, fit_pack(large, SCHEMA).distribution)
        for n in (10, 25, 50, 100):
            few = np.array([rng.multinomial(n, p.ravel()).reshape(p.shape) for p in truth])
            small = pack(few, by_sex=False)
            fits = {
                "alone": fit_pack(small, SCHEMA).distribution,
                "reference": fit_with_prior(small, SCHEMA, prior, cases=0.0).fit.distribution,
                "16 cases": fit_with_prior(small, SCHEMA, prior).fit.distribution,
                "prior only": prior.distribution,
            }
            for by_sex in (False, True):
                measured = ", ".join(
                    f"{name} {distance(fit, truth, by_sex=by_sex):.3f}"
                    for name, fit in fits.items()
                )
                what = "stage by sex (not published)" if by_sex else "stage (published)"
                print(f"populations {apart} apart, n = {n}: {what}: {measured}")  # noqa: T201


def seconds(model_id: str, number: int = 4) -> None:
    """Print the processor seconds of a fit and of a replicate."""
    model = load_model(model_id)
    design = design_for(model)
    begin = time.process_time()
    fit_pack(model.pack, model.schema, ground=design.ground)
    base = time.process_time() - begin
    taken = []
    for replicate in range(1, number + 1):
        begin = time.process_time()
        replicate_model(model, design, 1, replicate)
        taken.append(time.process_time() - begin)
    print(  # noqa: T201
        f"{model_id}: fit {base:.1f} s, replicate {np.median(taken):.1f} s "
        f"({min(taken):.1f} to {max(taken):.1f}), {len(design.interactions)} pairs drawn"
    )


if __name__ == "__main__":
    published_associations("kr-demo")
    published_associations("kr-rare")
    priors()
    seconds("kr-demo")
    seconds("kr-rare", 2)
