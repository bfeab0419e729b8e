"""A cohort is believed only where its model gives the same rows and documents again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.follow_up import FollowUpRule
from synthgen.cohort.hashes import content_hashes, file_hashes
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import DATABASE, write_cohort
from synthgen.errors import ContractError
from synthgen.evaluation.subjects import cohort_tables
from synthgen.evaluation.target import load_target
from synthgen.report.targets import draw_report
from synthgen.report.targets import load_target as load_with_reports

MODEL = load_model("kr-demo")


def made(folder: Path, n: int = 40, **options) -> Path:
    formats = options.pop("formats", ("csv",))
    finish = options.pop("finish", None)
    settings = settings_for(MODEL, n, **options)
    write_cohort(
        MODEL,
        settings,
        folder,
        formats=formats,
        finish=None if finish is None else lambda beside: finish("ko", MODEL, settings, beside),
    )
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    return made(tmp_path_factory.mktemp("plain") / "cohort", seed=3)


@pytest.fixture
def copied(plain, tmp_path) -> Path:
    return Path(shutil.copytree(plain, tmp_path / "cohort"))


def hash_again(folder: Path, contents: bool = True, **changes) -> None:
    """Make the manifest fit, as somebody does who wants nobody to see a change."""
    path = folder / "manifest.json"
    said = json.loads(path.read_text(encoding="utf-8")) | changes
    said["files"] = file_hashes(folder, skip=(DATABASE, path.name))
    if contents:
        said["tables"] = content_hashes(MODEL.schema, cohort_tables(folder, MODEL.schema))
    path.write_text(json.dumps(said), encoding="utf-8")


def test_a_cohort_that_its_model_gives_again_is_believed(plain):
    target = load_target(str(plain), seed=1)
    assert target.doubt == ""
    assert target.is_public


@pytest.mark.parametrize(
    "options",
    [
        {"seed": 7, "where": {"entity": ("osteosarcoma",), "sex": ("1",)}, "formats": ("duckdb",)},
        {"follow_up": FollowUpRule("2019-06-30", 0.05), "further_tumours": 0.02},
    ],
)
def test_every_way_of_asking_for_a_cohort_can_be_read_from_its_manifest(tmp_path, options):
    assert load_target(str(made(tmp_path / "cohort", **options)), seed=1).doubt == ""


def one_cell(folder: Path) -> None:
    path = folder / "patient.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines[:-2], lines[-1], lines[-2]]), encoding="utf-8")


def test_rows_that_were_changed_get_no_guarantee_even_if_the_manifest_was_changed_too(copied):
    one_cell(copied)
    with pytest.raises(ContractError, match=r"patient\.csv is not as it was generated"):
        load_target(str(copied), seed=1)
    hash_again(copied, contents=False)
    with pytest.raises(ContractError, match="table patient does not hold what its manifest says"):
        load_target(str(copied), seed=1)
    hash_again(copied)
    target = load_target(str(copied), seed=1)
    assert target.model is not None
    assert target.doubt == "claim.doubt.other_rows"
    assert not target.is_public


def other_settings(said):
    said["settings"]["seed"] = 4


def no_settings(said):
    del said["settings"]["where"]


def other_origin(said):
    said["model"]["sha256"] = "0" * 64


def other_versions(said):
    said["versions"]["numpy"] = "0.9"
    said["settings"]["seed"] = 4


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        (other_settings, "other_rows"),
        (no_settings, "no_settings"),
        (other_origin, "no_model"),
        (other_versions, "other_versions"),
    ],
)
def test_a_manifest_that_does_not_give_the_rows_is_said_so(
    copied: Path, change: Callable[[dict], None], doubt: str
):
    path = copied / "manifest.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    change(said)
    path.write_text(json.dumps(said), encoding="utf-8")
    target = load_target(str(copied), seed=1)
    assert target.doubt == f"claim.doubt.{doubt}"
    assert not target.is_public


@pytest.mark.parametrize("name", ["DATA_CARD.md", "EXTRA.txt"])
def test_a_document_that_the_generator_did_not_write_is_doubted(copied, name):
    (copied / name).write_text("Hong Gildong, 1970-01-01, osteosarcoma\n", encoding="utf-8")
    hash_again(copied)
    assert load_target(str(copied), seed=1).doubt == "claim.doubt.other_documents"


def test_the_report_of_a_cohort_is_drawn_again_in_its_language(tmp_path):
    folder = made(tmp_path / "cohort", n=20, finish=draw_report)
    assert load_target(str(folder), seed=1).doubt == "claim.doubt.other_documents"
    assert load_with_reports(str(folder), seed=1).doubt == ""
    with (folder / "report.html").open("a", encoding="utf-8") as file:
        file.write("<!-- Hong Gildong -->")
    hash_again(folder)
    assert load_with_reports(str(folder), seed=1).doubt == "claim.doubt.other_documents"
