"""Clinical tables: what the registry says happened, in order, with sources, and nothing else."""

import json
from functools import cache

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from synthgen.cohort.artefact import load_model
from synthgen.cohort.clinical.draws import lengths, spread_of
from synthgen.cohort.clinical.rows import child_ids, numbers
from synthgen.cohort.clinical.tables import clinical_schema, clinical_tables
from synthgen.cohort.clinical.templates import (
    ASSUMED,
    PARTS,
    assumed_places,
    cited,
    templates_for,
    without_assumed,
)
from synthgen.cohort.clinical_card import clinical_section
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.errors import UsageError
from synthgen.resources import data_root
from synthgen.schema.load import load_schema
from synthgen.schema.validation.tables import check_tables

FOLDER = data_root() / "schemas" / "clinical"
FORMAT = data_root() / "schemas" / "formats" / "clinical" / "1.schema.json"
FILES = sorted(FOLDER.glob("*.json"))
SCHEMA = load_schema("rare-cancer@1.1.0")
DEEP = [t for t in templates_for() if t.deep]


SOME = "gist,thymoma,leiomyosarcoma,liposarcoma"


@cache
def model(name="kr-rare"):
    return load_model(name)


@cache
def cohort(n=1500, where="", clinical="all"):
    codes = {"entity": tuple(where.split(","))} if where else None
    return model().generate(n, seed=3, where=codes, clinical=clinical)


def values(column):
    """Values of a column; None where one is missing."""
    return [
        None if missing else value for value, missing in zip(column, column.isna(), strict=True)
    ]


def of_entity(table, *entities):
    """Rows of a table beside their tumours', of some entities of one cohort."""
    rows = by_tumour(table, cohort(3000, SOME))
    return rows[rows["entity"].astype(str).isin(entities)]


