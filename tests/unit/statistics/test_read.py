"""A pack is read whole or refused with one line that names file and row."""

from __future__ import annotations

import json

import pytest

from synthgen.errors import StatisticsError
from synthgen.schema.model import Schema
from synthgen.statistics.model import Relation
from synthgen.statistics.read import read_pack, readings_of
from synthgen.statistics.statements import block_of, statements_of_table
from synthgen.statistics.write import write_pack

TABLES = {
    "counts": "sex,age_group,value,person_years\n1,0-59,30,1000\n1,60+,<5,300\n2,0-59,70,1100\n2,60+,10,400\n2,unknown,0,0\nall,all,113,2800\n",
    "stage": "entity,stage,value,n\nosteosarcoma,1,56.4,200\nosteosarcoma,regional,19.0,200\nosteosarcoma,7,.d,200\nosteosarcoma,9,~5-9,200\n",
    "survival": "entity,time,value,ci_low,ci_high\nosteosarcoma,1,100.2,,\nosteosarcoma,5,90.1,88.0,92.0\n",
}
OWN = {
    "counts": {"kind": "counts", "variables": ["sex", "age_group"]},
    "stage": {
        "kind": "shares",
        "variables": ["stage"],
        "given": ["entity"],
        "groups": {"stage": {"regional": ["2"]}},
        "relation": "borrowed",
    },
    "survival": {"kind": "relative_survival", "variables": ["net_survival"], "given": ["entity"]},
}


def descriptor():
    resources = []
    for name, own in OWN.items():
        stated = {
            "title_ko": "표",
            "population": "somewhere",
            "period": "2020",
            "source": "s1",
            "relation": "published",
            **own,
        }
        resources.append(
            {"name": name, "path": f"tables/{name}.csv", "title": name, "x-synthgen": stated}
        )
    return {
        "name": "tiny-pack",
        "version": "1",
        "title": "Tiny",
        "resources": resources,
        "x-synthgen": {
            "format": "pack/1",
            "schema": "tiny@1.0.0",
            "origin": "public-statistics",
            "title_ko": "작은 팩",
            "target": {"population": "somewhere", "population_ko": "어딘가", "period": "2020"},
            "blocks": [
                {"name": "incidence", "variables": ["sex", "age_group"]},
                {"name": "entity", "variables": ["entity"]},
                {"name": "stage", "variables": ["stage"]},
                {"name": "survival", "variables": ["net_survival"]},
            ],
            "sources": {
                "s1": {
                    "citation": "Somebody 2020",
                    "licence": "CC BY 4.0",
                    "redistribution": "open",
                }
            },
        },
    }


class Folder:
    """A pack on disk that a test can spoil before reading it."""

    def __init__(self, path, schema: Schema) -> None:
        self.path = path
        self.schema = schema
        self.document = descriptor()
        (path / "tables").mkdir(parents=True)
        for name, text in TABLES.items():
            self.table(name, text)

    def table(self, name, text):
        raw = text if isinstance(text, bytes) else text.encode()
        (self.path / "tables" / f"{name}.csv").write_bytes(raw)

    def own(self, name):
        for resource in self.document["resources"]:
            if resource["name"] == name:
                return resource["x-synthgen"]
        raise KeyError(name)

    def read(self):
        (self.path / "datapackage.json").write_text(json.dumps(self.document), encoding="utf-8")
        return read_pack(self.path, lambda key: self.schema)  # noqa: ARG005

    def refused(self):
        with pytest.raises(StatisticsError) as caught:
            self.read()
        line = str(caught.value)
        assert "\n" not in line
        assert len(line) < 600
        return line


@pytest.fixture
def folder(tmp_path, schema):
    return Folder(tmp_path / "pack", schema)


