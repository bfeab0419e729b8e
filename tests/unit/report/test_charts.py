"""Hand-made pictures: as they were drawn, well-formed, escaped, and never with a false zero."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from synthgen.fidelity.comparison import Outcome
from synthgen.fidelity.net_survival import kaplan_meier
from synthgen.messages import LANGUAGES, message
from synthgen.report.charts.bars import Bar, bars, shortened, ticks
from synthgen.report.charts.dots import dots
from synthgen.report.charts.gaps import gaps_picture, spread
from synthgen.report.charts.pyramid import AgeSex, pyramid
from synthgen.report.charts.survival import PublishedPoint, SurvivalPicture, survival
from synthgen.report.charts.tile_map import TILES, Region, has_places, tile_map
from synthgen.report.words import Words, plain

TITLE = Words(("A <title>", "제목 & 글"))
GROUPS = ("0-39", "40-59", "60+")


def bar_picture():
    rows = [
        Bar(plain("Localised"), 0.5, 0.48, (0.4, 0.45, 0.5)),
        Bar(Words(("Regional, somewhere far away & wide", "국소 <먼 곳>")), None, 0.3),
        Bar(plain("Distant"), 0.2, 0.22),
    ]
    return bars(TITLE, rows)


def pyramid_picture(published=True):
    cohort = np.array([[0.1, 0.2, 0.3], [0.1, 0.1, 0.2]])
    model = np.array([[0.12, 0.2, 0.28], [0.1, 0.1, 0.2]])
    shares = AgeSex(cohort, model, model if published else None)
    return pyramid(TITLE, (plain("Men"), plain("Women")), GROUPS, shares)


def survival_picture(n=12, **more):
    time = np.linspace(0.5, 6.0, n)
    curve = kaplan_meier(time, np.arange(n) % 3 > 0)
    points = (PublishedPoint(1.0, 0.9, 0.8, 0.95), PublishedPoint(5.0, 0.5))
    years = np.array([0.0, 1.0, 5.0])
    picture = SurvivalPicture(curve, years, np.array([1.0, 0.9, 0.5]), points, 6.0)
    return survival(TITLE, replace(picture, **more))


def tiles_picture(cases=(5, 0, 12), rates=(1.0, 0.0, 2.0)):
    codes = ("EE001", "EE004", "EE009")
    names = (plain("<North>"), Words(("West", "서울특별시")), plain("Middle"))
    regions = [
        Region(code, name, n, 0.3, rate)
        for code, name, n, rate in zip(codes, names, cases, rates, strict=True)
    ]
    return tile_map(TITLE, regions)


PICTURES = {
    "tiles": tiles_picture,
    "bars": bar_picture,
    "pyramid": pyramid_picture,
    "survival": survival_picture,
    "gaps": lambda: gaps_picture(TITLE, [0.0, 0.3, -0.2, 2.4, -9.0], "cb", chance=True),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_as_it_was_drawn(golden, name):
    golden(f"report/{name}.svg", PICTURES[name]().inline().replace("><", ">\n<") + "\n")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PICTURES)
def test_a_file_is_well_formed_escaped_and_in_one_language(name, language):
    drawn = PICTURES[name]().file(language)
    root = ET.fromstring(drawn)  # noqa: S314 - our own text
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    words = [e.text or "" for e in root.iter() if e.tag.endswith(("title", "text", "desc"))]
    assert TITLE.in_language(language) in words
    assert message("intended_use.short", language) in words
    other = next(x for x in LANGUAGES if x != language)
    assert message("intended_use.short", other) not in words
    body = drawn[drawn.index("</style>") :]
    assert "lang=" not in body
    assert "nan" not in body
    assert "inf" not in body.replace("information", "")
    assert "var(" not in drawn


def test_a_picture_of_a_page_is_named_by_the_page_or_by_its_own_title():
    drawn = bar_picture()
    assert "<title" not in drawn.inline("a b")
    assert ' aria-labelledby="a b"' in drawn.inline("a b")
    assert drawn.inline().count("<title lang=") == len(LANGUAGES)


def test_an_unknown_share_has_no_bar():
    """Two bars of three, and no number where the cohort has nobody."""
    drawn = bar_picture().content
    (cohort,) = [line for line in drawn.split("<path ") if "class=bar" in line]
    assert re.search(r"m186 15h\d+m-\d+ 54h[\d.]+\"", cohort)
    assert drawn.count("0 %</text>") >= 2


def test_long_labels_are_cut_and_hangul_counts_double():
    assert str(shortened(plain("a" * 50))).endswith("…")
    korean = Words(("x", "가" * 50))
    assert len(shortened(korean).in_language("ko")) < 16
    assert shortened(plain("short")) == plain("short")


@pytest.mark.parametrize("top", [0.001, 0.0123, 0.37, 0.5, 1.0])
def test_ticks_are_few_and_reach_the_top(top):
    marks = ticks(top)
    assert marks[0] == 0.0
    assert marks[-1] >= top - 1e-12
    assert 2 <= len(marks) <= 6


def test_a_cancer_of_one_sex_draws_nothing_on_the_other_side():
    zero = np.zeros(3)
    shares = AgeSex(
        np.array([[0.2, 0.3, 0.5], zero]),
        np.array([[0.2, 0.3, 0.5], zero]),
        np.array([[0.2, 0.3, 0.5], zero]),
    )
    drawn = pyramid(TITLE, (plain("Men"), plain("Women")), GROUPS, shares).content
    assert drawn.count("class=mo ") == drawn.count("class=pc ") == 1


def test_a_pyramid_without_published_ages_has_no_dots():
    assert "class=pc " not in pyramid_picture(published=False).content


def test_a_survival_picture_without_patients_shows_the_model():
    drawn = survival_picture(cohort=None).content
    assert "class=cl " not in drawn
    assert "class=mo " in drawn


def test_a_long_curve_is_drawn_with_few_points():
    assert len(survival_picture(5000).content) < 2 * len(survival_picture(50).content)


def test_a_curve_that_ends_at_zero_keeps_its_band_on_the_page():
    curve = kaplan_meier(np.array([1.0, 2.0]), np.array([True, True]))
    drawn = survival_picture(cohort=curve).content
    assert "nan" not in drawn
    assert "class=band " in drawn


def test_all_gaps_are_counted_however_far():
    assert sum(spread([0.0, 1.0, -50.0, 50.0, 4.0])) == 5
    assert sum(spread([math.inf, -math.inf])) == 2


def test_dots_show_three_things_and_fade_what_is_about_others(compared):
    comparison = compared.all[0]
    drawn = dots(comparison)
    assert drawn.count("<path ") == 4
    assert re.fullmatch(r"m\d+,11h\d+h\d+", drawn.split("d=")[-1].split(" ")[0])
    assert "faint" in dots(replace(comparison, outcome=Outcome.NARROWED))
    nobody = dots(replace(comparison, estimate=None, standard_error=None))
    assert nobody.count("<path ") == 3


def test_dots_of_equal_numbers_are_drawn(compared):
    comparison = compared.all[0]
    said = replace(comparison.statement, lower=0.0, upper=0.0, standard_error=1e-300)
    same = replace(comparison, statement=said, fitted=0.0, estimate=0.0, standard_error=0.0)
    assert "nan" not in dots(same)


def test_tiles_are_darker_where_the_rate_is_higher():
    drawn = tiles_picture().content
    assert [drawn[: drawn.index("<g")].count(f"class=t{i}") for i in range(5)] == [1, 0, 1, 0, 1]
    assert ">12</text>" in drawn
    assert ">2.0</text>" in drawn
    assert ">서울</text>" in drawn


def test_tiles_without_inhabitants_show_cases_and_no_rate():
    drawn = tiles_picture(rates=(None, None, None))
    assert message("report.chart.tiles.cases", "en") in drawn.content
    assert drawn.content.count(">12</text>") == 2  # in its tile and under the shades


def test_tiles_of_a_model_show_shares():
    assert ">30.0 %</text>" in tiles_picture(cases=(None,) * 3).content


def test_regions_without_a_place_are_not_drawn():
    assert has_places(("11", "26"))
    assert not has_places(("11", "99"))
    assert not has_places(("11",))
    assert not has_places(())


def test_every_province_has_a_place_of_its_own():
    korea = [place for code, place in TILES.items() if code.isdigit()]
    assert len(set(korea)) == len(korea) == 17
