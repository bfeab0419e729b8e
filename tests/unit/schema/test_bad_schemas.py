"""Bad input is normal input: every mistake is one clear line of the class SchemaError."""

import json
import shutil
from pathlib import Path

import pytest

from synthgen.errors import SchemaError
from synthgen.schema.load import load_schema

EXAMPLE = Path(__file__).resolve().parents[3] / "docs/how-to/examples/sarcoma-surgery"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / "mine")
    return tmp_path / "mine"


def edit(folder, name, change):
    path = folder / name
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")


def line(folder):
    with pytest.raises(SchemaError) as caught:
        load_schema(folder)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 600
    assert str(folder) in said
    return said


def test_an_unknown_keyword_is_refused(folder):
    edit(folder, "operation.schema.json", lambda d: d["x-synthgen"].update(primary_keys=["a"]))
    assert "x-synthgen: keyword primary_keys is unknown; known are title_ko" in line(folder)


def test_an_unknown_keyword_of_a_column_is_refused(folder):
    def change(document):
        document["properties"]["age"]["x-synthgen"]["sensitiv"] = "none"

    edit(folder, "operation.schema.json", change)
    assert "properties/age/x-synthgen: keyword sensitiv is unknown" in line(folder)


def test_a_misspelt_sensitivity_is_refused(folder):
    def change(document):
        document["properties"]["age"]["x-synthgen"]["sensitivity"] = "secret"

    edit(folder, "operation.schema.json", change)
    assert 'is "secret"; it must be identifier or quasi-identifier' in line(folder)


def test_a_foreign_key_to_no_table_is_named(folder):
    def change(document):
        document["x-synthgen"]["foreign_keys"][0]["reference"]["table"] = "ghost"

    edit(folder, "visit.schema.json", change)
    assert "table visit: foreign key to ghost: there is no such table" in line(folder)


def test_a_foreign_key_to_something_else_than_the_primary_key_is_named(folder):
    def change(document):
        document["x-synthgen"]["foreign_keys"][0]["reference"]["fields"] = ["age"]

    edit(folder, "visit.schema.json", change)
    assert "refers to age; it must be the primary key of the table (operation_no)" in line(folder)


def test_a_foreign_key_of_a_missing_column_is_named(folder):
    def change(document):
        document["x-synthgen"]["foreign_keys"][0]["fields"] = ["ghost"]

    edit(folder, "visit.schema.json", change)
    assert "foreign key names column ghost, which it does not have" in line(folder)


def test_foreign_keys_of_different_types_are_named(folder):
    def change(document):
        document["properties"]["operation_no"] = {"type": "integer"}

    edit(folder, "visit.schema.json", change)
    assert "operation_no is integer, operation_no is string" in line(folder)


def test_keys_in_a_circle_are_named(folder):
    def one(document):
        document["x-synthgen"]["foreign_keys"] = [
            {
                "fields": ["operation_no", "age"],
                "reference": {"table": "visit", "fields": ["operation_no", "visit_no"]},
            }
        ]

    edit(folder, "operation.schema.json", one)
    assert "foreign keys go in a circle through operation, visit" in line(folder)


def test_a_table_that_refers_to_itself_is_a_circle(folder):
    def change(document):
        document["x-synthgen"]["foreign_keys"] = [
            {
                "fields": ["operation_no"],
                "reference": {"table": "operation", "fields": ["operation_no"]},
            }
        ]

    edit(folder, "operation.schema.json", change)
    assert "foreign keys go in a circle through operation" in line(folder)


def test_a_primary_key_that_may_be_missing_is_named(folder):
    edit(folder, "operation.schema.json", lambda d: d["required"].remove("operation_no"))
    assert "column operation_no of the primary key may be missing" in line(folder)


def test_a_required_column_that_is_none_is_named(folder):
    edit(folder, "operation.schema.json", lambda d: d["required"].append("ghost"))
    assert "required names ghost, which is no column" in line(folder)


def test_an_unknown_code_list_is_named(folder):
    def change(document):
        document["properties"]["status"]["$ref"] = "codelists.json#/$defs/ghost"

    edit(folder, "operation.schema.json", change)
    assert "column status: there is no code list ghost" in line(folder)


@pytest.mark.parametrize(
    "reference",
    [
        "../../../etc/passwd#/$defs/a",
        "file:///etc/passwd",
        "https://example.org/codelists.json#/$defs/status",
        "codelists.json#/$defs/../../x",
    ],
)
def test_a_reference_leads_nowhere_but_to_the_code_lists(folder, reference):
    def change(document):
        document["properties"]["status"]["$ref"] = reference

    edit(folder, "operation.schema.json", change)
    assert "properties/status/$ref: is" in line(folder)


