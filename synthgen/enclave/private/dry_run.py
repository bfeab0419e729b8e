"""What a private tabulation could say before anything is spent: errors to expect.

Only public figures go in: how many patients are expected, and a prior.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from synthgen.enclave.private.accounting import sigma_of
from synthgen.enclave.private.adaptive import ROUNDS
from synthgen.enclave.private.allocation import expected_error, shared_out, single_budgets
from synthgen.enclave.private.questions import Question, Rows, wanted_questions
from synthgen.enclave.private.settings import COUNT_SHARE, SELECT_SHARE
from synthgen.errors import PrivacyBudgetError

#: Expected absolute error, as a share of the rows, beyond which a table is noise: two
#: distributions that share nothing differ by 2.
NOISE = 1.0
#: Share of tables that may be noise before the whole is refused.
MOST_NOISE = 0.5


@dataclass(frozen=True)
class Expectation:
    """Expected error of one table, or of one stratum of it.

    Parameters
    ----------
    of : str
        ``"tumour: entity,sex"``, or ``"... | entity=thymoma"`` for a stratum.
    cells : int
    sigma : float
        Standard deviation of the noise of a cell [rows].
    rows : float
        That are expected.
    error : float
        Expected absolute error of all cells, as a share of the rows.
    coarsen : str
        The variable with the most categories.
    """

    of: str
    cells: int
    sigma: float
    rows: float
    error: float
    coarsen: str

    @property
    def is_noise(self) -> bool:
        """Whether the noise would be as large as what it hides."""
        return self.error >= NOISE

    @property
    def line(self) -> str:
        """One line for people."""
        said = f"{self.of}: {self.cells:,} cells, noise +-{self.sigma:.1f}, expected error {self.error:.0%}"
        return f"{said} - NOISE: coarsen {self.coarsen}" if self.is_noise else said


def questions_at_first(
    rows: Rows, planned: Sequence[tuple[tuple[str, ...], tuple[str, ...]]]
) -> list[Question]:
    """Questions that are certain to be asked of a unit: those of a plan, or single variables."""
    own = [p for p in planned if any(n in rows.own for n in p[1])]
    if planned:
        return wanted_questions(rows, own)
    return [Question((name,)) for name in rows.own]


def expectations(
    units: Sequence[Rows],
    kept: dict[str, int],
    planned: Sequence[tuple[tuple[str, ...], tuple[str, ...]]],
    rho: float,
    patients: float,
    share_of: Callable[[str, str], float | None] | None = None,
) -> list[Expectation]:
    """Expected error of every table, and of every stratum by a variable with families.

    Parameters
    ----------
    units : sequence of Rows
        Only their categories are looked at.
    kept : dict of str to int
        Rows of a patient by table.
    planned : sequence of (tuple of str, tuple of str)
    rho : float
    patients : float
        That are expected.
    share_of : callable, optional
        Public share of a code of a variable, None where it is not known.
    """
    found: list[Expectation] = []
    budgets = unit_budgets(units, rho)
    for rows, budget in zip(units, budgets, strict=True):
        asked = questions_at_first(rows, planned)
        sensitivity = float(kept[rows.name])
        if planned:
            cells = [rows.cells(q) for q in asked]
            shares = shared_out(budget, cells, [sensitivity] * len(asked))
        elif share_of is not None:
            cells = [rows.cells(q) for q in asked]
            shares = single_budgets(budget, cells, sensitivity, patients)
        else:
            each = (1 - SELECT_SHARE) * budget / (ROUNDS * max(len(rows.own), 2))
            shares = [each] * len(asked)
        for question, share in zip(asked, shares, strict=True):
            sigma = sigma_of(sensitivity, share)
            found += _of(rows, question, sigma, patients, share_of)
    return found


def unit_budgets(units: Sequence[Rows], rho: float) -> list[float]:
    """Budget of each unit after the numbers of rows: by its number of variables."""
    whole = sum(max(len(u.own), 1) for u in units)
    return [rho * (1 - COUNT_SHARE) * max(len(u.own), 1) / whole for u in units]


def _of(
    rows: Rows,
    question: Question,
    sigma: float,
    patients: float,
    share_of: Callable[[str, str], float | None] | None,
) -> list[Expectation]:
    cells = rows.cells(question)
    coarsen = max(question.names, key=rows.size)
    widest = f"{coarsen} ({rows.size(coarsen)} categories)"
    label = f"{rows.name}: {question.label}"
    error = expected_error(cells, sigma, patients)
    found = [Expectation(label, cells, sigma, patients, error, widest)]
    for name in question.names:
        if name not in rows.families or name in question.by_family or len(question.names) < 2:
            continue
        codes = rows.variables[name].codes
        within = cells // len(codes)
        for code in codes:
            share = None if share_of is None else share_of(name, code)
            expected = max(patients * (1 / len(codes) if share is None else share), 1e-9)
            found.append(
                Expectation(
                    f"{label} | {name}={code}",
                    within,
                    sigma,
                    expected,
                    expected_error(within, sigma, expected),
                    f"{name}, or count its families" if share is None else f"{name} ({code})",
                )
            )
    return found


def refuse_noise(expected: Sequence[Expectation]) -> None:
    """Refuse a tabulation that would mostly be noise.

    Raises
    ------
    PrivacyBudgetError
        One line with what to coarsen.
    """
    tables = [e for e in expected if " | " not in e.of]
    noise = [e for e in tables if e.is_noise]
    if not tables or len(noise) <= MOST_NOISE * len(tables):
        return
    worst = max(noise, key=lambda e: e.error)
    raise PrivacyBudgetError(
        f"{worst.of}: the answer would be noise (expected error {worst.error:.0%} of {worst.rows:,.0f} "
        f"rows); coarsen {worst.coarsen}, ask for fewer tables, join more patients or start from a "
        f"public pack (--prior) ({len(noise)} of {len(tables)} tables)"
    )
