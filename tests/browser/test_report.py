"""The report in chromium: both languages, narrow and wide, on paper, and without a network.

The page itself has no script; a second page beside it loads it in a frame, presses the
language switch and measures.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from synthgen.cohort.artefact import load_model
from synthgen.fidelity.compare import compare
from synthgen.messages import LANGUAGES, message
from synthgen.report.cohort_page import write_report

pytestmark = pytest.mark.browser

MEGABYTE = 1_000_000

PROBE = """<!DOCTYPE html><meta charset=utf-8><pre id=found></pre>
<iframe src="report.html" style="border:0;width:WIDTHpx;height:900px"></iframe>
<script>
const frame = document.querySelector("iframe");
function shown(page, language) {
  return [...page.querySelectorAll("span[lang=" + language + "], text[lang=" + language + "], use[lang=" + language + "]")]
    .filter(e => page.defaultView.getComputedStyle(e).display !== "none").length;
}
function look(page) {
  const all = page.documentElement;
  return {
    wide: all.scrollWidth, room: all.clientWidth, height: all.scrollHeight,
    en: shown(page, "en"), ko: shown(page, "ko"),
    heading: page.querySelector("h1").innerText,
  };
}
frame.onload = () => {
  const page = frame.contentDocument;
  const found = {first: look(page)};
  for (const language of ["ko", "en"]) {
    page.querySelector("label[for=lang-" + language + "]").click();
    found[language] = look(page);
  }
  for (const d of page.querySelectorAll("details")) d.open = true;
  found.open = look(page);
  found.requests = page.defaultView.performance.getEntriesByType("resource").map(e => e.name);
  found.scripts = page.scripts.length;
  found.rows = page.querySelectorAll("#numbers tbody tr:not(.t)").length;
  const low = page.querySelector("#numbers tbody tr:not(.t)").getBoundingClientRect();
  found.row_height = low.height;
  document.getElementById("found").textContent = JSON.stringify(found);
};
</script>"""


@pytest.fixture(scope="module")
def comparisons():
    model = load_model("kr-demo")
    cohort = model.generate(2_000, seed=7)
    return model, cohort, compare(model, cohort)


@pytest.fixture(scope="module", params=LANGUAGES)
def report(request, comparisons, tmp_path_factory):
    """Path of a report that opens in one language, and that language."""
    folder = tmp_path_factory.mktemp(request.param)
    write_report(folder / "report.html", *comparisons, language=request.param)
    return folder / "report.html", request.param


@pytest.fixture(scope="module", params=[360, 1200])
def found(request, browse, report):
    """What a browser window of one width shows, before and after the switch."""
    path, _ = report
    probe = path.with_name(f"probe-{request.param}.html")
    probe.write_text(PROBE.replace("WIDTH", str(request.param)), encoding="utf-8")
    dom = browse(
        path.parent,
        "--allow-file-access-from-files",
        "--virtual-time-budget=20000",
        f"--window-size={max(request.param + 40, 500)},1000",
        "--dump-dom",
        probe.as_uri(),
    )
    text = re.search(r'<pre id="found">(.*?)</pre>', dom, re.S)
    assert text, "the page did not load in the frame"
    return json.loads(text[1].replace("&amp;", "&"))


def test_a_page_is_as_wide_as_its_window(found):
    """No sideways scrolling of the page, with everything opened, in either language."""
    for state in ("first", "ko", "en", "open"):
        assert found[state]["wide"] <= found[state]["room"], state


def test_one_language_is_shown_and_the_switch_shows_the_other(found, report):
    _, language = report
    other = next(x for x in LANGUAGES if x != language)
    assert found["first"][language] > 500
    assert found["first"][other] == 0
    assert found["ko"]["ko"] > 500
    assert found["ko"]["en"] == 0
    assert found["en"]["en"] > 500
    assert found["en"]["ko"] == 0
    assert re.search("[가-힣]", found["ko"]["heading"])
    assert not re.search("[가-힣]", found["en"]["heading"])


def test_nothing_is_requested_and_nothing_runs(found):
    assert found["requests"] == []
    assert found["scripts"] == 0


def test_every_published_number_has_a_row_that_people_can_read(found, comparisons):
    assert found["rows"] == len(comparisons[2])
    assert 15 < found["row_height"] < 300


def test_the_file_is_below_a_megabyte(report):
    assert report[0].stat().st_size < MEGABYTE


def test_the_page_prints_on_a4_with_the_sentence_on_every_page(browse, report, tmp_path):
    path, language = report
    target = tmp_path / "report.pdf"
    browse(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={target}", path.as_uri())
    assert target.read_bytes().startswith(b"%PDF-")
    if not shutil.which("pdftotext"):
        return
    text = subprocess.run(
        ["pdftotext", "-layout", str(target), "-"], capture_output=True, check=True, text=True
    ).stdout
    pages = text.split("\f")[:-1]
    use = re.sub(r"\s", "", message("intended_use.short", language))
    assert len(pages) > 5
    for number, page in enumerate(pages, start=1):
        assert use in re.sub(r"\s", "", page), f"page {number}"
        assert f"{number} / {len(pages)}" in page
    size = subprocess.run(["pdfinfo", str(target)], capture_output=True, check=True, text=True)
    assert re.search(r"Page size:.*A4", size.stdout)


def test_the_page_is_accessible(violations, report):
    """WCAG 2.2 AA, as far as a program can see."""
    path, language = report
    assert violations(path, language) == []
