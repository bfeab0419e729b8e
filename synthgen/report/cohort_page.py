"""The report of a cohort: one file, two languages, every published number beside its own.

The page needs no script and asks for nothing over a network; a style rule shows one
language, and everything that came from a pack, a schema or a manifest is escaped.  The
same model, cohort and comparisons give the same bytes: there is no clock in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.provenance import ENTITY, Provenance, provenance
from synthgen.errors import UsageError
from synthgen.fidelity.compare import ComparedCohort
from synthgen.fidelity.comparison import Comparison, Outcome, agreement
from synthgen.messages import LANGUAGES
from synthgen.outputs import output_file
from synthgen.report.charts.dots import defined
from synthgen.report.charts.gaps import gaps_picture
from synthgen.report.group_section import GroupSection, group_section
from synthgen.report.provenance_section import legend, matrix, source_rows
from synthgen.report.reasons import far_from_cohort, far_from_model
from synthgen.report.statement_tables import mark, row_of, table_sections
from synthgen.report.statement_words import codes_words
from synthgen.report.words import Html, Words, errors, joined, label, percent, plain, say
from synthgen.statistics.statement import Members

if TYPE_CHECKING:
    import jinja2

    from synthgen.cohort.cohort import Cohort

SITE = "site_group"
"""Variable of the groups that registry reports count by."""

ALIKE = 0.95
"""Two descriptions that share at least this part of their patients mean the same group."""


MOST_DRAWN, ALWAYS_DRAWN, ENOUGH = 24, 6, 10
"""At most so many groups are drawn, the first few always, the others if they have so many
patients; the numbers of those that are not drawn stand in a table."""


@dataclass(frozen=True)
class Setting:
    """One line of how the cohort was made."""

    name: Words
    value: Words
    code: bool = False


def cohort_report(
    model: FittedModel,
    cohort: Cohort,
    comparisons: Sequence[Comparison],
    *,
    language: str = "en",
) -> str:
    """Report of a cohort as one HTML page.

    Parameters
    ----------
    model : FittedModel
        The one that the cohort was generated from.
    cohort : Cohort
    comparisons : sequence of Comparison
        As :func:`synthgen.fidelity.compare.compare` returns them.
    language : {"en", "ko"}
        The language that the page opens in; the other is in it too.

    Raises
    ------
    UsageError
        If the language is unknown.
    """
    if language not in LANGUAGES:
        raise UsageError(f"language {language}: choose of {', '.join(LANGUAGES)}")
    compared = ComparedCohort(model, cohort)
    page = _page(model, cohort, comparisons, compared)
    template = _environment().get_template("cohort.html.jinja")
    return template.render(page, first=language)


def write_report(
    path: Path,
    model: FittedModel,
    cohort: Cohort,
    comparisons: Sequence[Comparison],
    *,
    language: str = "en",
    force: bool = False,
) -> None:
    """Write :func:`cohort_report` to a file, whole or not at all.

    Raises
    ------
    UsageError
        If the file exists and ``force`` is not set, or the language is unknown.
    OutputError
        If it cannot be written.
    """
    text = cohort_report(model, cohort, comparisons, language=language)
    with output_file(path, force=force) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


@cache
def _environment() -> jinja2.Environment:
    """Templates of the package; everything put in is escaped."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("synthgen.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        say=say, label=label, errors=errors, percent=percent, mark=mark, defined=defined
    )
    return made


def _style() -> Html:
    """The style sheet, with the sentence of intended use at the foot of printed pages."""
    text = (files("synthgen.report") / "templates" / "cohort.css").read_text(encoding="utf-8")
    use = say("intended_use.short")
    for language in LANGUAGES:
        quoted = use.in_language(language).replace("\\", "\\\\").replace('"', '\\"')
        text = text.replace(f"INTENDED_USE_{language}", f'"{quoted}"')
    return Html("\n".join(line.strip() for line in text.splitlines() if line.strip()))


def _page(
    model: FittedModel,
    cohort: Cohort,
    comparisons: Sequence[Comparison],
    compared: ComparedCohort,
) -> dict[str, Any]:
    """Everything that the template shows."""
    origins = provenance(model)
    groups, missing = _groups(compared, origins)
    drawn = [
        g for i, g in enumerate(groups[:MOST_DRAWN]) if i < ALWAYS_DRAWN or g.patients >= ENOUGH
    ]
    others = [g for g in groups if g not in drawn]
    outcomes = {o: sum(c.outcome is o for c in comparisons) for o in Outcome}
    return {
        "style": _style(),
        "languages": LANGUAGES,
        "model": model,
        "title": Words((model.pack.title, model.pack.title_ko)),
        "population": Words((model.pack.target.population, model.pack.target.population_ko)),
        "patients": len(compared.codes),
        "settings": _settings(model, cohort, compared),
        "conditions": _conditions(compared) if compared.where else None,
        "agreement": agreement(comparisons),
        "left_out": [
            (count, say(f"fidelity.outcome.{outcome.value}"))
            for outcome, count in outcomes.items()
            if count and outcome is not Outcome.COMPARED
        ],
        "model_picture": gaps_picture(
            say("report.summary.model_gaps"),
            [c.model_gap for c in comparisons if c.model_gap is not None],
            "mb",
            chance=False,
        ),
        "cohort_picture": gaps_picture(
            say("report.summary.cohort_gaps"),
            [c.cohort_gap for c in comparisons if c.cohort_gap is not None],
            "cb",
            chance=True,
        ),
        "far_model": [(f, row_of(model, f.comparison)) for f in far_from_model(model, comparisons)],
        "far_cohort": [
            (f, row_of(model, f.comparison)) for f in far_from_cohort(model, comparisons)
        ],
        "groups": drawn,
        "others": others,
        "missing": joined(missing),
        "missing_count": len(missing),
        "tables": table_sections(model, comparisons),
        "matrix": matrix(model, origins),
        "legend": legend(),
        "sources": source_rows(model),
        "table_of": model.pack.table,
    }


