"""Which codes a pack is about: what its scope and the rules of its schema leave of each variable."""

from __future__ import annotations

import numpy as np

from synthgen.errors import StatisticsError
from synthgen.models.domain import Domain
from synthgen.models.structure import zero_scopes
from synthgen.schema.model import Schema
from synthgen.schema.rules.grid import structural_zeros
from synthgen.statistics.model import StatisticsPack


def domain_of(pack: StatisticsPack, schema: Schema) -> Domain:
    """Variables of the pack's blocks, with the codes that its scope and the rules leave.

    Raises
    ------
    StatisticsError
        If the scope names unknown codes, or the rules leave a variable without codes.
    """
    names = [name for block in pack.blocks for name in block.variables]
    codes: dict[str, tuple[str, ...]] = {}
    for name in names:
        known = schema.variable(name).codes
        wanted = set(pack.scope.get(name, known))
        unknown = wanted - set(known)
        if unknown:
            raise StatisticsError(
                f"pack {pack.id}: scope of {name} has codes that schema {schema.key} does not "
                f"know ({len(unknown)} such codes)"
            )
        codes[name] = tuple(c for c in known if c in wanted)
    kept = {name: np.ones(len(codes[name]), dtype=np.bool_) for name in names}
    possible = {}
    for pair in (s for s in zero_scopes(schema, names) if len(s) == 2):
        first, second = sorted(pair, key=names.index)
        scope = {first: codes[first], second: codes[second]}
        possible[first, second] = np.logical_not(structural_zeros(schema, (first, second), scope))
    settled = False
    while not settled:
        settled = True
        for (first, second), together in possible.items():
            for name, other, grid in ((first, second, together), (second, first, together.T)):
                if _may_lack(schema, name, other):
                    continue
                keep = kept[name] & grid[:, kept[other]].any(axis=1)
                settled = settled and bool((keep == kept[name]).all())
                kept[name] = keep
                if not keep.any():
                    raise StatisticsError(
                        f"pack {pack.id}: the rules of {schema.key} leave no code of {name}; "
                        "widen the scope"
                    )
    return Domain(
        tuple(
            (name, tuple(c for c, k in zip(codes[name], kept[name], strict=True) if k))
            for name in names
        )
    )


def _may_lack(schema: Schema, name: str, other: str) -> bool:
    """Whether rows of one variable's table need have none of the other's, which refer to them.

    What no row of surgery may say of a tumour then says nothing against the tumour.
    """
    table, of = (schema.variable(n).column.partition(".")[0] for n in (name, other))
    return any(
        v.unit == f"rows of {of}" and v.categories[0].lower == 0
        for v in schema.variables
        if table and of and table != of
    )
