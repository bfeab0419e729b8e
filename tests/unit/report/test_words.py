"""Texts in every language at once."""

from __future__ import annotations

from synthgen.report.words import Html, Words, errors, interval, joined, percent, plain, say


def test_equal_texts_are_written_once_and_others_once_per_language():
    assert plain("7 < 8").__html__() == "7 &lt; 8"
    both = Words(("a & b", "가 & 나")).__html__()
    assert both == "<span lang=en>a &amp; b</span><span lang=ko>가 &amp; 나</span>"


def test_words_within_words_speak_the_same_language():
    found = say("report.asked_for", conditions=Words(("women", "여자")))
    assert found.in_language("en") == "Asked for only: women."
    assert "여자" in found.in_language("ko")


def test_words_are_put_together_by_language():
    both = Words(("a", "가"))
    assert joined([both, plain("1")]) == Words(("a, 1", "가, 1"))
    assert joined([]) == plain("")
    assert both + "!" + both == Words(("a!a", "가!가"))


def test_markup_is_not_escaped_again():
    assert Html("<b>").__html__() == "<b>"


def test_small_shares_keep_their_digits_and_are_never_zero():
    assert [percent(v) for v in (1.0, 0.999, 0.01, 0.00999, 0.001)] == [
        "100.0 %",
        "99.9 %",
        "1.0 %",
        "1.00 %",
        "0.10 %",
    ]
    assert percent(1e-9) == "<0.001 %"
    assert percent(0.0) == "0 %"


def test_an_interval_that_prints_alike_is_one_number():
    assert interval(0.12341, 0.12344) == "12.3 %"
    assert interval(0.1, 0.25) == "10.0 % – 25.0 %"


def test_gaps_have_signs_and_an_unknown_gap_is_empty():
    assert [errors(g) for g in (1.26, -3.0, 0.01, None)] == ["+1.3", "−3.0", "0.0", ""]
