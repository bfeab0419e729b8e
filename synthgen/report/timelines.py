"""Timelines of a few synthetic patients: every stage, operation and drug with its source.

For each pathway of its own, three patients of the cohort to whom most happened, as a picture
and as a list.  The list says of every event which published figure its template has it from,
that nobody published it, or that the model drew it; publications are numbered by pathway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from synthgen.cohort.clinical.templates import ASSUMED, Template, templates_for
from synthgen.report.charts.drawing import Drawing, figure
from synthgen.report.charts.svg import diamonds, lines, rectangles, texts
from synthgen.report.words import Words, joined, label, plain, say

if TYPE_CHECKING:
    import pandas as pd

    from synthgen.cohort.cohort import Cohort
    from synthgen.schema.model import Schema

#: Patients shown of each pathway, and tumours of it among which they are looked for.
SHOWN, LOOKED_AT = 3, 400
WIDTH, EDGE, AXIS = 760.0, 16.0, 46.0
_MODEL = "model"
#: ATC code and dose of what was given, by line.
Doses = Mapping[str, AbstractSet[tuple[str, float | None]]]
#: Intents of lines of the first course: adjuvant, concurrent, induction, neoadjuvant.
FIRST_INTENTS = ("01", "02", "04", "06")


@dataclass(frozen=True)
class Event:
    """One line of a patient's list; days since diagnosis, ``until`` for what lasts."""

    day: int
    text: Words
    sources: tuple[Words, ...]
    until: int | None = None


@dataclass(frozen=True)
class Timeline:
    """One patient: what the list says, and the same as a picture."""

    title: Words
    events: tuple[Event, ...]
    picture: Drawing


@dataclass(frozen=True)
class Pathway:
    """The patients of one template, and the publications that their events are from."""

    title: Words
    timelines: tuple[Timeline, ...]
    publications: tuple[Words, ...]

    def marks(self, event: Event) -> Words:
        """Sources of an event in short: words, or the numbers of its publications."""
        known = self.publications
        words = [s for s in event.sources if s not in known]
        cited = sorted(known.index(s) + 1 for s in event.sources if s in known)
        parts = [*words, *(plain(str(number)) for number in cited)]
        text = parts[0]
        for part in parts[1:]:
            text = text + ", " + part
        return text


def publications(shown: Sequence[Timeline]) -> tuple[Words, ...]:
    """Publications of some timelines in the order of their first use."""
    found = [s for line in shown for event in line.events for s in event.sources]
    said = {words for who in (_MODEL, ASSUMED) for words in _said(who)}
    return tuple(dict.fromkeys(words for words in found if words not in said))


def timelines(cohort: Cohort) -> tuple[Pathway, ...]:
    """Timelines of a cohort with clinical tables; nothing for one without them."""
    if "treatment_line" not in cohort.tables:
        return ()
    asked = cohort.manifest.get("settings", {}).get("clinical", "all")
    deep = [t for t in templates_for(assumed=asked == "all") if t.deep]
    shown = [list(_shown(cohort, template)) for template in deep]
    doses = _doses(cohort, [patient.rows for patients in shown for patient in patients])
    made = []
    for template, patients in zip(deep, shown, strict=True):
        lines = tuple(_timeline(cohort.schema, template, patient, doses) for patient in patients)
        if lines:
            title = Words((template.title, template.title_ko))
            made.append(Pathway(title, lines, publications(lines)))
    return tuple(made)


@dataclass(frozen=True, eq=False)
class _Shown:
    """One tumour of a cohort, its patient, and its rows by table."""

    tumour: Any
    patient: Any
    rows: Mapping[str, list[Any]]


