"""The commands that make data, as a person or a script calls them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from synthgen.cli.main import commands
from synthgen.exports.contract import contracts, schema_for
from synthgen.resources import shipped

PACK = shipped("fitted_models")["kr-demo"] / "statistics"


def run(*arguments: object):
    return CliRunner().invoke(commands, [str(a) for a in arguments])


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PACK, tmp_path / "pack"))


def only_line(result, exit_code: int) -> str:
    assert result.exit_code == exit_code, result.output
    assert result.stdout == ""
    (line,) = [x for x in result.stderr.splitlines() if not x.startswith("Patients")]
    assert line.startswith("Error: ")
    return line


def test_generate_writes_a_cohort_and_says_what_to_do_next(tmp_path):
    out = tmp_path / "cohort"
    result = run("generate", "kr-demo", "-n", 40, "--seed", 3, "-o", out)
    assert result.exit_code == 0, result.output
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    tumours = manifest["tables"]["tumour"]["rows"]
    assert tumours >= 40
    assert result.stdout == f"kr-demo, seed 3: patient 40, tumour {tumours}\n"
    assert f"synthgen check {out}" in result.stderr
    assert {"patient.csv", "tumour.parquet", "report.html", "manifest.json"} <= {
        p.name for p in out.iterdir()
    }


def test_generate_prints_the_manifest_as_json(tmp_path):
    result = run("generate", "kr-demo", "-n", 5, "--no-report", "--json", "-o", tmp_path / "c")
    manifest = json.loads(result.stdout)
    assert manifest["settings"]["n"] == 5
    assert manifest["synthetic"] is True


def test_where_restricts_to_families_and_bins(tmp_path):
    out = tmp_path / "c"
    result = run(
        "generate", "kr-demo", "-n", 60, "--where", "entity=bone_sarcoma", "--where",
        "age_group=15-19,20-24", "--no-report", "-o", out,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    rows = (out / "tumour.csv").read_text(encoding="utf-8").splitlines()
    header = rows[0].split(",")
    ages = {int(r.split(",")[header.index("age_at_diagnosis")]) for r in rows[1:]}
    sites = {r.split(",")[header.index("topography")][:3] for r in rows[1:]}
    assert ages <= set(range(15, 25))
    assert sites <= {"C40", "C41"}


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["-n", "0"], 2, "number of patients: is 0"),
        (["-n", "5", "--where", "entity"], 2, "--where entity: must be as entity=osteosarcoma"),
        (["-n", "5", "--where", "entity=osteosarkoma"], 2, "did you mean osteosarcoma"),
        (["-n", "5", "--where", "sex=2", "--where", "site_group=testis"], 12, "probability zero"),
        (["-n", "5", "--cut-off", "2016-01-01"], 2, "it must be a day from 2017-12-31 on"),
        (["-n", "5", "--cut-off", "soon"], 2, "soon is no date"),
        (["-n", "5", "--lost-per-year", "-1"], 2, "0 or more is needed"),
        (["-n", "5", "--further-tumours", "-1"], 2, "further tumours: are -1.0 per year"),
        (["-n", "5", "--names", "fi"], 2, "'fi' is not one of 'ko', 'et'"),
        (["-n", "five"], 2, "'five' is not a valid integer"),
        (["-n", "99999999999999"], 2, "there are 2821109907456 identifiers"),
        ([], 2, "a number of patients or a number of years: neither is given"),
        (["-n", "5", "--years", "2"], 2, "both are given; it must be one of them"),
        (["--years", "-2"], 2, "years"),
        (["--years", "0"], 2, "years"),
        (["--years", "2", "--population", "gangwom"], 2, "did you mean Gangwon"),
        (["-n", "5", "--population", "gangwon"], 2, "population: goes with a number of years"),
        (["-n", "5", "--where", "entitty=gist"], 2, "did you mean entity"),
        (["-n", "5", "--format", "xls"], 2, "format xls: choose of csv, parquet, duckdb"),
        (["-n", "5", "--jobs", "0"], 2, "jobs: is 0"),
        (["-n", "5", "--seed", "-4"], 2, "seed: is -4"),
    ],
)
def test_what_makes_no_sense_ends_in_one_line_and_writes_nothing(
    tmp_path, arguments, exit_code, message
):
    model = "kr-rare" if "--years" in arguments else "kr-demo"
    result = run("generate", model, *arguments, "-o", tmp_path / "c")
    assert message in only_line(result, exit_code)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_output_is_not_touched(tmp_path):
    (tmp_path / "c").mkdir()
    result = run("generate", "kr-demo", "-n", 5, "-o", tmp_path / "c")
    assert "exists already" in only_line(result, 2)


def test_an_unknown_model_names_the_shipped_ones(tmp_path):
    result = run("generate", "kr-rarest", "-n", 5, "-o", tmp_path / "c")
    assert "shipped models are" in only_line(result, 12)


def test_a_fit_of_the_shipped_pack_gives_a_model_that_generates(tmp_path, pack):
    model = tmp_path / "model"
    result = run("fit", pack, "-o", model, "--id", "mine")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("mine: ")
    made = run(
        "generate", model, "-n", 5, "--further-tumours", 0, "--no-report", "-o", tmp_path / "c"
    )
    assert made.stdout == "mine, seed 1: patient 5, tumour 5\n"


def test_published_tables_that_contradict_each_other_are_not_fitted(tmp_path, pack):
    bone = pack / "tables" / "osteosarcoma_sex.csv"
    text = bone.read_text(encoding="utf-8")
    (pack / "tables" / "osteosarcoma_sex.csv").write_text(text, encoding="utf-8")
    descriptor = pack / "datapackage.json"
    document = json.loads(descriptor.read_text(encoding="utf-8"))
    name = "osteosarcoma_sex"
    (table,) = [r for r in document["resources"] if r["name"] == name]
    twin = json.loads(json.dumps(table))
    twin["name"], twin["path"] = "osteosarcoma_sex_again", "tables/osteosarcoma_sex_again.csv"
    document["resources"].append(twin)
    descriptor.write_text(json.dumps(document), encoding="utf-8")
    lines = text.splitlines()
    header = lines[0].split(",")
    column = header.index("value") if "value" in header else header.index("lower")
    turned = [lines[0]]
    for line, value in zip(lines[1:], ("5", "95"), strict=False):
        cells = line.split(",")
        for i in {column, *(header.index(c) for c in ("lower", "upper") if c in header)}:
            cells[i] = value
        turned.append(",".join(cells))
    (pack / "tables" / "osteosarcoma_sex_again.csv").write_text(
        "\n".join(turned) + "\n", encoding="utf-8"
    )
    result = run("fit", pack, "-o", tmp_path / "model")
    line = only_line(result, 11)
    assert "pack kr-demo: published tables contradict each other" in line
    assert not (tmp_path / "model").exists()


def test_a_truncated_pack_is_refused(tmp_path, pack):
    path = pack / "datapackage.json"
    path.write_bytes(path.read_bytes()[:500])
    only_line(run("fit", pack, "-o", tmp_path / "model"), 11)
    assert not (tmp_path / "model").exists()


def test_a_path_out_of_the_pack_is_refused(tmp_path, pack):
    path = pack / "datapackage.json"
    secret = tmp_path / "secret.csv"
    secret.write_text("sex,value\n1,5\n", encoding="utf-8")
    document = json.loads(path.read_text(encoding="utf-8"))
    document["resources"][0]["path"] = "../secret.csv"
    path.write_text(json.dumps(document), encoding="utf-8")
    only_line(run("fit", pack, "-o", tmp_path / "model"), 11)


def test_catalog_lists_what_is_shipped():
    rows = json.loads(run("catalog", "--json").stdout)
    assert {"kr-demo", "kr-demo/statistics", "rare-cancer@1.0.0"} <= {r["id"] for r in rows}
    assert "희귀암" in run("catalog", "--lang", "ko").stdout


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", ["rare-cancer", "kr-demo", "kr-demo/statistics"])
def test_show_speaks_both_languages(name, language):
    result = run("show", name, "--lang", language)
    assert result.exit_code == 0, result.output
    korean = any("가" <= c <= "힣" for c in result.stdout[:2000])
    assert korean == (language == "ko")


@pytest.mark.parametrize("name", ["rare-cancer", "kr-demo", "kr-demo/statistics"])
def test_show_prints_json(name):
    assert json.loads(run("show", name, "--json").stdout)


def test_show_prints_the_schema_that_a_delivery_is_checked_against():
    for name in contracts():
        schema = schema_for(name)
        shown = run("show", name)
        assert shown.exit_code == 0, shown.output
        listed = [
            line.split("`")[1] for line in shown.stdout.splitlines() if line.startswith("| `")
        ]
        assert {c.name for table in schema.tables for c in table.columns} <= set(listed)
    document = json.loads(run("show", "encr-jrc", "--json").stdout)
    assert [r["name"] for r in document["resources"]] == ["incidence"]
    assert "<table" in run("show", "omop@5.4", "--html", "--lang", "ko").stdout
    assert "omop@5.4, omop@5.3" in only_line(run("show", "omop@6"), 10)
    assert "several versions" in only_line(run("show", "omop"), 10)
    assert "kcure-ccld@1" in only_line(run("show", "kcure"), 2)


def test_show_of_nothing_names_what_there_is():
    assert "synthgen catalog lists" in only_line(run("show", "nothing"), 2)
    assert "kr-demo/statistics" in only_line(run("show", "nothing/statistics"), 11)
    assert "kr-demo/statistics" in only_line(run("show", "kr-demo", "--html"), 2)
    assert "--html is for" in only_line(run("show", "public", "--html"), 2)
