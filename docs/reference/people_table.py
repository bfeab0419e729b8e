"""Make the table of people that a pack of patients needs from a fitted population pack.

    python docs/reference/people_table.py kr-population > population_region_sex_age_2023.csv

Prints the people of every combination of the model's variables: the total that the pack's
first table of published counts stands for, times the fitted probability.  Save it among the
tables of a pack, with a descriptor of kind ``population``, and name it as ``target.people``.
"""

from __future__ import annotations

import csv
import sys

import numpy as np

from synthgen.cohort.artefact import load_model
from synthgen.cohort.fitted_model import FittedModel
from synthgen.statistics.hierarchy import strata
from synthgen.statistics.model import Relation


def people_rows(model: FittedModel) -> list[list[str]]:
    """Header and rows of the table of people.

    Parameters
    ----------
    model : FittedModel
        Of a population pack.
    """
    counts = next(
        t for t in model.pack.tables if t.kind == "counts" and t.relation is Relation.PUBLISHED
    )
    total = sum(stratum.total for stratum in strata(counts, model.schema))
    names = model.distribution.domain.names
    people = total * model.distribution.marginal(names)
    rows = [[*names, "value"]]
    for at, value in np.ndenumerate(people):
        codes = [model.distribution.domain.codes[n][i] for n, i in zip(names, at, strict=True)]
        rows.append([*codes, f"{value:.0f}"])
    return rows


if __name__ == "__main__":
    csv.writer(sys.stdout, lineterminator="\n").writerows(people_rows(load_model(sys.argv[1])))
