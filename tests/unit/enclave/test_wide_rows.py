"""Records as wide rows, and tables of them again, without SDV: nothing named, no rule broken."""

import hashlib
import json
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from synthgen.cohort.artefact import _hash_of, load_model, save_model
from synthgen.cohort.fitted_model import EngineRecord
from synthgen.cohort.settings import settings_for
from synthgen.cohort.wide_rows import accepted_tables, copula_tables
from synthgen.cohort.write import write_cohort
from synthgen.enclave.engines import ENGINES, Request, drawing_engine, engine_of
from synthgen.enclave.records import open_records
from synthgen.enclave.sdv_engines import chained, sdv_frame, sdv_metadata
from synthgen.enclave.wide_engines import _nobody, _read
from synthgen.enclave.wide_records import wide_records
from synthgen.errors import EvidenceError, ModelError, UsageError
from synthgen.models.copula import Column, GaussianCopula, Marginal
from synthgen.models.wide import MISSING, ROWS
from synthgen.schema.validation import check_tables


@pytest.fixture(scope="module")
def learned(frames, schema):
    with open_records(frames, schema) as records:
        return wide_records(records)


def copula_like(learned):
    """A copula with the marginals of the wide rows and no correlation."""
    columns = []
    above = {high: low for low, high in learned.layout.order}
    for one in learned.layout.codes:
        shares = np.bincount(learned.wide[one.name], minlength=len(one.combinations))
        edges = np.cumsum(shares / shares.sum())
        flat = Marginal("beta", 1.0, 1.0, 0.0, 1.0)
        columns.append(Column(one.name, flat, tuple(range(len(edges))), (*edges[:-1], 1.0)))
    for number in learned.layout.numbers:
        values = learned.wide[number.column]
        low = above.get(number.column, "")
        low = "" if low in above else low
        values = np.log(values - learned.wide[low] + 1.0) if low else values
        first, last = float(values.min()), float(values.max())
        spread = Marginal("beta", 1.0, 1.0, first, last - first)
        digits = 0 if number.decimals == 0 and not low else None
        columns.append(
            Column(number.column, spread, (), (), first, last, digits, low, number.decimals == 0)
        )
    return GaussianCopula(learned.layout, tuple(columns), np.eye(len(columns)))


