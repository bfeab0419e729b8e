"""The model card: what a model is for, what it was made of and how well it fits."""

from __future__ import annotations

from collections.abc import Sequence

from synthgen.cohort.clinical_assumed import assumed_section
from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.leaf_record import FOREST, leaf_counts
from synthgen.cohort.markdown import table_rows
from synthgen.cohort.provenance import ENTITY, Provenance, provenance
from synthgen.messages import message
from synthgen.models.fit import CONFLICT, Gap
from synthgen.statistics.model import Relation

#: Gaps listed in the card; the whole table is in ``model.json`` and in the report.
LISTED_GAPS = 40


def relation_word(relation: Relation | None, language: str) -> str:
    """Published, borrowed, pooled, assumed, or the declared reference, in words."""
    key = relation.value if relation else "reference"
    return message(f"relation.{key}", language)


def model_card(model: FittedModel, language: str) -> str:
    """Model card in Markdown.

    Parameters
    ----------
    model : FittedModel
    language : {"en", "ko"}
    """

    def say(key: str, **values: object) -> str:
        return message(f"model_card.{key}", language, **values)

    korean = language == "ko"
    pack, domain = model.pack, model.distribution.domain
    title = pack.title_ko if korean else pack.title
    population = pack.target.population_ko if korean else pack.target.population
    note = pack.target.note_ko if korean else pack.target.note
    parts = [
        f"# {say('title', id=model.id)}",
        f"**{message('intended_use.short', language)}**",
        title,
        (pack.description_ko if korean else pack.description),
        table_rows(
            [say("item"), say("value")],
            [
                [say("population"), f"{population}, {pack.target.period}"],
                [say("origin"), message(f"origin.{model.origin}", language)],
                *([[say("protection"), say("unprotected")]] if pack.unprotected else []),
                [say("schema"), model.schema.key],
                [say("statements"), f"{len(model.gaps):,}"],
                *_prior_row(model, say("prior")),
                *_engine_rows(model, language),
                [say("residual"), f"{model.residual:.1e}"],
                ["SHA-256", f"`{model.sha256}`"],
            ],
        ),
        note,
        f"## {say('limits')}",
        say("limits_text"),
        *_how_well(model, language),
        *assumed_section(model, language),
        f"## {say('variables')}",
        table_rows(
            [say("variable"), say("codes")],
            [
                [model.schema.variable(n).label(language), str(len(domain.codes[n]))]
                for n in domain.names
            ],
        ),
        f"## {say('sources')}",
        table_rows(
            [say("source"), say("citation"), say("licence"), say("redistribution")],
            [
                [
                    s.id,
                    f"{s.citation} {s.url}".strip(),
                    s.licence,
                    message(f"redistribution.{s.redistribution}", language),
                ]
                for s in pack.sources.values()
            ],
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _how_well(model: FittedModel, language: str) -> list[str]:
    """Sections on where everything comes from and how well it fits."""

    def say(key: str, **values: object) -> str:
        return message(f"model_card.{key}", language, **values)

    parts = []
    if model.gaps and ENTITY in model.distribution.domain.codes:  # else records say everything
        parts += [
            f"## {say('provenance')}",
            say("provenance_text"),
            _provenance_table(model, provenance(model), language),
        ]
    if model.pack.survival_references:
        parts += [
            f"## {say('references')}",
            say("references_text"),
            _references_table(model, language),
        ]
    if not model.gaps:
        kind = "copula" if model.copula else "exact"
        if model.engine is not None and model.engine.name == FOREST:
            kind = "forest"
        return [*parts, f"## {say('gaps')}", say(kind)]
    return [
        *parts,
        f"## {say('conflicts')}",
        _conflicts(model, language),
        f"## {say('gaps')}",
        say("gaps_text", n=LISTED_GAPS),
        _gap_rows(model, _largest(model.gaps), language),
    ]


def _engine_rows(model: FittedModel, language: str) -> list[list[str]]:
    """What fitted the model to records, what it promises, and what it does not."""
    if model.engine is None:
        return []

    def say(key: str, **values: object) -> str:
        return message(f"model_card.{key}", language, **values)

    rows = [[say("engine"), model.engine.name]]
    if model.engine.name == FOREST:
        settings = model.engine.settings
        leaves, fewest = leaf_counts(settings)
        told = say(
            "leaves_text",
            leaves=f"{leaves:,}",
            trees=settings["trees"],
            k=settings["min_leaf"],
            fewest=fewest,
        )
        rows += [[say("leaves"), told], [say("guarantee"), say("guarantee_text")]]
    return rows


def _prior_row(model: FittedModel, title: str) -> list[list[str]]:
    if model.prior is None:
        return []
    return [[title, f"{model.prior.id} (`{model.prior.sha256[:16]}`)"]]


def _largest(gaps: Sequence[Gap]) -> list[Gap]:
    return sorted(gaps, key=lambda g: -abs(g.standard_errors))[:LISTED_GAPS]


def signed(value: float) -> str:
    """A number with its sign and two decimals; what rounds to zero has no sign.

    Parameters
    ----------
    value : float

    Examples
    --------
    >>> signed(1.234), signed(-0.5), signed(-0.004), signed(0.0)
    ('+1.23', '-0.50', '0.00', '0.00')
    """
    text = f"{value:+.2f}"
    return text if float(text) else "0.00"


def _gap_rows(model: FittedModel, gaps: Sequence[Gap], language: str) -> str:
    def say(key: str) -> str:
        return message(f"model_card.{key}", language)

    rows = [
        [
            model.pack.table(g.statement.table).label(language),
            g.statement.label(model.schema, language),
            g.statement.printed,
            f"{g.fitted:.4g}",
            signed(g.standard_errors),
            relation_word(g.statement.relation, language),
        ]
        for g in gaps
    ]
    header = [say(k) for k in ("table", "about", "printed", "fitted", "gap", "relation")]
    return table_rows(header, rows)


def _provenance_table(model: FittedModel, rows: Sequence[Provenance], language: str) -> str:
    names = [n for n in model.distribution.domain.names if n != "entity"]
    labels = {c.code: c.label(language) for c in model.schema.variable("entity").categories}
    by_entity: dict[str, dict[str, Provenance]] = {}
    for row in rows:
        by_entity.setdefault(row.entity, {})[row.variable] = row

    def cell(row: Provenance) -> str:
        word = relation_word(row.relation, language)
        if row.relation is None:
            return word
        more = f" +{len(row.sources) - 1}" if len(row.sources) > 1 else ""
        cases = f"{row.cases:,.0f}; " if row.cases else ""
        return f"{word} ({cases}{row.sources[0]}{more})"

    header = [model.schema.variable("entity").label(language)]
    header += [model.schema.variable(n).label(language) for n in names]
    return table_rows(
        header,
        [
            [labels[entity], *(cell(found[name]) for name in names)]
            for entity, found in by_entity.items()
        ],
    )


def _references_table(model: FittedModel, language: str) -> str:
    def say(key: str) -> str:
        return message(f"model_card.{key}", language)

    rows = []
    for reference in model.pack.survival_references:
        whom = "; ".join(f"{n}: {', '.join(c)}" for n, c in reference.members.items())
        rows.append(
            [
                whom or say("everybody"),
                f"{reference.shape:g}",
                f"{reference.median:g}",
                f"{reference.cured:.0%}",
                reference.source,
            ]
        )
    return table_rows([say(k) for k in ("whom", "shape", "median", "cured", "source")], rows)


def _conflicts(model: FittedModel, language: str) -> str:
    found = [g for g in model.gaps if abs(g.standard_errors) > CONFLICT]
    if not found:
        return message("model_card.no_conflicts", language, limit=CONFLICT)
    text = message("model_card.some_conflicts", language, n=len(found), limit=CONFLICT)
    worst = sorted(found, key=lambda g: -abs(g.standard_errors))
    return text + "\n\n" + _gap_rows(model, worst, language)
