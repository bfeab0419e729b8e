import json
import shutil
from pathlib import Path

import pytest

from synthgen.errors import SchemaError
from synthgen.resources import data_root
from synthgen.schema.load import load_schema, schema_folder, shipped_schemas
from synthgen.schema.model import ColumnType, Sensitivity

EXAMPLE = Path(__file__).resolve().parents[3] / "docs/how-to/examples/sarcoma-surgery"


def test_an_id_alone_means_the_newest_version():
    assert load_schema("rare-cancer").key == "rare-cancer@1.0.0"


def test_an_id_with_a_version_means_that_version():
    assert schema_folder("rare-cancer@1.0.0").name == "1.0.0"
    assert schema_folder("rare-cancer", "1.0.0").name == "1.0.0"


def test_a_folder_loads_like_an_id():
    assert load_schema(EXAMPLE).id == "sarcoma-surgery"
    assert load_schema(str(EXAMPLE)).id == "sarcoma-surgery"


def test_a_copy_of_the_shipped_schema_says_the_same(tmp_path):
    shutil.copytree(data_root() / "schemas/rare-cancer/1.0.0", tmp_path / "copy")
    assert load_schema(tmp_path / "copy") == load_schema("rare-cancer")


def test_versions_are_ordered_by_number_not_by_text(tmp_path, monkeypatch):
    for version in ("1.2.0", "1.10.0", "draft"):
        (tmp_path / "schemas" / "mine" / version).mkdir(parents=True)
    monkeypatch.setattr("synthgen.resources.data_root", lambda: tmp_path)
    assert [path.name for path in shipped_schemas()["mine"]] == ["1.2.0", "1.10.0"]


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [
        ("rare-cancr", None, "did you mean rare-cancer"),
        ("zzz", None, "there are rare-cancer"),
        ("rare-cancer@9.0.0", None, "has no version 9.0.0; it has 1.0.0"),
        ("rare-cancer", "2.0.0", "has no version 2.0.0; it has 1.0.0"),
        ("../../no-such-folder", None, "is neither a schema of synthgen nor a folder"),
        ("bad\0name", None, "is neither a schema of synthgen nor a folder"),
    ],
)
def test_an_unknown_schema_is_named_with_the_nearest_ones(name, version, said):
    with pytest.raises(SchemaError, match=said) as caught:
        load_schema(name, version)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_dataset_is_named(tmp_path):
    with pytest.raises(SchemaError, match=r"has no dataset\.json"):
        load_schema(tmp_path)


def test_columns_carry_what_the_files_say():
    tumour = load_schema("rare-cancer").table("tumour")
    age = tumour.column("age_at_diagnosis")
    assert (age.type, age.minimum, age.maximum, age.unit, age.unit_ko) == (
        ColumnType.INTEGER, 0, 120, "years of age", "세",
    )  # fmt: skip
    assert age.missing_codes == ("999",)
    assert age.sensitivity is Sensitivity.QUASI_IDENTIFIER
    assert tumour.column("seer_stage").nullable
    assert not tumour.column("topography").nullable
    assert tumour.column("diagnosis_date").type is ColumnType.DATE
    assert tumour.foreign_keys[0].table == "patient"


def test_a_bin_holds_its_lower_edge():
    ages = load_schema("rare-cancer").variable("age_group")
    assert ages.codes[:2] == ("0-4", "5-9")
    assert ages.codes[-1] == "85+"
    assert (ages.categories[1].lower, ages.categories[1].upper) == (5, 10)


def test_a_last_edge_of_null_is_infinity():
    last = load_schema("rare-cancer").variable("net_survival").categories[-1]
    assert (last.code, last.lower, last.upper) == ("15+", 15, float("inf"))


def test_a_joined_code_implies_its_parts():
    morphology = load_schema("rare-cancer").variable("morphology")
    assert morphology.joins == ("tumour.morphology", "tumour.behaviour")
    assert morphology.implies["91803"] == {
        "tumour.morphology": ("9180",),
        "tumour.behaviour": ("3",),
    }


def test_a_family_stands_for_its_members():
    entities = load_schema("rare-cancer").code_lists["entity"]
    assert entities.members("thymic_epithelial") == ("thymoma", "thymic_carcinoma")
    assert entities.members("gist") == ("gist",)
    assert "thymic_epithelial" not in entities
    with pytest.raises(SchemaError, match="has no code or family nothing"):
        entities.members("nothing")


def test_files_that_are_not_needed_may_be_missing(tmp_path):
    (tmp_path / "dataset.json").write_text(
        json.dumps(
            {"format": "schema/1", "id": "a", "version": "1.0.0", "title": "A", "tables": ["t"]}
        )
    )
    (tmp_path / "t.schema.json").write_text(
        json.dumps({"type": "object", "properties": {"나이": {"type": "integer"}}})
    )
    schema = load_schema(tmp_path)
    assert schema.table("t").column("나이").title == "나이"
    assert schema.rules == schema.variables == ()
