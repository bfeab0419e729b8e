"""Makes the page with a model's gap table and its provenance matrix.

    python docs/reference/model_tables.py kr-rare > docs/reference/kr-rare-tables.md

Prints Markdown: for every table of the pack how far the model lies from its values, the
values it lies furthest from, and for every entity and variable where it comes from.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from synthgen.cohort.artefact import load_model
from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.provenance import provenance
from synthgen.models.fit import CONFLICT, Gap
from synthgen.statistics.model import Relation

#: Letter of each relation in the matrix, the strongest first.
LETTERS = {
    Relation.PUBLISHED: "P",
    Relation.BORROWED: "B",
    Relation.POOLED: "p",
    Relation.ASSUMED: "a",
    None: "·",
}
#: Values that are listed one by one.
FURTHEST = 10
#: Gaps up to here are no gaps [standard errors]: they are the residual of the fit.
SEEN = 0.005


def row(cells: object) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(map(str, cells))} |"  # type: ignore[call-overload]


def gap_rows(model: FittedModel) -> Iterator[str]:
    """For every table: values, how many are met, and the largest gap."""
    by_table: dict[str, list[Gap]] = {}
    for gap in model.gaps:
        by_table.setdefault(gap.statement.table, []).append(gap)
    yield row(["table", "relation", "values", "inside", "largest gap [standard errors]", "row"])
    yield "|---|---|---:|---:|---:|---:|"
    for name, gaps in by_table.items():
        worst = max(gaps, key=lambda g: abs(g.standard_errors))
        inside = sum(abs(g.standard_errors) <= SEEN for g in gaps)
        size = abs(worst.standard_errors)
        seen = [f"{worst.standard_errors:+.2f}", worst.statement.row] if size > SEEN else ["0", ""]
        yield row([name, worst.statement.relation.value, len(gaps), inside, *seen])


def furthest_rows(model: FittedModel) -> Iterator[str]:
    """The values that the model is furthest from, as published and as fitted."""
    yield row(["value", "published", "model", "gap [standard errors]"])
    yield "|---|---:|---:|---:|"
    gaps = sorted(model.gaps, key=lambda g: -abs(g.standard_errors))[:FURTHEST]
    for gap in gaps:
        said = gap.statement
        about = f"{said.label(model.schema)} ({said.table}, row {said.row})".replace("|", "given")
        yield row([about, f"{said.value:.3f}", f"{gap.fitted:.3f}", f"{gap.standard_errors:+.2f}"])


def matrix_rows(model: FittedModel) -> Iterator[str]:
    """Entity by variable: the letter of the strongest relation."""
    origins = {(p.entity, p.variable): p.relation for p in provenance(model)}
    domain = model.distribution.domain
    variables = [name for name in domain.names if name != "entity"]
    yield row(["entity", *variables])
    yield f"|---|{':-:|' * len(variables)}"
    for entity in domain.codes["entity"]:
        yield row([entity, *(LETTERS[origins[entity, name]] for name in variables)])


def page(model: FittedModel) -> str:
    """The page in Markdown."""
    far = sum(abs(gap.standard_errors) > CONFLICT for gap in model.gaps)
    inside = sum(abs(gap.standard_errors) <= SEEN for gap in model.gaps)
    return "\n".join(
        [
            f"# {model.id}: gaps and provenance",
            "",
            f"Made by `python docs/reference/model_tables.py {model.id}`; `MODEL_CARD.md` of the "
            "model lists every value.",
            "",
            "## Gap table",
            "",
            f"{len(model.gaps):,} published values; the model lies inside the interval of "
            f"{inside:,} and further than {CONFLICT:g} standard errors from {far}.",
            "",
            *gap_rows(model),
            "",
            "## Furthest values",
            "",
            *furthest_rows(model),
            "",
            "## Provenance matrix",
            "",
            "P published for the target population, B borrowed from another population, p pooled "
            "(the table is about a wider group), a assumed, · only the declared reference or the "
            "rules of the schema.",
            "",
            *matrix_rows(model),
            "",
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(page(load_model(sys.argv[1])))
