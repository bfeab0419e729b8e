"""Korean and English say the same things, with the same gaps to fill."""

from __future__ import annotations

import ast
import json
import string
from pathlib import Path

import pytest

from synthgen.messages import LANGUAGES, catalogue, message

ROOT = Path(__file__).resolve().parents[2]
KEYS = sorted({key for language in LANGUAGES for key in catalogue(language)})


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_key(language):
    assert sorted(catalogue(language)) == KEYS


@pytest.mark.parametrize("key", KEYS)
def test_the_languages_have_the_same_placeholders(key):
    gaps = [placeholders(catalogue(language)[key]) for language in LANGUAGES]
    assert all(names == gaps[0] for names in gaps)
    assert all(name.isidentifier() for name in gaps[0])


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_there_and_can_be_filled(language, key):
    text = catalogue(language)[key]
    assert text.strip() == text != ""
    filled = message(key, language, **dict.fromkeys(placeholders(text), 7))
    assert placeholders(filled) == set() or not placeholders(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_key_stands_once_in_its_file(language):
    file = ROOT / "synthgen" / "catalogue" / f"{language}.json"
    keys: list[str] = []

    def note(pairs: list[tuple[str, object]]) -> dict[str, object]:
        keys.extend(key for key, _ in pairs)
        return dict(pairs)

    json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=note)
    assert len(keys) == len(set(keys))


def test_korean_texts_are_korean():
    """At least one Hangul syllable in each text that has words at all."""
    without = [
        key
        for key, text in catalogue("ko").items()
        if any(c.isalpha() for c in catalogue("en")[key])
        and not any("가" <= c <= "힣" for c in text)
    ]
    assert without == []


def test_english_texts_hold_no_korean():
    assert not [k for k, text in catalogue("en").items() if any("가" <= c <= "힣" for c in text)]


def test_every_key_that_code_names_exists():
    """Keys given as plain strings to ``message``; keys put together at run time are not seen."""
    named = {
        f"{file.relative_to(ROOT)}:{node.lineno} {node.args[0].value}": node.args[0].value
        for file in sorted((ROOT / "synthgen").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"message", "messages.message"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert [where for where, key in named.items() if key not in KEYS] == []


def test_an_unknown_language_is_a_key_error():
    with pytest.raises(KeyError, match="fr"):
        catalogue("fr")


def test_the_sentence_of_intended_use_stands_in_every_language():
    assert all(message("intended_use.short", language) for language in LANGUAGES)


@pytest.mark.parametrize(
    ("key", "values", "said"),
    [
        ("check.table_line", {"table": "t", "file": "t.csv", "rows": "1"}, "t: t.csv, 1 row"),
        ("check.table_line", {"table": "t", "file": "t.csv", "rows": "2,000"}, "2,000 rows"),
        ("diff.summary", {"breaking": 1, "new": 0}, "1 difference would break a program"),
        (
            "diff.summary",
            {"breaking": 0, "new": 1},
            "0 differences would break a program made for A",
        ),
        (
            "check.not_kept",
            {"schema": "s", "broken": 1, "unlikely": 1},
            "1 way; 1 unlikely rule met",
        ),
        ("audit.no_steps", {}, "not testable"),
    ],
)
def test_one_of_a_thing_is_not_said_in_the_plural(key, values, said):
    assert said in message(key, "en", **values)
