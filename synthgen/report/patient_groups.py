"""Which groups of patients a report draws: site groups and entities, the largest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.cohort.provenance import ENTITY, Provenance
from synthgen.fidelity.compare import ComparedCohort
from synthgen.report.group_section import GroupSection, group_section
from synthgen.report.statement_words import codes_words
from synthgen.report.words import Words, say
from synthgen.statistics.statement import Members

SITE = "site_group"
"""Variable of the groups that registry reports count by."""

ALIKE = 0.95
"""Two descriptions that share at least this part of their patients mean the same group."""

MOST_DRAWN, ALWAYS_DRAWN, ENOUGH = 24, 6, 10
"""At most so many groups are drawn, the first few always, the others if they have so many
patients; the numbers of those that are not drawn stand in a table."""


@dataclass(frozen=True)
class GroupLine:
    """One group in numbers.

    Parameters
    ----------
    name, code : str
        Variable and its code.
    title : Words
    patients : int
        Of the cohort.
    share, fitted : float
        Of all patients: cohort and model.
    groups : tuple of mapping
        Descriptions that mean these patients, the first one names them.
    """

    name: str
    code: str
    title: Words
    patients: int
    share: float
    fitted: float
    groups: tuple[Members, ...]


def patient_groups(compared: ComparedCohort) -> tuple[list[GroupLine], list[Words]]:
    """Groups with patients, site groups before entities, and titles of entities without.

    A site group that one entity fills is not told twice: the entity stands for both.
    """
    names = compared.distribution.domain.names
    twins = _twins(compared) if {SITE, ENTITY} <= set(names) else {}
    sites = [
        line
        for line in (_lines(compared, SITE, {}) if SITE in names else [])
        if line.code not in twins.values()
    ]
    entities = _lines(compared, ENTITY, twins) if ENTITY in names else []
    missing = [line.title for line in entities if compared.drawn and not line.patients]
    found = [
        line
        for lines in (sites, entities)
        for line in sorted(lines, key=lambda line: (-line.patients, -line.fitted))
        if line.patients or not compared.drawn
    ]
    return found, missing


def _twins(compared: ComparedCohort) -> dict[str, str]:
    """Site group of every entity that fills one."""
    codes = compared.distribution.domain.codes
    both = compared.distribution.marginal((SITE, ENTITY))
    larger = np.maximum(both.sum(axis=1)[:, None], both.sum(axis=0)[None, :])
    alike = (both >= ALIKE * larger) & (both > 0)
    return {codes[ENTITY][j]: codes[SITE][i] for i, j in np.argwhere(alike)}


def _lines(compared: ComparedCohort, name: str, twins: dict[str, str]) -> list[GroupLine]:
    """One line for every code that the model, as it was asked, has patients of."""
    variable = compared.model.schema.variable(name)
    codes = compared.distribution.domain.codes[name]
    counts = compared.counts((name,))
    lines = []
    for i, fitted in enumerate(compared.distribution.marginal((name,))):
        if fitted <= 0:
            continue
        title = codes_words(variable, (codes[i],))
        groups: list[Members] = [{name: (codes[i],)}]
        if codes[i] in twins:
            groups.append({SITE: (twins[codes[i]],)})
        patients = 0 if counts is None else int(counts[i])
        lines.append(
            GroupLine(
                name,
                codes[i],
                say("report.site_group", title=title) if name == SITE else title,
                patients,
                patients / max(compared.patients, 1),
                float(fitted),
                tuple(groups),
            )
        )
    return lines


def drawn_groups(
    compared: ComparedCohort, lines: Sequence[GroupLine], origins: Sequence[Provenance]
) -> tuple[list[GroupSection], list[GroupLine]]:
    """Sections of the groups that are worth a picture, and the lines of the others."""
    drawn, others = [], []
    for i, line in enumerate(lines):
        chosen = i < MOST_DRAWN and (i < ALWAYS_DRAWN or line.patients >= ENOUGH)
        section = section_of(compared, line, origins) if chosen else None
        if section is None:
            others.append(line)
        else:
            drawn.append(section)
    return drawn, others


def section_of(
    compared: ComparedCohort, line: GroupLine, origins: Sequence[Provenance] = ()
) -> GroupSection | None:
    """Pictures of one group; None if the model, as it was asked, has no such patients."""
    own = (
        tuple(o for o in origins if o.entity == line.code and o.variable != ENTITY)
        if line.name == ENTITY
        else ()
    )
    number = compared.model.schema.variable(line.name).codes.index(line.code)
    return group_section(compared, line.title, line.groups, f"{line.name}-{number}", own)