@pytest.mark.parametrize("name", ["../visit", "/etc/passwd", "a/b", "a.b", "", "-x", "x" * 80])
def test_a_table_name_that_could_be_a_path_is_refused(folder, name):
    edit(folder, "dataset.json", lambda d: d.update(tables=[name]))
    assert "tables/0: is" in line(folder)


def test_a_missing_table_file_is_named(folder):
    (folder / "visit.schema.json").unlink()
    assert "visit.schema.json: is not a file" in line(folder)


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("operation.ghost = 'a'", "there is no column operation.ghost"),
        ("ghost.age > 1", "there is no table ghost"),
        ("operation.age > 'a'", "compares number with text"),
        ("operation.status = 'gone'", "operation.status: gone is not a code of the list"),
        ("operation.status in ['b'-'c']", "no code of the list is in b-c"),
        ("operation.age in ['a']", "looks for a str among numbers"),
        ("operation.surgery_date - 1 > 2", "- needs numbers; use days(first, second)"),
        ("group(operation.status, none) = 'a'", "there is no grouping none"),
        ("year(operation.age) > 1", "year() takes date"),
        ("1 = 1", "names no column"),
        ("operation.age >", "is the end; it must be a column"),
        ("operation.age ? 3", "? is not understood"),
        ("operation.age = 1 and", "must be a column"),
        ("operation.age in [3-1]", "3-1 is not a range"),
        ("operation.status in ['ab'-'c']", "ab-c is not a range"),
        ("operation.surgery_date > date '2024-13-01'", "date 2024-13-01 is not a day"),
        ("operation.age = 1 operation.age = 2", "must be nothing more"),
        ("operation.age = 12345678901234567890", "is too long a number"),
        ("(" * 100 + "operation.age = 1" + ")" * 100, "nested more than 40 levels deep"),
        ("left(operation.status, operation.age) = 'a'", "characters written out"),
        (
            "another operation by age where (another operation by age where (other.age = 1))",
            "stands inside another",
        ),
        ("another visit by ghost where (other.visit_no = 1)", "there is no column visit.ghost"),
        (
            "another operation by age where (other.age = 1) and visit.visit_no = 2",
            "another operation: the rule is about rows of visit",
        ),
        ("years(operation.surgery_date) > 1", "years() has 1 arguments; it takes 2"),
    ],
)
def test_a_rule_that_cannot_be_is_named_with_its_mistake(folder, when, said):
    edit(folder, "rules.json", lambda d: d["rules"][0].update(when=when))
    text = line(folder)
    assert "rule SURGERY-BEFORE-BIOPSY: " in text
    assert said in text


def test_an_example_that_should_pass_and_is_caught_is_named(folder):
    def change(document):
        rule = document["rules"][0]
        rule["passes"], rule["caught"] = rule["caught"], rule["passes"]

    edit(folder, "rules.json", change)
    assert "rule SURGERY-BEFORE-BIOPSY: example 1 of passes is caught" in line(folder)


def test_an_example_that_should_be_caught_and_passes_is_named(folder):
    def change(document):
        document["rules"][0]["caught"] = document["rules"][0]["passes"]

    edit(folder, "rules.json", change)
    assert "example 1 of caught is not caught" in line(folder)


def test_an_example_with_a_bad_day_is_named(folder):
    def change(document):
        document["rules"][0]["passes"] = [{"operation.surgery_date": "yesterday"}]

    edit(folder, "rules.json", change)
    assert "operation.surgery_date is not a day" in line(folder)


def test_a_rule_without_examples_is_refused(folder):
    edit(folder, "rules.json", lambda d: d["rules"][0].update(caught=[]))
    assert "rules/0/caught" in line(folder)


def test_two_rules_of_one_name_are_refused(folder):
    edit(folder, "rules.json", lambda d: d["rules"].append(d["rules"][0]))
    assert "rule SURGERY-BEFORE-BIOPSY stands twice" in line(folder)


def test_tables_that_nothing_links_make_no_rule(folder):
    edit(folder, "visit.schema.json", lambda d: d["x-synthgen"].update(foreign_keys=[]))
    assert "tables visit and operation are not linked by foreign keys" in line(folder)


def test_a_code_twice_is_refused(folder):
    def change(document):
        codes = document["$defs"]["status"]["oneOf"]
        codes.append(codes[0])

    edit(folder, "codelists.json", change)
    assert "code list status: code alive stands twice" in line(folder)


