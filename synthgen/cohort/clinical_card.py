"""What a data card says about clinical tables: where every number of the templates is from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from synthgen.cohort.clinical.templates import ASSUMED, PLAIN, Template, own_places, templates_for
from synthgen.cohort.markdown import table_rows
from synthgen.cohort.settings import CLINICAL
from synthgen.messages import message

if TYPE_CHECKING:
    from synthgen.cohort.fitted_model import FittedModel
    from synthgen.cohort.settings import Settings

ENTITY = "entity"


def templates_of(model: FittedModel, settings: Settings) -> list[Template]:
    """Templates that a cohort's tumours can have, the plain one last."""
    known = settings.where.get(ENTITY, model.distribution.domain.codes.get(ENTITY, ()))
    found = templates_for(assumed=settings.clinical == CLINICAL[0])
    own = [t for t in found if set(t.entities) & set(known)]
    return [*own, *(t for t in found if t.id == PLAIN)]


def clinical_section(model: FittedModel, settings: Settings, language: str) -> list[str]:
    """Paragraphs in Markdown: how the tables were made, and a row for each template and source.

    Parameters
    ----------
    model : FittedModel
    settings : Settings
        Empty paragraphs where no clinical tables were asked for.
    language : {"en", "ko"}
    """
    if not settings.clinical:
        return []

    def say(key: str) -> str:
        return message(f"data_card.{key}", language)

    rows = []
    for template in templates_of(model, settings):
        title = template.title_ko if language == "ko" else template.title
        for source, places in own_places(template).items():
            words = say("clinical_assumed") if source == ASSUMED else _citation(template, source)
            rows.append([title, words, ", ".join(places)])
    left_out = [] if settings.clinical == CLINICAL[0] else [say("clinical_without")]
    return [
        f"## {say('clinical')}",
        say("clinical_how"),
        *left_out,
        table_rows(
            [say("clinical_template"), say("clinical_source"), say("clinical_places")], rows
        ),
    ]


def _citation(template: Template, source: str) -> str:
    said: Mapping[str, str] = template.sources[source]
    return f"{said['citation']}. <{said['url']}>"
