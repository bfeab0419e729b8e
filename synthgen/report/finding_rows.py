"""Findings of an evaluation as they are told: measure by measure, part by part.

Everything is read from the documents of an evaluation (``evaluation.json`` or its public
edition), so that a page cannot know more than its edition.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthgen.findings import FAMILIES
from synthgen.messages import LANGUAGES, catalogue
from synthgen.report.charts.limits import limit_picture
from synthgen.report.words import Html, Words, plain, say

REPORTED = "reported"
"""What stands in place of a verdict where the policy asks for nothing."""

SEVERITY = ("fail", "not_testable", "inconclusive", "pass", REPORTED)
"""Verdicts, the worst first."""

SHOWN = 6
"""Parts of a measure that are shown at once; the others are opened on request."""

_PART = re.compile(r"(stratum |secret=|keys=|rows of )(.*)", re.DOTALL)


@dataclass(frozen=True)
class FindingRow:
    """One finding beside its limit.

    Parameters
    ----------
    measure : str
    part : Words
        What it is of.
    group : str
        Name of the stratum that it is about, ``""`` if it is about none.
    verdict : str
        Of :data:`SEVERITY`.
    word : Words
        The verdict as people read it.
    why : Words
    picture : Html
    value, interval, limit, n, detectable : str
    detail : str
        Small facts about the measurement; internal edition only.
    """

    measure: str
    part: Words
    group: str
    verdict: str
    word: Words
    why: Words
    picture: Html
    value: str
    interval: str
    limit: str
    n: str
    detectable: str
    detail: Words


@dataclass(frozen=True)
class MeasureRows:
    """One measure with its findings.

    Parameters
    ----------
    id : str
    family : str
    title, tried, means, todo : Words
    verdict : str
        The worst of its findings.
    word : Words
    open : bool
        Whether it stands in the way: required, and neither passed nor covered.
    rows, more : tuple of FindingRow
        The worst findings, and the others.
    """

    id: str
    family: str
    title: Words
    tried: Words
    means: Words
    todo: Words
    verdict: str
    word: Words
    open: bool
    rows: tuple[FindingRow, ...]
    more: tuple[FindingRow, ...]


def number_words(value: float | None) -> str:
    """A number as people read it; a dash where there is none.

    Examples
    --------
    >>> [number_words(v) for v in (None, 0.0, 0.0312, 12.0, 1234.0, 1e-9)]
    ['–', '0', '0.031', '12', '1,234', '<0.001']
    """
    if value is None:
        return "–"
    if value == int(value):
        return f"{int(value):,}"
    if abs(value) < 0.001:
        return "<0.001" if value > 0 else ">−0.001"
    text = f"{value:.3f}" if abs(value) < 1 else f"{value:,.2f}"
    return text.rstrip("0").rstrip(".").replace("-", "−")


def text_of(key: str, otherwise: str = "") -> Words:
    """A text of the catalogue, or another where it has none."""
    if all(key in catalogue(language) for language in LANGUAGES):
        return Words(tuple(catalogue(language)[key] for language in LANGUAGES))
    return plain(otherwise)


def slug(name: str) -> str:
    """A name as a part of a key of the catalogue.

    Examples
    --------
    >>> slug("mirror, black box"), slug("outliers at 1 % false alarms")
    ('mirror_black_box', 'outliers_at_1_false_alarms')
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def part_words(part: str) -> Words:
    """Words for a part of a measure.

    Examples
    --------
    >>> [str(part_words(p)) for p in ("", "outliers", "secret=grade, trees", "something else")]
    ['everything', 'the most unusual patients', 'secret grade, trees', 'something else']
    >>> str(part_words("rows of tumour"))
    'rows of table tumour, word for word (persons)'
    """
    if not part:
        return say("part.whole")
    found = _PART.fullmatch(part)
    if found:
        kind = slug(found[1])
        return say(f"part.{kind}", name=found[2].replace("+", " + "))
    return text_of(f"part.{slug(part)}", part)


def detail_words(detail: Mapping[str, Any]) -> Words:
    """Facts beside a finding in one line, without those that are empty.

    Examples
    --------
    >>> said = detail_words({"members": 300, "share_of_others": 0.0, "rules": {}, "other_fact": 2})
    >>> said.texts
    ('members 300 · share of others 0 · other fact 2', '포함된 환자 300 · 포함되지 않은 환자에서의 비율 0 · other fact 2')
    """

    def told(value: object) -> str:
        if isinstance(value, float):
            return number_words(value)
        if isinstance(value, list) and all(isinstance(v, str | int) for v in value):
            return ", ".join(str(v) for v in value)
        if isinstance(value, dict) and not any(isinstance(v, dict | list) for v in value.values()):
            return ", ".join(f"{name} {told(v)}" for name, v in value.items())
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    facts = [
        text_of(f"detail.{slug(key)}", key.replace("_", " ")) + f" {told(value)}"
        for key, value in detail.items()
        if value is not None and value not in ("", [], {})
    ]
    return Words(tuple(" · ".join(fact.in_language(x) for fact in facts) for x in LANGUAGES))


