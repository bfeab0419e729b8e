"""One group of patients on a page: ages, stages, survival; published, model, cohort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.cohort.provenance import ENTITY, Provenance
from synthgen.errors import EvidenceError
from synthgen.fidelity.compare import ComparedCohort
from synthgen.fidelity.followed import NET, OBSERVED
from synthgen.models.references import AGE_VARIABLE
from synthgen.report import published
from synthgen.report.charts.bars import Bar, bars
from synthgen.report.charts.drawing import Drawing
from synthgen.report.charts.pyramid import AgeSex, pyramid
from synthgen.report.charts.survival import SurvivalPicture, survival
from synthgen.report.model_curve import model_curve
from synthgen.report.provenance_section import OriginLine, origin_lines
from synthgen.report.published import SEX, STAGE, PublishedShares, PublishedSurvival
from synthgen.report.statement_words import codes_words, members_words
from synthgen.report.words import Words, label, place_words, say
from synthgen.statistics.model import StatisticsTable
from synthgen.statistics.statement import TIME_VARIABLE, Members

FloatArray = npt.NDArray[np.float64]

LARGEST_TIME = 10.0
"""Longest time axis [years], unless something is published beyond."""

MOST_BARS = 10
"""Bars of one picture; of longer lists the largest shares of the model are drawn."""

STRATA = 6
"""Strata of survival that are drawn beside the whole group."""


@dataclass(frozen=True)
class Picture:
    """A drawing with what stands above and below it."""

    heading: Words
    drawing: Drawing
    note: Words
    table: StatisticsTable | None = None


@dataclass(frozen=True)
class GroupSection:
    """Everything about one group.

    Parameters
    ----------
    anchor : str
        For links within the page.
    title : Words
    patients : int
        Of the cohort.
    share, fitted : float
        Of all patients: cohort and model.
    left, right : tuple of Picture
        Two columns.
    strata : tuple of Picture
        Survival of parts of the group.
    origins : tuple of OriginLine
        Where the variables of the group come from; empty for a site group.
    """

    anchor: str
    title: Words
    patients: int
    share: float
    fitted: float
    left: tuple[Picture, ...]
    right: tuple[Picture, ...]
    strata: tuple[Picture, ...]
    origins: tuple[OriginLine, ...]


def group_section(
    compared: ComparedCohort,
    title: Words,
    groups: Sequence[Members],
    anchor: str,
    origins: tuple[Provenance, ...] = (),
) -> GroupSection | None:
    """Section of a group; None if the model, as it was asked, has no such patients.

    Parameters
    ----------
    compared : ComparedCohort
    title : Words
    groups : sequence of mapping
        Descriptions that mean the same patients, the first one names them.
    anchor : str
    origins : tuple of Provenance
    """
    group = groups[0]
    try:
        fitted = compared.distribution.probability(group)
        compared.distribution.marginal((next(iter(group)),), group)
    except EvidenceError:
        return None
    if fitted <= 0.0:
        return None
    rows = compared.rows(group)
    patients = int(rows.sum()) if rows is not None else 0
    whole, strata = survival_pictures(compared, title, groups)
    left = (_ages(compared, title, groups), _kinds(compared, title, groups))
    right = (shares_picture(compared, title, groups, STAGE), whole)
    return GroupSection(
        anchor,
        title,
        patients,
        patients / max(compared.patients, 1),
        fitted,
        tuple(p for p in left if p is not None),
        tuple(p for p in right if p is not None),
        strata,
        origin_lines(compared.model, origins),
    )


def _told(compared: ComparedCohort, groups: Sequence[Members]) -> list[Members]:
    """Descriptions whose published numbers are about the cohort's patients."""
    return [group for group in groups if compared.covers(group)]


def _ages(compared: ComparedCohort, title: Words, groups: Sequence[Members]) -> Picture | None:
    model, domain = compared.model, compared.distribution.domain
    names = (SEX, AGE_VARIABLE)
    if not set(names) <= set(domain.names) or domain.size(SEX) != 2:
        return None
    axes = (*names, *(n for n in groups[0] if n not in names))
    counted = _counted(compared, axes, groups[0], 2)
    if counted is None and compared.drawn:
        return None
    cohort = None if counted is None else counted / max(int(counted.sum()), 1)
    fitted = compared.distribution.marginal(names, groups[0])
    said = published.age_and_sex(model, _told(compared, groups))
    sexes = model.schema.variable(SEX).categories
    by_code = {c.code: label(c) for c in sexes}
    left, right = (by_code[c] for c in domain.codes[SEX])
    drawing = pyramid(
        say("report.pyramid.title", group=title),
        (left, right),
        domain.codes[AGE_VARIABLE],
        AgeSex(cohort, fitted, said),
    )
    kind = "published" if said is not None else "fitted"
    note = say(f"report.pyramid.{kind}" if compared.drawn else "report.pyramid.alone")
    return Picture(say("report.pyramid.heading"), drawing, note)


def _counted(
    compared: ComparedCohort, axes: tuple[str, ...], group: Members, kept: int
) -> npt.NDArray[np.int64] | None:
    """Patients of a group over the first ``kept`` axes; None if no column tells."""
    table = compared.counts(axes)
    if table is None:
        return None
    own = np.where(compared.distribution.domain.mask(axes, group), table, 0)
    return np.asarray(own.sum(axis=tuple(range(kept, len(axes)))))


