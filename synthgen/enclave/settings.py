"""How records are to be tabulated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from synthgen.enclave.plan import Plan
from synthgen.errors import UsageError

PUBLIC_CELLS = 2_000
"""Most cells of a table that a committee is to read."""

PRIVATE_CELLS = 20_000
"""Most cells of a table that never leaves the model it was fitted to."""

PUBLIC_SET, PRIVATE_SET = 3, 7
"""Most variables given in a table, for people and for a model."""


@dataclass(frozen=True)
class Settings:
    """What a tabulation was asked for.

    Parameters
    ----------
    plan : Plan or None
        Which tables; chosen by the records without it.
    min_cell : int
        Smallest count that may be recognised; 1 without protection.
    round_to : int or None
        Base of rounding.
    unprotected : bool
        Exact counts that stay inside the enclave.
    bins_from_data : bool
        Whether bins may be made of the records.
    max_cells : int or None
        Most cells of a table; by default :data:`PUBLIC_CELLS` or :data:`PRIVATE_CELLS`.
    detail : bool
        Whether values within bins are counted too (unprotected only).
    population, population_ko, period : str
        Whom the records are about, in words.
    as_of : date or None
        Later dates are refused.
    allow_repeated : bool
    table : str or None
        Table that a single file holds.
    """

    plan: Plan | None = None
    min_cell: int = 5
    round_to: int | None = None
    unprotected: bool = False
    bins_from_data: bool = False
    max_cells: int | None = None
    detail: bool = False
    population: str = ""
    population_ko: str = ""
    period: str = ""
    as_of: date | None = None
    allow_repeated: bool = False
    table: str | None = None

    def __post_init__(self) -> None:
        if not self.unprotected and self.min_cell < 2 and not self.round_to:
            raise UsageError(
                f"smallest cell: is {self.min_cell}; without --min-cell of 2 or more or --round the "
                "tables are exact: say --unprotected if they are to stay in the enclave"
            )
        if self.round_to is not None and self.round_to < 2:
            raise UsageError(f"rounding: base is {self.round_to}; it must be 2 or more")
        if self.detail and not self.unprotected:
            raise UsageError("values within bins: are only counted for tables that stay inside")
        if self.max_cells is not None and self.max_cells < 2:
            raise UsageError(f"largest table: is {self.max_cells} cells; it must be 2 or more")

    @property
    def cells(self) -> int:
        """Most cells of a table."""
        return self.max_cells or (PRIVATE_CELLS if self.unprotected else PUBLIC_CELLS)
