"""The kinds of published tables; a new kind is one file and one line here."""

from __future__ import annotations

from synthgen.errors import StatisticsError
from synthgen.statistics.kinds.counts import COUNTS
from synthgen.statistics.kinds.followed import AALEN_JOHANSEN, KAPLAN_MEIER
from synthgen.statistics.kinds.kind import Kind
from synthgen.statistics.kinds.noisy_counts import NOISY_COUNTS
from synthgen.statistics.kinds.population import LIFE_TABLE, POPULATION
from synthgen.statistics.kinds.quantiles import QUANTILES
from synthgen.statistics.kinds.rates import RATES
from synthgen.statistics.kinds.shares import SHARES
from synthgen.statistics.kinds.survival import (
    CUMULATIVE_INCIDENCE,
    NET_SURVIVAL,
    OBSERVED_SURVIVAL,
    RELATIVE_SURVIVAL,
)

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        COUNTS,
        NOISY_COUNTS,
        SHARES,
        RATES,
        NET_SURVIVAL,
        RELATIVE_SURVIVAL,
        OBSERVED_SURVIVAL,
        CUMULATIVE_INCIDENCE,
        QUANTILES,
        LIFE_TABLE,
        POPULATION,
        KAPLAN_MEIER,
        AALEN_JOHANSEN,
    )
}
"""All kinds by name."""


def kind_of(name: str, table: str) -> Kind:
    """Kind by name.

    Raises
    ------
    StatisticsError
        If there is no such kind.
    """
    if name not in KINDS:
        raise StatisticsError(f"{table}: kind is {name!r}; it must be one of {', '.join(KINDS)}")
    return KINDS[name]
