"""Clinical tables keep the published survival, and depend on stage and markers as the model says.

Groups are told by the clinical tables alone: the stage by its row before treatment, treatment
by its operations and lines.  The published figures are those that the model meets exactly, of
estimators that can be made again from dates; each may be missed by one cohort in a million.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import binomtest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.follow_up import FollowUpRule

#: Diagnoses end in 2028: everybody can be followed for ten years.
LONG = FollowUpRule("2039-12-31")
SEEN = {"gist": 9000, "uveal_melanoma": 6000, "osteosarcoma": 5000, "thymoma": 4000}
TIME = 5.0
#: Entity, group, table of the pack, codes of the summary stage that it is published for.
PUBLISHED = (
    ("gist", "M0", "survival_gist_netherlands", ("1", "2", "3", "4", "5")),
    ("gist", "M1", "survival_gist_netherlands", ("7",)),
    ("uveal_melanoma", "early", "survival_uveal_stage_usa", ("1",)),
    ("uveal_melanoma", "M1", "survival_uveal_stage_usa", ("7",)),
    ("uveal_melanoma", "all", "survival_uveal_usa", ()),
    ("thymoma", "all", "survival_thymoma_korea", ()),
)


@cache
def model():
    return load_model("kr-rare")


@pytest.fixture(scope="module")
def made(patients):
    """Cohorts with clinical tables, one for each entity."""
    return {
        entity: patients(
            model(), n, seed=21, where={"entity": (entity,)}, follow_up=LONG, clinical="all"
        )
        for entity, n in SEEN.items()
    }


def first_tumours(cohort):
    """First tumour of each patient, whose follow-up is estimated."""
    return cohort["tumour"][cohort["tumour"]["tumour_sequence"] == 1].reset_index(drop=True)


def tumours(cohort):
    """Groups of first tumours, in order, that their clinical stage tells."""
    rows = cohort["staging"]
    rows = rows[rows["timing"].astype(str) == "c"].drop_duplicates("tumour_id", keep="last")
    stage = first_tumours(cohort).merge(
        rows, on="tumour_id", how="left", suffixes=("", "_clinical")
    )
    m = stage["m"].astype(object).fillna("").astype(str).str[:2].to_numpy()
    group = stage["stage_group_clinical"].astype(object).fillna("").astype(str).to_numpy()
    return {
        "M0": m == "M0",
        "M1": m == "M1",
        "early": np.isin(group, ["I", "IIA", "IIB"]) & (m == "M0"),
        "all": np.ones(len(stage), dtype=bool),
    }


def given(cohort, table):
    """Whether each tumour has a row of a table."""
    return first_tumours(cohort)["tumour_id"].isin(cohort[table]["tumour_id"]).to_numpy()


def published(entity, table, stages):
    """The interval that a figure was printed as, and the figure of the model."""
    asked = {"entity": (entity,), **({"seer_stage": stages} if stages else {})}
    (gap,) = (
        g
        for g in model().gaps
        if g.statement.table == table
        and g.statement.time == TIME
        and {k: tuple(v) for k, v in g.statement.given.items()} == asked
    )
    assert abs(gap.standard_errors) < 0.05, "met exactly by the model"
    return gap.statement.lower, gap.statement.upper


@pytest.mark.parametrize(("entity", "group", "table", "stages"), PUBLISHED)
def test_survival_by_stage_of_the_clinical_tables_is_the_published_one(
    made, beyond, entity, group, table, stages
):
    seen = made[entity]
    rows = tumours(seen.cohort)[group]
    curve = seen.seen.curve(rows, "net", (TIME,))
    found = float(curve.at(np.array([TIME]))[0])
    error = found * float(np.sqrt(curve.log_variance_at(np.array([TIME]))[0]))
    lower, upper = published(entity, table, stages)
    assert error < 0.04
    assert lower - beyond(len(PUBLISHED)) * error < found < upper + beyond(len(PUBLISHED)) * error


def test_treated_and_untreated_together_live_as_published(made, beyond):
    """Each group has its own curve; with their shares they make the published one."""
    seen = made["uveal_melanoma"]
    treated = given(seen.cohort, "surgery") | given(seen.cohort, "radiotherapy")
    at = np.array([TIME])
    curves = [seen.seen.curve(rows, "net", (TIME,)) for rows in (treated, ~treated)]
    share = np.array([treated.mean(), 1 - treated.mean()])
    found = np.array([c.at(at)[0] for c in curves])
    error = found * np.sqrt([c.log_variance_at(at)[0] for c in curves])
    lower, upper = published("uveal_melanoma", "survival_uveal_usa", ())
    width = beyond(1) * float(np.sqrt((share**2 * error**2).sum()))
    assert lower - width < float((share * found).sum()) < upper + width


def test_no_clinical_event_is_before_the_diagnosis_or_after_death(made):
    cohort = made["gist"].cohort
    dates = {
        "staging": "staging_date", "pathology": "specimen_date", "surgery": "surgery_date",
        "treatment_line": "start_date", "outcome": "event_date",
    }  # fmt: skip
    people = cohort["tumour"].merge(cohort["patient"], on="patient_id").set_index("tumour_id")
    for table, column in dates.items():
        rows = cohort[table]
        assert (
            rows[column].to_numpy() >= people["diagnosis_date"][rows["tumour_id"]].to_numpy()
        ).all()
        assert (
            rows[column].to_numpy() <= people["last_contact_date"][rows["tumour_id"]].to_numpy()
        ).all()


@pytest.mark.parametrize("entity", ["gist", "osteosarcoma"])
def test_survival_is_shorter_and_treatment_other_with_metastasis_as_the_model_says(
    made, beyond, entity
):
    seen = made[entity]
    groups = tumours(seen.cohort)
    surgery, lines = given(seen.cohort, "surgery"), given(seen.cohort, "treatment_line")
    domain = model().distribution.domain.codes["first_treatment"]
    operated = np.array([code[0] == "1" for code in domain])
    drugs = np.array([code[1] == "1" for code in domain])
    survival, share = {}, {}
    for group, stages in (("M0", ("1", "2", "3", "4", "5")), ("M1", ("7",))):
        where = {"entity": (entity,), "seer_stage": stages}
        rows = groups[group]
        n = int(rows.sum())
        flags = model().distribution.marginal(("first_treatment",), where)
        expected = float(flags[operated].sum())
        error = np.sqrt(expected * (1 - expected) / n)
        share[group] = float(surgery[rows].mean())
        assert abs(share[group] - expected) < beyond(4) * error
        # Later lines come on top of those of the first course.
        first = float(flags[drugs].sum())
        assert lines[rows].mean() > first - beyond(4) * np.sqrt(first * (1 - first) / n)
        survival[group] = float(seen.seen.curve(rows, "net", (TIME,)).at(np.array([TIME]))[0])
    assert survival["M0"] > survival["M1"] + 0.25
    assert share["M0"] > share["M1"]


def test_avapritinib_is_given_to_metastatic_tumours_with_the_mutation_it_is_for(made):
    cohort = made["gist"].cohort
    markers = cohort["biomarker"]
    mutated = markers["tumour_id"][markers["hgvs"].astype(object).fillna("") == "p.D842V"]
    lines = cohort["treatment_line"].merge(cohort["tumour"], on="tumour_id")
    named = lines["regimen"].astype(str) == "Avapritinib"
    assert named.sum() > 5
    assert lines["tumour_id"][named].isin(mutated).all()
    flagged = lines["first_treatment_flags"].astype(str).str[1] == "1"
    first = lines[(lines["seer_stage"].astype(str) == "7") & (lines["line_number"] == 1) & flagged]
    first = first[first["tumour_id"].isin(mutated)]
    hits = int((first["regimen"].astype(str) == "Avapritinib").sum())
    assert binomtest(hits, len(first), 0.8).pvalue > 1e-6


def test_loss_of_chromosome_3_goes_with_death_of_uveal_melanoma_as_the_template_says(made, beyond):
    cohort = made["uveal_melanoma"].cohort
    people = cohort["tumour"].merge(cohort["patient"], on="patient_id")
    fatal = people["death_cause_icd10"].astype(object) == people["icd10"].astype(object)
    tested = cohort["biomarker"]
    tested = tested[tested["marker"].astype(str) == "monosomy3"]
    lost = (tested["result"].astype(str) == "positive").to_numpy()
    died = fatal.set_axis(people["tumour_id"])[tested["tumour_id"]].to_numpy()
    for rows, expected in ((died, 0.85), (~died, 31 / 80)):
        error = np.sqrt(expected * (1 - expected) / rows.sum())
        assert abs(lost[rows].mean() - expected) < beyond(2) * error + 0.005
