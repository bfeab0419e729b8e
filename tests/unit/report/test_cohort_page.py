"""The whole page: complete, escaped, in two languages, the same every time."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from synthgen.errors import UsageError
from synthgen.fidelity.compare import compare
from synthgen.fidelity.comparison import by_gap
from synthgen.messages import LANGUAGES, message
from synthgen.report.charts.dots import dots
from synthgen.report.cohort_page import cohort_report, write_report
from synthgen.statistics.model import Source, Target

HOSTILE = """<script>alert("x")</script>'&"""
MEGABYTE = 1_000_000


class Page(HTMLParser):
    """What a browser would find: elements, attributes, and the text of each language."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {language: [] for language in LANGUAGES}
        self._languages: list[str] = []
        self._cell = ""
        self._silent = 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag in {"td", "th", "tr", "table"}:  # a cell ends where the next one begins
            english = tag == "th" and attributes.get("scope") in {None, "rowgroup"}
            self._cell = attributes.get("lang") or ("en" if english else "")
        if tag in {"span", "text", "title", "desc"}:
            self._languages.append(attributes.get("lang") or "")
        self._silent += tag in {"style"}

    def handle_endtag(self, tag):
        if tag in {"span", "text", "title", "desc"} and self._languages:
            self._languages.pop()
        self._silent -= tag in {"style"}
        if tag in {"td", "th", "tr", "table", "tbody", "thead"}:
            self._cell = ""

    def handle_data(self, data):
        spoken = next((x for x in reversed(self._languages) if x), self._cell)
        for language in LANGUAGES:
            if data.strip() and not self._silent and spoken in {"", language}:
                self.text[language].append(" ".join(data.split()))

    def words(self, language: str) -> str:
        return "\n".join(self.text[language])


@pytest.fixture(scope="module")
def html(compared):
    return cohort_report(compared.model, compared.cohort, compared.all)


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_the_page_are_as_they_were(golden, page, language):
    golden(f"report/page.{language}.txt", page.words(language) + "\n")


def test_the_same_cohort_gives_the_same_bytes(compared, html):
    assert cohort_report(compared.model, compared.cohort, compared.all) == html


def test_every_statement_has_a_row(compared, html):
    numbers = html[html.index('<section id="numbers"') :]
    assert numbers.count("<tr><th>") == len(compared.all)
    assert numbers.count("<svg class=") == len(compared.all) + 3  # and those of the key


def test_tables_without_a_number_to_compare_are_named_and_the_sum_is_that_of_the_pack(
    compared, page
):
    """kr-rare holds 175 tables: 172 are compared; two populations and a life table are not."""
    model = compared.model
    heard = {c.statement.table for c in compared.all}
    silent = [t for t in model.pack.tables if t.name not in heard]
    assert [t.kind for t in silent] == ["life_table"]
    assert f"no number of their own to compare: {silent[0].title} (1)." in page.words("en")
    empty = replace(silent[0], name="empty", kind="counts", title="Empty one", title_ko="모름")
    pack = replace(model.pack, tables=(*model.pack.tables, empty))
    more = Page(cohort_report(replace(model, pack=pack), compared.cohort, compared.all))
    assert f"{silent[0].title} (1)." in more.words("en")
    assert "not compared: Empty one (1)." in more.words("en")
    assert "비교하지 않았습니다: 모름 (1개)" in more.words("ko")
    assert f"from {len(pack.tables) - 2} tables" in more.words("en")


def test_rows_of_a_table_are_ordered_by_gap(html):
    inside = html[html.index("Table incidence", html.index('<section id="numbers"')) :]
    inside = inside[: inside.index("</tbody>")]
    rows = inside.split("<tr>")[1:]
    assert len(rows) > 20
    gaps = [abs(float(row.rsplit(">", 1)[1].strip().replace("−", "-"))) for row in rows]
    assert gaps == sorted(gaps, reverse=True)


def test_nothing_is_asked_for_over_a_network(page, html):
    """No address outside links to sources, which a reader follows or not."""
    for tag, attributes in page.elements:
        assert tag not in {"script", "img", "iframe", "object", "embed", "link", "base", "form"}
        assert not {"src", "srcset", "action", "data", "background"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
        if "href" in attributes:
            assert attributes["href"].startswith(("#", "https://example.org"))
    style = html[html.index("<style>") : html.index("</style>")]
    assert set(re.findall(r"url\((.)", style)) == {"#"}  # shapes of the page itself
    assert "@import" not in style
    assert "default-src 'none'" in html


def test_every_figure_says_what_it_is_and_what_it_is_for(html):
    figures = re.findall(r"<svg [^>]*class=figure>.*?</svg>", html, re.S)
    assert len(figures) > 8
    for figure in figures:
        names = re.search(r'aria-labelledby="?([^">]+?)"?[ >]', figure)
        assert names
        for name in names[1].split():
            assert f" id={name}>" in html
        for language in LANGUAGES:
            assert f"<use lang={language} href=#use-{language} " in figure
    for language in LANGUAGES:
        assert f"<text id=use-{language} " in html
        assert message("intended_use.short", language) in html


def test_table_headers_say_what_they_head(page):
    scopes = [attributes.get("scope") for tag, attributes in page.elements if tag == "th"]
    assert set(scopes) == {"col", "row", "rowgroup", None}  # None: the row, in a table of numbers


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_opens_in_the_language_asked_for(compared, language):
    html = cohort_report(compared.model, compared.cohort, compared.all, language=language)
    assert f'<html lang="{language}">' in html
    checked = re.findall(r'id="lang-(\w+)" checked', html)
    assert checked == [language]


def test_an_unknown_language_is_refused(compared):
    with pytest.raises(UsageError, match="language fr: choose of en, ko"):
        cohort_report(compared.model, compared.cohort, compared.all, language="fr")


def test_no_number_is_missing_in_one_language_only(page):
    digits = {k: sorted(re.findall(r"\d[\d,.]*\d|\d", page.words(k))) for k in LANGUAGES}
    assert abs(len(digits["en"]) - len(digits["ko"])) < 0.05 * len(digits["en"])


def hostile_model(make_model, pack, schema):
    """A pack and a schema whose every title tries to leave its place."""
    tables = tuple(
        replace(t, title=HOSTILE, title_ko=HOSTILE, note=HOSTILE, population=HOSTILE)
        for t in pack.tables
    )
    source = Source("s", HOSTILE, HOSTILE, "open", url=f"javascript:{HOSTILE}", table=HOSTILE)
    bad_pack = replace(
        pack,
        title=HOSTILE,
        title_ko=HOSTILE,
        target=Target(HOSTILE, HOSTILE, "2013-2017"),
        tables=tables,
        sources={"registry": source, "abroad": replace(source, id="t")},
    )
    variables = tuple(
        replace(
            v,
            title=HOSTILE,
            title_ko=HOSTILE,
            categories=tuple(replace(c, title=HOSTILE, title_ko=HOSTILE) for c in v.categories),
        )
        for v in schema.variables
    )
    return make_model(bad_pack, replace(schema, title=HOSTILE, variables=variables))


def test_hostile_titles_stay_text(make_model, pack, schema, cohort):
    model = replace(hostile_model(make_model, pack, schema), id=HOSTILE)
    manifest = {"settings": {"seed": HOSTILE, "cut_off": HOSTILE}, "versions": {HOSTILE: HOSTILE}}
    bad = type(cohort)(model.schema, cohort.tables, manifest)
    html = cohort_report(model, bad, compare(model, bad))
    assert "<script" not in html
    assert 'alert("x")' not in html
    assert "javascript:" not in html
    page = Page(html)
    assert HOSTILE in page.words("en").replace("\n", " ")
    assert {tag for tag, _ in page.elements} & {"script", "iframe"} == set()


def test_a_cohort_asked_for_under_conditions_says_so(model, make_cohort):
    entity = "testicular_germ_cell"
    cohort = make_cohort(keep=entity, where={"entity": [entity]})
    page = Page(cohort_report(model, cohort, compare(model, cohort)))
    words = page.words("en")
    assert "Asked for only: Rare-cancer entity: Testicular germ-cell tumour." in words
    assert "about patients that were not asked for" in words
    assert "wider group" in words
    groups = words[words.rindex("Groups with most patients first") : words.rindex("For each kind")]
    assert "Osteosarcoma" not in groups


def test_a_cohort_of_one_patient_has_a_report(model, make_cohort):
    cohort = make_cohort(1)
    html = cohort_report(model, cohort, compare(model, cohort))
    assert "the cohort has no such patient" in html
    assert "nan" not in re.sub(r"<style>.*?</style>", "", html, flags=re.S)


def test_four_hundred_statements_stay_below_a_megabyte(model, cohort, compared):
    many = tuple(
        replace(c, statement=replace(c.statement, row=i))
        for i, c in enumerate((compared.all * 6)[:440])
    )
    html = cohort_report(model, cohort, many)
    assert len(html.encode()) < MEGABYTE


def small_page(monkeypatch, compared, size):
    monkeypatch.setattr("synthgen.report.cohort_page.LARGEST", size)
    return cohort_report(compared.model, compared.cohort, compared.all)


def test_a_page_that_is_too_large_keeps_every_number_and_the_largest_gaps_keep_their_picture(
    monkeypatch, compared, html
):
    size = len(html.encode()) - 2_000
    small = small_page(monkeypatch, compared, size)
    assert size - 200 < len(small.encode()) <= size
    assert small.count("<tr><th>") == len(compared.all)
    worst = by_gap(compared.all)
    numbers = small[small.index('<section id="numbers"') :]
    drawn = [str(dots(c)) in numbers for c in worst]
    assert drawn[0]
    assert not drawn[-1]
    assert numbers.count("<svg class=") - 3 < len(compared.all)


def test_no_size_is_so_small_that_a_number_or_the_largest_groups_are_lost(
    monkeypatch, compared, html
):
    small = small_page(monkeypatch, compared, 10)
    assert small.count("<tr><th>") == len(compared.all)
    assert small.count("<article") == html.count("<article")  # fewer than are always drawn


def test_the_report_is_written_whole_and_never_over_another(tmp_path, compared):
    target = tmp_path / "report.html"
    write_report(target, compared.model, compared.cohort, compared.all, language="ko")
    assert target.read_text(encoding="utf-8").startswith('<!DOCTYPE html>\n<html lang="ko">')
    with pytest.raises(UsageError, match="exists already"):
        write_report(target, compared.model, compared.cohort, compared.all)
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
