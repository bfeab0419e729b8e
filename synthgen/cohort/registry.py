"""Patient and tumour rows of the schema ``rare-cancer`` from sampled variables.

The model decides codes and intervals; this file adds what follows from them: exact ages
and dates, survival, identifiers, codes that are derived from others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.calendar import DAYS_PER_YEAR, birth_dates, dates_within
from synthgen.cohort.columns import coded, frame_of
from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.follow_up import FollowUp, follow
from synthgen.cohort.further_tumours import (
    Patients,
    all_tumours,
    fatal_rows,
    known_at_death,
)
from synthgen.cohort.icd10 import icd10_codes
from synthgen.cohort.identifiers import patient_ids, tumour_ids
from synthgen.cohort.names import COLUMN, draw_names, schema_of
from synthgen.cohort.settings import Settings
from synthgen.cohort.survival import exact_times
from synthgen.models.ages import OLDEST, single_ages
from synthgen.models.references import AGE_VARIABLE
from synthgen.randomness import BLOCK_SIZE, block_generator
from synthgen.statistics.statement import TIME_VARIABLE

if TYPE_CHECKING:
    import pandas as pd

    from synthgen.models.distribution import Distribution
    from synthgen.models.mixture import Mixture

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Positions = Mapping[str, IntArray]

#: ICD-10 code for a death from other causes: the cause itself is not modelled.
OTHER_CAUSE = "R99"
#: Metastasis at diagnosis (0 no, 1 yes, 9 unknown) by SEER summary stage.
METASTASIS = {"0": "0", "1": "0", "2": "0", "3": "0", "4": "0", "5": "0", "7": "1", "9": "9"}


def registry_tables(
    model: FittedModel,
    settings: Settings,
    block: int,
    drawn: Positions,
    distribution: Distribution | Mixture,
) -> dict[str, pd.DataFrame]:
    """Patient and tumour frames of one block.

    Parameters
    ----------
    model : FittedModel
    settings : Settings
    block : int
        Number of the block, from 0.
    drawn : mapping of str to ndarray of intp, shape (n,)
        Sampled codes of every model variable, of the first tumours.
    distribution : Distribution or Mixture
        What they were sampled from; further tumours are sampled from it, too.
    """
    n = len(drawn[TIME_VARIABLE])
    rng = block_generator(model.sha256, settings.seed, block, "registry")

    def uniform() -> FloatArray:
        """Numbers in [0, 1); a full block is reserved, so patient k does not depend on n."""
        return np.asarray(rng.random(BLOCK_SIZE)[:n])

    sex = _sex_rows(model, drawn)
    age = _single_ages(model, drawn, sex, uniform())
    diagnosis = dates_within(settings.first_year, settings.last_year, uniform())
    birth = birth_dates(diagnosis, age, uniform())
    exact_age = (diagnosis - birth).astype(np.int64) / DAYS_PER_YEAR
    cancer_years = exact_times(
        model.distribution,
        model.schema.variable(TIME_VARIABLE),
        model.pack.survival_references,
        drawn,
        uniform(),
    )
    cancer_years[known_at_death(model.distribution.domain.codes, drawn)] = 0.0
    other_years = model.life_table.draw_survival(sex, exact_age, uniform())
    seen = follow(diagnosis, cancer_years, other_years, settings.follow_up, uniform())
    patients = Patients(drawn, birth, diagnosis, seen.last_contact)
    tumours = all_tumours(model, settings, block, patients, age, distribution)
    ids = patient_ids(model.sha256, settings.seed, block * BLOCK_SIZE, n)
    of_tumours = _coded_columns(model, tumours.drawn, "tumour")
    icd10, icd10_list = icd10_codes(*of_tumours["topography"], *of_tumours["morphology"])
    fatal = fatal_rows(model, settings, block, tumours, seen.last_contact)
    patient: dict[str, Any] = {
        "patient_id": ids,
        "birth_year": birth.astype("datetime64[Y]").astype(np.int64) + 1970,
        "birth_month": birth.astype("datetime64[M]").astype(np.int64) % 12 + 1,
        **_follow_up_columns(seen, icd10[fatal], icd10_list),
    }
    tumour: dict[str, Any] = {
        "tumour_id": tumour_ids(ids[tumours.patient], tumours.sequence),
        "patient_id": ids[tumours.patient],
        "tumour_sequence": tumours.sequence,
        "diagnosis_date": tumours.diagnosis,
        "age_at_diagnosis": tumours.age,
        "icd10": coded(icd10_list, icd10),
    }
    of_patients = _coded_columns(model, drawn, "patient")
    for columns, coded_columns in ((patient, of_patients), (tumour, of_tumours)):
        columns |= {name: coded(codes, at) for name, (at, codes) in coded_columns.items()}
    if "seer_stage" in of_tumours:
        tumour["metastasis_at_dx"] = _metastasis(*of_tumours["seer_stage"])
    schema = schema_of(model.schema, settings)
    if settings.names:
        sexes = model.distribution.domain.codes["sex"]
        chosen, names = draw_names(
            settings.names, model.sha256, settings.seed, block, drawn["sex"], sexes
        )
        patient[COLUMN] = coded(names, chosen)
    return {
        "patient": frame_of(schema.table("patient"), patient, n),
        "tumour": frame_of(schema.table("tumour"), tumour, len(tumours.patient)),
    }


def _lookup(values: list[int], positions: IntArray) -> IntArray:
    return np.asarray(np.array(values, dtype=np.intp)[positions])


def _coded_columns(
    model: FittedModel, drawn: Positions, table: str
) -> dict[str, tuple[IntArray, tuple[str, ...]]]:
    """Positions and codes of every column of a table that model variables decide."""
    columns: dict[str, tuple[IntArray, tuple[str, ...]]] = {}
    for name in model.distribution.domain.names:
        variable, codes = model.schema.variable(name), model.distribution.domain.codes[name]
        if variable.column.startswith(f"{table}.") and not variable.is_binned:
            columns[variable.column.partition(".")[2]] = (drawn[name], codes)
        for column in variable.joins:
            if column.startswith(f"{table}."):
                parts = [variable.implies[code][column][0] for code in codes]
                distinct = tuple(dict.fromkeys(parts))
                place = _lookup([distinct.index(p) for p in parts], drawn[name])
                columns[column.partition(".")[2]] = (place, distinct)
    return columns


def _metastasis(positions: IntArray, codes: tuple[str, ...]) -> pd.Categorical:
    known = ("0", "1", "9")
    return coded(known, _lookup([known.index(METASTASIS[c]) for c in codes], positions))


def _sex_rows(model: FittedModel, drawn: Positions) -> IntArray:
    """Row of the life table for each patient."""
    sexes = model.life_table.sexes
    return _lookup([sexes.index(s) for s in model.distribution.domain.codes["sex"]], drawn["sex"])


def _single_ages(
    model: FittedModel, drawn: Positions, sex: IntArray, uniform: FloatArray
) -> IntArray:
    """Completed years of age, drawn within each patient's age group by inversion."""
    variable = model.schema.variable(AGE_VARIABLE)
    kept = model.distribution.domain.codes[AGE_VARIABLE]
    within = single_ages(variable, model.life_table)[:, [variable.codes.index(c) for c in kept]]
    rows = sex * len(kept) + drawn[AGE_VARIABLE]
    cumulative = within.cumsum(axis=2).reshape(-1, OLDEST + 1)
    cumulative[:, -1] = 1.0
    flat = (cumulative + np.arange(len(cumulative))[:, np.newaxis]).ravel()
    found = np.searchsorted(flat, rows + uniform, side="right")
    return np.asarray(found - rows * (OLDEST + 1), dtype=np.intp)


def _follow_up_columns(
    seen: FollowUp, icd10: IntArray, icd10_list: tuple[str, ...]
) -> dict[str, Any]:
    cause = np.where(seen.of_cancer, icd10, len(icd10_list))
    return {
        "vital_status": coded(("1", "2"), seen.dead.astype(np.intp)),
        "last_contact_date": seen.last_contact,
        "death_date": np.where(seen.dead, seen.last_contact, np.datetime64("NaT", "D")),
        "death_cause_icd10": coded((*icd10_list, OTHER_CAUSE), np.where(seen.dead, cause, -1)),
    }
