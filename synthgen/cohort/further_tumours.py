"""Further primary tumours of patients who live long enough to get one.

While a patient is followed, further tumours come at a constant rate per person-year.  Each
is drawn from the model itself, given the patient's sex and the age attained, among the
tumours that

- the rules for multiple primaries would count beside the earlier ones, and
- the patient can have survived for as long as the follow-up goes on.

The second condition is there because the published survival after a first tumour already
counts the deaths from later ones: the date of death stands, and the first tumours of a
cohort have the published frequencies and survival whatever the rate is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from synthgen.cohort.calendar import DAYS_PER_YEAR, Dates, completed_years
from synthgen.cohort.multiple_primaries import Kinds, rules_for, same_tumour
from synthgen.cohort.survival import exact_times, hazards
from synthgen.models.references import AGE_VARIABLE
from synthgen.randomness import BLOCK_SIZE, block_generator
from synthgen.statistics.statement import TIME_VARIABLE

if TYPE_CHECKING:
    from synthgen.cohort.fitted_model import FittedModel
    from synthgen.cohort.settings import Settings
    from synthgen.models.distribution import Distribution
    from synthgen.models.mixture import Mixture

IntArray = npt.NDArray[np.intp]
Positions = Mapping[str, IntArray]

#: Further primary cancers per person-year among Korean adults who had lived five years with
#: a first one: 7,348 in 1,003,008 person-years.  Luo et al. 2024, JMIR Public Health and
#: Surveillance 10:e48380, doi:10.2196/48380 (CC BY 4.0).  That the rate holds from the
#: diagnosis on, and that the further tumour is one of those the model knows, are our
#: assumptions: the published ones are of any kind.
PUBLISHED_RATE = 7_348 / 1_003_008
#: Sequence number of the last tumour that an identifier has room for.
LAST = 9
#: Tumours drawn from the model for each block, of which further ones are chosen.
#: Part of the format: another number gives other further tumours.
POOL = 16_384
#: Tumours looked at for one patient before the event is given up.
TRIES = 24


@dataclass(frozen=True, eq=False)
class Patients:
    """What further tumours depend on, of all patients of a block.

    Parameters
    ----------
    drawn : mapping of str to ndarray of intp, shape (n,)
        Sampled codes of the first tumours.
    birth, diagnosis, end : ndarray of datetime64[D], shape (n,)
        Days of birth, of the first diagnosis and of the last contact.
    """

    drawn: Positions
    birth: Dates
    diagnosis: Dates
    end: Dates


@dataclass(frozen=True, eq=False)
class Tumours:
    """Tumours of a block's patients, one row for each, patient by patient in order.

    Parameters
    ----------
    patient : ndarray of intp, shape (m,)
        Row of the patient within the block.
    sequence : ndarray of intp, shape (m,)
        1 for the first tumour of a patient.
    diagnosis : ndarray of datetime64[D], shape (m,)
    age : ndarray of intp, shape (m,)
        Completed years on that day.
    drawn : mapping of str to ndarray of intp, shape (m,)
        Codes of every model variable.
    """

    patient: IntArray
    sequence: IntArray
    diagnosis: Dates
    age: IntArray
    drawn: Positions

    def take(self, rows: IntArray) -> Tumours:
        """Some of the rows, in the order given."""
        return Tumours(
            self.patient[rows],
            self.sequence[rows],
            self.diagnosis[rows],
            self.age[rows],
            {name: positions[rows] for name, positions in self.drawn.items()},
        )


def all_tumours(
    model: FittedModel,
    settings: Settings,
    block: int,
    patients: Patients,
    age: IntArray,
    distribution: Distribution | Mixture,
) -> Tumours:
    """First and further tumours of the patients of a block.

    Parameters
    ----------
    model : FittedModel
    settings : Settings
        Its ``further_tumours`` is the rate [per person-year]; 0 for first tumours only.
    block : int
        Number of the block, from 0.
    patients : Patients
    age : ndarray of intp, shape (n,)
        Completed years at the first diagnosis.
    distribution : Distribution or Mixture
        The model conditioned on ``settings.where``: the conditions hold for every tumour.
    """
    n = len(age)
    rows = np.arange(n, dtype=np.intp)
    found = Tumours(rows, np.ones(n, dtype=np.intp), patients.diagnosis, age, patients.drawn)
    if settings.further_tumours <= 0 or not _has_site_and_histology(model):
        return found
    parts, latest, pool = [found], found, None
    for sequence in range(2, LAST + 1):
        rng = block_generator(model.sha256, settings.seed, block, f"tumour {sequence}")
        waiting = -np.log1p(-rng.random(BLOCK_SIZE)[latest.patient]) / settings.further_tumours
        room = (patients.end[latest.patient] - latest.diagnosis).astype(np.int64)
        due = np.flatnonzero(waiting * DAYS_PER_YEAR < room - 1)
        if not len(due):
            break
        days = 1 + np.floor(waiting[due] * DAYS_PER_YEAR).astype(np.int64)
        day = latest.diagnosis[due] + days.astype("timedelta64[D]")
        if pool is None:
            words = block_generator(model.sha256, settings.seed, block, "further tumours")
            pool = _Pool(model, distribution.sample(POOL, words), words.random(POOL))
        earlier = [part for part in parts if len(part.patient)]
        latest = pool.choose(patients, latest.patient[due], sequence, day, earlier, rng)
        parts.append(latest)
    return _joined(parts)


def _has_site_and_histology(model: FittedModel) -> bool:
    known = model.distribution.domain.codes
    return {"topography", "morphology", AGE_VARIABLE, "sex", TIME_VARIABLE} <= set(known)


def _joined(parts: list[Tumours]) -> Tumours:
    """All tumours, those of one patient side by side in their order."""
    if len(parts) == 1:
        return parts[0]
    whole = Tumours(
        np.concatenate([p.patient for p in parts]),
        np.concatenate([p.sequence for p in parts]),
        np.concatenate([p.diagnosis for p in parts]),
        np.concatenate([p.age for p in parts]),
        {name: np.concatenate([p.drawn[name] for p in parts]) for name in parts[0].drawn},
    )
    return whole.take(np.argsort(whole.patient, kind="stable"))


class _Pool:
    """Tumours drawn from the model, by the sex and age group of whom they fit.

    One of those that fit a patient, chosen evenly, is a draw from the model under the
    conditions of that patient: the pool is a sample of independent, equal draws.
    """

    def __init__(
        self, model: FittedModel, drawn: Positions, uniform: npt.NDArray[np.float64]
    ) -> None:
        self.model = model
        domain = model.distribution.domain
        self.ages = domain.size(AGE_VARIABLE)
        kept = np.flatnonzero(~known_at_death(domain.codes, drawn))
        cell = (drawn["sex"] * self.ages + drawn[AGE_VARIABLE])[kept]
        order = kept[np.argsort(cell, kind="stable")]
        self.drawn = {name: positions[order] for name, positions in drawn.items()}
        cells = domain.size("sex") * self.ages
        self.starts = np.searchsorted(np.sort(cell, kind="stable"), np.arange(cells + 1))
        self.rules = rules_for(
            model.schema,
            domain.codes["topography"],
            domain.codes["morphology"],
            model.schema.variable("morphology").implies,
        )
        self.kinds = self._kinds(self.drawn)
        #: Net survival time of each [years].
        self.years = exact_times(
            model.distribution,
            model.schema.variable(TIME_VARIABLE),
            model.pack.survival_references,
            self.drawn,
            uniform[order],
        )
        variable = model.schema.variable(AGE_VARIABLE)
        self.bounds = [
            (category.lower or 0.0, np.inf if category.upper is None else category.upper)
            for code in domain.codes[AGE_VARIABLE]
            for category in variable.categories
            if category.code == code
        ]
        self.of_patient = [
            v.name
            for v in model.schema.variables
            if v.name in domain.codes and v.column.startswith("patient.")
        ]

    def _kinds(self, drawn: Positions) -> Kinds:
        return self.rules.kinds(drawn["topography"], drawn["morphology"])

    def _age_group(self, age: IntArray) -> IntArray:
        """Position of the age group; -1 where the model has none."""
        found = np.full(len(age), -1, dtype=np.intp)
        for i, (low, high) in enumerate(self.bounds):
            found[(age >= low) & (age < high)] = i
        return found

    def choose(
        self,
        patients: Patients,
        patient: IntArray,
        sequence: int,
        day: Dates,
        earlier: list[Tumours],
        rng: np.random.Generator,
    ) -> Tumours:
        """A further tumour for those of some patients for whom the pool has one."""
        age = completed_years(patients.birth[patient], day)
        group = self._age_group(age)
        cell = patients.drawn["sex"][patient] * self.ages + group
        first = np.where(group < 0, 0, self.starts[cell])
        count = np.where(group < 0, 0, self.starts[cell + 1] - first)
        years = (patients.end[patient] - day).astype(np.int64) / DAYS_PER_YEAR
        before = [self._held(tumours, patient) for tumours in earlier]
        chosen = np.full(len(patient), -1, dtype=np.intp)
        for _ in range(TRIES):
            numbers = rng.random(BLOCK_SIZE)  # so many whoever is left: patient k has the k-th
            left = np.flatnonzero((chosen < 0) & (count > 0))
            if not len(left):
                break
            at = first[left] + np.floor(numbers[patient[left]] * count[left]).astype(np.intp)
            fits = self.years[at] >= years[left]
            for held, kinds in before:
                fits &= ~(held[left] & same_tumour(kinds[left], self.kinds[at]))
            chosen[left[fits]] = at[fits]
        kept = np.flatnonzero(chosen >= 0)
        drawn = {name: positions[chosen[kept]] for name, positions in self.drawn.items()}
        for name in self.of_patient:
            drawn[name] = patients.drawn[name][patient[kept]]
        numbered = np.full(len(kept), sequence, dtype=np.intp)
        return Tumours(patient[kept], numbered, day[kept], age[kept], drawn)

    def _held(self, tumours: Tumours, patient: IntArray) -> tuple[npt.NDArray[np.bool_], Kinds]:
        """Which patients have one of some earlier tumours, and its kind."""
        row = np.minimum(np.searchsorted(tumours.patient, patient), len(tumours.patient) - 1)
        drawn = {name: tumours.drawn[name][row] for name in ("topography", "morphology")}
        return tumours.patient[row] == patient, self._kinds(drawn)


def fatal_rows(
    model: FittedModel, settings: Settings, block: int, tumours: Tumours, end: Dates
) -> IntArray:
    """Row of the tumour that each patient would die of, if of cancer, on the last day.

    Each tumour of a patient causes the death with a probability in proportion to its own
    hazard on that day.

    Parameters
    ----------
    model : FittedModel
    settings : Settings
    block : int
    tumours : Tumours
        All tumours of the block.
    end : ndarray of datetime64[D], shape (n,)
        Last contact of each patient.

    Returns
    -------
    ndarray of intp, shape (n,)
    """
    first = np.flatnonzero(tumours.sequence == 1)
    several = np.flatnonzero(np.bincount(tumours.patient, minlength=len(first)) > 1)
    if not len(several):
        return first
    rows = np.flatnonzero(np.isin(tumours.patient, several))
    mine = tumours.take(rows)
    years = (end[mine.patient] - mine.diagnosis).astype(np.int64) / DAYS_PER_YEAR
    variable = model.schema.variable(TIME_VARIABLE)
    hazard = hazards(model.distribution, variable, mine.drawn, years)
    rng = block_generator(model.sha256, settings.seed, block, "cause of death")
    numbers = rng.random((int(mine.sequence.max()), BLOCK_SIZE))[mine.sequence - 1, mine.patient]
    with np.errstate(divide="ignore"):
        race = -np.log1p(-numbers) / hazard  # the least of such times wins by its hazard
    order = np.lexsort((mine.sequence, race, mine.patient))
    winners = order[np.searchsorted(mine.patient[order], several)]
    fatal = first.copy()
    fatal[several] = rows[winners]
    return fatal


#: Bases of diagnosis that put the diagnosis on the day of death: certificate, autopsy.
KNOWN_AT_DEATH = frozenset({"0", "8"})


def known_at_death(known: Mapping[str, tuple[str, ...]], drawn: Positions) -> npt.NDArray[np.bool_]:
    """Tumours that were registered from a death certificate or an autopsy alone.

    Parameters
    ----------
    known : mapping of str to tuple of str
        Codes of every model variable.
    drawn : mapping of str to ndarray of intp, shape (n,)
    """
    codes = known.get("basis_of_diagnosis", ())
    chosen = [i for i, code in enumerate(codes) if code in KNOWN_AT_DEATH]
    if not chosen:
        return np.zeros(len(drawn[TIME_VARIABLE]), dtype=np.bool_)
    return np.isin(drawn["basis_of_diagnosis"], chosen)
