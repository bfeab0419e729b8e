"""``synthgen evaluate``: findings about a cohort, a model or a pack, and what a policy says."""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from synthgen.evaluation.evaluation import Evaluation
    from synthgen.evaluation.measures import Measure

PATH = click.Path(path_type=Path)
#: The measure whose estimate is a shortfall of persons: its count is printed instead.
SMALLEST = "smallest_cell"


@click.command()
@click.argument("target", required=False)
@click.option("--policy", default="", metavar="POLICY", help="A shipped policy, or a file.")
@click.option("-o", "--output", type=PATH, help="Folder of the evaluation.")
@click.option("--records", type=PATH, help="Real records that went into the generator.")
@click.option("--control", type=PATH, help="Comparable real records that did not.")
@click.option("--population", type=PATH, help="CSV of residents: columns of keys, and n.")
@click.option("--pack", default="", metavar="PACK", help="Statistics that must be reproduced.")
@click.option("--model", default="", metavar="MODEL", help="Model that a cohort was drawn from.")
@click.option(
    "--schema", default="", metavar="SCHEMA", help="Folder of the target's schema, if it is yours."
)
@click.option(
    "-n",
    "patients",
    type=click.IntRange(min=1),
    default=None,
    help="Patients to draw from a model; by default as many as the records, or 2,000.",
)
@click.option(
    "--refits",
    type=int,
    default=None,
    metavar="K",
    help="Refits of a model of records; by default 256 where the policy requires the audit "
    "(fewer cannot pass), else 64.",
)
@click.option("--self-test", is_flag=True, help="Run the planted controls as well.")
@click.option(
    "--log",
    type=PATH,
    default=None,
    help="Log of attempts; by default attempts.jsonl beside the folder of the evaluation.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="0 or more.")
@click.option(
    "--jobs",
    type=int,
    default=1,
    show_default=True,
    help="Worker processes; changes nothing but the time.",
)
@click.option(
    "--lang",
    type=click.Choice(["en", "ko"]),
    default="en",
    show_default=True,
    help="Language of what is printed, and that the report opens in.",
)
@click.option("--force", is_flag=True, help="Replace what stands at OUTPUT.")
@click.option("--json", "as_json", is_flag=True, help="Print the evaluation as JSON.")
def command(
    target: str | None,
    policy: str,
    output: Path | None,
    records: Path | None,
    control: Path | None,
    population: Path | None,
    pack: str,
    model: str,
    schema: str,
    patients: int | None,
    refits: int | None,
    self_test: bool,
    log: Path | None,
    seed: int,
    jobs: int,
    lang: str,
    force: bool,
    as_json: bool,
) -> None:
    """Evaluate TARGET, a cohort, model or pack, under a policy.

    Writes evaluation.json, its public edition and report.html.  Ends with exit code 3 if
    the policy refuses; what was found is written all the same.  Only a pass passes: what
    could not be tested does not.  Without TARGET, --self-test runs all planted controls;
    it needs the extra records, and release needs its result.

    \b
    Examples:
      synthgen evaluate kr-demo --policy public -o evaluation
      synthgen evaluate cohort --policy enclave --records train.csv --control other.csv -o evaluation
      synthgen evaluate --self-test
    """
    from synthgen.errors import RefusedError, UsageError

    if seed < 0:
        raise UsageError(f"seed: is {seed}; it must be 0 or more")
    if target is None:
        if not self_test:
            raise UsageError("evaluate: say what is evaluated, or --self-test")
        _print_self_test(_self_test(seed, full=True), lang, as_json=as_json)
        return
    if not policy or output is None:
        raise UsageError("evaluate: needs --policy and -o; synthgen catalog lists the policies")
    with _values_unseen():
        made = _evaluate(
            target,
            policy,
            output,
            (records, control, population),
            pack=pack,
            model=model,
            schema=schema,
            patients=patients,
            refits=refits,
            self_test=_self_test(seed, full=False) if self_test else None,
            log=log or output.parent / "attempts.jsonl",
            seed=seed,
            jobs=jobs,
            force=force,
            lang=lang,
        )
    if as_json:
        click.echo(json.dumps(made.document, ensure_ascii=False, indent=1))
    else:
        _print(made, lang)
    if not made.passes:
        raise RefusedError(
            f"policy {made.policy.id}: does not let {made.document['target']['name']} pass "
            f"({made.decision.verdict.value}); see {output}"
        )


@contextlib.contextmanager
def _values_unseen() -> Iterator[None]:
    """Show warnings by class and place: their texts may hold values of records."""
    from synthgen.evaluation.run import brief_warning

    shown = warnings.showwarning
    warnings.showwarning = brief_warning
    try:
        yield
    finally:
        warnings.showwarning = shown


def _evaluate(
    target: str,
    policy: str,
    output: Path,
    files: tuple[Path | None, Path | None, Path | None],
    *,
    pack: str,
    model: str,
    schema: str,
    patients: int | None,
    refits: int | None,
    self_test: dict[str, Any] | None,
    log: Path,
    seed: int,
    jobs: int,
    force: bool,
    lang: str,
) -> Evaluation:
    from datetime import UTC, datetime

    from synthgen.errors import UsageError
    from synthgen.evaluation.evaluate import evaluate_into, measures_asked
    from synthgen.evaluation.inputs import read_given
    from synthgen.evaluation.policy import read_policy, require_ready
    from synthgen.evaluation.target import DRAWN, kind_of, spoken_by
    from synthgen.report.evaluation_curves import published_curves, real_curves
    from synthgen.report.evaluation_folder import pages
    from synthgen.report.targets import load_target

    now = datetime.now(UTC)
    rules = read_policy(policy)
    require_ready(rules, now.date())
    kind = kind_of(target)
    measures = measures_asked(rules, kind)
    if output.exists() and not force:
        raise UsageError(f"{output}: exists already; choose another name or use --force")
    given = read_given(spoken_by(target, schema, model), *files)
    count = patients or (DRAWN if given.train is None else given.patients)
    loaded = load_target(target, seed=seed, patients=count, model=model, pack=pack, schema=schema)
    hidden = not sys.stderr.isatty()
    with click.progressbar(
        length=len(measures), label="Measuring", file=sys.stderr, hidden=hidden
    ) as bar:

        def done(_: Measure) -> None:
            bar.update(1)

        return evaluate_into(
            output,
            loaded,
            rules,
            given,
            log=log,
            now=now,
            seed=seed,
            jobs=jobs,
            force=force,
            self_test=self_test,
            progress=done,
            refits=refits,
            refit_progress=_say_refits,
            finish=pages(
                loaded.schema,
                lang,
                published=published_curves(loaded),
                real=real_curves(loaded, given, rules),
            ),
        )


def _say_refits(done: int, refits: int, seconds: float) -> None:
    """Say on standard error how far the refits are and what one costs."""
    if done == refits or done % 16 == 0:
        click.echo(f"refit {done} of {refits}: {seconds / done:.2f} s each", err=True)


def _print(made: Evaluation, lang: str) -> None:
    from synthgen.cli.printing import print_rows
    from synthgen.messages import message

    rows = []
    for judged in made.decision.judged:
        said, limit = judged.finding, judged.limit
        told = _as_counted(made.policy.k_min) if said.measure == SMALLEST else _number
        most = None if limit is None else limit.limit
        rows.append(
            {
                "verdict": message(f"verdict.{judged.verdict.value}", lang)
                + (f" ({judged.covered_by})" if judged.covered_by else ""),
                "measure": said.measure,
                "part": said.part or "-",
                "estimate": told(said.estimate),
                "interval": f"{told(said.lower)} .. {told(said.upper)}",
                "must_be": "-" if most is None else _bound(said.measure, told(most)),
                "n": said.n,
            }
        )
    print_rows(
        [{message(f"evaluate.column.{name}", lang): row[name] for name in row} for row in rows]
    )
    for name in made.decision.missing:
        click.echo(message("evaluate.missing", lang, measure=name))
    for reason, count in _reasons(made).items():
        click.echo(message("evaluate.why", lang, why=message(reason, lang), count=count))
    if made.document["target"].get("doubt"):
        why = message(made.document["target"]["doubt"], lang)
        click.echo(message("evaluate.doubt", lang, why=why))
    if made.document["self_test"] is not None:
        click.echo(said_of_self_test(made.document["self_test"], lang))
    click.echo(
        message(
            "evaluate.passes" if made.passes else "evaluate.refused",
            lang,
            policy=made.policy.title(lang),
            verdict=message(f"verdict.{made.decision.verdict.value}", lang),
        )
    )


def _reasons(made: Evaluation) -> dict[str, int]:
    """Why required findings do not pass, with how many there are of each."""
    counts: dict[str, int] = {}
    for judged in made.decision.judged:
        if judged.verdict.value != "pass":
            counts[judged.why] = counts.get(judged.why, 0) + 1
    return counts


def _as_counted(k_min: int) -> Callable[[float | None], str]:
    """How the smallest printed count is told: by itself, not by what it lacks to ``k_min``."""

    def told(shortfall: float | None) -> str:
        if shortfall == 0:
            return f"{k_min}+"  # no count is smaller
        return _number(None if shortfall is None else k_min - shortfall)

    return told


def _bound(measure: str, limit: str) -> str:
    return f">= {limit.removesuffix('+')}" if measure == SMALLEST else f"<= {limit}"


def _number(number: float | None) -> str:
    if number is None:
        return "-"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def said_of_self_test(document: dict[str, Any], lang: str) -> str:
    """Whether the planted controls were seen, and which were not."""
    from synthgen.messages import message

    missed = [row["control"] for row in document["controls"] if not row["as_expected"]]
    if missed:
        return message("evaluate.self_test_failed", lang, controls=", ".join(missed))
    return message("evaluate.self_test", lang, count=len(document["controls"]))


def _self_test(seed: int, *, full: bool) -> dict[str, Any]:
    from synthgen.evaluation.self_test import self_test
    from synthgen.extras import require

    require("records", "sklearn")  # without it no control passes: said before, not after
    return self_test(seed, full=full)


def _print_self_test(document: dict[str, Any], lang: str, *, as_json: bool) -> None:
    from synthgen.cli.printing import print_rows
    from synthgen.errors import RefusedError

    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=1))
    else:
        print_rows(document["controls"])
    if not document["passes"]:
        raise RefusedError("self-test: a planted control was not seen; do not release anything")
    if not as_json:
        click.echo(said_of_self_test(document, lang))