def by_tumour(table, made):
    """Rows of a table beside their tumour's."""
    return made[table].merge(made["tumour"], on="tumour_id", suffixes=("", "_of_tumour"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_template_keeps_its_format_and_names_its_sources(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator(json.loads(FORMAT.read_text(encoding="utf-8"))).validate(document)
    template = next(t for t in templates_for() if t.id == document["id"])
    assert {source for _, source in cited(template)} <= {ASSUMED, *template.sources}


@pytest.mark.parametrize("template", templates_for(), ids=lambda t: t.id)
def test_a_template_uses_only_codes_of_the_schema(template):
    lists = {name: set(codes.index) for name, codes in SCHEMA.code_lists.items()}
    assert set(template.entities) <= lists["entity"]
    for regimen in template.regimens.values():
        assert {drug["atc"] for drug in regimen["drugs"]} <= lists["atc"]
        assert {drug.get("route", "99") for drug in regimen["drugs"]} <= lists["route"]
    for procedure in template.part("surgery").get("procedures", ()):
        assert set(procedure["codes"]) <= lists["procedure"]
    for plan in template.part("radiotherapy"):
        assert plan["modality"] in lists["rt_modality"]
    for system in template.part("staging"):
        groups = {p[k] for p in system["patterns"] for k in ("group", "group7") if k in p}
        assert groups <= lists["staging_group"]
    for panel in template.part("biomarkers"):
        assert {m["marker"] for m in panel["markers"]} <= lists["marker"]
        assert {m["method"] for m in panel["markers"]} <= lists["biomarker_method"]
        for shares in panel["shares"]:
            assert len(shares["values"]) == len(panel["outcomes"])
    for line in template.part("lines"):
        assert {choice["regimen"] for choice in line["choices"]} <= set(template.regimens)
    assert set(template.part("metastasis")["sites"]) <= lists["topography"]


def test_no_entity_has_two_templates_and_eight_pathways_are_deep():
    entities = [entity for template in templates_for() for entity in template.entities]
    assert len(set(entities)) == len(entities)
    assert len(DEEP) == 8
    assert {
        "osteosarcoma", "leiomyosarcoma", "gist", "thymoma", "uveal_melanoma",
        "adrenocortical_carcinoma", "mesothelioma", "testicular_germ_cell",
    } <= set(entities)  # fmt: skip


def test_the_schema_is_the_registry_core_and_ten_tables():
    core = load_schema("rare-cancer@1.0.0")
    assert SCHEMA.tables[:2] == core.tables
    assert SCHEMA.variables == core.variables
    assert len(SCHEMA.tables) == 12
    assert {rule.id for rule in core.rules} < {rule.id for rule in SCHEMA.rules}


def test_a_cohort_keeps_every_impossible_rule_and_gives_no_drug_before_its_approval(tmp_path):
    settings = settings_for(model(), 1500, seed=5, clinical="all")
    write_cohort(model(), settings, tmp_path / "cohort", formats=("parquet",))
    report = check_tables(tmp_path / "cohort", SCHEMA)
    assert report.passes
    approvals = {rule.id for rule in SCHEMA.rules if rule.id.startswith("DRUG-APPROVAL-")}
    assert len(approvals) == 27
    assert not approvals & {broken.rule for broken in report.broken}


def test_patients_and_tumours_are_the_same_with_and_without_clinical_tables():
    made = cohort()
    plain = model().generate(1500, seed=3)
    for name in ("patient", "tumour"):
        assert made[name].equals(plain[name])
    assert made.manifest["schema"] == "rare-cancer@1.1.0"
    assert plain.manifest["schema"] == "rare-cancer@1.0.0"
    assert tuple(plain) == ("patient", "tumour")
    assert tuple(made) == tuple(table.name for table in SCHEMA.tables)


def test_what_happens_to_a_patient_does_not_depend_on_who_comes_after():
    few = model().generate(300, seed=3, clinical="all")
    many = cohort()
    ids = set(few["patient"]["patient_id"])
    for table in SCHEMA.tables[2:]:
        key = table.primary_key[0]
        mine = many[table.name][many[table.name][key].str[:10].isin(ids)]
        assert mine[key].tolist() == few[table.name][key].tolist(), table.name
        for column in table.column_names:
            assert values(mine[column]) == values(few[table.name][column]), column


@pytest.mark.parametrize(
    ("flag", "table"), [(0, "surgery"), (1, "treatment_line"), (2, "radiotherapy")]
)
def test_each_flag_of_the_first_course_has_its_event(flag, table):
    made = cohort()
    flags = made["tumour"]["first_treatment_flags"].astype(str).str[flag] == "1"
    flagged = set(made["tumour"]["tumour_id"][flags])
    told = set(made[table]["tumour_id"])
    assert flagged <= told if table == "treatment_line" else flagged == told


def test_drugs_before_surgery_are_neoadjuvant_and_those_after_it_adjuvant():
    made = cohort()
    lines = made["treatment_line"].merge(made["surgery"], on="tumour_id")
    before = lines[lines["intent"].astype(str) == "06"]
    after = lines[lines["intent"].astype(str) == "01"]
    assert len(before) > 50
    assert (before["start_date"] <= before["surgery_date"]).all()
    assert (after["start_date"] >= after["surgery_date"]).all()


def test_who_dies_of_the_tumour_after_treatment_has_had_it_come_back_or_progress():
    made = cohort()
    events = by_tumour("outcome", made).merge(made["patient"], on="patient_id")
    dead = events["vital_status"].astype(str) == "2"
    assert (events["event_date"] <= events["last_contact_date"]).all()
    assert dead.mean() > 0.5


def test_stages_agree_with_the_summary_stage():
    rows = by_tumour("staging", cohort())
    rows = rows[rows["m"].notna() & (rows["timing"].astype(str).isin(["c", "p"]))]
    distant = rows["seer_stage"].astype(str) == "7"
    assert rows["m"].astype(str).str.startswith("M1")[distant].all()
    assert (rows["m"].astype(str)[~distant] == "M0").all()


def test_gist_mutations_depend_on_the_site_as_published():
    rows = of_entity("biomarker", "gist")
    exon_9 = rows["hgvs"].astype(object).fillna("").str.startswith("exon 9")
    assert set(rows["topography"].astype(str).str[:3][exon_9]) <= {
        "C17",
        "C18",
        "C19",
        "C20",
        "C26",
    }
    kit = rows[rows["marker"].astype(str) == "KIT"]
    exon_11 = kit["hgvs"].astype(object).fillna("") == "exon 11"
    error = np.sqrt(0.67 * 0.33 / len(kit))
    assert abs(exon_11.mean() - 0.67) < 4 * error
    d842v = rows[rows["hgvs"].astype(object).fillna("") == "p.D842V"]
    assert len(d842v) > 0
    assert not d842v["topography"].astype(str).str.startswith("C17").any()


def test_a_cohort_whose_markers_have_no_levels_has_none():
    assert cohort(200, "gist")["biomarker"]["value_number"].isna().all()


def test_uveal_mutations_exclude_each_other_and_go_with_chromosome_3_and_death():
    made = cohort(2500, "uveal_melanoma")
    rows = made["biomarker"]
    positive = rows["result"].astype(str) == "positive"
    wide = positive.groupby([rows["tumour_id"], rows["marker"].astype(str)]).any().unstack()
    assert not (wide["GNAQ"].eq(True) & wide["GNA11"].eq(True)).any()
    lost = wide["monosomy3"].eq(True)
    known = wide["monosomy3"].notna()
    assert wide["BAP1"][lost].mean() == pytest.approx(0.84, abs=0.05)
    assert wide["EIF1AX"][known & ~lost].mean() == pytest.approx(0.48, abs=0.06)
    patients = made["tumour"].merge(made["patient"], on="patient_id").set_index("tumour_id")
    of_it = patients["death_cause_icd10"].astype(object) == patients["icd10"].astype(object)
    dead = of_it.reindex(wide.index)
    assert lost[known & dead].mean() > lost[known & ~dead].mean() + 0.2


def test_thymomas_have_the_who_type_of_their_morphology_and_masaoka_stages():
    rows = of_entity("pathology", "thymoma")
    typed = rows[rows["grade_value"].notna()]
    expected = {"8581": "A", "8582": "AB", "8583": "B1", "8584": "B2", "8585": "B3", "8586": "C"}
    assert typed["morphology"].astype(str).map(expected).tolist() == typed["grade_value"].tolist()
    assert len(typed) > 50
    assert set(of_entity("staging", "thymoma")["system"].astype(str)) == {"Masaoka", "AJCC8"}


def test_sarcomas_are_graded_by_fnclcc_from_the_grade_that_the_model_drew():
    rows = of_entity("pathology", "leiomyosarcoma", "liposarcoma")
    graded = rows[rows["grade_value"].notna()]
    assert set(graded["grade_system"].astype(str)) == {"FNCLCC"}
    expected = {"1": "1", "2": "2", "3": "3", "4": "3"}
    assert graded["grade"].astype(str).map(expected).tolist() == graded["grade_value"].tolist()
    assert rows["grade_value"].isna().sum() == (rows["grade"].astype(str) == "9").sum()


def test_total_dose_is_fractions_times_dose():
    rows = cohort()["radiotherapy"]
    product = rows["fractions"].astype(float) * rows["dose_per_fraction_gy"].astype(float)
    assert np.allclose(rows["total_dose_gy"].astype(float), product, rtol=0.005)


def _objects(value):
    """Every object of a JSON value."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_published_median_has_published_quartiles_or_a_spread_that_names_its_source(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    for said in _objects(document):
        if "median" in said and said["source"] != ASSUMED:
            assert "quartiles" in said or said["spread"]["source"] in {
                ASSUMED,
                *document["sources"],
            }
        if "codes" in said and len(said["codes"]) > 1:
            assert said["source"] == ASSUMED, "how often each operation is done, nobody published"


def test_the_spread_of_a_published_median_is_named_as_assumed_and_left_out():
    (with_it,) = (t for t in templates_for() if t.id == "osteosarcoma")
    (without,) = (t for t in templates_for(assumed=False) if t.id == "osteosarcoma")
    assert "first_treatment.spread" in assumed_places(with_it)
    normal = np.array([-1.0, 0.0, 1.0])
    assert lengths(with_it.part("first_treatment"), normal) == pytest.approx(
        24 * np.exp(0.5 * normal)
    )
    assert lengths(without.part("first_treatment"), normal).tolist() == [24, 24, 24]


def test_without_the_assumed_a_raised_marker_has_no_level_and_a_size_is_not_the_median():
    made = {"all": cohort(), "published": cohort(clinical="published")}
    markers = {which: tables["biomarker"] for which, tables in made.items()}
    levels = {
        which: rows["value_number"][rows["marker"].astype(str) == "AFP"]
        for which, rows in markers.items()
    }
    assert len(levels["published"]) >= len(levels["all"]) > 0
    assert levels["all"].notna().all()
    assert levels["published"].isna().all()
    (template,) = (t for t in templates_for(assumed=False) if t.id == "adrenocortical")
    assert spread_of(template.part("pathology")["size_mm"]) == 0


def test_without_the_assumed_nothing_assumed_is_left():
    assert all(not assumed_places(t) for t in templates_for(assumed=False))
    assert all(assumed_places(t) for t in templates_for())
    made = cohort(clinical="published")
    assert len(made["measurement"]) == 0
    assert made["surgery"]["asa"].isna().all()
    assert len(made["biomarker"]) > 0
    assert 0 < len(made["treatment_line"]) < len(cohort()["treatment_line"])
    again = {name: made[name] for name in ("patient", "tumour")}
    assert all(again[name].equals(cohort()[name]) for name in again)


def test_assumed_parts_are_taken_out_of_lists_and_objects():
    value = {"a": {"x": 1, "source": ASSUMED}, "b": [{"source": ASSUMED}, {"source": "s", "y": 2}]}
    assert without_assumed(value) == {"b": [{"source": "s", "y": 2}]}


def test_a_block_without_treated_patients_has_all_tables_with_their_columns():
    core = {name: cohort()[name].head(0) for name in ("patient", "tumour")}
    made = clinical_tables(model().sha256, 1, 0, core)
    for table in clinical_schema().tables[2:]:
        assert made[table.name].columns.tolist() == list(table.column_names)
        assert len(made[table.name]) == 0


def test_rows_are_numbered_within_their_tumour():
    at = np.array([0, 0, 3, 3, 3, 7], dtype=np.intp)
    assert numbers(at).tolist() == [1, 2, 1, 2, 3, 1]
    ids = child_ids(np.array([b"SY00000000T1"] * 2), "G", np.array([1, 12], dtype=np.intp))
    assert ids.tolist() == [b"SY00000000T1G01", b"SY00000000T1G12"]


def test_clinical_tables_are_refused_where_they_cannot_be_made():
    with pytest.raises(UsageError, match="clinical: is some; it must be all or published"):
        settings_for(model(), 5, clinical="some")


def test_every_part_of_the_format_is_known():
    properties = json.loads(FORMAT.read_text(encoding="utf-8"))["properties"]
    assert set(PARTS) < set(properties)


def test_the_data_card_says_where_every_number_is_from_and_what_is_assumed():
    settings = settings_for(model(), 5, where={"entity": ("gist",)}, clinical="all")
    english, korean = ("\n".join(clinical_section(model(), settings, w)) for w in ("en", "ko"))
    assert "Corless CL" in english
    assert "biomarkers 1.shares 1" in english
    assumed = [line for line in english.splitlines() if "**assumed**" in line]
    assert assumed[0].startswith("| Gastrointestinal stromal tumour")
    assert {"metastasis", "relapse.kinds"} <= set(assumed[0].split("| ")[-1][:-2].split(", "))
    assert "**가정**" in korean
    assert "Masaoka" not in english
    published = settings_for(model(), 5, where={"entity": ("gist",)}, clinical="published")
    assert "**assumed**" not in "\n".join(clinical_section(model(), published, "en"))
    assert clinical_section(model(), settings_for(model(), 5), "en") == []