def _kinds(compared: ComparedCohort, title: Words, groups: Sequence[Members]) -> Picture | None:
    """What a site group is made of."""
    return None if ENTITY in groups[0] else shares_picture(compared, title, groups, ENTITY)


def shares_picture(
    compared: ComparedCohort,
    title: Words,
    groups: Sequence[Members],
    name: str,
    *,
    most: int = MOST_BARS,
) -> Picture | None:
    """Shares of the codes of one variable in a group; None if a column is missing.

    Parameters
    ----------
    compared : ComparedCohort
    title : Words
        Of the group.
    groups : sequence of mapping
        Descriptions that mean the same patients.
    name : str
        The variable.
    most : int
        Bars at most; of more codes the largest shares of the model are drawn.
    """
    model, domain = compared.model, compared.distribution.domain
    if name not in domain.names or name in groups[0]:
        return None
    counted = _counted(compared, (name, *groups[0]), groups[0], 1)
    if counted is None and compared.drawn:
        return None
    fitted = compared.distribution.marginal((name,), groups[0])
    said = published.shares(model, _told(compared, groups), name)
    base = said.base if said else domain.codes[name]
    of_base = domain.positions(name, base)
    fitted = fitted[of_base]
    if fitted.sum() <= 0:
        return None
    own = None if counted is None else counted[of_base]
    cohort = None if own is None or not own.sum() else own / own.sum()
    fitted = fitted / fitted.sum()
    drawn = []
    for codes, limits in _lines(said, base, fitted, most):
        at = [base.index(code) for code in codes]
        share = None if cohort is None else float(cohort[at].sum())
        words = codes_words(model.schema.variable(name), codes)
        drawn.append(Bar(words, share, float(fitted[at].sum()), limits))
    note = _said_by(said.table) if said else say(f"report.{name}.fitted")
    if len(base) < domain.size(name):
        note = say("report.among", whom=codes_words(model.schema.variable(name), base)) + " " + note
    heading = label(model.schema.variable(name))
    drawing = bars(heading + ": " + title, drawn)
    return Picture(heading, drawing, note, said.table if said else None)


def _lines(
    said: PublishedShares | None, base: tuple[str, ...], fitted: FloatArray, most: int
) -> list[tuple[tuple[str, ...], tuple[float, float, float] | None]]:
    """Codes of each bar and the published limits; of long lists only the largest shares."""
    made: list[tuple[tuple[str, ...], tuple[float, float, float] | None]] = []
    covered: set[str] = set()
    for codes, statement in sorted(said.rows if said else (), key=lambda row: len(row[0])):
        if covered.isdisjoint(codes):  # a subtotal of rows that are drawn is not drawn again
            made.append((codes, published.limits_95(statement)))
            covered |= set(codes)
    made += [((code,), None) for code in base if code not in covered]
    sizes = {codes: float(sum(fitted[base.index(c)] for c in codes)) for codes, _ in made}
    possible = [line for line in made if sizes[line[0]] > 0.0]
    if len(possible) > most:
        return sorted(possible, key=lambda line: -sizes[line[0]])[:most]
    return sorted(possible, key=lambda line: base.index(line[0][0]))


def _said_by(table: StatisticsTable) -> Words:
    return say(
        "report.published_in",
        table=label(table),
        population=place_words(table.population),
        period=table.period,
        relation=say(f"relation.{table.relation.value}"),
    )


def survival_pictures(
    compared: ComparedCohort, title: Words, groups: Sequence[Members]
) -> tuple[Picture | None, tuple[Picture, ...]]:
    """Survival of a group, and of its parts that somebody published."""
    if TIME_VARIABLE not in compared.distribution.domain.names or (
        compared.drawn and compared.followed is None
    ):
        return None, ()
    found = published.survival(compared.model, _told(compared, groups))
    found = tuple(s for s in found if compared.covers(s.given))
    size = len(groups[0])
    whole = [s for s in found if len(s.given) == size]
    parts = [s for s in found if len(s.given) > size][:STRATA]
    main = _curve(compared, title, groups[0], whole[:1])
    drawn = [
        _curve(compared, _stratum(compared, s, groups[0]), s.given, [s], small=True) for s in parts
    ]
    return main, tuple(d for d in drawn if d is not None)


def _stratum(compared: ComparedCohort, said: PublishedSurvival, group: Members) -> Words:
    """Name of a part of a group, with its patients in the cohort."""
    whom = members_words(said.given, compared.model.schema, skip=group)
    if not compared.drawn:
        return whom
    rows = compared.rows(said.given)
    return say("report.stratum", whom=whom, n=f"{0 if rows is None else int(rows.sum()):,}")


def _curve(
    compared: ComparedCohort,
    title: Words,
    group: Members,
    said: Sequence[PublishedSurvival],
    *,
    small: bool = False,
) -> Picture | None:
    observed = bool(said) and said[0].observed
    curve = compared.curve(group, OBSERVED if observed else NET)
    points = said[0].points if said else ()
    until = max([5.0, *(p.years for p in points)])
    if curve is not None and not small:
        until = max(until, min(float(curve.time[-1]), LARGEST_TIME))
    try:
        years, fitted = model_curve(compared, group, until, observed=observed)
    except EvidenceError:
        return None
    drawing = survival(
        say("report.survival.title", group=title),
        SurvivalPicture(curve, years, fitted, points, until),
        small=small,
    )
    kind = say("report.survival.observed" if observed else "report.survival.net")
    note = _said_by(said[0].table) if said else say("report.survival.fitted")
    return Picture(title if small else kind, drawing, note, said[0].table if said else None)