@pytest.fixture(scope="module")
def model(tmp_path_factory, frames, schema):
    learned, pack, fit, _ = _read(frames, schema, Request(model_id="copula"))
    record = EngineRecord(
        "sdv-gaussian-copula",
        {"versions": {"sdv": "2.0.0"}, "licence": "BUSL-1.1", "drawn": 1, "refused": 0, "further_rows": {"visit": 3}},
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("model") / "model"
    return folder, save_model(
        folder, pack.id, pack.own_schema, pack, fit, engine=record, copula=copula_like(learned)
    )


def test_nothing_that_names_somebody_is_learned(learned, frames):
    names = set(learned.layout.names)
    assert not any("operation_no" in name or "visit_no" in name for name in names)
    said = json.dumps(learned.layout.describe())
    assert not any(number in said for number in frames["operation"]["operation_no"])


def test_columns_that_go_missing_together_are_one(learned, frames):
    one = learned.layout.of_column["operation.grade"]
    assert "operation.margin" in one.columns
    both = set(zip(one.texts("operation.grade"), one.texts("operation.margin"), strict=True))
    people = frames["operation"][["grade", "margin"]].fillna("")
    assert both == set(people.itertuples(index=False, name=None))


def test_linked_rows_beyond_the_first_are_counted(learned, frames):
    of = frames["visit"]["operation_no"]
    assert learned.further == {"visit": len(of) - of.nunique()}
    has = learned.layout.has_row(learned.wide, "visit")
    assert has.sum() == of.nunique()
    assert f"{ROWS}visit" in learned.layout.of_column


def test_orders_of_dates_and_times_hold_in_the_wide_rows(learned):
    pairs = set(learned.layout.order)
    assert ("operation.biopsy_date", "operation.surgery_date") in pairs
    assert ("operation.months_to_relapse", "operation.months_followed") in pairs
    assert learned.layout.in_order(learned.wide).all()


def test_missing_numbers_are_filled_and_their_absence_is_a_code(frames, schema):
    people = frames["operation"].copy()
    gone = np.arange(len(people)) % 4 == 0
    people["size_mm"] = people["size_mm"].astype("Int64").mask(gone)
    with open_records({"operation": people}, schema) as records:
        found = wide_records(records)
    assert np.isfinite(found.wide["operation.size_mm"]).all()
    assert found.layout.is_missing(found.wide, "operation.size_mm").mean() == 0.25
    assert any(f"{MISSING}operation.size_mm" in one.columns for one in found.layout.codes)


def test_sdv_is_given_codes_numbers_and_orders_and_no_keys(learned):
    said = sdv_metadata(learned)["tables"]["subjects"]
    assert set(said) == {"columns"}
    assert said["columns"]["operation.age"] == {"sdtype": "numerical"}
    assert said["columns"]["operation.surgery_date"] == {"sdtype": "numerical"}
    assert {"sdtype": "categorical"} in said["columns"].values()
    frame = sdv_frame(learned)
    assert set(frame.columns) == set(said["columns"])
    assert frame.notna().all().all()
    linked = [name for pair in chained(learned) for name in pair]
    assert len(set(linked)) == len(linked)


def test_rows_of_a_saved_copula_keep_every_rule_of_the_schema(tmp_path, model, schema):
    loaded = load_model(model[0])
    manifest = write_cohort(
        loaded, settings_for(loaded, 300, seed=3), tmp_path / "c", formats=("csv", "parquet")
    )
    report = check_tables(tmp_path / "c", schema)
    assert [found.rule for found in report.broken if found.severity.value == "impossible"] == []
    assert manifest["engine"]["name"] == "sdv-gaussian-copula"
    assert manifest["engine"]["licence"] == "BUSL-1.1"
    card = (tmp_path / "c/DATA_CARD.ko.md").read_text(encoding="utf-8")
    assert "sdv 2.0.0; BUSL-1.1" in card
    assert "visit 3" in card


def test_dates_times_and_links_are_in_order(model):
    made = model[1].generate(400, seed=2)
    people, visits = made["operation"], made["visit"]
    assert (people["surgery_date"] >= people["biopsy_date"]).all()
    assert (people["months_to_relapse"] <= people["months_followed"]).all()
    of = visits.merge(people, on="operation_no", how="left", validate="one_to_one")
    assert (of["visit_date"] >= of["surgery_date"]).all()
    assert (people["grade"].isna() == people["margin"].isna()).all()


def test_the_same_seed_gives_the_same_rows_whatever_follows_them(model):
    few, more = model[1].generate(50, seed=9), model[1].generate(80, seed=9)
    pd.testing.assert_frame_equal(
        few["operation"].astype(object), more["operation"].head(50).astype(object)
    )
    assert not few["operation"].equals(model[1].generate(50, seed=10)["operation"])


def test_conditions_hold_exactly_and_numbers_cannot_be_conditions(model):
    only = model[1].generate(100, seed=2, where={"grade": ("3",)})["operation"]
    assert set(only["grade"]) == {"3"}
    with pytest.raises(UsageError, match="of codes"):
        model[1].generate(10, where={"age_group": ("60-79",)})


def test_a_condition_that_hardly_anybody_meets_is_refused(model):
    loaded = model[1]
    one = loaded.copula.layout.of_column["operation.grade"]
    columns = list(loaded.copula.columns)
    at = next(i for i, c in enumerate(columns) if c.name == one.name)
    size = len(one.combinations)
    last = next(i for i, t in enumerate(one.texts("operation.grade")) if t == "3")
    order = [*(i for i in range(size) if one.texts("operation.grade")[i] != "3")]
    order += [i for i in range(size) if one.texts("operation.grade")[i] == "3"]
    edges = tuple(1.0 - 1e-9 * (size - 1 - i) for i in range(size))
    first = len([i for i in order if one.texts("operation.grade")[i] != "3"])
    edges = tuple((i + 1) / first if i < first - 1 else edges[i] for i in range(size))
    columns[at] = replace(columns[at], positions=tuple(order), edges=edges)
    assert last in order[first:]
    rare = replace(
        loaded, copula=GaussianCopula(loaded.copula.layout, tuple(columns), np.eye(len(columns)))
    )
    with pytest.raises(EvidenceError, match="hardly anybody"):
        copula_tables(rare, 1, 0, 10, {"grade": ("3",)})


def test_an_engine_whose_rows_all_break_a_rule_is_given_up(model):
    loaded = model[1]
    wide = loaded.copula.sample(2_000, np.random.default_rng(1))
    wide["operation.biopsy_date"] = wide["operation.surgery_date"] + 10
    layout = replace(loaded.copula.layout, order=())
    with pytest.raises(ModelError, match="broke rules of the schema"):
        accepted_tables(loaded, layout, lambda *_: wide, 10, seed=1)


def test_identifiers_are_none_of_the_records_even_in_the_form_of_the_schema(frames, schema, model):
    learned, _, _, real = _read(frames, schema, Request())
    assert real["operation.operation_no"] == set(frames["operation"]["operation_no"])
    found = copula_tables(model[1], 1, 0, 200)
    bare = replace(model[1], sha256="")
    tables = _nobody(bare, learned, found, 1, real)
    numbers = tables["operation"]["operation_no"]
    assert numbers.is_unique
    assert numbers.str.fullmatch("OP[0-9]{4}").all()
    assert not set(numbers) & real["operation.operation_no"]
    assert set(tables["visit"]["operation_no"]) <= set(numbers)
    everything = {"operation.operation_no": {f"OP{i:04d}" for i in range(10_000)}}
    with pytest.raises(ModelError, match="too few that no record has"):
        _nobody(bare, learned, found, 1, everything)


def rewritten(folder, target, change):
    """Copy of a model folder with another description whose hash is right."""
    shutil.copytree(folder, target)
    document = json.loads((target / "model.json").read_text(encoding="utf-8"))
    change(document)
    document["sha256"] = _hash_of(document)
    (target / "model.json").write_text(json.dumps(document), encoding="utf-8")
    return target


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["copula"]["layout"]["tables"].append(["nowhere", "operation"]),
        lambda d: d["copula"]["layout"]["numbers"][0].__setitem__("column", "operation.operation_no"),
        lambda d: d["copula"]["layout"]["codes"][0]["columns"].__setitem__(0, "operation.age"),
        lambda d: d["copula"]["columns"].pop(),
        lambda d: d["copula"].__setitem__("columns", [{}] * 200_000),
        lambda d: d["copula"].__setitem__("columns", "x"),
        lambda d: d.__setitem__("copula", []),
    ],
)  # fmt: skip
def test_hostile_descriptions_are_refused(tmp_path, model, change):
    with pytest.raises(ModelError) as caught:
        load_model(rewritten(model[0], tmp_path / "m", change))
    assert "\n" not in str(caught.value)


