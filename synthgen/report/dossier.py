"""The dossier for reviewers: two checklists, filled with what the tool knows, blank elsewhere.

The five steps are those of the synthetic data guide of the Korean Personal Information
Protection Commission (합성데이터 생성·활용 안내서, December 2024); its forms could not be
read, so the questions under the steps are ours.  The four checks are those of Raab, McCall
and Cavin (arXiv:2503.14211).

Everything comes from the public edition of an evaluation, so that a dossier may be handed on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthgen.errors import UsageError
from synthgen.evaluation.evaluation import Evaluation
from synthgen.evaluation.public_edition import public_edition
from synthgen.messages import LANGUAGES
from synthgen.outputs import output_file
from synthgen.report.finding_rows import MeasureRows, group_of, measure_rows
from synthgen.report.ledger_section import budget_answer
from synthgen.report.rendering import environment, style
from synthgen.report.words import Words, joined, plain, say


@dataclass(frozen=True)
class Item:
    """One question of a checklist.

    Parameters
    ----------
    question : Words
    answer : Words or None
        None is a blank that somebody must fill in.
    verdict : str
        What was decided on it, ``""`` where nothing was.
    """

    question: Words
    answer: Words | None = None
    verdict: str = ""


@dataclass(frozen=True)
class Part:
    """One step or check.

    Parameters
    ----------
    heading : Words
    items : tuple of Item
    """

    heading: Words
    items: tuple[Item, ...]

    @property
    def filled(self) -> int:
        """Items with an answer."""
        return sum(item.answer is not None for item in self.items)


def write_dossier(
    evaluation: Evaluation,
    path: Path,
    *,
    language: str = "en",
    public_codes: frozenset[str] = frozenset(),
    force: bool = False,
) -> None:
    """Write the dossier of an evaluation, whole or not at all.

    Parameters
    ----------
    evaluation : Evaluation
    path : Path
    language : {"en", "ko"}
        The language that the page opens in; the other is in it too.
    public_codes : frozenset of str
        Codes that the schema publishes.
    force : bool
        Replace what stands there.

    Raises
    ------
    UsageError
        If the file exists and ``force`` is not set, or the language is unknown.
    OutputError
        If it cannot be written.
    """
    document = public_edition(evaluation.document, evaluation.policy.k_min, public_codes)
    text = dossier_of(document, evaluation.policy.document, language=language)
    with output_file(path, force=force) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def dossier_of(
    document: Mapping[str, Any], policy: Mapping[str, Any], *, language: str = "en"
) -> str:
    """The dossier as one HTML page.

    Parameters
    ----------
    document : mapping
        The public edition of an evaluation.
    policy : mapping
        ``policy.json`` beside it.
    language : {"en", "ko"}

    Raises
    ------
    UsageError
        If the language is unknown, or the document is the internal edition.
    """
    if language not in LANGUAGES:
        raise UsageError(f"language {language}: choose of {', '.join(LANGUAGES)}")
    if document["edition"] != "public":
        raise UsageError("dossier: is made from the public edition of an evaluation")
    template = environment().get_template("dossier.html.jinja")
    return template.render(
        style=style("cohort.css", "figures.css", "evaluation.css"),
        title=say("dossier.title", name=document["target"]["name"]),
        five=five_steps(document, policy),
        four=four_checks(document),
        first=language,
    )


def five_steps(document: Mapping[str, Any], policy: Mapping[str, Any]) -> tuple[Part, ...]:
    """The five steps of the Korean guide.

    Parameters
    ----------
    document : mapping
        The public edition of an evaluation.
    policy : mapping
    """
    measures = measure_rows(document)
    decision = document["decision"]
    made = {
        "preparation": _preparation(document, policy),
        "generation": (
            Item(_ask("method"), _method(document)),
            Item(_ask("inputs_safe"), *_verdicts(measures, "I")),
            Item(_ask("identifiers"), *_verdicts(measures, "C", ("labelling",))),
            Item(_ask("preprocessing")),
        ),
        "verification": (
            Item(_ask("safety"), *_verdicts(measures, "IMC")),
            Item(_ask("use"), *_verdicts(measures, "U")),
            Item(_ask("strata"), say("dossier.a.strata", n=_untested(document))),
            Item(_ask("self_test"), *_self_test(document)),
            Item(_ask("attempts"), _attempts(document)),
            Item(_ask("budget"), budget_answer(document)),
        ),
        "review": (
            Item(_ask("verdict"), _verdict_of(document), decision["verdict"]),
            Item(_ask("approvals"), _approvals(policy)),
            Item(_ask("committee")),
            Item(_ask("opinion")),
        ),
        "use": (
            Item(_ask("expiry"), plain(policy["expiry"]) if policy["expiry"] else None),
            Item(_ask("terms"), say("dossier.a.terms")),
            Item(_ask("contact")),
            Item(_ask("again")),
            Item(_ask("records")),
        ),
    }
    return tuple(Part(say(f"dossier.step.{name}"), items) for name, items in made.items())


def four_checks(document: Mapping[str, Any]) -> tuple[Part, ...]:
    """Labelling, disclosure, structure and documentation.

    Parameters
    ----------
    document : mapping
        The public edition of an evaluation.
    """
    measures = measure_rows(document)
    structure, verdict = _verdicts(measures, "U", ("validity",))
    if structure is not None:
        schema = document["target"]["schema"]
        structure = say("dossier.a.structure", schema=schema, found=structure)
    documented = say("dossier.a.documented", n=len(document["findings"]))
    made = {
        "labelling": (
            Item(_ask("label_all"), *_verdicts(measures, "C", ("labelling",))),
            Item(_ask("label_name")),
        ),
        "disclosure": (
            Item(_ask("disclosed"), *_verdicts(measures, "IMC")),
            Item(_ask("coincidence")),
        ),
        "structure": (
            Item(_ask("structure"), structure, verdict),
            Item(_ask("structure_known")),
        ),
        "documentation": (
            Item(_ask("documented"), documented),
            Item(_ask("published")),
        ),
    }
    return tuple(Part(say(f"dossier.check.{name}"), items) for name, items in made.items())


def _ask(name: str) -> Words:
    return say(f"dossier.q.{name}")


def _preparation(document: Mapping[str, Any], policy: Mapping[str, Any]) -> tuple[Item, ...]:
    context = policy["context"]
    motive = context["motive_and_capacity"].strip()
    keys = "; ".join(" + ".join(columns) for columns in policy["keys"]) or "–"
    secrets = ", ".join(policy["secrets"]) or "–"
    limits = say(
        "dossier.a.limits",
        id=policy["id"],
        version=policy["version"],
        n=sum(rule["required"] for rule in policy["measures"]),
        k=policy["k_min"],
        sha256=document["policy"]["sha256"],
    )
    recipient = plain(context["recipient"]) + " · " + say(f"evaluation.access.{context['access']}")
    return (
        Item(_ask("purpose"), say("intended_use.short")),
        Item(_ask("purpose_own")),
        Item(_ask("basis")),
        Item(_ask("source"), _source(document)),
        Item(_ask("recipient"), recipient),
        Item(_ask("attackers"), plain(motive) if motive else None),
        Item(_ask("keys"), say("dossier.a.keys", keys=keys, secrets=secrets)),
        Item(_ask("limits"), limits),
    )


def _source(document: Mapping[str, Any]) -> Words:
    parts = [say(f"origin.{document['target']['origin']}")]
    if document["pack"]:
        pack = document["pack"]
        parts.append(say("evaluation.made.pack") + f": {pack['id']} {pack['version']}")
    if document["inputs"]["train"] is not None:
        parts.append(say("dossier.origin.records"))
    return joined(parts, "; ")


def _method(document: Mapping[str, Any]) -> Words | None:
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    if document["model"]:
        model = document["model"]
        return say(
            "dossier.a.method",
            id=model["id"],
            sha256=model["sha256"],
            seed=document["seed"],
            versions=versions,
        )
    if document["pack"]:
        pack = document["pack"]
        return say("dossier.a.tables", id=pack["id"], version=pack["version"], versions=versions)
    return None


def _verdicts(
    measures: Sequence[MeasureRows], families: str, only: tuple[str, ...] = ()
) -> tuple[Words | None, str]:
    """Measures with their verdicts in one line, and the worst; a blank where there are none."""
    found = [m for m in measures if m.family in families and (not only or m.id in only)]
    found = [m for m in found if m.verdict != "reported"]
    if not found:
        return None, ""
    order = ("fail", "not_testable", "inconclusive", "pass")
    worst = min((m.verdict for m in found), key=order.index)
    if all(not m.open for m in found):
        worst = "pass"
    return joined([m.title + ": " + m.word for m in found], "; "), worst


def _untested(document: Mapping[str, Any]) -> int:
    """Findings about strata that say nothing, and those that the edition leaves out."""
    silent = [s for s in document["findings"] if group_of(s["part"]) and s["estimate"] is None]
    return len(silent) + int(document["decision"].get("omitted", 0))


def _self_test(document: Mapping[str, Any]) -> tuple[Words | None, str]:
    test = document["self_test"]
    if test is None:
        return None, ""
    if test["passes"]:
        return say("dossier.a.self_test_pass", n=len(test.get("controls", ()))), "pass"
    return say("dossier.a.self_test_fail"), "fail"


def _attempts(document: Mapping[str, Any]) -> Words:
    attempt = document["attempt"]
    return say("evaluation.made.attempt_of", n=attempt["number"], of=attempt["of"])


def _verdict_of(document: Mapping[str, Any]) -> Words:
    decision, policy = document["decision"], document["policy"]
    word = say("evaluation.verdict.pass" if decision["passes"] else "evaluation.verdict.refused")
    title = Words((policy["title"], policy["title_ko"]))
    return word + " · " + say("evaluation.verdict.under", policy=title)


def _approvals(policy: Mapping[str, Any]) -> Words | None:
    """Approvals that were given; a blank while one that is needed is missing."""
    given = policy["approvals"]["given"]
    approved = {a["role"] for a in given if a["decision"] == "approved"}
    if not given or set(policy["approvals"]["needed"]) - approved:
        return None
    told = [
        say(
            "dossier.a.approval",
            role=a["role"],
            decision=say(f"dossier.decision.{a['decision']}"),
            date=a["date"],
        )
        for a in given
    ]
    return joined(told, "; ")
