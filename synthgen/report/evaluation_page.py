"""The report of an evaluation: the verdict first, then one line per finding, in two languages.

There is an internal edition with exact numbers and a public one, which is made from the
public edition of the document alone: what was measured leaks as well.  The page needs no
script and asks for nothing over a network; the same documents give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthgen.errors import UsageError
from synthgen.evaluation.evaluation import Evaluation
from synthgen.evaluation.public_edition import public_edition
from synthgen.findings import FAMILIES
from synthgen.messages import LANGUAGES
from synthgen.outputs import output_file
from synthgen.report.finding_rows import (
    MeasureRows,
    judged_of,
    measure_rows,
    number_words,
    part_words,
    slug,
    strata_table,
    text_of,
    verdict_word,
)
from synthgen.report.group_section import Picture
from synthgen.report.ledger_section import ledger_sections
from synthgen.report.rendering import environment, style
from synthgen.report.words import Words, joined, plain, say

EDITIONS = ("internal", "public")
VERDICTS = ("pass", "fail", "inconclusive", "not_testable")


@dataclass(frozen=True)
class Line:
    """One line of facts."""

    name: Words
    value: Words
    code: bool = False


@dataclass(frozen=True)
class LimitLine:
    """One limit of the policy."""

    measure: Words
    part: Words
    limit: str
    source: str


def write_evaluation_report(
    evaluation: Evaluation,
    path: Path,
    edition: str = "internal",
    *,
    language: str = "en",
    public_codes: frozenset[str] = frozenset(),
    curves: Sequence[Picture] = (),
    force: bool = False,
) -> None:
    """Write the report of an evaluation, whole or not at all.

    Parameters
    ----------
    evaluation : Evaluation
    path : Path
    edition : {"internal", "public"}
        The public one is rounded and without small strata.
    language : {"en", "ko"}
        The language that the page opens in; the other is in it too.
    public_codes : frozenset of str
        Codes that the schema publishes; in the public edition, groups with other names are
        called by a number.
    curves : sequence of Picture
        Survival curves to show; those of real records do not belong into the public edition.
    force : bool
        Replace what stands there.

    Raises
    ------
    UsageError
        If the file exists and ``force`` is not set, or an edition or language is unknown.
    OutputError
        If it cannot be written.
    """
    text = evaluation_report(
        evaluation, edition, language=language, public_codes=public_codes, curves=curves
    )
    with output_file(path, force=force) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def evaluation_report(
    evaluation: Evaluation,
    edition: str = "internal",
    *,
    language: str = "en",
    public_codes: frozenset[str] = frozenset(),
    curves: Sequence[Picture] = (),
) -> str:
    """The report as one HTML page; the parameters are those of :func:`write_evaluation_report`.

    Raises
    ------
    UsageError
        If the edition or language is unknown.
    """
    if edition not in EDITIONS:
        raise UsageError(f"edition {edition}: choose of {', '.join(EDITIONS)}")
    document = evaluation.document
    if edition == "public":
        document = public_edition(document, evaluation.policy.k_min, public_codes)
    return report_of(document, evaluation.policy.document, language=language, curves=curves)


def report_of(
    document: Mapping[str, Any],
    policy: Mapping[str, Any],
    *,
    language: str = "en",
    curves: Sequence[Picture] = (),
) -> str:
    """The report of a document of either edition.

    Parameters
    ----------
    document : mapping
        ``evaluation.json`` or ``evaluation.public.json``.
    policy : mapping
        ``policy.json`` beside it.
    language : {"en", "ko"}
    curves : sequence of Picture

    Raises
    ------
    UsageError
        If the language is unknown.
    """
    if language not in LANGUAGES:
        raise UsageError(f"language {language}: choose of {', '.join(LANGUAGES)}")
    template = environment().get_template("evaluation.html.jinja")
    return template.render(page_of(document, policy), first=language, curves=curves)


def page_of(document: Mapping[str, Any], policy: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the template shows."""
    decision = document["decision"]
    measures = measure_rows(document)
    judged = list(judged_of(document).values())
    counts = {v: sum(j["verdict"] == v for j in judged) for v in VERDICTS}
    public = document["edition"] == "public"
    omitted = decision.get("omitted", 0)
    edition = (
        say("evaluation.edition.public", k=policy["k_min"], n=omitted)
        if public
        else say("evaluation.edition.internal")
    )
    names = {m["measure"]: text_of(f"measure.{m['measure']}.title", m["measure"]) for m in judged}
    missing = [
        say("evaluation.missing", measure=names.get(m) or text_of(f"measure.{m}.title", m))
        for m in decision["missing"]
    ]
    return {
        "style": style("cohort.css", "figures.css", "evaluation.css"),
        "title": plain(document["target"]["name"]),
        "page_title": say("evaluation.eyebrow") + f": {document['target']['name']}",
        "kind": say(f"evaluation.kind.{document['target']['kind']}"),
        "public": public,
        "edition": edition,
        "passes": decision["passes"],
        "verdict": decision["verdict"],
        "verdict_word": say(
            "evaluation.verdict.pass" if decision["passes"] else "evaluation.verdict.refused"
        ),
        "verdict_text": say(f"evaluation.verdict.{decision['verdict']}_text"),
        "under": say(
            "evaluation.verdict.under", policy=Words((policy["title"], policy["title_ko"]))
        ),
        "counts": [(v, verdict_word(v), n) for v, n in counts.items()],
        "required": len(judged),
        "open": [m for m in measures if m.open],
        "missing": missing,
        "families": _families(measures),
        "strata": strata_table(document),
        "ledgers": ledger_sections(document),
        "omitted": omitted,
        "k_min": policy["k_min"],
        "policy_lines": _policy_lines(document, policy),
        "limits": _limits(policy),
        "made": _made(document),
        "controls": document["self_test"],
        "control_rows": _controls(document["self_test"]),
    }


