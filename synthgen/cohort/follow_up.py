"""Following synthetic patients until they die, are lost, or the registry closes its books."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.cohort.calendar import Dates, add_years

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FollowUpRule:
    """When observation ends; it never touches the model.

    Parameters
    ----------
    cut_off : str
        Last day of follow-up, ISO date.
    lost_per_year : float
        Hazard of being lost to follow-up [per year]; 0 for a registry with death linkage.
    """

    cut_off: str
    lost_per_year: float = 0.0


@dataclass(frozen=True, eq=False)
class FollowUp:
    """What is observed of each patient.

    Parameters
    ----------
    last_contact : ndarray of datetime64[D], shape (n,)
    dead : ndarray of bool, shape (n,)
    of_cancer : ndarray of bool, shape (n,)
        Whether the observed death is from the cancer.
    """

    last_contact: Dates
    dead: npt.NDArray[np.bool_]
    of_cancer: npt.NDArray[np.bool_]


def follow(
    diagnosis: Dates,
    cancer_years: FloatArray,
    other_years: FloatArray,
    rule: FollowUpRule,
    uniform: FloatArray,
) -> FollowUp:
    """Observed end of each patient's follow-up.

    Parameters
    ----------
    diagnosis : ndarray of datetime64[D], shape (n,)
    cancer_years, other_years : ndarray of float64, shape (n,)
        Time to death from the cancer and from other causes [years], possibly infinite.
    rule : FollowUpRule
    uniform : ndarray of float64, shape (n,)
        In [0, 1), for the time to loss.
    """
    cut_off = np.datetime64(rule.cut_off, "D")
    years = np.minimum(cancer_years, other_years)
    death = add_years(diagnosis, years)
    end = np.full(len(diagnosis), cut_off)
    if rule.lost_per_year > 0:
        lost = add_years(diagnosis, -np.log1p(-uniform) / rule.lost_per_year)
        end = np.minimum(end, lost)
    end = np.maximum(end, diagnosis)
    dead = ~np.isnat(death) & (death <= end)
    last_contact = np.where(dead, death, end)
    return FollowUp(last_contact, dead, dead & (cancer_years <= other_years))
