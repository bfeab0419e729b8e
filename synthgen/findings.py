"""What a measure measured, and what measures look at: the types that all families share.

A :class:`Finding` knows no limit.  A policy holds it against one, and
:mod:`synthgen.evaluation.decide` says what follows.  These types stand on the ground floor,
because tables (family ``I``), models (``M``), cohorts (``C``) and utility (``U``) are
measured in different rooms.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

#: Families of measures: input tables, model, cohort, utility.
FAMILIES = ("I", "M", "C", "U")

#: Reasons why a finding is not testable; each is a key of the message catalogue.  A measure
#: may have others of its own.  What a guarantee may cover is said in
#: :mod:`synthgen.evaluation.decide`: never a crash.
CRASHED = "finding.reason.crashed"
MISSING_INPUT = "finding.reason.missing_input"
NO_RECORDS = "finding.reason.no_records"
TOO_FEW = "finding.reason.too_few"
NO_SUCH_COLUMN = "finding.reason.no_such_column"
CONSTANT = "finding.reason.constant"
PRIVATE = "finding.reason.refit_private"

_ID = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Finding:
    """One measured quantity; it knows no limit, and a greater estimate is always worse.

    A deterministic measure (the smallest cell, broken rules) has ``lower == estimate ==
    upper``.  Where less of something is worse, the finding is its shortfall, so that every
    limit is an upper limit.

    Parameters
    ----------
    measure : str
        Id of the measure, in snake case (``"attribute_disclosure"``).
    family : {"I", "M", "C", "U"}
        Input tables, model, cohort, utility.
    part : str
        What it is of, ``""`` for the whole: ``"secret=seer_stage"``, ``"outliers"``.
    estimate : float or None
        None where it could not be tested; there are no bounds then, and a ``reason``.
    lower, upper : float or None
        One-sided 95 % bounds; None where nothing bounds that side.
    n : int
        Trials, records or cells behind it.
    detectable : float or None
        Smallest effect that would be found with a probability of 80 %, in the unit of the
        estimate; None where the measure does not know.
    reason : str or None
        Catalogue key: why it could not be tested; None if it was measured.
    detail : mapping
        Small and JSON-able, for the internal edition; never a value of a real record.

    Raises
    ------
    ValueError
        If one of these does not hold: a number that is not finite, bounds that are crossed,
        an estimate without bounds order, a reason beside an estimate.  It is a fault of the
        measure; whoever runs it counts it as a crash.

    Examples
    --------
    >>> Finding("rules", "U", "", 0.0, 0.0, 0.0, n=60, detectable=None).is_measured
    True
    """

    measure: str
    family: str
    part: str
    estimate: float | None
    lower: float | None
    upper: float | None
    n: int
    detectable: float | None
    reason: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = f"finding {self.measure!r}"
        if not isinstance(self.measure, str) or not _ID.fullmatch(self.measure):
            raise ValueError(f"{where}: the id of a measure must be in snake case")
        if self.family not in FAMILIES:
            raise ValueError(f"{where}: family must be one of {', '.join(FAMILIES)}")
        if not isinstance(self.part, str):
            raise ValueError(f"{where}: part must be text")  # noqa: TRY004 - one fault, one class
        if not _is_count(self.n):
            raise ValueError(f"{where}: n must be a whole number from 0")
        object.__setattr__(self, "n", int(self.n))  # NumPy's numbers are no JSON
        for name in ("estimate", "lower", "upper", "detectable"):
            number = getattr(self, name)
            if number is not None and not is_finite(number):
                raise ValueError(f"{where}: {name} must be a finite number or None")
            object.__setattr__(self, name, None if number is None else float(number))
        if (self.estimate is None) == (self.reason is None):
            raise ValueError(f"{where}: must have either an estimate or a reason")
        if self.estimate is None and not (self.lower is None and self.upper is None):
            raise ValueError(f"{where}: has bounds without an estimate")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"{where}: lower bound is over the upper bound")
        json.dumps(self.detail, allow_nan=False)  # raises ValueError or TypeError

    @property
    def is_measured(self) -> bool:
        """Whether there is an estimate."""
        return self.estimate is not None

    @property
    def is_exact(self) -> bool:
        """Whether it is without sampling error: a count, a yes or no."""
        return self.is_measured and self.lower == self.estimate == self.upper

    def as_json(self) -> dict[str, Any]:
        """Plain values, every key always there."""
        return {
            "measure": self.measure,
            "family": self.family,
            "part": self.part,
            "estimate": self.estimate,
            "lower": self.lower,
            "upper": self.upper,
            "n": self.n,
            "detectable": self.detectable,
            "reason": self.reason,
            "detail": dict(self.detail),
        }


def _is_count(number: object) -> bool:
    is_whole = number is not True and number is not False and isinstance(number, Integral)
    return is_whole and int(str(number)) >= 0


def is_finite(number: Any) -> bool:
    """Whether something is a real, finite number (a bool is none).

    Examples
    --------
    >>> [is_finite(x) for x in (1, 0.5, float("nan"), float("inf"), True, None, "1")]
    [True, True, False, False, False, False, False]
    """
    return (
        number is not True
        and number is not False
        and isinstance(number, Real)
        and math.isfinite(number)
    )


def not_testable(
    measure: str,
    family: str,
    reason: str,
    *,
    part: str = "",
    n: int = 0,
    detail: Mapping[str, Any] | None = None,
) -> Finding:
    """Finding of something that could not be tested.

    Parameters
    ----------
    measure, family, part, n, detail
        As in :class:`Finding`.
    reason : str
        Catalogue key, such as :data:`TOO_FEW`.

    Examples
    --------
    >>> not_testable("linkability", "C", TOO_FEW, n=7).is_measured
    False
    """
    return Finding(measure, family, part, None, None, None, n, None, reason, detail or {})


@dataclass(frozen=True, eq=False)
class Subjects:
    """One row per patient: the patient joined to the first tumour.

    Identifiers are dropped, dates are days or years since a reference, and a missing value
    stays missing.  It holds values of real records where it was made from them.

    Parameters
    ----------
    frame : DataFrame, shape (patients, columns)
    categorical, numeric : tuple of str
        Which columns are codes and which are numbers; together they are all columns.
    """

    frame: pd.DataFrame
    categorical: tuple[str, ...]
    numeric: tuple[str, ...]

    def __post_init__(self) -> None:
        named = (*self.categorical, *self.numeric)
        if len(set(named)) != len(named) or set(named) != set(self.frame.columns):
            raise ValueError(
                f"subjects: {len(self.frame.columns)} columns, of which {len(set(named))} are "
                "named as categorical or numeric; each must be named once"
            )

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns: the categorical ones first."""
        return (*self.categorical, *self.numeric)

    def __repr__(self) -> str:  # never the frame: a repr ends in logs
        return f"<Subjects: {len(self.frame)} rows, {len(self.frame.columns)} columns>"


