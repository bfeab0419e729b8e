"""Fitting a model to records, and to a pack that records were tabulated into."""

from __future__ import annotations

from synthgen.models.decomposable import fit_decomposable, tables_in_order
from synthgen.models.fit import Fit, fit_pack
from synthgen.models.junction_tree import TooTiedError
from synthgen.models.noisy_pack import fit_noisy, is_private
from synthgen.models.rounded_pack import can_be_rounded, fit_rounded
from synthgen.schema.model import Schema
from synthgen.statistics.model import StatisticsPack


def fit_tabulated(pack: StatisticsPack, schema: Schema) -> Fit:
    """Fit of a pack that was made of records.

    Exact tables that form a junction tree have a closed form.  Protected ones are statements
    with intervals, as published ones are; where the rules of the schema tie too much for that,
    they are counts with an error.  Noisy ones (differential privacy) enter by their noise.

    Parameters
    ----------
    pack : StatisticsPack
    schema : Schema
        The pack's own.

    Raises
    ------
    StatisticsError
        If a table cannot be turned into statements.
    ModelError
        If a clique is too large or the fit does not converge.
    """
    if is_private(pack):
        return fit_noisy(pack, schema)
    if pack.unprotected and tables_in_order(pack) is not None:
        return fit_decomposable(pack, schema)
    try:
        return fit_pack(pack, schema)
    except TooTiedError:
        if pack.own_schema is None or not can_be_rounded(pack):
            raise
    return fit_rounded(pack, schema)