def test_an_array_of_objects_is_never_unpickled(tmp_path, model):
    target = rewritten(model[0], tmp_path / "m", lambda _: None)
    trap = tmp_path / "trap.npy"
    np.save(trap, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(target / "arrays.npz") as old:
        members = {n: old.read(n) for n in old.namelist()}
    members["copula/correlation.npy"] = trap.read_bytes()
    with zipfile.ZipFile(target / "arrays.npz", "w") as new:
        for name, content in members.items():
            new.writestr(name, content)
    digest = hashlib.sha256((target / "arrays.npz").read_bytes()).hexdigest()
    again = rewritten(
        target, tmp_path / "n", lambda d: d["files"].__setitem__("arrays.npz", digest)
    )
    with pytest.raises(ModelError, match=r"is object \(1,\); it must be float64"):
        load_model(again)


def test_engines_say_whether_they_save_a_model():
    assert ENGINES["sdv-gaussian-copula"].fit is not None
    for name in ("sdv-ctgan", "sdv-tvae"):
        with pytest.raises(UsageError, match="saves no model"):
            engine_of(name)
    with pytest.raises(UsageError, match="must be fitted first"):
        drawing_engine("own")
    with pytest.raises(UsageError, match="there is none; choose of sdv-ctgan, sdv-tvae"):
        drawing_engine("sdv-hma")
