"""The report of an evaluation in chromium: both editions and languages, narrow, and on paper."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from synthgen.cli.main import commands
from synthgen.messages import LANGUAGES, message

pytestmark = pytest.mark.browser

PROBE = """<!DOCTYPE html><meta charset=utf-8><pre id=found></pre>
<iframe src="PAGE" style="border:0;width:360px;height:900px"></iframe>
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {
  const page = frame.contentDocument, all = page.documentElement;
  for (const d of page.querySelectorAll("details")) d.open = true;
  page.querySelector("label[for=lang-ko]").click();
  document.getElementById("found").textContent = all.scrollWidth + " " + all.clientWidth;
};
</script>"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An evaluation of a cohort that copies its records: refused, with every kind of verdict."""
    work: Path = tmp_path_factory.mktemp("evaluation")

    def run(*arguments: object) -> int:
        return CliRunner().invoke(commands, [str(a) for a in arguments]).exit_code

    for seed, name in ((11, "train"), (12, "control")):
        made = run("generate", "kr-demo", "-n", 120, "--seed", seed, "--format", "csv",
                   "--no-report", "-o", work / name)  # fmt: skip
        assert made == 0
    refused = run("evaluate", work / "train", "--policy", "enclave", "--records", work / "train",
                  "--control", work / "control", "-o", work / "evaluation")  # fmt: skip
    assert refused == 3
    return work / "evaluation"


@pytest.fixture(params=["report.html", "report.public.html"])
def page(request, folder):
    return folder / request.param


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_dossier_is_accessible(violations, folder, language):
    assert violations(folder / "dossier.html", language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_accessible(violations, page, language):
    """WCAG 2.2 AA, as far as a program can see."""
    assert violations(page, language) == []


def test_the_page_fits_into_a_telephone(browse, page):
    probe = page.with_name("probe.html")
    probe.write_text(PROBE.replace("PAGE", page.name), encoding="utf-8")
    dom = browse(
        page.parent,
        "--allow-file-access-from-files",
        "--virtual-time-budget=20000",
        "--window-size=500,1000",
        "--dump-dom",
        probe.as_uri(),
    )
    wide, room = re.search(r'<pre id="found">(\d+) (\d+)</pre>', dom).groups()
    assert int(wide) <= int(room)


def test_the_page_prints_on_a4_with_the_verdict_first(browse, page, tmp_path):
    target = tmp_path / "report.pdf"
    browse(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={target}", page.as_uri())
    assert target.read_bytes().startswith(b"%PDF-")
    if not shutil.which("pdftotext"):
        return
    text = subprocess.run(
        ["pdftotext", "-layout", str(target), "-"], capture_output=True, check=True, text=True
    ).stdout
    pages = text.split("\f")[:-1]
    assert message("evaluation.verdict.refused", "en") in pages[0]
    use = re.sub(r"\s", "", message("intended_use.short", "en"))
    assert all(use in re.sub(r"\s", "", one) for one in pages)
    size = subprocess.run(["pdfinfo", str(target)], capture_output=True, check=True, text=True)
    assert re.search(r"Page size:.*A4", size.stdout)
