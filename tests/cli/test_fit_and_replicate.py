"""``fit --prior`` and ``generate --replicates``, as a person calls them."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from synthgen.cli.main import commands
from synthgen.cohort.artefact import load_model
from synthgen.cohort.replicates import band
from synthgen.evaluation.target import load_target
from synthgen.resources import shipped

PACK = shipped("fitted_models")["kr-demo"] / "statistics"


def run(*arguments: object):
    return CliRunner().invoke(commands, [str(a) for a in arguments])


def error_line(result, exit_code: int) -> str:
    assert result.exit_code == exit_code, result.output
    assert result.stdout == ""
    (line,) = [x for x in result.stderr.splitlines() if x]
    return line


# fit --prior


@pytest.fixture(scope="module")
def without_stage(tmp_path_factory) -> Path:
    """The shipped pack without its tables of stage."""
    folder = Path(shutil.copytree(PACK, tmp_path_factory.mktemp("prior") / "pack"))
    described = folder / "datapackage.json"
    document = json.loads(described.read_text(encoding="utf-8"))
    document["name"] = "no-stage"
    kept = []
    for resource in document["resources"]:
        if "seer_stage" in resource["x-synthgen"]["variables"]:
            (folder / resource["path"]).unlink()
        else:
            kept.append(resource)
    document["resources"] = kept
    described.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def with_prior(without_stage, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("model") / "model"
    result = run("fit", without_stage, "--prior", "kr-demo", "-o", out)
    assert result.exit_code == 0, result.output
    assert "\nPrior kr-demo: no published value moved by more than 0." in result.stdout
    return out


def test_a_prior_fills_what_the_pack_leaves_open_and_is_recorded(with_prior):
    prior, made = load_model("kr-demo"), load_model(with_prior)
    document = json.loads((with_prior / "model.json").read_text(encoding="utf-8"))
    assert document["prior"] == {"id": "kr-demo", "sha256": prior.sha256}
    assert made.prior is not None
    assert made.prior.pack.id == "kr-demo"
    of_osteosarcoma = {"entity": ("osteosarcoma",)}
    np.testing.assert_allclose(
        made.distribution.marginal(("seer_stage",), of_osteosarcoma),
        prior.distribution.marginal(("seer_stage",), of_osteosarcoma),
        atol=0.01,
    )
    for name, word in (("MODEL_CARD.md", "Prior"), ("MODEL_CARD.ko.md", "사전분포")):
        card = (with_prior / name).read_text(encoding="utf-8")
        assert word in card
        assert prior.sha256[:16] in card


def test_the_statistics_of_a_prior_are_part_of_the_model(with_prior, tmp_path):
    changed = Path(shutil.copytree(with_prior, tmp_path / "model"))
    table = next((changed / "prior" / "tables").glob("*.csv"))
    table.write_text(table.read_text(encoding="utf-8") + " ", encoding="utf-8")
    line = error_line(run("generate", changed, "-n", 5, "-o", tmp_path / "c"), 12)
    assert f"prior/tables/{table.name}: has been changed" in line


def test_a_prior_of_a_prior_is_refused(without_stage, with_prior, tmp_path):
    line = error_line(run("fit", without_stage, "--prior", with_prior, "-o", tmp_path / "m"), 12)
    assert line.startswith("Error: prior no-stage: was itself fitted with a prior, kr-demo")
    assert not (tmp_path / "m").exists()


def test_a_prior_that_is_not_there_is_named(without_stage, tmp_path):
    line = error_line(run("fit", without_stage, "--prior", "nowhere", "-o", tmp_path / "m"), 11)
    assert line.startswith("Error: nowhere: no such statistics pack")


# generate --replicates

BONE = ("-n", 40, "--seed", 3, "--where", "entity=osteosarcoma", "--format", "csv")


@pytest.fixture(scope="module")
def replicates(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("replicates") / "out"
    result = run("generate", "kr-demo", *BONE, "--replicates", 2, "-o", out)
    assert result.exit_code == 0, result.output
    assert result.stdout == (
        "kr-demo, seed 3: 2 replicates of 40 patients; a 90% band takes 19 or more\n"
    )
    return out


def test_every_replicate_is_a_cohort_with_its_own_manifest(replicates):
    names = sorted(p.name for p in replicates.iterdir())
    assert names == ["replicate-01", "replicate-02", "replicates.csv"]
    base = load_model("kr-demo").sha256
    hashes = set()
    for number in (1, 2):
        folder = replicates / f"replicate-{number:02d}"
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["model"] == {"id": "kr-demo", "sha256": base}
        told = manifest["replicate"]
        assert told["number"] == number
        assert told["redrawn_statements"] == len(load_model("kr-demo").gaps)
        assert told["unpublished_associations"]["spread_log_odds"] == 0.8
        pairs = {(p["earlier"], p["later"]) for p in told["unpublished_associations"]["pairs"]}
        assert {("sex", "seer_stage"), ("first_treatment", "net_survival")} <= pairs
        hashes.add(told["sha256"])
        card = (folder / "DATA_CARD.md").read_text(encoding="utf-8")
        assert f"| Replicate | {number} |" in card
        assert "--replicates 2`" in card
    assert len(hashes | {base}) == 3
    rows = [(replicates / f"replicate-0{i}" / "tumour.csv").read_bytes() for i in (1, 2)]
    assert rows[0] != rows[1]
    assert run("check", replicates / "replicate-01").exit_code == 0


def test_a_replicate_is_believed_because_its_own_model_gives_it_again(replicates, tmp_path):
    assert load_target(str(replicates / "replicate-02"), seed=1).doubt == ""
    copy = shutil.copytree(replicates / "replicate-02", tmp_path / "copy")
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    manifest["replicate"]["of"] = 1
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert load_target(str(copy), seed=1).doubt == "claim.doubt.no_settings"


def test_the_summary_has_every_published_value_beside_its_band(replicates):
    with (replicates / "replicates.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    gaps = load_model("kr-demo").gaps
    assert [(r["table"], int(r["row"])) for r in rows] == [
        (g.statement.table, g.statement.row) for g in gaps
    ]
    for row, gap in zip(rows, gaps, strict=True):
        assert float(row["model"]) == pytest.approx(gap.fitted, rel=1e-5, abs=1e-9)
        assert float(row["band_lower"]) <= float(row["mean"]) * (1 + 1e-5)
        assert float(row["mean"]) <= float(row["band_upper"]) * (1 + 1e-5)


def test_the_files_do_not_depend_on_the_number_of_workers(replicates, tmp_path):
    out = tmp_path / "out"
    result = run("generate", "kr-demo", *BONE, "--replicates", 2, "--jobs", 2, "-o", out, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["replicates"] == ["replicate-01", "replicate-02"]
    files = sorted(p.relative_to(replicates) for p in replicates.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(out) for p in out.rglob("*") if p.is_file())
    for file in files:
        assert (out / file).read_bytes() == (replicates / file).read_bytes(), file


@pytest.mark.parametrize("number", [0, -3, 1001])
def test_a_silly_number_of_replicates_is_refused(number, tmp_path):
    out = tmp_path / "out"
    line = error_line(run("generate", "kr-demo", "-n", 5, "--replicates", number, "-o", out), 2)
    assert line == f"Error: replicates: is {number}; it must be 1 to 1,000"
    assert not out.exists()


def test_the_band_is_where_another_replicate_falls_nine_times_in_ten():
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(4_000):
        drawn = rng.random(20)
        low, high = band(drawn[:19, np.newaxis])
        inside.append(low[0] <= drawn[19] <= high[0])
    error = np.sqrt(0.9 * 0.1 / len(inside))
    assert np.mean(inside) == pytest.approx(0.9, abs=5 * error)