@dataclass(frozen=True, eq=False)
class Inputs:
    """Everything a measure may look at; what is not there is None.

    Parameters
    ----------
    schema : Schema
    cohort : mapping of str to DataFrame
        The synthetic tables; empty where a model or a pack alone is evaluated.
    synthetic : Subjects
        The same, one row per patient.
    train, control : Subjects or None
        Real records that went into the generator, and comparable ones that did not.
    pack : StatisticsPack or None
        Published statistics, to which the generator was fitted or which it must reproduce.
    model : FittedModel or None
    population : DataFrame or None
        Resident population: columns of keys and a column ``n`` [persons].
    refit : callable or None
        ``refit(records, n, rng)``: fits the generator to these records and samples ``n``.
    keys : tuple of tuple of str
        Sets of columns that an attacker may know together.
    secrets : tuple of str
        Columns that an attacker wants to learn.
    strata : tuple of tuple of str
        Sets of columns whose combinations are looked at one by one.
    k_min : int
        Smallest group that may be shown [persons].
    real : mapping of str to mapping of str to DataFrame
        The tables behind ``train`` and ``control``, by these names; empty without them.
    """

    schema: Any
    cohort: Mapping[str, pd.DataFrame]
    synthetic: Subjects
    train: Subjects | None
    control: Subjects | None
    pack: Any | None
    model: Any | None
    population: pd.DataFrame | None
    refit: Callable[[Subjects, int, np.random.Generator], Subjects] | None
    keys: tuple[tuple[str, ...], ...]
    secrets: tuple[str, ...]
    strata: tuple[tuple[str, ...], ...]
    k_min: int
    real: Mapping[str, Mapping[str, pd.DataFrame]] = field(default_factory=dict)

    def __repr__(self) -> str:  # never the frames: a repr ends in logs
        return f"<Inputs: {len(self.synthetic)} synthetic patients>"