def _families(
    measures: tuple[MeasureRows, ...],
) -> list[tuple[str, Words, Words, list[MeasureRows]]]:
    """Families that have findings, each with its heading and what it is about."""
    made = []
    for family in FAMILIES:
        own = [m for m in measures if m.family == family]
        if own:
            heading = say(f"evaluation.family.{family}")
            made.append((family, heading, say(f"evaluation.family.{family}_text"), own))
    return made


def _policy_lines(document: Mapping[str, Any], policy: Mapping[str, Any]) -> list[Line]:
    none = say("evaluation.none")

    def sets(columns: list[list[str]]) -> Words:
        return plain("; ".join(" + ".join(c) for c in columns)) if columns else none

    needed = set(policy["approvals"]["needed"])
    given = {a["role"] for a in policy["approvals"]["given"] if a["decision"] == "approved"}
    missing = sorted(needed - given)
    held = document["decision"]["guarantees"]
    return [
        Line(say("evaluation.policy.recipient"), plain(policy["context"]["recipient"])),
        Line(
            say("evaluation.policy.access"), say(f"evaluation.access.{policy['context']['access']}")
        ),
        Line(say("evaluation.policy.k_min"), say("evaluation.policy.persons", n=policy["k_min"])),
        Line(say("evaluation.policy.keys"), sets(policy["keys"])),
        Line(
            say("evaluation.policy.secrets"),
            plain(", ".join(policy["secrets"])) if policy["secrets"] else none,
        ),
        Line(say("evaluation.policy.strata"), sets(policy["strata"])),
        Line(
            say("evaluation.policy.guarantees"),
            joined([plain(k) + ": " + say(f"guarantee.{k}") for k in held], "; ") if held else none,
        ),
        Line(say("evaluation.policy.approvals"), plain(", ".join(missing)) if missing else none),
        Line(
            say("evaluation.policy.expiry"),
            plain(policy["expiry"]) if policy["expiry"] else say("evaluation.policy.no_expiry"),
        ),
    ]


