"""Every public type has a view in notebooks: compact, in both languages, and never trusting."""

from __future__ import annotations

import inspect
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

import synthgen
from synthgen.cohort.cohort import Cohort
from synthgen.models.distribution import ConditionalTable, Distribution
from synthgen.models.domain import Domain
from synthgen.models.fit import Fit
from synthgen.models.mixture import Mixture
from synthgen.notebook import MOST_ROWS, both, facts, listing

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>&amp;'
LARGEST = 20_000  # bytes of a view


@pytest.fixture(scope="module")
def model():
    return synthgen.load_model("kr-demo")


@pytest.fixture(scope="module")
def objects(model):
    fit = Fit(model.distribution, model.gaps, model.residual, 0)
    part = next(iter(model.distribution.components.values()))
    cohort = model.generate(40, seed=7, names="ko")
    made = (
        model, cohort, model.schema, model.schema.table("tumour"), model.pack,
        model.pack.tables[0], model.distribution, part, part.domain, fit,
    )  # fmt: skip
    return {type(thing).__name__: thing for thing in made}


class Tags(HTMLParser):
    """Names of the tags of a page, and whether each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not [name for name, _ in attrs if name.startswith("on")]
        assert not {"src", "href"} & {name for name, _ in attrs}
        self.seen.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(html: str) -> set[str]:
    tags = Tags()
    tags.feed(html)
    tags.close()
    assert tags.open == []
    return tags.seen


NAMES = (
    "FittedModel", "Cohort", "Schema", "Table", "StatisticsPack", "StatisticsTable", "Mixture",
    "Distribution", "Domain", "Fit",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_view_is_compact_and_in_both_languages(objects, name):
    html = objects[name]._repr_html_()
    assert len(html.encode()) < LARGEST
    assert any("가" <= letter <= "힣" for letter in html)
    assert " · " in html
    assert checked(html) <= {"div", "p", "b", "i", "table", "thead", "tbody", "tr", "th", "td"}


def test_every_public_type_has_a_view():
    public = [getattr(synthgen, name) for name in synthgen.__all__]
    types = [t for t in public if inspect.isclass(t) and not issubclass(t, Exception)]
    assert len(types) >= 4
    assert [t.__name__ for t in types if not hasattr(t, "_repr_html_")] == []


def hostile(objects):
    """Objects whose every label wants to run a script."""
    model = objects["FittedModel"]
    domain = Domain(((HOSTILE, (HOSTILE, "b")), ("c", ("d",))))
    table = ConditionalTable((), (HOSTILE, "c"), [[0.5], [0.5]])
    distribution = Distribution(domain, (table,))
    part = Distribution(Domain((("c", ("d",)),)), (ConditionalTable((), ("c",), [1.0]),))
    schema = replace(model.schema, id=HOSTILE, title=HOSTILE, title_ko=HOSTILE)
    column = replace(schema.tables[0].columns[0], name=HOSTILE, title=HOSTILE)
    statistics = replace(
        model.pack.tables[0], name=HOSTILE, population=HOSTILE, scope={HOSTILE: (HOSTILE,)}
    )
    pack = replace(
        model.pack,
        id=HOSTILE,
        title=HOSTILE,
        target=replace(model.pack.target, population=HOSTILE),
        tables=(replace(statistics, source=HOSTILE),),
    )
    gap = replace(model.gaps[0], statement=replace(model.gaps[0].statement, table=HOSTILE))
    frame = pd.DataFrame({HOSTILE: [HOSTILE], "n": [1]})
    asked = {"where": {HOSTILE: [HOSTILE]}, "seed": HOSTILE}
    manifest = {"model": {"id": HOSTILE}, "settings": asked, "licence": {"id": HOSTILE}}
    return (
        replace(model, id=HOSTILE, pack=pack),
        Cohort(schema, {HOSTILE: frame}, manifest),
        schema,
        replace(schema.tables[0], name=HOSTILE, columns=(column,)),
        pack,
        statistics,
        Mixture(domain, HOSTILE, [0.5, 0.5], {HOSTILE: part, "b": part}),
        distribution,
        domain,
        Fit(distribution, (gap,), 0.0, 0),
    )


def test_hostile_labels_are_shown_and_not_obeyed(objects):
    for thing in hostile(objects):
        html = thing._repr_html_()
        assert "&lt;script&gt;" in html, type(thing).__name__
        assert not {"script", "img"} & checked(html), type(thing).__name__


def test_a_long_listing_says_how_many_more_there_are():
    html = listing(("table",), ((i,) for i in range(1_000)), 1_000)
    assert html.count("<tr>") == MOST_ROWS + 1
    assert f"+{1_000 - MOST_ROWS:,}" in html
    assert "+" not in listing(("table",), [(1,)], 1)


def test_what_is_empty_or_the_same_is_not_said_twice():
    assert facts([("title", ""), ("rows", 0)]).count("<tr>") == 1
    assert both("a", "a", "") == "a"


def test_a_cohort_shows_its_patients_and_what_they_are_for(objects):
    html = objects["Cohort"]._repr_html_()
    assert "not for clinical" in html
    assert "임상적·역학적 결론" in html
    assert "(가상)" in html
    assert "CC-BY-4.0" in html
