"""Replicates: the model fitted again to what the tables might have been.

A replicate redraws every statement with the sampling error it states
(:mod:`synthgen.models.redraw`), gives the pairs of variables that nobody published another
association (:mod:`synthgen.models.interactions`), and fits the blocks in their order again.
The spread of a figure over replicates is what the pack leaves open about it, as far as its
sources and the declared spread go: bias of a source, and wrong assumptions, are not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from synthgen.errors import ModelError
from synthgen.models.block import Potential, Start
from synthgen.models.fit import Fit, Gap, Ground, fit_pack, ground_of
from synthgen.models.interactions import (
    SPREAD,
    Interaction,
    draw_interactions,
    unpublished_interactions,
)
from synthgen.models.redraw import draw_statements
from synthgen.randomness import block_generator
from synthgen.schema.model import Schema
from synthgen.statistics.model import StatisticsPack
from synthgen.statistics.statement import Statement

#: Residual at which the fit of a replicate stops [standard errors].
GOAL = 1e-5


@dataclass(frozen=True, eq=False)
class Design:
    """What all replicates of a model share.

    Parameters
    ----------
    pack : StatisticsPack
    schema : Schema
    base : Fit
        The fit to the statements as published.
    ground : Ground
    interactions : tuple of Interaction
        Associations that nobody published.
    references : tuple of Potential
        What the base model was given beside the declared references (a prior).
    """

    pack: StatisticsPack
    schema: Schema
    base: Fit
    ground: Ground
    interactions: tuple[Interaction, ...]
    references: tuple[Potential, ...] = ()


def design_of(
    pack: StatisticsPack,
    schema: Schema,
    base: Fit,
    *,
    ground: Ground | None = None,
    references: Sequence[Potential] = (),
) -> Design:
    """Prepare the replicates of a fit.

    Parameters
    ----------
    pack, schema : StatisticsPack, Schema
    base : Fit
        What :func:`~synthgen.models.fit.fit_pack` made of them.
    ground : Ground, optional
        Where it has been prepared already.
    references : sequence of Potential
        The ones that the base fit was given.
    """
    published = [gap.statement for gap in base.gaps]
    return Design(
        pack,
        schema,
        base,
        ground or ground_of(pack, schema),
        tuple(unpublished_interactions(base.distribution, published, schema)),
        tuple(references),
    )


def fit_replicate(
    design: Design, key: str, seed: int, number: int, *, spread: float = SPREAD
) -> Fit:
    """One replicate; it depends on the key, the seed and its number, and on nothing else.

    Parameters
    ----------
    design : Design
    key : str
        Hash of the base model; it keys the random streams.
    seed : int
        0 or greater.
    number : int
        Number of the replicate, from 1.
    spread : float
        Standard deviation of the log odds ratios that nobody published
        (:data:`~synthgen.models.interactions.SPREAD`).

    Returns
    -------
    Fit
        Its gaps set the replicate's values beside the statements as published.

    Raises
    ------
    ModelError
        If the replicate does not converge; the message names it.
    """
    published = [gap.statement for gap in design.base.gaps]
    drawn = draw_statements(
        published,
        block_generator(key, seed, number, "replicate", "statements"),
        [gap.fitted for gap in design.base.gaps],
    )
    rng = block_generator(key, seed, number, "replicate", "interactions")
    references = [*design.references, *draw_interactions(design.interactions, rng, spread)]
    multipliers = {i: gap.multiplier for i, gap in enumerate(design.base.gaps)}
    statements = _by_block(design.ground, iter(drawn))
    ground = replace(design.ground, statements=statements, redrawn=True)
    failed = ""
    for start in (Start(multipliers, GOAL, True), Start({}, GOAL, True)):
        try:
            fit = fit_pack(
                design.pack, design.schema, ground=ground, references=references, start=start
            )
        except ModelError as error:
            failed = str(error)
            continue
        return replace(fit, gaps=gaps_beside(published, fit.gaps))
    raise ModelError(f"replicate {number}: {failed}")


def _by_block(ground: Ground, drawn: Iterator[Statement]) -> dict[str, list[Statement]]:
    return {name: [next(drawn) for _ in said] for name, said in ground.statements.items()}


def gaps_beside(published: Sequence[Statement], gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    """Fitted values beside other statements about the same events.

    Parameters
    ----------
    published : sequence of Statement
        As published.
    gaps : sequence of Gap
        Of a fit to the same statements with other values or errors.
    """
    found = []
    for said, gap in zip(published, gaps, strict=True):
        outside = max(gap.fitted - said.upper, 0.0) - max(said.lower - gap.fitted, 0.0)
        found.append(Gap(said, gap.fitted, outside / said.standard_error, gap.multiplier))
    return tuple(found)