def test_a_pack_is_read_with_every_awkward_value_named(folder):
    pack = folder.read()
    assert [table.name for table in pack.tables] == ["counts", "stage", "survival"]
    assert pack.tables[1].relation is Relation.BORROWED
    assert pack.readings == (
        "counts row 3: '<5' is read as 1 to 4",
        "counts row 6: age_group unknown: '0' is left out; the table speaks of the others",
        "stage row 4: '.d' is read as not published",
        "stage row 5: '~5-9' is read as 0.05 to 0.09",
        "survival row 2: '100.2' is above 100%: read as 100%",
    )
    assert readings_of(pack.tables, "ko") == (
        "counts 3행: '<5'은(는) 1에서 4 사이로 읽음",
        "counts 6행: age_group 미상: '0'은(는) 제외하며 표는 나머지를 말함",
        "stage 4행: '.d'은(는) 공표하지 않은 값으로 읽음",
        "stage 5행: '~5-9'은(는) 0.05에서 0.09 사이로 읽음",
        "survival 2행: '100.2'은(는) 100%보다 커서 100%로 읽음",
    )


def test_cells_keep_row_members_and_numbers(folder):
    cell = folder.read().table("counts").cells[0]
    assert (cell.row, cell.printed, cell.person_years) == (2, "30", 1000.0)
    assert cell.members["sex"] == ("1",)
    assert len(cell.members["age_group"]) == 12
    assert folder.read().table("survival").cells[1].ci_lower == pytest.approx(0.88)


def test_a_pack_is_written_and_read_back_equal_with_the_same_bytes(folder, tmp_path):
    pack = folder.read()
    first = write_pack(pack, tmp_path / "one")
    again = read_pack(first, lambda key: folder.schema)  # noqa: ARG005
    assert again == pack
    second = write_pack(again, tmp_path / "two")
    for path in sorted(p for p in first.rglob("*") if p.is_file()):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()


def test_a_byte_order_mark_is_accepted(folder):
    folder.table("stage", b"\xef\xbb\xbf" + TABLES["stage"].encode())
    assert folder.read().table("stage").cells[0].printed == "56.4"


def test_cp949_is_accepted_where_it_is_stated_and_named_where_it_is_not(folder):
    text = TABLES["stage"].replace("regional", "국소")
    folder.own("stage")["groups"] = {"stage": {"국소": ["2"]}}
    folder.table("stage", text.encode("cp949"))
    line = folder.refused()
    assert line.startswith("stage: is not utf-8 (byte ")
    assert line.endswith("or state encoding cp949 in its descriptor, which it looks like")
    folder.document["resources"][1]["encoding"] = "cp949"
    assert folder.read().table("stage").cells[1].members["stage"] == ("2",)


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("counts", "", "counts: is empty; it must have a header and rows"),
        ("counts", "sex,age_group,value\n", "counts: has a header but no rows"),
        ("counts", "sex,age_group,value\n1,0-59\n", "counts row 2: has 2 fields; the header has 3"),
        ("counts", "sex,sex,value\n1,1,2\n", "counts row 1: column sex stands twice"),
        ("counts", "sex,value\n1,2\n", "counts row 1: has no column age_group"),
        ("counts", "sex,age_group,value,who\n1,all,2,x\n", "counts row 1: column who is not known"),
        (
            "counts",
            "sex,age_group,value\n1,all,-2\n2,all,3\n",
            "counts row 2: '-2' is out of range",
        ),
        (
            "counts",
            "sex,age_group,value\n1,all,2\n1,all,3\n",
            "counts row 3: is the same cell as row 2",
        ),
        ("counts", "sex,age_group,value\n3,all,2\n", "counts row 2: sex is '3'; it must be a code"),
        ("counts", "sex,age_group,value\n1,all,0\n2,all,0\n", "counts row 2: the total is 0"),
        ("counts", "sex,age_group,value\n1,all,2\x00\n2,all,0\n", "counts: has NUL characters"),
        ("counts", 'sex,age_group,value\n1,all,"2\n', "counts: is not CSV"),
        ("stage", "entity,stage,value\nosteosarcoma,1,156\n", "stage row 2: '156' is out of range"),
        ("stage", "entity,stage,value,n\nosteosarcoma,1,56,0\n", "stage row 2: n is 0"),
        ("survival", "entity,value\nosteosarcoma,90\n", "survival row 1: has no column time"),
        (
            "survival",
            "entity,time,value\nosteosarcoma,1,80\nosteosarcoma,5,90\n",
            "survival row 3: survival at 5 years is 0.9, above 0.8 at 1 years",
        ),
        (
            "survival",
            "entity,time,value,ci_low,ci_high\nosteosarcoma,1,80,90,70\n",
            "survival row 2: confidence limits must be given both",
        ),
        ("survival", b"entity,time,value\n\xff\xfe\xfa,1,80\n", "survival: is not utf-8 (byte 18)"),
    ],
)
def test_a_spoiled_table_is_refused_with_file_and_row(folder, name, text, line):
    folder.table(name, text)
    assert folder.refused().startswith(line)


