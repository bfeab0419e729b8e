"""``synthgen diff`` as a person or a script calls it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from synthgen.cli.main import commands

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "schemas" / "rare-cancer" / "1.0.0"


def run(*arguments: object):
    return CliRunner().invoke(commands, [str(a) for a in arguments], prog_name="synthgen")


@pytest.fixture(scope="session")
def cohorts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two cohorts of one model."""
    folder = tmp_path_factory.mktemp("cohorts")
    for seed in (1, 2):
        result = run(
            "generate", "kr-demo", "-n", 3000, "--seed", seed, "--no-report", "--format", "csv",
            "-o", folder / str(seed),
        )  # fmt: skip
        assert result.exit_code == 0, result.output
    return folder / "1", folder / "2"


def test_a_cohort_is_no_different_from_itself(cohorts):
    result = run("diff", cohorts[0], cohorts[0])
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == (
        "0 differences would break a program made for A; 0 are only new."
    )
    assert result.stderr == ""


def test_a_delivery_that_would_break_a_program_ends_with_exit_code_4(cohorts, tmp_path):
    delivery = tmp_path / "delivery"
    delivery.mkdir()
    for name in ("patient", "tumour"):
        text = (cohorts[0] / f"{name}.csv").read_text(encoding="utf-8")
        (delivery / f"{name.upper()}.CSV").write_text(text.replace(",", ";"), encoding="utf-8")
    result = run("diff", cohorts[0], delivery, "--lang", "ko")
    assert result.exit_code == 4
    assert '깨짐  table.form  tumour: 파일 형식이 A는 UTF-8, ",", B는 UTF-8, ";"' in result.stdout
    assert result.stderr.startswith(f"Error: {delivery}")
    assert len(result.stderr.splitlines()) == 1


def test_differences_are_printed_as_json(cohorts):
    result = run("diff", cohorts[0], cohorts[1], "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code == 4) == bool(document["breaking"])
    assert {d["kind"] for d in document["differences"]} <= {
        "codes.unseen",
        "codes.unused",
        "values.beyond",
    }
    assert not any(d["values"] for d in document["differences"])


def test_two_schemas_are_compared_by_id_and_by_folder(tmp_path):
    own = Path(shutil.copytree(SCHEMA, tmp_path / "own"))
    table = json.loads((own / "patient.schema.json").read_text(encoding="utf-8"))
    table["properties"]["birth_month"]["maximum"] = 24
    table["properties"]["hospital"] = {"type": "string"}
    (own / "patient.schema.json").write_text(json.dumps(table), encoding="utf-8")
    result = run("diff", "rare-cancer@1.0.0", own)
    assert result.exit_code == 4
    assert result.stdout.splitlines()[2:] == [
        "BREAKS  column.wider  patient.birth_month: the range is 1..12 in A and wider in B: 1..24",
        "new  column.new  patient.hospital: the column is only in B",
        "1 difference would break a program made for A; 1 is only new.",
    ]
    assert run("diff", own, own).exit_code == 0


@pytest.mark.parametrize(
    ("a", "b", "code", "said"),
    [
        ("rare-cancer", "COHORT", 2, "synthgen check --schema rare-cancer"),
        ("COHORT", "rare-cancer", 2, "give two schemas, or two cohorts or deliveries"),
        ("kr-demo", "kr-demo", 2, "kr-demo is a model"),
        ("COHORT", "no/such", 4, "no/such: is neither a file nor a folder"),
        ("no/such", "COHORT", 4, "no/such: is neither a file nor a folder"),
    ],
)
def test_what_cannot_be_compared_is_one_line(cohorts, a, b, code, said):
    result = run("diff", *(str(cohorts[0]) if x == "COHORT" else x for x in (a, b)))
    assert result.exit_code == code
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