def _limits(policy: Mapping[str, Any]) -> list[LimitLine]:
    made = []
    for rule in policy["measures"]:
        title = text_of(f"measure.{rule['measure']}.title", rule["measure"])
        if not rule["required"]:
            made.append(LimitLine(title, plain(""), "", ""))
        made += [
            LimitLine(title, _limited(x.get("part")), number_words(x["limit"]), x["source"])
            for x in rule.get("limits", ())
        ]
    return made


def _limited(part: str | None) -> Words:
    """What a limit holds for."""
    if part is None:
        return say("part.any")
    return part_words(part.removesuffix("*")) + ("…" if part.endswith("*") else "")


def _made(document: Mapping[str, Any]) -> list[Line]:
    target, inputs, attempt = document["target"], document["inputs"], document["attempt"]
    kind = say(f"evaluation.kind.{target['kind']}")
    lines = [
        Line(say("evaluation.made.target"), kind + f": {target['name']}"),
        Line(say("evaluation.made.hash"), plain(target["sha256"]), code=True),
        Line(say("evaluation.made.origin"), say(f"origin.{target['origin']}")),
        Line(say("evaluation.made.schema"), plain(target["schema"])),
    ]
    if "doubt" in target:
        again = say(target["doubt"] or "evaluation.made.again_same")
        lines.append(Line(say("evaluation.made.again"), again))
    model, pack, policy = document["model"], document["pack"], document["policy"]
    if model:
        text = f"{model['id']} {model['sha256']}"
        lines.append(Line(say("evaluation.made.model"), plain(text), code=True))
    if pack:
        text = f"{pack['id']} {pack['version']}"
        lines.append(Line(say("evaluation.made.pack"), plain(text)))
    text = f"{policy['id']} {policy['version']} {policy['sha256']}"
    lines.append(Line(say("evaluation.made.policy"), plain(text), code=True))
    lines.append(Line(say("evaluation.made.synthetic"), plain(f"{inputs['synthetic']:,}")))
    lines += [_input(inputs, name) for name in ("train", "control", "population")]
    lines += [
        Line(
            say("evaluation.made.attempt"),
            say("evaluation.made.attempt_of", n=attempt["number"], of=attempt["of"]),
        ),
        Line(say("evaluation.made.seed"), plain(document["seed"])),
        Line(
            say("evaluation.made.versions"),
            plain(", ".join(f"{n} {v}" for n, v in document["versions"].items())),
        ),
    ]
    return lines


def _input(inputs: Mapping[str, Any], name: str) -> Line:
    given = inputs[name]
    if given is None:
        return Line(say(f"evaluation.made.{name}"), say("evaluation.made.not_given"))
    if given["rows"] is None:
        return Line(say(f"evaluation.made.{name}"), say("evaluation.made.hidden"))
    rows = say("evaluation.made.rows", n=f"{given['rows']:,}")
    return Line(say(f"evaluation.made.{name}"), rows + f" {given['sha256']}", code=True)


@dataclass(frozen=True)
class ControlRow:
    """One planted control."""

    name: Words
    kind: Words
    n: str
    verdict: str
    word: Words
    failed: Words
    expected: bool


def _controls(self_test: Mapping[str, Any] | None) -> list[ControlRow]:
    """What the self-test saw, control by control."""
    rows = self_test.get("controls", ()) if self_test else ()
    made = []
    for row in rows:
        failed = [m.strip() for m in str(row["failed"]).split(",") if m.strip()]
        titles = [text_of(f"measure.{name}.title", name) for name in failed]
        made.append(
            ControlRow(
                _named("control", str(row["control"])),
                _named("control.kind", str(row["kind"])),
                f"{row['n']:,}",
                row["verdict"],
                verdict_word(row["verdict"]),
                joined(titles, "; ") if titles else plain("–"),
                bool(row["as_expected"]),
            )
        )
    return made


def _named(key: str, name: str) -> Words:
    return text_of(f"{key}.{slug(name)}", name)
