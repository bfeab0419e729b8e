"""What goes with a cohort's data files: a bilingual data card, a notice, a descriptor."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.further_tumours import PUBLISHED_RATE
from synthgen.cohort.model_card import table_rows
from synthgen.cohort.registry import OTHER_CAUSE
from synthgen.cohort.settings import Settings
from synthgen.messages import LANGUAGES, message
from synthgen.schema.frictionless import to_datapackage

NOTICE = "SYNTHETIC_DATA_NOTICE.txt"


def data_card(
    model: FittedModel, settings: Settings, manifest: Mapping[str, Any], language: str
) -> str:
    """Data card of a cohort in Markdown."""

    def say(key: str, **values: object) -> str:
        return message(f"data_card.{key}", language, **values)

    korean = language == "ko"
    target = model.pack.target
    tables = [
        [name, model.schema.table(name).label(language), f"{facts['rows']:,}"]
        for name, facts in manifest["tables"].items()
    ]
    where = "; ".join(f"{n} = {', '.join(c)}" for n, c in settings.where.items())
    facts = [
        [say("model"), f"{model.id} (`{model.sha256[:16]}`)"],
        [say("population"), target.population_ko if korean else target.population],
        [say("diagnosed"), f"{settings.first_year}-{settings.last_year}"],
        [say("cut_off"), settings.follow_up.cut_off],
        [say("lost"), f"{settings.follow_up.lost_per_year:g}"],
        [say("further_tumours"), f"{settings.further_tumours:.3g}"],
        [say("only"), where or say("everybody")],
        [say("seed"), str(settings.seed)],
        *([[say("replicate"), f"{settings.replicate[0]}"]] if settings.replicate else []),
        [say("schema"), model.schema.key],
        [say("origin"), message(f"origin.{model.origin}", language)],
        [say("versions"), ", ".join(f"{k} {v}" for k, v in manifest["versions"].items())],
    ]
    return (
        "\n\n".join(
            [
                f"# {say('title')}",
                f"**{message('intended_use.short', language)}**",
                say("not_real"),
                table_rows([say("item"), say("value")], facts),
                f"## {say('tables')}",
                table_rows([say("table"), say("what"), say("rows")], tables),
                f"## {say('know')}",
                say("identifiers"),
                say("causes", code=OTHER_CAUSE),
                say("missing"),
                say(_further_note(settings), rate=f"{10_000 * settings.further_tumours:.3g}"),
                *([say("replicate_note")] if settings.replicate else []),
                say("again", command=_command(model, settings)),
            ]
        )
        + "\n"
    )


def _further_note(settings: Settings) -> str:
    """Key of the text that says where the rate of further tumours comes from."""
    if settings.further_tumours == 0:
        return "further_none"
    published = settings.further_tumours == PUBLISHED_RATE
    return "further_published" if published else "further_asked"


def _command(model: FittedModel, settings: Settings) -> str:
    where = "".join(f" --where {n}={','.join(c)}" for n, c in settings.where.items())
    replicates = f" --replicates {settings.replicate[1]}" if settings.replicate else ""
    rate = settings.further_tumours
    further = "" if rate == PUBLISHED_RATE else f" --further-tumours {rate!r}"
    return (
        f"synthgen generate {model.id} -n {settings.n} --seed {settings.seed}{where}{further}"
        f"{replicates}"
    )


def write_cards(
    model: FittedModel,
    settings: Settings,
    manifest: Mapping[str, Any],
    folder: Path,
    formats: Sequence[str],
) -> None:
    """Write the cards, the notice and ``datapackage.json`` of a cohort.

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
    ending = next((f for f in ("csv", "parquet") if f in formats), None)
    if ending is not None:
        descriptor = to_datapackage(
            model.schema,
            {table.name: f"{table.name}.{ending}" for table in model.schema.tables},
            name=f"{model.id}-cohort",
            more={"synthetic": True, "x-synthgen": {"format": "cohort/1", "origin": model.origin}},
        )
        text = json.dumps(descriptor, ensure_ascii=False, indent=1)
        (folder / "datapackage.json").write_text(text + "\n", encoding="utf-8")