def _settings(model: FittedModel, cohort: Cohort, compared: ComparedCohort) -> list[Setting]:
    """How the cohort was made, line by line."""
    manifest = cohort.manifest
    asked = manifest.get("settings", {})
    versions = manifest.get("versions", {})
    target = model.pack.target
    population = Words((target.population, target.population_ko))
    lines = [
        Setting(say("report.setting.population"), population + f", {target.period}"),
        Setting(say("report.setting.patients"), plain(f"{len(compared.codes):,}")),
        Setting(say("report.setting.conditions"), _conditions(compared)),
        Setting(say("report.setting.diagnosed"), plain(asked.get("diagnosed", "–"))),
        Setting(say("report.setting.cut_off"), plain(asked.get("cut_off", "–"))),
        Setting(say("report.setting.seed"), plain(asked.get("seed", "–"))),
        Setting(say("report.setting.model"), plain(model.id)),
        Setting(say("report.setting.hash"), plain(model.sha256), code=True),
        Setting(say("report.setting.schema"), label_of_schema(model) + f" ({model.schema.key})"),
        Setting(say("report.setting.pack"), plain(f"{model.pack.id} {model.pack.version}")),
    ]
    if versions:
        named = ", ".join(f"{name} {version}" for name, version in versions.items())
        lines.append(Setting(say("report.setting.versions"), plain(named)))
    return lines


def label_of_schema(model: FittedModel) -> Words:
    """Title of the schema in every language."""
    return Words((model.schema.title, model.schema.title_ko))


def _conditions(compared: ComparedCohort) -> Words:
    """What the cohort was asked for, in words."""
    if not compared.where:
        return say("report.everybody")
    schema = compared.model.schema
    parts = [
        label(schema.variable(name)) + ": " + codes_words(schema.variable(name), codes)
        for name, codes in compared.where.items()
    ]
    return joined(parts, "; ")


def _groups(
    compared: ComparedCohort, origins: Sequence[Provenance]
) -> tuple[list[GroupSection], list[Words]]:
    """Sections of site groups and entities, largest first, and entities without patients."""
    names = compared.distribution.domain.names
    entities = _named(compared, ENTITY) if ENTITY in names else []
    sites = _named(compared, SITE) if SITE in names else []
    twins: dict[str, Members] = {}
    sections: list[GroupSection] = []
    missing: list[Words] = []
    for code, group in entities:
        for _, site in sites:
            if _alike(compared, group, site):
                twins[code] = site
    for code, group in sites:
        if group not in twins.values():
            made = _section(compared, SITE, code, [group])
            if made is not None and made.patients:
                sections.append(made)
    sections.sort(key=lambda s: -s.patients)
    of_entities: list[GroupSection] = []
    for code, group in entities:
        same = [group, *([twins[code]] if code in twins else [])]
        own = tuple(o for o in origins if o.entity == code and o.variable not in {ENTITY})
        made = _section(compared, ENTITY, code, same, own)
        if made is not None and made.patients:
            of_entities.append(made)
        elif made is not None:
            missing.append(made.title)
    of_entities.sort(key=lambda s: -s.patients)
    return sections + of_entities, missing


def _named(compared: ComparedCohort, name: str) -> list[tuple[str, Members]]:
    return [(code, {name: (code,)}) for code in compared.distribution.domain.codes[name]]


def _alike(compared: ComparedCohort, one: Members, other: Members) -> bool:
    probability = compared.distribution.probability
    both = probability({**one, **other})
    return both >= ALIKE * max(probability(one), probability(other)) > 0


def _section(
    compared: ComparedCohort,
    name: str,
    code: str,
    groups: Sequence[Members],
    origins: tuple[Provenance, ...] = (),
) -> GroupSection | None:
    variable = compared.model.schema.variable(name)
    title = codes_words(variable, (code,))
    if name == SITE:
        title = say("report.site_group", title=title)
    number = variable.codes.index(code)
    return group_section(compared, title, groups, f"{name}-{number}", origins)
