"""What goes with a cohort's data files: a bilingual data card, a notice, a descriptor."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from synthgen.cohort.asked_schema import asked_schema
from synthgen.cohort.calendar import period_of
from synthgen.cohort.clinical_card import clinical_section
from synthgen.cohort.croissant import FILE as CROISSANT
from synthgen.cohort.croissant import MEDIA_TYPES, to_croissant
from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.further_tumours import PUBLISHED_RATE
from synthgen.cohort.hashes import file_hashes
from synthgen.cohort.licence import PUBLIC, licence_of
from synthgen.cohort.markdown import table_rows
from synthgen.cohort.names import COLUMN, MARKS
from synthgen.cohort.of_records import is_of_records
from synthgen.cohort.population import REGION
from synthgen.cohort.registry import OTHER_CAUSE
from synthgen.cohort.settings import Settings
from synthgen.messages import LANGUAGES, message
from synthgen.resources import shipped
from synthgen.schema.frictionless import to_datapackage

NOTICE = "SYNTHETIC_DATA_NOTICE.txt"
LICENCE = "LICENCE.txt"


def data_card(
    model: FittedModel, settings: Settings, manifest: Mapping[str, Any], language: str
) -> str:
    """Data card of a cohort in Markdown."""

    def say(key: str, **values: object) -> str:
        return message(f"data_card.{key}", language, **values)

    korean = language == "ko"
    target = model.pack.target
    schema = asked_schema(model.schema, settings)
    tables = [
        [name, schema.table(name).label(language), f"{facts['rows']:,}"]
        for name, facts in manifest["tables"].items()
    ]
    where = "; ".join(f"{n} = {', '.join(c)}" for n, c in settings.where.items())
    facts = [
        *_maker_rows(model, manifest, say),
        [say("population"), target.population_ko if korean else target.population],
        *_residents_row(settings, say, language),
        *([] if is_of_records(model) else _followed_rows(settings, say)),
        [say("only"), where or say("everybody")],
        [say("seed"), str(settings.seed)],
        *([[say("replicate"), f"{settings.replicate[0]}"]] if settings.replicate else []),
        [say("schema"), schema.key],
        [say("origin"), message(f"origin.{model.origin}", language)],
        [say("licence"), licence_of(model.pack).id],
        *([[say("names_asked"), settings.names]] if settings.names else []),
        [say("versions"), ", ".join(f"{k} {v}" for k, v in manifest["versions"].items())],
    ]
    return (
        "\n\n".join(
            [
                f"# {say('title')}",
                f"**{message('intended_use.short', language)}**",
                *_whose(model, say, language),
                table_rows([say("item"), say("value")], facts),
                f"## {say('tables')}",
                table_rows([say("table"), say("what"), say("rows")], tables),
                f"## {say('know')}",
                say("identifiers"),
                *_notes(model, settings, manifest, say),
                *([_names_note(settings, language)] if settings.names else []),
                *([say("replicate_note")] if settings.replicate else []),
                *([say("again", command=_command(model, settings))] if model.sha256 else []),
                *clinical_section(model, settings, language),
                f"## {say('licence')}",
                licence_of(model.pack).text(language),
            ]
        )
        + "\n"
    )


def _whose(model: FittedModel, say: Callable[..., str], language: str) -> list[str]:
    """That nobody is in the rows; of records, how they were protected, in the words of the pack."""
    if model.origin == PUBLIC:
        return [say("not_real")]
    how = model.pack.description_ko if language == "ko" else model.pack.description
    return [say("not_real_records"), *([how] if how else [])]


def _maker_rows(
    model: FittedModel, manifest: Mapping[str, Any], say: Callable[..., str]
) -> Iterator[list[str]]:
    """The model by its hash; a foreign engine by its versions and terms."""
    if model.sha256:
        yield [say("model"), f"{model.id} (`{model.sha256[:16]}`)"]
    engine = manifest.get("engine")
    if engine is not None:
        versions = ", ".join(f"{k} {v}" for k, v in engine["versions"].items())
        yield [say("engine"), f"{engine['name']} ({versions}; {engine['licence']})"]
    if not model.sha256:
        yield [say("model"), say("no_model")]


def _notes(
    model: FittedModel,
    settings: Settings,
    manifest: Mapping[str, Any],
    say: Callable[..., str],
) -> list[str]:
    engine = manifest.get("engine")
    if engine is None:
        return [say("of_records")] if is_of_records(model) else _registry_notes(settings, say)
    notes = [say("of_engine", drawn=f"{engine['drawn']:,}", refused=f"{engine['refused']:,}")]
    if engine["further_rows"]:
        more = ", ".join(f"{name} {rows:,}" for name, rows in engine["further_rows"].items())
        notes.append(say("further_rows", rows=more))
    return notes


def _followed_rows(settings: Settings, say: Callable[..., str]) -> list[list[str]]:
    return [
        [say("diagnosed"), period_of(settings.first_year, settings.last_year)],
        [say("cut_off"), settings.follow_up.cut_off],
        [say("lost"), f"{settings.follow_up.lost_per_year:g}"],
        [say("further_tumours"), f"{settings.further_tumours:.3g}"],
    ]


def _registry_notes(settings: Settings, say: Callable[..., str]) -> list[str]:
    return [
        say("causes", code=OTHER_CAUSE),
        say("missing"),
        say(_further_note(settings), rate=f"{10_000 * settings.further_tumours:.3g}"),
    ]


def _names_note(settings: Settings, language: str) -> str:
    mark = MARKS[settings.names]
    return message("data_card.names", language, column=COLUMN, mark=mark)


def _further_note(settings: Settings) -> str:
    """Key of the text that says where the rate of further tumours comes from."""
    if settings.further_tumours == 0:
        return "further_none"
    published = settings.further_tumours == PUBLISHED_RATE
    return "further_published" if published else "further_asked"


def _residents_row(
    settings: Settings, say: Callable[..., str], language: str
) -> Iterator[list[str]]:
    residents = settings.residents
    if residents is not None:
        words = say(
            "residents_of",
            population=residents.label(language),
            years=residents.years,
            expected=f"{residents.expected:,.1f}",
        )
        yield [say("residents"), words]


def _asked(settings: Settings) -> str:
    """Number of patients or years of a population, as the command line asks for them."""
    residents = settings.residents
    if residents is None:
        return f"-n {settings.n}"
    population = f" --population {residents.region}" if residents.region else ""
    ages = "" if residents.age_adjusted else " --no-age-adjustment"
    return f"--years {residents.years}{population}{ages}{'' if residents.trend else ' --no-trend'}"


def _command(model: FittedModel, settings: Settings) -> str:
    implied = REGION if settings.residents and settings.residents.region else ""
    where = "".join(
        f" --where {n}={','.join(c)}" for n, c in settings.where.items() if n != implied
    )
    replicates = f" --replicates {settings.replicate[1]}" if settings.replicate else ""
    rate = settings.further_tumours
    plain = rate == PUBLISHED_RATE or is_of_records(model)
    further = "" if plain else f" --further-tumours {rate!r}"
    named = model.id if model.id in shipped("fitted_models") else f"<folder of {model.id}>"
    names = f" --names {settings.names}" if settings.names else ""
    clinical = {"all": " --clinical", "published": " --clinical --no-assumed"}
    return (
        f"synthgen generate {named} {_asked(settings)} --seed {settings.seed}{where}{further}"
        f"{replicates}{names}{clinical.get(settings.clinical, '')}"
    )


def write_cards(
    model: FittedModel,
    settings: Settings,
    manifest: Mapping[str, Any],
    folder: Path,
    formats: Sequence[str],
) -> None:
    """Write the cards, the notice, the terms and the descriptors of a cohort.

    Parameters
    ----------
    model : FittedModel
    settings : Settings
    manifest : mapping
    folder : Path
        Where the data files are.
    formats : sequence of str
        Formats that were written; the descriptor speaks of CSV, else of Parquet.
    """
    for language, name in (("en", "DATA_CARD.md"), ("ko", "DATA_CARD.ko.md")):
        card = data_card(model, settings, manifest, language)
        (folder / name).write_text(card, encoding="utf-8")
    notice = "\n\n".join(
        f"{message('data_card.notice', language)}\n{message('intended_use.short', language)}"
        for language in LANGUAGES
    )
    (folder / NOTICE).write_text(notice + "\n", encoding="utf-8")
    licence = licence_of(model.pack)
    terms = "\n\n".join(licence.text(language) for language in LANGUAGES)
    (folder / LICENCE).write_text(f"{licence.id}\n\n{terms}\n", encoding="utf-8")
    ending = next((f for f in ("csv", "parquet") if f in formats), None)
    if ending is None:
        return
    schema = asked_schema(model.schema, settings)
    descriptor = to_datapackage(
        schema,
        {table.name: f"{table.name}.{ending}" for table in schema.tables},
        name=f"{model.id}-cohort",
        more={
            "synthetic": True,
            "licenses": [{"name": licence.id, "path": licence.url, "title": licence.id}],
            "x-synthgen": {
                "format": "cohort/1",
                "origin": model.origin,
                "licence": {name: licence.text(name) for name in LANGUAGES},
            },
        },
    )
    files = file_hashes(folder, endings=tuple(f".{f}" for f in MEDIA_TYPES))
    use = message("intended_use.short", "en")
    described = to_croissant(schema, model.pack, licence, manifest, files, use)
    for name, document in (("datapackage.json", descriptor), (CROISSANT, described)):
        text = json.dumps(document, ensure_ascii=False, indent=1)
        (folder / name).write_text(text + "\n", encoding="utf-8")
