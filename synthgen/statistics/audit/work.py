"""How much the audit may compute: a stated amount, so that every machine finds the same.

Work is counted in coefficients of the linear programs that are solved, not in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_WORK = 15_000_000
"""Most coefficients of all programs for intervals of one population, in one audit or one protection."""

MOST_PROOF = 5_000_000
"""Most coefficients of all programs that then only ask whether an interval is wide enough."""

MOST_EXPLANATION = 5_000_000
"""Most coefficients of all programs that ask which printed numbers give something away."""

WHOLE = 10
"""What a program over whole numbers counts, in linear programs of its size (our choice)."""


@dataclass(eq=False)
class Work:
    """What is left of an amount of work, and whether something had to be left undone.

    Parameters
    ----------
    left : float
        Coefficients that may still be solved for.
    is_spent : bool
        Whether a program was not solved for want of it.
    proof : float
        The same for the programs after that, which only ask whether intervals are wide enough.
    """

    left: float = MOST_WORK
    is_spent: bool = False
    proof: float = MOST_PROOF

    def allows(self, coefficients: int, *, whole: bool = False) -> bool:
        """Whether one more program may be solved; its work is taken off.

        Parameters
        ----------
        coefficients : int
            Entries, rows and columns of its matrix.
        whole : bool
            Whether it is over whole numbers.
        """
        asked = coefficients * (WHOLE if whole else 1)
        if asked > self.left:
            self.is_spent = True
            return False
        self.left -= asked
        return True
