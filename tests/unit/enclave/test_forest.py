"""Forests of records: leaves of at least k persons, rows that keep the rules, exact conditions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.generate import block_tables
from synthgen.cohort.leaf_record import check_leaves, leaf_counts
from synthgen.cohort.row_rules import RowRules
from synthgen.cohort.settings import settings_for
from synthgen.enclave.arf import LeafTree, grow, ranks_of
from synthgen.enclave.engines import ENGINES, Request
from synthgen.enclave.forest import MIN_LEAF
from synthgen.errors import EvidenceError, ModelError, RecordsError, UsageError
from synthgen.evaluation.refitting import refit_of
from synthgen.evaluation.subjects import subjects_of
from synthgen.models.latent_tree import LatentTree
from synthgen.models.mixture import Mixture
from synthgen.randomness import BLOCK_SIZE
from synthgen.resources import data_root
from synthgen.testing import small_records, small_schema

pytest.importorskip("sklearn", reason="scikit-learn is not installed (extra records)")

FOREST = ENGINES["forest"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("forest") / "model"
    FOREST({"patient": small_records()}, small_schema(), made, Request())
    return made


@pytest.fixture(scope="module")
def model(folder):
    return load_model(folder)


@pytest.fixture(scope="module")
def two(frames, schema, tmp_path_factory):
    return FOREST(frames, schema, tmp_path_factory.mktemp("two") / "model", Request(min_leaf=8))


@pytest.fixture(scope="module")
def cohort(two):
    return two.generate(600, seed=4)


def rows_of(tree: LeafTree, x: np.ndarray) -> np.ndarray:
    return np.bincount(tree.leaves(x))


def test_every_leaf_holds_k_persons_and_the_model_says_so(model):
    leaves, fewest = leaf_counts(model.engine.settings)
    assert model.engine.settings["min_leaf"] == MIN_LEAF
    assert fewest >= MIN_LEAF
    assert leaves > 100
    for counts in model.engine.settings["leaf_persons"]["forest_leaf_patient"]:
        assert sum(counts) == 600


def test_the_default_is_the_smallest_cell_of_the_strictest_free_policies():
    policies = data_root() / "evaluation" / "policies"
    for name in ("public", "enclave", "teaching"):
        policy = json.loads((policies / f"{name}.policy.json").read_text(encoding="utf-8"))
        assert policy["k_min"] == MIN_LEAF


def test_the_same_records_give_the_same_bytes(model, tmp_path):
    again = FOREST({"patient": small_records()}, small_schema(), tmp_path / "m", Request())
    assert again.sha256 == model.sha256


def test_trees_are_cut_back_to_persons_and_not_to_rows():
    rng = np.random.default_rng(3)
    a = rng.integers(0, 12, 400)
    x = np.stack([a, (a + rng.integers(0, 2, 400)) % 12, rng.integers(0, 3, 400)], axis=1)
    persons = np.repeat(np.arange(100), 4)
    grown = grow(x, persons, rng, trees=5, min_leaf=9)
    assert grown.accuracy[0] > 0.6
    for tree in grown.trees:
        leaf = tree.leaves(x)
        assert min(len(set(persons[leaf == at])) for at in np.unique(leaf)) >= 9
        low, high = tree.boxes([12, 12, 3])
        assert ((x >= low[leaf]) & (x <= high[leaf])).all()
        assert rows_of(tree, x).min() > 0


def test_categories_are_put_in_the_order_of_what_they_go_with():
    rng = np.random.default_rng(4)
    size = rng.integers(0, 5, 3_000)
    code = np.array([3, 0, 4, 1, 2])[size]
    other = np.clip(size + rng.integers(-1, 2, 3_000), 0, 4)
    rank = ranks_of([code, other], [5, 5], 0)
    along = rank[np.array([3, 0, 4, 1, 2])]
    assert set(np.abs(np.diff(along))) == {1}


def test_what_goes_together_in_many_variables_stays_together(model):
    records, made = small_records(), model.generate(4_000, seed=2)["patient"]
    for frame in (records, made):
        frame["late"] = frame["death_time"].astype(float) > 3
    for arm in ("a", "c"):
        here = records[(records["arm"] == arm) & (records["marker"] == "pos")]
        there = made[(made["arm"] == arm) & (made["marker"] == "pos")]
        assert there["late"].mean() == pytest.approx(here["late"].mean(), abs=0.12)
    alike = records["relapse_time"] == records["death_time"]
    same = made["relapse_time"] == made["death_time"]
    assert same.mean() == pytest.approx(alike.mean(), abs=0.06)
    assert made["marker"].isna().mean() == pytest.approx(records["marker"].isna().mean(), abs=0.03)


def test_conditions_are_exact_over_the_leaves(model):
    evidence = {"arm": ("c",), "death": ("1",)}
    whole = model.distribution
    assert isinstance(whole, Mixture)
    joint = whole.marginal(("arm", "death", "marker"))
    codes = whole.domain.codes
    part = joint[codes["arm"].index("c"), codes["death"].index("1")]
    assert whole.probability(evidence) == pytest.approx(part.sum(), abs=1e-9)
    given = whole.condition(evidence)
    assert given.marginal(("marker",)) == pytest.approx(part / part.sum(), abs=1e-9)
    made = model.generate(500, seed=3, where=evidence)["patient"]
    assert set(made["arm"]) == {"c"}
    assert set(made["death"]) == {"1"}
    shares = made["marker"].value_counts(normalize=True)
    known = part[:2] / part[:2].sum()
    assert shares[codes["marker"][0]] == pytest.approx(known[0], abs=0.07)


def test_what_no_leaf_holds_is_named(model):
    impossible = {"forest_tree": ("T0001",), "forest_leaf_patient": ("L0001",)}
    size = model.distribution.components["T0001"].domain.size("forest_leaf_patient")
    beyond = model.distribution.domain.codes["forest_leaf_patient"][size:]
    assert model.distribution.probability(impossible) > 0
    if beyond:
        with pytest.raises(EvidenceError, match="has probability zero"):
            model.generate(5, where={**impossible, "forest_leaf_patient": beyond[:1]})


def test_a_block_is_the_same_alone(model):
    settings = settings_for(model, BLOCK_SIZE + 40, seed=5)
    alone = block_tables(model, settings, 1)["patient"]
    assert len(alone) == 40
    again = block_tables(model, settings, 1)["patient"]
    assert alone.equals(again)
    first = model.generate(30, seed=5)["patient"]
    assert not set(first["id"]) & set(alone["id"])


def test_rows_of_two_tables_hang_together_and_break_no_rule(cohort, frames, two):
    operations, visits = cohort["operation"], cohort["visit"]
    assert len(operations) == 600
    assert set(visits["operation_no"]) <= set(operations["operation_no"])
    per = len(frames["visit"]) / len(frames["operation"])
    assert len(visits) / 600 == pytest.approx(per, abs=0.35)
    rules = RowRules(two.schema)
    tables = {"operation": operations, "visit": visits}
    for table in two.schema.tables:
        assert not len(rules.broken(table, tables))
    assert (operations["grade"].isna() == operations["margin"].isna()).all()
    assert (operations["months_to_relapse"] <= operations["months_followed"]).all()


def test_a_condition_on_rows_of_a_second_table_reaches_the_first(two):
    name = next(n for n in two.distribution.domain.names if n.startswith("forest_leaf_visit"))
    child = next(
        t for t in two.distribution.components["T0001"].tables if t.given == (name,) and t.variables
    )
    code = two.distribution.domain.codes[child.variables[0]][0]
    given = two.distribution.condition({child.variables[0]: (code,)})
    assert all(isinstance(part, LatentTree) for part in given.components.values())
    shift = given.marginal(("grade",)) - two.distribution.marginal(("grade",))
    assert np.abs(shift).max() > 0


def test_evaluate_can_fit_a_forest_again(model):
    records, schema = {"patient": small_records()}, small_schema()
    refit = refit_of(model, schema, records, None, subjects_of(records, schema).columns)
    assert refit.gives_the_model()
    half = refit.fitted(np.arange(0, 600, 2))
    assert half.engine.settings["min_leaf"] == MIN_LEAF
    assert len(half.generate(20, seed=1)["patient"]) == 20


def test_leaves_of_fewer_persons_than_two_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"^smallest leaf: is 1 persons; it must be 2 or more"):
        FOREST({"patient": small_records(40)}, small_schema(), tmp_path / "m", Request(min_leaf=1))
    assert not (tmp_path / "m").exists()


def test_fewer_records_than_a_leaf_needs_are_refused(tmp_path):
    with pytest.raises(RecordsError, match=r"^patient: holds rows of 40 persons; .* needs 50"):
        FOREST({"patient": small_records(40)}, small_schema(), tmp_path / "m", Request(min_leaf=50))
    assert not (tmp_path / "m").exists()


def test_a_leaf_below_the_stated_number_is_not_read(model):
    settings = dict(model.engine.settings)
    check_leaves(settings, model.distribution)
    more = leaf_counts(settings)[1] + 1
    with pytest.raises(ModelError, match=f"it must have {more}"):
        check_leaves({**settings, "min_leaf": more}, model.distribution)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"min_leaf": 1}, "must state trees"),
        ({"trees": 7}, "must state trees"),
        ({"leaf_persons": {}}, "must state trees"),
        ({"leaf_persons": {"forest_leaf_patient": [[700]] * 30}}, "a count for each leaf"),
        ({"leaf_persons": {"forest_leaf_nobody": [[700]] * 30}}, "a count for each leaf"),
    ],
)
def test_an_artefact_that_contradicts_itself_is_not_read(model, change, said):
    with pytest.raises(ModelError, match=said):
        check_leaves({**model.engine.settings, **change}, model.distribution)


def test_counts_that_are_not_those_of_the_leaves_are_not_read(model):
    persons = [list(t) for t in model.engine.settings["leaf_persons"]["forest_leaf_patient"]]
    persons[0][0] += 5
    forged = {**model.engine.settings, "leaf_persons": {"forest_leaf_patient": persons}}
    with pytest.raises(ModelError, match="are not their counts"):
        check_leaves(forged, model.distribution)


def test_the_card_says_k_and_that_it_is_no_guarantee(folder):
    english = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    korean = (folder / "MODEL_CARD.ko.md").read_text(encoding="utf-8")
    assert "forest" in english
    assert f"at least k = {MIN_LEAF} persons" in english
    assert "no privacy guarantee" in english
    assert "enclave, no formal protection" in english
    assert f"최소 k = {MIN_LEAF}명" in korean
