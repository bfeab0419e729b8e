"""What a private tabulation was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from synthgen.enclave.private.accounting import require_claim
from synthgen.enclave.settings import Settings
from synthgen.errors import PrivacyBudgetError
from synthgen.statistics.model import StatisticsPack

#: Largest delta where nobody says how many patients to expect: below one in their number for
#: any records of under a million patients.
SAFE_DELTA = 1e-6
#: Share of the budget for the numbers of rows, and for choosing of what is then left.
COUNT_SHARE, SELECT_SHARE = 0.02, 0.1


@dataclass(frozen=True)
class PublicPrior:
    """A pack of public statistics that a private one starts from.

    Parameters
    ----------
    pack : StatisticsPack
    sha256 : str
        Of its descriptor.
    """

    pack: StatisticsPack
    sha256: str


@dataclass(frozen=True)
class PrivateSettings:
    """Claim, contributions and what is public.

    Parameters
    ----------
    epsilon, delta : float
        The claim.
    asked : Settings
        What any tabulation is asked for; its protection is not used.
    rows_per_patient : mapping of str to int
        Rows of a patient that are kept, by table; ``""`` for all tables.
    patient : str
        Column of the first table that says whose a row is.
    expected_n : int or None
        Patients that are expected, from public knowledge.
    prior : PublicPrior or None
    budget : Path or None
        File in which the tabulations of the same records add up.
    """

    epsilon: float
    delta: float
    asked: Settings = field(default_factory=Settings)
    rows_per_patient: Mapping[str, int] = field(default_factory=dict)
    patient: str = ""
    expected_n: int | None = None
    prior: PublicPrior | None = None
    budget: Path | None = None

    def __post_init__(self) -> None:
        require_claim(self.epsilon, self.delta)
        if self.expected_n is not None and self.expected_n < 1:
            raise PrivacyBudgetError(f"expected n: is {self.expected_n}; it must be 1 or more")
        if self.expected_n is None and self.delta > SAFE_DELTA:
            raise PrivacyBudgetError(
                f"delta: is {self.delta:g}; it must be below one in the number of patients: at "
                f"most {SAFE_DELTA:g}, or say from public knowledge how many there are (--expect-n)"
            )
        if self.expected_n is not None and self.delta >= 1 / self.expected_n:
            raise PrivacyBudgetError(
                f"delta: is {self.delta:g}; it must be below one in the number of patients "
                f"({1 / self.expected_n:.2g} for {self.expected_n:,} expected)"
            )
        if self.asked.bins_from_data:
            raise PrivacyBudgetError(
                "bins of the records: would be told without noise; give the schema public bins, "
                "or start from a public pack (--prior)"
            )
        if self.asked.unprotected or self.asked.round_to is not None or self.asked.detail:
            raise PrivacyBudgetError(
                "epsilon: goes with neither --unprotected nor --round; the noise is the protection"
            )