def _change(*path, to):
    def change(document):
        for part in path[:-1]:
            document = document[part]
        document[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (
            _change("x-synthgen", "format", to="pack/9"),
            "format is pack/9; this version reads pack/1",
        ),
        (
            _change("x-synthgen", "schema", to="tiny@2.0.0"),
            "schema is tiny@2.0.0; tiny@1.0.0 was found",
        ),
        (_change("x-synthgen", "schema", to="../../etc@1.0.0"), "x-synthgen/schema: "),
        (_change("x-synthgen", "origin", to="hearsay"), "x-synthgen/origin: "),
        (_change("x-synthgen", "sources", to={}), "x-synthgen/sources: "),
        (
            _change("x-synthgen", "scope", to={"entity": ["nothing"]}),
            "entity has no code 'nothing'",
        ),
        (
            _change("x-synthgen", "blocks", 1, "variables", to=["sex"]),
            "sex is in block incidence too",
        ),
        (_change("x-synthgen", "blocks", 1, "variables", to=["age"]), "age is no model variable"),
        (
            _change("x-synthgen", "blocks", 1, "variables", to=["site_group"]),
            "entity is in no block",
        ),
        (
            _change("resources", 0, "path", to="tables/../../secret.csv"),
            "it must be tables/counts.csv",
        ),
        (_change("resources", 0, "path", to="/etc/passwd"), "it must be tables/counts.csv"),
        (_change("resources", 0, "name", to="../counts"), "resources/0/name: "),
        (
            _change("resources", 0, "x-synthgen", "kind", to="rumours"),
            "kind is 'rumours'; it must be one of counts",
        ),
        (_change("resources", 0, "x-synthgen", "source", to="s9"), "source 's9' is not among"),
        (
            _change("resources", 0, "x-synthgen", "relation", to="true"),
            "resources/0/x-synthgen/relation: ",
        ),
        (
            _change("resources", 0, "x-synthgen", "variables", to=["sex", "income"]),
            "income is no model variable",
        ),
        (_change("resources", 0, "x-synthgen", "weight", to=0), "resources/0/x-synthgen/weight: "),
        (_change("resources", 0, "x-synthgen", "trick", to=1), "'trick' was unexpected"),
        (_change("resources", 0, "x-synthgen", "unit", to="dozens"), "unit is 'dozens'"),
        (
            _change("resources", 0, "encoding", to="utf-7"),
            "encoding is utf-7; it must be utf-8 or cp949",
        ),
        (
            _change("resources", 1, "x-synthgen", "scope", to={"stage": ["5"]}),
            "stage has no code '5'",
        ),
        (_change("resources", 1, "x-synthgen", "given", to=["stage"]), "both a variable and given"),
        (
            _change("resources", 1, "x-synthgen", "groups", to={"stage": {"a": ["b"], "b": ["a"]}}),
            "contains itself",
        ),
        (
            _change("resources", 1, "schema", to={"fields": [{"name": "x"}]}),
            "its descriptor says x",
        ),
        (
            _change(
                "x-synthgen",
                "sources",
                "s1",
                to={"citation": "S", "licence": "", "redistribution": "open"},
            ),
            "x-synthgen/sources/s1/licence: ",
        ),
        (
            _change(
                "x-synthgen",
                "survival_references",
                to=[{"members": {}, "shape": 1, "median": 1, "cured": 1, "source": "s1"}],
            ),
            "x-synthgen/survival_references/0/cured: ",
        ),
        (
            _change(
                "x-synthgen",
                "survival_references",
                to=[
                    {
                        "members": {"entity": ["x"]},
                        "shape": 1,
                        "median": 1,
                        "cured": 0,
                        "source": "s1",
                    }
                ],
            ),
            "survival reference 1: entity has no code 'x'",
        ),
    ],
)
def test_a_spoiled_descriptor_is_refused(folder, change, part):
    change(folder.document)
    assert part in folder.refused()


