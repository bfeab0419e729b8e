"""What a model card says of clinical tables: which of their numbers nobody published, by entity."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from synthgen.cohort.asked_schema import has_clinical
from synthgen.cohort.clinical.templates import (
    ASSUMED,
    PLAIN,
    Template,
    own_places,
    part_of,
    templates_for,
)
from synthgen.cohort.markdown import table_rows
from synthgen.messages import message

if TYPE_CHECKING:
    from synthgen.cohort.fitted_model import FittedModel

ENTITY = "entity"


def assumed_section(model: FittedModel, language: str) -> list[str]:
    """Paragraphs in Markdown: what ``generate --clinical`` assumes of the entities of a model.

    Parameters
    ----------
    model : FittedModel
        Empty paragraphs for a model that clinical tables cannot be made of.
    language : {"en", "ko"}

    Returns
    -------
    list of str
        A heading, how to leave the assumptions out, and a table: pathway, entities, assumed
        parts with their places in the template's file.
    """
    known = model.distribution.domain.codes.get(ENTITY, ())
    if not known or not has_clinical(model.schema):
        return []

    def say(key: str, **values: object) -> str:
        return message(f"model_card.{key}", language, **values)

    labels = {c.code: c.label(language) for c in model.schema.variable(ENTITY).categories}
    rows = []
    templates = templates_for()
    own = {entity for template in templates for entity in template.entities}
    for template in (*templates[1:], templates[0]):
        entities = [e for e in known if e in template.entities]
        if template.id == PLAIN:
            entities = [e for e in known if e not in own]
        if entities:
            title = template.title_ko if language == "ko" else template.title
            names = ", ".join(labels[e] for e in entities)
            rows.append([title, names, _assumed(template, language)])
    header = [say(k) for k in ("pathway", "entities", "assumed")]
    return [f"## {say('clinical')}", say("clinical_text"), table_rows(header, rows)]


def _assumed(template: Template, language: str) -> str:
    """Parts of a template in words, with the places of what nobody published."""
    parts: dict[str, list[str]] = {}
    for place in own_places(template).get(ASSUMED, ()):
        short = re.sub(r" \d+", "", place)
        parts.setdefault(part_of(place), []).append(short)
    return "; ".join(
        f"{message(f'model_card.part.{part}', language)} ({', '.join(dict.fromkeys(places))})"
        for part, places in parts.items()
    )
