"""How a generator is fitted again and again: what the refit audit needs to know about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synthgen.findings import Subjects


@dataclass(frozen=True)
class Refit:
    """A generator that can be fitted to any records, and how to see through it.

    Parameters
    ----------
    fit_and_sample : callable
        ``fit_and_sample(records, n, rng)`` fits to these records and samples ``n`` patients.
    decode : callable or None
        ``decode(synthetic)`` undoes whatever the generator does to values at the end, as
        somebody could who knows the generator.  Without it the audit is one of a black box.
    """

    fit_and_sample: Callable[[Subjects, int, np.random.Generator], Subjects]
    decode: Callable[[Subjects], Subjects] | None = None

    def __call__(self, records: Subjects, n: int, rng: np.random.Generator) -> Subjects:
        """Fit to some records and sample ``n`` patients."""
        return self.fit_and_sample(records, n, rng)
