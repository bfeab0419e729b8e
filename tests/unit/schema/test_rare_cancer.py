"""What is in the shipped schema, against the reference tables it follows."""

import itertools
import json
import re

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from synthgen.resources import data_root
from synthgen.schema.codesets import code_set
from synthgen.schema.load import load_schema
from synthgen.schema.model import ColumnType, Severity
from synthgen.schema.rules import check_rule, is_caught

FOLDER = data_root() / "schemas" / "rare-cancer" / "1.0.0"
SCHEMA = load_schema("rare-cancer")
TUMOUR = SCHEMA.table("tumour")
TOPOGRAPHY = tuple(SCHEMA.code_lists["topography"].index)
MORPHOLOGY = tuple(SCHEMA.code_lists["morphology"].index)

PATIENT_COLUMNS = (
    "patient_id sex birth_year birth_month nationality_code region_code income_quintile "
    "occupation_code vital_status last_contact_date death_date death_cause_icd10"
)
TUMOUR_COLUMNS = (
    "tumour_id patient_id tumour_sequence diagnosis_date age_at_diagnosis topography morphology "
    "behaviour icd10 entity grade laterality basis_of_diagnosis diagnosis_route seer_stage "
    "stage_group metastasis_at_dx first_treatment_flags"
)


def test_the_tables_have_the_columns_of_the_canonical_model():
    assert SCHEMA.table("patient").column_names == tuple(PATIENT_COLUMNS.split())
    assert TUMOUR.column_names == tuple(TUMOUR_COLUMNS.split())


def test_only_what_must_be_known_is_required():
    nullable = [c.name for table in SCHEMA.tables for c in table.columns if c.nullable]
    assert nullable == [
        "birth_month",
        "nationality_code",
        "region_code",
        "income_quintile",
        "occupation_code",
        "death_date",
        "death_cause_icd10",
        "laterality",
        "diagnosis_route",
        "seer_stage",
        "stage_group",
        "metastasis_at_dx",
        "first_treatment_flags",
    ]


def test_everything_has_a_korean_and_an_english_name():
    for table in SCHEMA.tables:
        for column in table.columns:
            assert re.search("[가-힣]", column.title_ko + column.title), column.name
            assert re.search("[가-힣]", column.description_ko), column.name
            assert re.fullmatch("[ -~]+", column.title + column.description), column.name
    for codes in SCHEMA.code_lists.values():
        for code in (*codes.codes, *codes.families):
            assert re.search("[가-힣]|^IS기|^[0IVX]+[ABC]?기", code.title_ko), (codes.name, code)
            assert re.fullmatch("[ -~]+", code.title), (codes.name, code)
    for rule in SCHEMA.rules:
        assert re.search("[가-힣]", rule.message_ko), rule.id


def test_names_within_a_list_tell_codes_apart():
    for codes in SCHEMA.code_lists.values():
        for language in ("en", "ko"):
            names = [code.label(language) for code in codes.codes]
            twice = {name for name in names if names.count(name) > 1}
            assert not twice, codes.name


def test_topography_has_every_code_of_icd_o_3():
    assert len(TOPOGRAPHY) == 330
    assert TOPOGRAPHY[0] == "C000"
    assert TOPOGRAPHY[-1] == "C809"
    assert all(re.fullmatch("C[0-8][0-9]{2}", code) for code in TOPOGRAPHY)
    assert list(TOPOGRAPHY) == sorted(TOPOGRAPHY)


def test_morphology_is_an_open_list_of_four_digit_codes():
    codes = TUMOUR.column("morphology").codes
    assert codes is not None
    assert re.fullmatch(codes.pattern, "8999")
    assert not re.fullmatch(codes.pattern, "91803")


def test_identifiers_cannot_be_a_real_persons():
    assert re.fullmatch(SCHEMA.table("patient").column("patient_id").pattern, "SY0A1B2C3D")
    assert not re.fullmatch(SCHEMA.table("patient").column("patient_id").pattern, "RN00000001")
    assert re.fullmatch(TUMOUR.column("tumour_id").pattern, "SY0A1B2C3DT2")


