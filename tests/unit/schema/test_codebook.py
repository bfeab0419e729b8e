import json
import re
from html.parser import HTMLParser

import pytest

from synthgen.schema.codebook import codebook_html, codebook_markdown
from synthgen.schema.codebook.wording import WORDING
from synthgen.schema.load import load_schema

SCHEMA = load_schema("rare-cancer")
HOSTILE = "<script>alert('x')</script> | `a` =1+1 [x](javascript:alert(1)) \\ & \u202e"


class Page(HTMLParser):
    """Tags that are open at the end, and everything that was seen."""

    VOID = frozenset({"meta", "br", "link"})

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.ids, self.links, self.text = [], set(), [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        held = dict(attrs)
        if "id" in held:
            self.ids.append(held["id"])
        if "href" in held:
            self.links.append(held["href"])
        assert not any(name.startswith("on") for name in held)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(html):
    page = Page()
    page.feed(html)
    page.close()
    assert page.open == []
    return page


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    title = {"title": HOSTILE, "x-synthgen": {"title_ko": HOSTILE}}
    codes = [{"const": HOSTILE[:40], **title}, *({"const": f"c{n}"} for n in range(9))]
    files = {
        "dataset.json": {
            "format": "schema/1", "id": "h", "version": "1.0.0", "title": HOSTILE,
            "description": HOSTILE, "licence": HOSTILE, "tables": ["t"],
        },
        "codelists.json": {"$defs": {"c": {"type": "string", "oneOf": codes, **title}}},
        "t.schema.json": {
            "type": "object", **title,
            "properties": {
                "a": {"type": "string", "description": HOSTILE, **title},
                "c": {"$ref": "codelists.json#/$defs/c"},
            },
        },
        "rules.json": {
            "format": "rules/1",
            "rules": [{
                "id": "R", "severity": "unlikely", "when": "t.a = '<img src=x>|`'",
                "message": HOSTILE, "source": HOSTILE,
                "passes": [{"t.a": "x"}], "caught": [{"t.a": "<img src=x>|`"}],
            }],
        },
    }  # fmt: skip
    for name, document in files.items():
        (folder / name).write_text(json.dumps(document), "utf-8")
    return load_schema(folder)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_is_one_file_that_fetches_nothing_and_runs_nothing(language):
    page = read(codebook_html(SCHEMA, language))
    assert page.tags.isdisjoint({"script", "img", "link", "iframe", "object", "form"})
    assert all(link.startswith("#") for link in page.links)
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_the_book_speaks_korean_and_english():
    english, korean = codebook_html(SCHEMA, "en"), codebook_html(SCHEMA, "ko")
    assert "Primary site" in english
    assert "원발 부위" in korean
    assert '<html lang="ko">' in korean
    assert not re.search("[가-힣]", english)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_column_code_and_rule_is_in_the_book(language):
    for book in (codebook_html(SCHEMA, language), codebook_markdown(SCHEMA, language)):
        for table in SCHEMA.tables:
            assert all(name in book for name in table.column_names)
        assert all(rule.id in book for rule in SCHEMA.rules)
        assert all(code in book for code in SCHEMA.code_lists["topography"].index)
        assert all(code in book for code in SCHEMA.code_lists["entity"].index)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_hostile_labels_are_only_text(hostile, language):
    html = codebook_html(hostile, language)
    page = read(html)
    assert page.tags.isdisjoint({"script", "img"})
    assert "\u202e" not in html
    assert "<script>alert('x')</script> | `a` =1+1" in "".join(page.text)
    markdown = codebook_markdown(hostile, language)
    outside = re.sub(r"(`+) ?.*?\1", "", markdown.replace("\\`", ""))
    assert "<script" not in outside.replace("\\<", "")
    assert "](javascript" not in outside
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    for line in rows:
        assert line.endswith("|")
        assert len(re.findall(r"(?<!\\)\|", line)) in (3, 5, 7)


def test_the_words_of_both_languages_have_the_same_keys_and_placeholders():
    assert list(WORDING["en"]) == list(WORDING["ko"])
    for key, text in WORDING["en"].items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", WORDING["ko"][key])), key


def test_an_unknown_language_is_a_bug_of_the_caller():
    with pytest.raises(KeyError):
        codebook_html(SCHEMA, "fr")