def _shown(cohort: Cohort, template: Template) -> Iterator[_Shown]:
    tumour = cohort["tumour"]
    mine = tumour[tumour["entity"].astype(str).isin(template.entities)].head(LOOKED_AT)
    ids = mine["tumour_id"].astype(str)
    tables = ("staging", "treatment_line", "surgery", "radiotherapy", "biomarker", "outcome")
    rows = {name: _of(cohort[name], set(ids)) for name in tables}
    happened = {t: sum(len(rows[name].get(t, ())) for name in tables) for t in ids}
    most = sorted(happened, key=lambda t: (-happened[t], t))[:SHOWN]
    patients = cohort["patient"].set_index("patient_id", drop=False)
    for tumour_id in most:
        row = mine[ids == tumour_id].iloc[0]
        own = {name: rows[name].get(tumour_id, []) for name in tables}
        yield _Shown(row, patients.loc[row["patient_id"]], own)


def _doses(cohort: Cohort, shown: Sequence[Mapping[str, list[Any]]]) -> Doses:
    """Drugs and doses of the lines that are shown."""
    wanted = {str(row["line_id"]) for rows in shown for row in rows["treatment_line"]}
    drugs = cohort["drug_exposure"]
    found: dict[str, set[tuple[str, float | None]]] = {}
    for row in drugs[drugs["line_id"].astype(str).isin(wanted)].to_dict("records"):
        dose = None if _missing(row["dose"]) else float(row["dose"])
        found.setdefault(str(row["line_id"]), set()).add((str(row["atc"]), dose))
    return found


def _of(frame: pd.DataFrame, wanted: set[str]) -> dict[str, list[Any]]:
    """Rows by tumour, of the tumours wanted."""
    kept = frame[frame["tumour_id"].astype(str).isin(wanted)]
    found: dict[str, list[Any]] = {}
    for row in kept.to_dict("records"):
        found.setdefault(str(row["tumour_id"]), []).append(row)
    return found


def _timeline(schema: Schema, template: Template, shown: _Shown, doses: Doses) -> Timeline:
    tumour, patient, rows = shown.tumour, shown.patient, shown.rows
    start = tumour["diagnosis_date"]

    def day(value: Any) -> int:
        return int((value - start).days)

    last = day(patient["last_contact_date"])
    events = [Event(0, say("timeline.diagnosis") + ": " + _title(schema, tumour), _said(_MODEL))]
    events += [_stage(schema, template, row, day(row["staging_date"])) for row in rows["staging"]]
    for row in rows["biomarker"]:
        words = _marker(schema, row)
        events.append(Event(day(row["test_date"]), words, _marker_sources(template, row)))
    for row in rows["surgery"]:
        words = _code(schema, "surgery", "procedure_code", row)
        order = _source(template, template.part("chemotherapy").get("neoadjuvant"))
        first = _source(template, template.part("first_treatment"))
        events.append(Event(day(row["surgery_date"]), words, (*_said(_MODEL), *first, *order)))
    for row in rows["radiotherapy"]:
        words = _code(schema, "radiotherapy", "modality", row)
        dose = f"{row['fractions']:g} \u00d7 {row['dose_per_fraction_gy']:g}"
        words = words + f", {dose} = {row['total_dose_gy']:g} Gy"
        sources = (*_said(_MODEL), *_plan_sources(template, row))
        events.append(Event(day(row["start_date"]), words, sources))
    for row in rows["treatment_line"]:
        until = last if _missing(row["end_date"]) else day(row["end_date"])
        regimen = _regimen(template, row, tumour, doses.get(str(row["line_id"]), set()))
        sources = () if regimen is None else _line_sources(template, regimen)
        words = _line_words(schema, template, row, regimen, until)
        events.append(Event(day(row["start_date"]), words, sources, until))
    for row in rows["outcome"]:
        words = _code(schema, "outcome", "event_type", row)
        relapse = template.part("relapse")
        sources = (
            *_source(template, relapse.get("kinds")),
            *_source(template, relapse.get("fatal")),
        )
        events.append(Event(day(row["event_date"]), words, tuple(dict.fromkeys(sources))))
    dead = str(patient["vital_status"]) == "2"
    events.append(Event(last, say("timeline.death" if dead else "timeline.last"), _said(_MODEL)))
    events = [replace(e, sources=tuple(dict.fromkeys(e.sources))) for e in events]
    told = tuple(sorted(events, key=lambda e: e.day))
    title = plain(str(tumour["tumour_id"])) + ", " + _code(schema, "patient", "sex", patient)
    title = title + f", {tumour['age_at_diagnosis']}"
    return Timeline(title, told, _picture(title, told, max(last, 1)))


