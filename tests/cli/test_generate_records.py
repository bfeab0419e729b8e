"""``fit --engine`` and ``generate --records``: exit codes and one line, nothing written."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from synthgen.cli.main import commands
from synthgen.schema.write import write_schema
from synthgen.testing import small_records, small_schema

SCHEMA = Path(__file__).resolve().parents[2] / "docs/how-to/examples/sarcoma-surgery"


def run(*arguments):
    return CliRunner().invoke(commands, [str(a) for a in arguments])


@pytest.fixture
def records(tmp_path):
    small_records(40).to_csv(tmp_path / "patient.csv", index=False)
    return tmp_path / "patient.csv"


@pytest.fixture
def schema(tmp_path):
    write_schema(small_schema(), tmp_path / "schema")
    return tmp_path / "schema"


@pytest.fixture
def without_sdv(monkeypatch):
    for name in [n for n in sys.modules if n.split(".")[0] in ("sdv", "torch")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sdv", None)


@pytest.mark.usefixtures("without_sdv")
@pytest.mark.parametrize("engine", ["sdv-ctgan", "sdv-tvae"])
def test_without_sdv_nothing_is_drawn(tmp_path, records, schema, engine):
    out = tmp_path / "cohort"
    result = run("generate", "--records", records, "--schema", schema, "--engine", engine, "-n", "5", "-o", out)  # fmt: skip
    assert result.exit_code == 16
    assert len(result.stderr.strip().splitlines()) == 1
    assert "sdv is not installed" in result.stderr
    assert "BUSL-1.1" in result.stderr
    assert not out.exists()


@pytest.mark.usefixtures("without_sdv")
def test_without_sdv_nothing_is_fitted(tmp_path, records, schema):
    out = tmp_path / "model"
    result = run("fit", records, "--schema", schema, "--engine", "sdv-gaussian-copula", "-o", out)
    assert result.exit_code == 16
    assert len(result.stderr.strip().splitlines()) == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "needs a MODEL, or --records"),
        (("kr-demo", "--epochs", "3"), "--epochs: goes with --records"),
        (("kr-demo", "--records", "r"), "stands in place of MODEL"),
        (("--records", "r"), "needs --schema and --engine"),
        (("--records", "r", "--schema", "s", "--engine", "sdv-tvae", "--years", "2"), "--years: goes with a model"),
        (("--records", "r", "--schema", "s", "--engine", "sdv-tvae", "--where", "a=b"), "--where: goes with a model"),
        (("--records", "r", "--schema", str(SCHEMA), "--engine", "own", "-n", "5"), "must be fitted first"),
        (("--records", "r", "--schema", str(SCHEMA), "--engine", "sdv-hma", "-n", "5"), "there is none"),
        (("--records", "r", "--schema", str(SCHEMA), "--engine", "sdv-tvae"), "number of patients"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together_are_named(tmp_path, options, said):
    result = run("generate", *options, "-o", tmp_path / "c")
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "c").exists()


def test_a_network_saves_no_model(tmp_path, records, schema):
    result = run("fit", records, "--schema", schema, "--engine", "sdv-ctgan", "-o", tmp_path / "m")
    assert result.exit_code == 2
    assert "generate --records" in result.stderr
