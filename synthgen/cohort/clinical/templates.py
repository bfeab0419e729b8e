"""Event templates: what happens to a tumour of some entity, as data with sources.

A template is one JSON file of ``schemas/clinical``, format ``clinical/1``
(``schemas/formats/clinical/1.schema.json``).  Every part that holds numbers names its
source; the source ``assumed`` stands for a number that nobody published, and such parts can
be left out (:func:`templates_for`).  A part that a template does not have is that of the
template ``plain``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from synthgen.errors import SchemaError
from synthgen.resources import data_root

FORMAT = "clinical/1"
#: Source of a number that nobody published.
ASSUMED = "assumed"
#: Template of every entity that has none of its own, and of every part left out of one.
PLAIN = "plain"
#: Parts of a template, in the order of the format.
PARTS = (
    "first_treatment",
    "surgery",
    "chemotherapy",
    "lines",
    "radiotherapy",
    "staging",
    "pathology",
    "biomarkers",
    "metastasis",
    "relapse",
    "measurements",
)


@dataclass(frozen=True)
class Template:
    """What happens to tumours of some entities.

    Parameters
    ----------
    id : str
    title, title_ko : str
    entities : tuple of str
        Codes of the column ``tumour.entity``.
    deep : bool
        Whether the entity has a pathway of its own, with published frequencies.
    parts : mapping
        Plain JSON values by part.
    regimens : mapping
        Drugs, doses and cycles by name.
    sources : mapping of str to mapping
        ``citation``, ``url`` and more by id of the source.
    """

    id: str
    title: str
    title_ko: str
    entities: tuple[str, ...]
    deep: bool
    parts: Mapping[str, Any]
    regimens: Mapping[str, Any]
    sources: Mapping[str, Mapping[str, str]]

    def part(self, name: str) -> Any:
        """A part, empty where the template has none."""
        return self.parts.get(name, {})


def without_assumed(value: Any) -> Any:
    """The same JSON value without the objects whose source is ``assumed``.

    A regimen whose number of cycles is assumed (``plan``) is left out as a whole: a line of it
    could not be ended.
    """
    if isinstance(value, Mapping):
        return {k: without_assumed(v) for k, v in value.items() if not _is_assumed(v)}
    if isinstance(value, list):
        return [without_assumed(v) for v in value if not _is_assumed(v)]
    return value


def _is_assumed(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    return value.get("source") == ASSUMED or _is_assumed(value.get("plan"))


@cache
def _documents() -> tuple[Mapping[str, Any], ...]:
    found = []
    for path in sorted((data_root() / "schemas" / "clinical").glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        if document.get("format") != FORMAT:
            raise SchemaError(f"{path.name}: format must be {FORMAT}")
        found.append(document)
    return tuple(found)


@cache
def templates_for(*, assumed: bool = True) -> tuple[Template, ...]:
    """All templates, the plain one first.

    Parameters
    ----------
    assumed : bool
        Keep the parts that nobody published.

    Raises
    ------
    SchemaError
        If a file is of another format, or there is no plain template.
    """
    documents = {d["id"]: d if assumed else without_assumed(d) for d in _documents()}
    if PLAIN not in documents:
        raise SchemaError(f"schemas/clinical: has no {PLAIN}.json; it must have one")
    plain = documents.pop(PLAIN)
    made = [_template(plain, plain)]
    made += [_template(document, plain) for document in documents.values()]
    return tuple(made)


def _template(document: Mapping[str, Any], plain: Mapping[str, Any]) -> Template:
    return Template(
        document["id"],
        document["title"],
        document["title_ko"],
        tuple(document.get("entities", ())),
        bool(document.get("deep", False)),
        {name: document.get(name) or plain.get(name, {}) for name in PARTS},
        {
            name: _whole(regimen)
            for name, regimen in {
                **plain.get("regimens", {}),
                **document.get("regimens", {}),
            }.items()
        },
        {**plain.get("sources", {}), **document.get("sources", {})},
    )


def _whole(regimen: Mapping[str, Any]) -> dict[str, Any]:
    """A regimen with the cycles and doses that have a source of their own in their places.

    Examples
    --------
    >>> said = {"drugs": [{"atc": "L01XA01", "amount": {"dose": 75, "unit": "mg/m2"}}]}
    >>> made = _whole({**said, "plan": {"cycles": 6, "source": "assumed"}})
    >>> made["cycles"], made["drugs"][0]["dose"]
    (6, 75)
    """
    plan = {k: v for k, v in regimen.get("plan", {}).items() if k in ("cycles", "before")}
    drugs = [
        {**drug, **{k: v for k, v in drug.get("amount", {}).items() if k in ("dose", "unit")}}
        for drug in regimen["drugs"]
    ]
    return {**regimen, **plan, "drugs": drugs}


def cited(template: Template) -> Iterator[tuple[str, str]]:
    """Where each number of a template comes from: place in the template, id of the source."""
    for name in PARTS:
        yield from _cited(template.part(name), name)
    yield from _cited(template.regimens, "regimens")


def _cited(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        if "source" in value:
            yield place, value["source"]
        for key, inner in value.items():
            yield from _cited(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            yield from _cited(inner, f"{place} {number}")


def assumed_places(template: Template) -> tuple[str, ...]:
    """Places of a template whose numbers nobody published."""
    return tuple(place for place, source in cited(template) if source == ASSUMED)


def own_places(template: Template) -> dict[str, list[str]]:
    """Places of a template by source; what it has from the plain one is told there.

    Parameters
    ----------
    template : Template

    Returns
    -------
    dict of str to list of str
        Id of the source, or :data:`ASSUMED` -> places in the order of the format.
    """
    plain = templates_for()[0]
    same = {name for name in PARTS if template.part(name) == plain.part(name)}
    same |= {f"regimens.{name}" for name in plain.regimens}
    found: dict[str, list[str]] = {}
    for place, source in cited(template):
        part = place if place.startswith("regimens.") else part_of(place)
        if template.id == PLAIN or part not in same:
            found.setdefault(source, []).append(place)
    return found


def part_of(place: str) -> str:
    """Part that a place of a template lies in.

    Examples
    --------
    >>> part_of("biomarkers 1.shares 2"), part_of("regimens.bep.response")
    ('biomarkers', 'regimens')
    """
    return place.split(".")[0].split(" ")[0]
