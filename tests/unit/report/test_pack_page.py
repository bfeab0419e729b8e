"""The book of a pack: every printed value, its source, and nothing that runs."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from synthgen.cohort.artefact import load_model
from synthgen.errors import UsageError
from synthgen.messages import LANGUAGES
from synthgen.report.pack_page import pack_book
from synthgen.statistics.model import Source

HOSTILE = """<script>alert("x")</script>'&"""


@pytest.fixture(scope="module")
def html(pack, schema):
    return pack_book(pack, schema)


def test_every_printed_value_has_a_row(html, pack):
    inside = html[html.index("<section id=tables>") : html.index("<section id=sources")]
    assert inside.count("<tr><td") == sum(len(t.cells) for t in pack.tables)
    assert inside.count("<details>") == len(pack.tables)


def test_a_survival_value_stands_with_its_time_limits_and_cases(html):
    survival = html[html.index("Table survival") :]
    survival = survival[: survival.index("</details>")]
    for head in ("Years since diagnosis", "95 % limits", "Cases behind it", "As printed"):
        assert f"<span lang=en>{head}</span>" in survival
    row = survival[survival.index("<tbody>") :].split("<tr>")[1]
    assert re.findall(r"<td>([^<]+)$|<td>([^<]+)<td>", row)
    assert "<td>1<td>300<td>0.84 – 0.96<td>90" in row.replace("\n", "")
    assert "Read from a figure." in survival


def test_every_table_leads_to_its_source(html, pack):
    targets = re.findall(r"href=#source-(\d+)", html)
    assert len(targets) == len(pack.tables)
    for number in targets:
        assert f'id="source-{number}"' in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_book_opens_in_the_language_asked_for(pack, schema, language):
    html = pack_book(pack, schema, language=language)
    assert f'<html lang="{language}">' in html
    assert f'id="lang-{language}" checked' in html


def test_an_unknown_language_is_refused(pack, schema):
    with pytest.raises(UsageError, match="language fr"):
        pack_book(pack, schema, language="fr")


def test_hostile_titles_stay_text(pack, schema):
    source = Source("s", HOSTILE, HOSTILE, "open", url=f"javascript:{HOSTILE}", table=HOSTILE)
    tables = tuple(
        replace(t, title=HOSTILE, title_ko=HOSTILE, note=HOSTILE, unit=HOSTILE) for t in pack.tables
    )
    sources = {"registry": source, "abroad": replace(source, id="t")}
    bad = replace(pack, title=HOSTILE, title_ko=HOSTILE, tables=tables, sources=sources)
    html = pack_book(bad, schema)
    assert "<script" not in html
    assert "javascript:" not in html


def test_the_book_of_the_largest_pack_is_below_a_megabyte():
    model = load_model("kr-rare")
    html = pack_book(model.pack, model.schema)
    assert 100_000 < len(html.encode()) < 1_000_000