def test_a_code_that_implies_a_missing_column_is_refused(folder):
    def change(document):
        document["$defs"]["relapse"]["oneOf"][3]["x-synthgen"]["implies"] = {"ghost": ["a"]}

    edit(folder, "codelists.json", change)
    assert "there is no column operation.ghost" in line(folder)


def test_a_code_that_implies_a_missing_code_is_refused(folder):
    def change(document):
        document["$defs"]["relapse"]["oneOf"][3]["x-synthgen"]["implies"] = {"status": ["gone"]}

    edit(folder, "codelists.json", change)
    assert "implies status: gone is not a code of the list" in line(folder)


def test_a_family_that_the_list_does_not_have_is_refused(folder):
    def change(document):
        document["$defs"]["relapse"]["oneOf"][3]["x-synthgen"]["family"] = "ghost"

    edit(folder, "codelists.json", change)
    assert "code dead_without names family ghost" in line(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"column": "operation.ghost"}, "there is no column operation.ghost"),
        ({"bins": {"edges": [0, 50], "labels": ["a", "b"]}}, "2 edges make 1 bins; there are 2"),
        ({"bins": {"edges": [0, 50, 40], "labels": ["a", "b"]}}, "edges of the bins must ascend"),
        ({"bins": {"edges": [0, 5, 9], "labels": ["a", "a"]}}, "category a stands twice"),
        ({"column": "operation.status"}, "has bins, but operation.status is no number and no date"),
    ],
)
def test_a_variable_that_cannot_be_is_named(folder, change, said):
    edit(folder, "variables.json", lambda d: d["variables"][0].update(change))
    text = line(folder)
    assert "variable age_group: " in text
    assert said in text


def test_a_number_needs_bins_to_be_a_variable(folder):
    edit(folder, "variables.json", lambda d: d["variables"][0].pop("bins"))
    assert "column operation.age has no code list; it needs bins" in line(folder)


def test_bins_that_leave_a_gap_are_refused(folder):
    def change(document):
        document["variables"][0] = {
            "name": "age_group",
            "column": "operation.age",
            "categories": [
                {"code": "a", "lower": 0, "upper": 10},
                {"code": "b", "lower": 20, "upper": 30},
            ],
        }

    edit(folder, "variables.json", change)
    assert "bins a and b are not adjacent" in line(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"time": "ghost"}, "names column ghost"),
        ({"time": "status"}, "time status must be a number"),
        ({"event": "age"}, "event age needs a code list"),
        ({"events": ["gone"]}, "gone is no code of status"),
        ({"competing": ["dead"]}, "a code is an event and competing"),
    ],
)
def test_an_end_point_that_cannot_be_is_named(folder, change, said):
    edit(
        folder,
        "operation.schema.json",
        lambda d: d["x-synthgen"]["end_points"][0].update(change),
    )
    text = line(folder)
    assert "end point overall_survival" in text
    assert said in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pattern": "("}, "pattern is not a regular expression"),
        ({"pattern": "(?=x)y"}, "pattern uses look-around"),
        ({"pattern": r"(a)\1"}, "pattern uses look-around"),
        ({"minimum": 5, "maximum": 1}, "minimum 5 is above maximum 1"),
        ({"type": "boolean"}, "properties/age"),
        ({"type": ["null"]}, "column age: has no type"),
    ],
)
def test_a_column_that_cannot_be_is_named(folder, change, said):
    edit(folder, "operation.schema.json", lambda d: d["properties"]["age"].update(change))
    assert said in line(folder)


def test_a_missing_code_of_a_number_is_a_number(folder):
    def change(document):
        document["properties"]["size_mm"]["x-synthgen"]["missing_codes"] = ["unknown"]

    edit(folder, "operation.schema.json", change)
    assert "missing code unknown is not a number" in line(folder)


def test_columns_that_differ_only_in_case_are_refused(folder):
    edit(folder, "operation.schema.json", lambda d: d["properties"].update(AGE={"type": "integer"}))
    assert "columns differ only in upper and lower case: age" in line(folder)


@pytest.mark.parametrize("name", ["=1+1", "+a", "@a", "-a", " a", 'a"b', "a\nb", ""])
def test_a_column_name_that_could_do_harm_is_refused(folder, name):
    edit(
        folder,
        "operation.schema.json",
        lambda d: d["properties"].update({name: {"type": "integer"}}),
    )
    line(folder)