def test_a_table_belongs_to_the_last_block_of_anything_it_speaks_about(folder):
    folder.table("counts", "entity,age_group,value\nosteosarcoma,0-59,3\nosteosarcoma,60+,1\n")
    folder.own("counts").update({"variables": ["age_group"], "given": ["entity"]})
    pack = folder.read()
    assert block_of(pack, pack.table("counts")).name == "entity"
    assert block_of(pack, pack.table("stage")).name == "stage"


@pytest.mark.parametrize("label", ["=HYPERLINK(1)", "+1", "@SUM(A1)", "-2", "a\nb", "\tx", "a\n"])
def test_a_label_that_a_spreadsheet_would_run_is_refused(folder, label):
    folder.own("stage")["groups"] = {"stage": {label: ["2"]}}
    assert "x-synthgen/groups/stage" in folder.refused()


def test_a_citation_is_one_line(folder):
    folder.document["x-synthgen"]["sources"]["s1"]["citation"] = "Somebody\n\n## forged"
    assert "sources/s1/citation: " in folder.refused()
    folder.document["x-synthgen"]["sources"]["s1"]["citation"] = "Somebody\n"
    assert "sources/s1/citation: " in folder.refused()


def test_a_table_stands_once(folder):
    folder.document["resources"].append(folder.document["resources"][0])
    assert "table counts stands twice" in folder.refused()


def test_ten_thousand_tables_are_refused(folder):
    folder.document["resources"] = folder.document["resources"][:1] * 10_000
    assert folder.refused().endswith("has 10000 tables; at most 2000 are read")


def test_a_missing_table_is_named(folder):
    (folder.path / "tables" / "stage.csv").unlink()
    assert folder.refused().endswith("stage.csv: is missing; the pack's descriptor names it")


def test_a_link_out_of_the_pack_is_refused(folder, tmp_path):
    outside = tmp_path / "outside.csv"
    outside.write_text(TABLES["stage"], encoding="utf-8")
    (folder.path / "tables" / "stage.csv").unlink()
    (folder.path / "tables" / "stage.csv").symlink_to(outside)
    assert "leads out of the pack" in folder.refused()


def test_a_link_to_itself_is_refused(folder):
    (folder.path / "tables" / "stage.csv").unlink()
    (folder.path / "tables" / "stage.csv").symlink_to("stage.csv")
    assert "stage.csv: " in folder.refused()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"a": NaN}',
        "[" * 5000 + "]" * 5000,
        '{"name": 1, "name": 2}',
        '{"name": "x"}',
    ],
)
def test_a_descriptor_that_is_no_pack_is_refused(folder, text):
    folder.path.joinpath("datapackage.json").write_text(text, encoding="utf-8")
    with pytest.raises(StatisticsError) as caught:
        read_pack(folder.path, lambda key: folder.schema)  # noqa: ARG005
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(StatisticsError, match="is not a folder"):
        read_pack(tmp_path / "nowhere")


def test_a_schema_that_is_not_shipped_is_refused(folder):
    folder.document["x-synthgen"]["schema"] = "no-such-schema@1.0.0"
    folder.path.joinpath("datapackage.json").write_text(
        json.dumps(folder.document), encoding="utf-8"
    )
    with pytest.raises(StatisticsError, match=r"schema no-such-schema@1\.0\.0 cannot be loaded"):
        read_pack(folder.path)


def test_rates_take_their_person_years_from_the_population_table(folder):
    folder.table("counts", "sex,age_group,value\n1,0-59,3.0\n1,60+,2.0\n2,all,1.0\n")
    folder.own("counts")["kind"] = "rates"
    assert "has no person-years and no population table covers it" in folder.refused()
    rows = "".join(
        f"{sex},{band},{people}\n"
        for sex, band, people in (("1", "0-59", 100000), ("1", "60+", 200000), ("2", "all", 300000))
    )
    folder.table("people", "sex,age_group,value\n" + rows)
    own = {**folder.own("counts"), "kind": "population"}
    folder.document["resources"].append(
        {"name": "people", "path": "tables/people.csv", "title": "People", "x-synthgen": own}
    )
    pack = folder.read()
    said = statements_of_table(pack, pack.table("counts"), folder.schema)
    assert [round(s.value, 4) for s in said] == [0.3, 0.4, 0.3]
    assert said[0].cases == pytest.approx(10.0)