def group_of(part: str) -> str:
    """Name of the stratum of a part; ``""`` if it is about none.

    Examples
    --------
    >>> group_of("stratum entity=gist, sex=1: nearness"), group_of("group 3: nearness")
    ('entity=gist, sex=1', 'group 3')
    >>> group_of("outliers")
    ''
    """
    if not part.startswith(("stratum ", "group ")):
        return ""
    return part.removeprefix("stratum ").partition(": ")[0]


def measure_rows(
    document: Mapping[str, Any], limits: Mapping[tuple[str, str], Mapping[str, Any]] | None = None
) -> tuple[MeasureRows, ...]:
    """Measures in the order of the families, within a family the worst first.

    Parameters
    ----------
    document : mapping
        ``evaluation.json`` or its public edition.
    limits : mapping, optional
        Judged findings by measure and part; by default those of the document.
    """
    judged = limits if limits is not None else judged_of(document)
    by_measure: dict[str, list[Mapping[str, Any]]] = {}
    for said in document["findings"]:
        by_measure.setdefault(said["measure"], []).append(said)
    made = [_measure(name, found, judged) for name, found in by_measure.items()]
    made.sort(key=lambda m: (FAMILIES.index(m.family), SEVERITY.index(m.verdict)))
    return tuple(made)


def judged_of(document: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """What was decided, by measure and part."""
    return {(j["measure"], j["part"]): j for j in document["decision"]["judged"]}


def _measure(
    name: str,
    found: Sequence[Mapping[str, Any]],
    judged: Mapping[tuple[str, str], Mapping[str, Any]],
) -> MeasureRows:
    pairs = [(finding_row(said, judged.get((name, said["part"]))), said) for said in found]
    rows = [row for row, _ in pairs]
    rows.sort(key=lambda row: SEVERITY.index(row.verdict))
    worst = rows[0].verdict
    blocking = any(_blocks(judged.get((name, said["part"]))) for said in found)
    key = f"measure.{name}"
    return MeasureRows(
        name,
        found[0]["family"],
        text_of(f"{key}.title", name),
        text_of(f"{key}.tried"),
        text_of(f"{key}.means"),
        say("evaluation.todo.not_testable") if worst == "not_testable" else text_of(f"{key}.todo"),
        worst,
        verdict_word(worst),
        blocking,
        tuple(rows[:SHOWN]),
        tuple(rows[SHOWN:]),
    )


def _blocks(judged: Mapping[str, Any] | None) -> bool:
    return judged is not None and judged["verdict"] != "pass" and not judged["covered_by"]


def verdict_word(verdict: str) -> Words:
    """A verdict in a word."""
    return say("evaluation.reported") if verdict == REPORTED else say(f"verdict.{verdict}")


def finding_row(said: Mapping[str, Any], judged: Mapping[str, Any] | None) -> FindingRow:
    """One finding as it is told, with what was decided of it."""
    verdict = REPORTED if judged is None else judged["verdict"]
    word = verdict_word(verdict)
    if judged is not None and judged["covered_by"]:
        word = word + " · " + say("evaluation.covered", kind=judged["covered_by"])
    reason = said["reason"] if judged is None else judged["why"]
    limit = None if judged is None else judged["limit"]
    lower, upper = said["lower"], said["upper"]
    exact = said["estimate"] is not None and lower == said["estimate"] == upper
    bounds = f"{number_words(lower)} – {number_words(upper)}"
    return FindingRow(
        said["measure"],
        part_words(said["part"]),
        group_of(said["part"]),
        verdict,
        word,
        text_of(reason, reason) if reason else plain(""),
        limit_picture(said["estimate"], lower, upper, limit),
        number_words(said["estimate"]),
        "" if exact or said["estimate"] is None else bounds,
        number_words(limit),
        "–" if said["n"] is None else f"{said['n']:,}",
        number_words(said["detectable"]),
        detail_words(said["detail"]),
    )


@dataclass(frozen=True)
class StrataTable:
    """Strata by measure.

    Parameters
    ----------
    measures : tuple of Words
        Heads of the columns.
    rows : tuple of (str, tuple of FindingRow or None)
        Each stratum with its worst finding by measure.
    """

    measures: tuple[Words, ...]
    rows: tuple[tuple[str, tuple[FindingRow | None, ...]], ...]


def strata_table(document: Mapping[str, Any]) -> StrataTable:
    """Every stratum that a measure looked at, with the worst finding of each measure."""
    judged = judged_of(document)
    found: dict[str, dict[str, FindingRow]] = {}
    names: dict[str, None] = {}
    for said in document["findings"]:
        row = finding_row(said, judged.get((said["measure"], said["part"])))
        if not row.group:
            continue
        names[row.measure] = None
        cells = found.setdefault(row.group, {})
        before = cells.get(row.measure)
        if before is None or SEVERITY.index(row.verdict) < SEVERITY.index(before.verdict):
            cells[row.measure] = row
    return StrataTable(
        tuple(text_of(f"measure.{name}.title", name) for name in names),
        tuple((group, tuple(cells.get(n) for n in names)) for group, cells in found.items()),
    )