def test_regions_are_provinces_and_nothing_smaller():
    codes = SCHEMA.variable("region").codes
    assert len([code for code in codes if re.fullmatch("[1-5][0-9]", code)]) == 17
    assert len([code for code in codes if code.startswith("EE")]) == 5
    assert codes[-1] == "99"


def test_the_model_variables_are_the_agreed_ones():
    sizes = {variable.name: len(variable.codes) for variable in SCHEMA.variables}
    assert sizes == {
        "sex": 2, "age_group": 18, "site_group": 61, "entity": 122, "topography": 330,
        "morphology": 571, "laterality": 7, "grade": 9, "basis_of_diagnosis": 10,
        "seer_stage": 8, "first_treatment": 32, "region": 23, "net_survival": 10,
    }  # fmt: skip


def cells_of(implied, prefix=""):
    places = code_set(implied[f"{prefix}topography"]).among(TOPOGRAPHY)
    kinds = code_set(implied[f"{prefix}morphology"]).among(MORPHOLOGY)
    return set(itertools.product(places, kinds))


def test_no_tumour_belongs_to_two_entities():
    seen = {}
    for code in SCHEMA.code_lists["entity"].codes:
        if not code.implies:
            assert code.code == "other_tumour"
            continue
        cells = cells_of(code.implies)
        assert cells, code.code
        for cell in cells:
            assert seen.setdefault(cell, code.code) == code.code


def test_every_malignant_tumour_belongs_to_one_site_group():
    seen = {}
    for category, implied in SCHEMA.variable("site_group").implies.items():
        for cell in cells_of(implied, "tumour."):
            assert seen.setdefault(cell, category) == category
    assert len(seen) == len(TOPOGRAPHY) * len(MORPHOLOGY)


def test_every_entity_names_the_source_of_its_definition():
    assert all(code.source for code in SCHEMA.code_lists["entity"].codes)


@pytest.mark.parametrize(
    ("topography", "morphology", "entity"),
    [
        ("C402", "9180", "osteosarcoma"),
        ("C492", "9180", "extraskeletal_bone_cartilage_sarcoma"),
        ("C402", "9260", "ewing_sarcoma"),
        ("C492", "9260", "ewing_sarcoma_soft_tissue"),
        ("C414", "9370", "chordoma"),
        ("C402", "8800", "other_bone_sarcoma"),
        ("C411", "9310", "other_bone"),
        ("C480", "8858", "liposarcoma"),
        ("C541", "8890", "leiomyosarcoma"),
        ("C169", "8936", "gist"),
        ("C480", "8936", "gist"),
        ("C384", "9052", "mesothelioma"),
        ("C637", "9052", "mesothelioma"),
        ("C379", "8584", "thymoma"),
        ("C379", "8070", "thymic_carcinoma"),
        ("C693", "8772", "uveal_melanoma"),
        ("C690", "8720", "ocular_surface_melanoma"),
        ("C692", "9510", "retinoblastoma"),
        ("C740", "8370", "adrenocortical_carcinoma"),
        ("C741", "9500", "neuroblastoma"),
        ("C621", "9061", "testicular_germ_cell"),
        ("C383", "9064", "extragonadal_germ_cell"),
        ("C172", "8240", "digestive_neuroendocrine_tumour"),
        ("C172", "8140", "small_intestine_carcinoma"),
        ("C445", "8247", "merkel_cell_carcinoma"),
        ("C770", "9663", "hodgkin_lymphoma"),
    ],
)
def test_a_tumour_is_of_the_entity_one_expects(topography, morphology, entity):
    found = [
        code.code
        for code in SCHEMA.code_lists["entity"].codes
        if code.implies and (topography, morphology) in cells_of(code.implies)
    ]
    assert found == [entity]