def _picture(title: Words, events: tuple[Event, ...], last: int) -> Drawing:
    """A line from diagnosis to last contact, numbered as the list is; lines of treatment as bars."""

    def x(day: int) -> float:
        return EDGE + (WIDTH - 2 * EDGE) * min(max(day, 0), last) / last

    years = range(0, last + 1, 365 if last < 3650 else 1825)
    parts = [
        lines([(EDGE, AXIS, WIDTH - EDGE, AXIS)], "axis"),
        lines([(x(d), AXIS, x(d), AXIS + 5) for d in years], "axis"),
        texts([(x(d), AXIS + 17, plain(str(d // 365))) for d in years], "tick"),
        rectangles(
            [
                (x(e.day), AXIS - 9, max(x(e.until) - x(e.day), 2.0), 8.0)
                for e in events
                if e.until is not None
            ],
            "cb",
        ),
        diamonds([(x(e.day), AXIS - 5) for e in events if e.until is None], 4.0, "pd"),
    ]
    free = [-30.0, -30.0]
    for number, event in enumerate(events, start=1):
        level = 0 if x(event.day) - free[0] > 14 else 1
        if x(event.day) - free[level] > 14:
            parts.append(
                texts([(x(event.day), AXIS - 15 - 13 * level, plain(str(number)))], "tick")
            )
            free[level] = x(event.day)
    return figure(WIDTH, AXIS + 24, title, joined([e.text for e in events]), parts)


def _missing(value: Any) -> bool:
    return bool(value != value) or value is None  # NaT and NaN are not themselves


def _title(schema: Schema, tumour: Any) -> Words:
    return _code(schema, "tumour", "entity", tumour)


def _code(schema: Schema, table: str, column: str, row: Any) -> Words:
    """Title of a code in every language; the code itself where it has none."""
    codes = schema.table(table).column(column).codes
    value = str(row[column])
    if codes is not None and value in codes.index:
        return label(codes.codes[list(codes.index).index(value)])
    return plain(value)


def _stage(schema: Schema, template: Template, row: Any, day: int) -> Event:
    parts = [str(row[c]) for c in ("t", "n", "m", "stage_group") if not _missing(row[c])]
    system = str(row["system"])
    words = _code(schema, "staging", "timing", row) + f": {system} {' '.join(parts)}".rstrip()
    tnm = system.startswith("AJCC")
    said = [s for s in template.part("staging") if s["system"] == ("AJCC" if tnm else system)]
    return Event(day, words, (*_said(_MODEL), *_source(template, said[0] if said else None)))


def _source(template: Template, said: Mapping[str, Any] | None) -> tuple[Words, ...]:
    """The source that a part names, in words."""
    if not said or "source" not in said:
        return ()
    if said["source"] == ASSUMED:
        return _said(ASSUMED)
    source = template.sources[said["source"]]
    return (plain(f"{source['citation']} ({source['url']})"),)


def _said(who: str) -> tuple[Words, ...]:
    return (say(f"timeline.source.{who}"),)


def _marker(schema: Schema, row: Any) -> Words:
    """A marker with its result, the variant found and the number measured."""
    words = _code(schema, "biomarker", "marker", row) + f" ({row['method']}): "
    words = words + _code(schema, "biomarker", "result", row)
    if not _missing(row["hgvs"]):
        words = words + f", {row['hgvs']}"
    if not _missing(row["value_number"]):
        words = words + f", {row['value_number']:g} {row['unit']}"
    return words


def _regimen(
    template: Template, row: Any, tumour: Any, given: AbstractSet[tuple[str, float | None]]
) -> str | None:
    """Which regimen of the template a line is; names are shared where the drugs are the same.

    By what was given, then by the lines of the template, the stage and the course: each of
    them counts where it leaves any.
    """
    later = str(row["intent"]) not in FIRST_INTENTS
    choices = [c for line in template.part("lines") for c in line["choices"]]
    stage = str(tumour["seer_stage"])
    here = {c["regimen"] for c in choices if stage in c.get("when", {}).get("seer", (stage,))}
    found = [k for k, r in template.regimens.items() if r["name"] == str(row["regimen"])]
    tests: tuple[Callable[[str], bool], ...] = (
        lambda k: given <= {(d["atc"], d.get("dose")) for d in template.regimens[k]["drugs"]},
        lambda k: any(c["regimen"] == k for c in choices),
        lambda k: k in here,
        lambda k: not later or not _only_first(template, k),
    )
    for wanted in tests:
        found = [k for k in found if wanted(k)] or found
    return next(iter(found), None)


def _only_first(template: Template, regimen: str) -> bool:
    """Whether a regimen is given in the first course alone."""
    found = [c for line in template.part("lines") for c in line["choices"]]
    whens = [c.get("when", {}) for c in found if c["regimen"] == regimen]
    return bool(whens) and all(when.get("relapse") is False for when in whens)


def _line_words(
    schema: Schema, template: Template, row: Any, regimen: str | None, until: int
) -> Words:
    """A line: its number, regimen and intent, how long, why it ended, and the doses of a cycle."""
    words = plain(f"{row['line_number']}. {row['regimen']}, ")
    words = words + _code(schema, "treatment_line", "intent", row)
    words = words + ", " + say("timeline.cycles", cycles=row["cycles"], day=until)
    if not _missing(row["stop_reason"]):
        words = words + " (" + _code(schema, "treatment_line", "stop_reason", row) + ")"
    if not _missing(row["best_response"]):
        words = words + ", " + _code(schema, "treatment_line", "best_response", row)
    drugs = template.regimens[regimen]["drugs"] if regimen else ()
    for number, drug in enumerate(drugs):
        words = words + ("; " if number == 0 else ", ") + _drug(schema, drug)
    return words


def _drug(schema: Schema, drug: Mapping[str, Any]) -> Words:
    """A drug of a cycle: name, dose and days."""
    words = _code(schema, "drug_exposure", "atc", drug)
    if "dose" in drug:
        words = words + f" {drug['dose']:g} {drug.get('unit', '')}".rstrip()
    if "days" in drug:
        words = words + " " + say("timeline.days", days="+".join(map(str, drug["days"])))
    return words


def _line_sources(template: Template, regimen: str) -> tuple[Words, ...]:
    """Sources of the doses and cycles of a regimen, and of its being given."""
    said = template.regimens[regimen]
    found = list(_source(template, said))
    for own in (said.get("plan"), *(drug.get("amount") for drug in said["drugs"])):
        found += _source(template, own)
    for line in template.part("lines"):
        for choice in line["choices"]:
            if choice["regimen"] == regimen:
                found += _source(template, choice)
                found += _source(template, choice.get("rechallenge"))
    return tuple(dict.fromkeys(found))


def _plan_sources(template: Template, row: Any) -> tuple[Words, ...]:
    for plan in template.part("radiotherapy"):
        same = float(plan["dose_gy"]) == float(row["dose_per_fraction_gy"])
        if same and plan["modality"] == str(row["modality"]):
            return _source(template, plan)
    return ()


def _marker_sources(template: Template, row: Any) -> tuple[Words, ...]:
    for panel in template.part("biomarkers"):
        if any(m["marker"] == str(row["marker"]) for m in panel["markers"]):
            found = [words for shares in panel["shares"] for words in _source(template, shares)]
            return tuple(dict.fromkeys(found))
    return ()
