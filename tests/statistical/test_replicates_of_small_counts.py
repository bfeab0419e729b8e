"""Replicates of a small country: counts of three to twenty-five cases keep their Poisson width."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from synthgen.models.fit import fit_pack
from synthgen.models.replicates import design_of, fit_replicate
from synthgen.resources import shipped
from synthgen.schema.load import load_schema
from synthgen.statistics.read import read_pack

#: So many that the spread of one count is known to a fifth, and of a hundred counts to two in
#: a hundred.
REPLICATES = 12


def test_small_counts_have_at_least_their_poisson_width_over_replicates():
    """Site groups of three to twenty-five cases, and bands of five to ten, over replicates."""
    pack = read_pack(shipped("fitted_models")["ee-rare"] / "statistics")
    schema = load_schema(pack.schema)
    ages_only = replace(
        pack,
        blocks=pack.blocks[:1],
        survival_references=(),
        tables=tuple(
            t
            for t in pack.tables
            if t.kind in {"counts", "rates", "population"}
            and {*t.variables, *t.given, *t.scope} <= {"site_group", "sex", "age_group"}
            and t.name != "incidence_site_sex_age"
        ),
        target=replace(pack.target, people=""),
    )
    base = fit_pack(ages_only, schema)
    design = design_of(ages_only, schema, base)
    values = np.array(
        [
            [g.fitted for g in fit_replicate(design, "ee-rare", 7, i).gaps]
            for i in range(1, REPLICATES + 1)
        ]
    )
    spread = values.std(axis=0, ddof=1)
    found = []
    for i, gap in enumerate(base.gaps):
        said = gap.statement
        cases = said.value * (said.cases or 0)
        small = said.table == "incidence_site_sex" and 3 <= cases <= 25
        small |= said.table == "incidence_by_band" and 5 <= cases <= 10
        if small:
            # Of a fixed total, a count is binomial: Poisson but for the share of the others.
            poisson = (cases * (1 - said.value)) ** 0.5 / said.cases
            found.append(spread[i] / poisson)
    assert len(found) > 100
    # The median of a standard deviation of 12 draws is 0.97 of the true one.
    assert np.median(found) > 0.88
    assert np.quantile(found, 0.05) > 0.55
    assert np.median(found) < 1.3