def test_there_are_at_least_ten_groups_of_soft_tissue_sarcoma():
    assert len(SCHEMA.code_lists["entity"].members("soft_tissue_sarcoma")) >= 10
    assert "soft_tissue_sarcoma_nos" in SCHEMA.code_lists["entity"]


def test_every_rule_lets_its_examples_pass_and_catches_the_others():
    for rule in SCHEMA.rules:
        checked = check_rule(SCHEMA, rule)
        assert rule.passes, rule.id
        assert rule.caught, rule.id
        assert not [row for row in rule.passes if is_caught(SCHEMA, checked, row)], rule.id
        assert [row for row in rule.caught if is_caught(SCHEMA, checked, row)] == list(rule.caught)


@pytest.mark.parametrize(
    "row",
    [
        {"tumour.topography": "C700", "tumour.morphology": "8815"},  # meningeal fibrous tumour
        {"tumour.topography": "C480", "tumour.morphology": "8936"},  # extragastrointestinal
        {"tumour.topography": "C649", "tumour.morphology": "9260"},  # renal Ewing sarcoma
        {"tumour.topography": "C741", "tumour.morphology": "9500", "tumour.age_at_diagnosis": 40},
        {"tumour.topography": "C719", "tumour.morphology": "9470", "tumour.age_at_diagnosis": 30},
        {"tumour.topography": "C621", "tumour.morphology": "8620", "patient.sex": "1"},
    ],
)
def test_a_real_rare_cancer_is_unlikely_and_never_impossible(row):
    row = {"tumour.behaviour": "3", "tumour.basis_of_diagnosis": "7", "tumour.grade": "9", **row}
    caught = [rule for rule in SCHEMA.rules if is_caught(SCHEMA, check_rule(SCHEMA, rule), row)]
    assert caught
    assert {rule.severity for rule in caught} == {Severity.UNLIKELY}


def test_every_rule_has_a_source():
    assert all(rule.source for rule in SCHEMA.rules)


def registry():
    registry = Registry()
    for path in FOLDER.glob("*.json"):
        document = json.loads(path.read_text("utf-8"))
        if "$id" in document:
            registry = Resource.from_contents(document) @ registry
    return registry


def test_the_table_documents_are_json_schemas_that_judge_single_rows():
    validators = {}
    for name in ("patient", "tumour"):
        document = json.loads((FOLDER / f"{name}.schema.json").read_text("utf-8"))
        Draft202012Validator.check_schema(document)
        validators[name] = Draft202012Validator(document, registry=registry())
    row = {
        "tumour_id": "SY0000000AT1", "patient_id": "SY0000000A", "tumour_sequence": 1,
        "diagnosis_date": "2020-05-02", "age_at_diagnosis": 60, "topography": "C402",
        "morphology": "9180", "behaviour": "3", "icd10": "C402", "entity": "osteosarcoma",
        "grade": "9", "basis_of_diagnosis": "7", "seer_stage": None,
    }  # fmt: skip
    assert validators["tumour"].is_valid(row)
    assert validators["tumour"].is_valid({**row, "morphology": "8999"})
    for wrong in (
        {"topography": "C999"},
        {"seer_stage": "6"},
        {"age_at_diagnosis": 121},
        {"tumour_id": "TU1"},
        {"district": "x"},
        {"grade": None},
    ):
        assert not validators["tumour"].is_valid({**row, **wrong}), wrong


def test_maps_to_other_standards_are_there():
    assert TUMOUR.column("topography").maps["kcure"] == "CNCR_RGST.TCODE"
    assert TUMOUR.column("diagnosis_date").maps["naaccr"] == "390"
    mapped = {name for column in TUMOUR.columns for name in column.maps}
    assert mapped == {"kcure", "omop", "mcode", "encr", "naaccr", "simulacrum"}


def test_codes_are_text():
    codes = [c for table in SCHEMA.tables for c in table.columns if c.codes is not None]
    assert all(column.type is ColumnType.CODE for column in codes)
