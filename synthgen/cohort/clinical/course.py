"""What the clinical tables start from: the tumours of a block, as plain columns.

Everything is taken from the patient and tumour rows, so that the clinical tables follow from
the sampled variables and no sampled variable follows from them: survival, stage and first
treatment keep the distribution that the model has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.clinical.templates import Template
from synthgen.schema.codesets import code_set

if TYPE_CHECKING:
    import pandas as pd

IntArray = npt.NDArray[np.intp]
DayArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

#: Flags of ``tumour.first_treatment_flags``, in order.
FLAGS = ("surgery", "chemotherapy", "radiotherapy", "immunotherapy", "hormone")
#: Summary stage of a tumour whose stage is not known.
UNKNOWN = "9"


@dataclass(frozen=True, eq=False)
class Codes:
    """A column of codes.

    Parameters
    ----------
    places : ndarray of intp, shape (n,)
        Positions among ``known``; -1 is missing.
    known : tuple of str
    """

    places: IntArray
    known: tuple[str, ...]

    def within(self, allowed: list[str]) -> BoolArray:
        """Whether each row has one of the codes or ranges (``C160-C169``)."""
        chosen = code_set(tuple(allowed)).among(self.known)
        found = np.array([*(code in chosen for code in self.known), False])
        return np.asarray(found[self.places])


@dataclass(frozen=True, eq=False)
class Tumours:
    """Tumours of a block; days count from 1970-01-01, or from the diagnosis where said.

    Parameters
    ----------
    ids : ndarray of bytes, shape (n,)
    patient : ndarray of intp, shape (n,)
        Row of the patient.
    diagnosis : ndarray of int64, shape (n,)
        Day of diagnosis.
    window : ndarray of int64, shape (n,)
        Days from diagnosis to last contact or death.
    dead, fatal : ndarray of bool, shape (n,)
        Whether the patient is dead, and of this tumour.
    age : ndarray of int64, shape (n,)
        At diagnosis [years].
    codes : mapping of str to Codes
        Columns ``sex``, ``entity``, ``topography``, ``morphology``, ``grade``, ``basis``,
        ``seer`` of the tumours.
    flags : mapping of str to ndarray of bool
        By name of :data:`FLAGS`.
    template : ndarray of intp, shape (n,)
        Position among the templates.
    """

    ids: npt.NDArray[np.bytes_]
    patient: IntArray
    diagnosis: DayArray
    window: DayArray
    dead: BoolArray
    fatal: BoolArray
    age: DayArray
    codes: Mapping[str, Codes]
    flags: Mapping[str, BoolArray]
    template: IntArray

    def __len__(self) -> int:
        return len(self.patient)

    def rows_of(self, position: int) -> IntArray:
        """Rows of the tumours of one template."""
        return np.flatnonzero(self.template == position)

    @property
    def distant(self) -> BoolArray:
        """Whether the summary stage at diagnosis is distant, of solid tumours."""
        solid = self.codes["morphology"].within(["8000-9589"])
        return np.asarray(self.codes["seer"].within(["7"]) & solid)

    def meets(self, condition: Mapping[str, Any], rows: IntArray) -> BoolArray:
        """Whether rows meet a condition of a template (``when``), apart from markers.

        Parameters
        ----------
        condition : mapping
            Lists of codes by column; ``age`` is the youngest and the oldest, ``flags`` what was
            given, ``fatal`` whether the patient dies of the tumour.
        rows : ndarray of intp
        """
        met = np.ones(len(rows), dtype=np.bool_)
        for name, allowed in condition.items():
            if name == "age":
                met &= (self.age[rows] >= allowed[0]) & (self.age[rows] <= allowed[1])
            elif name == "fatal":
                met &= self.fatal[rows] == allowed
            elif name == "flags":
                for flag, given in allowed.items():
                    met &= self.flags[flag][rows] == given
            elif name in self.codes:
                met &= self.codes[name].within(list(allowed))[rows]
        return met


def tumours_of(
    patient: pd.DataFrame, tumour: pd.DataFrame, templates: tuple[Template, ...]
) -> Tumours:
    """Columns of a block from its patient and tumour rows.

    Parameters
    ----------
    patient, tumour : pandas.DataFrame
        As the registry tables are.
    templates : tuple of Template
        The plain one first.
    """
    import pandas as pd

    row = pd.Index(patient["patient_id"]).get_indexer(tumour["patient_id"])
    diagnosis = _days(tumour["diagnosis_date"])
    dead = _codes(patient["vital_status"]).within(["2"])[row]
    cause = patient["death_cause_icd10"].astype(object).to_numpy()[row]
    fatal = dead & (cause == tumour["icd10"].astype(object).to_numpy())
    seer = _codes(tumour["seer_stage"])
    known = (*seer.known, UNKNOWN)
    seer = Codes(np.where(seer.places < 0, known.index(UNKNOWN), seer.places), known)
    sex = _codes(patient["sex"])
    codes = {
        "sex": Codes(sex.places[row], sex.known),
        "seer": seer,
        "basis": _codes(tumour["basis_of_diagnosis"]),
        **{name: _codes(tumour[name]) for name in ("entity", "topography", "morphology", "grade")},
    }
    treated = _codes(tumour["first_treatment_flags"])
    given = np.array([[c == "1" for c in code.ljust(5, "0")] for code in (*treated.known, "")])
    flags = {name: np.asarray(given[treated.places, i]) for i, name in enumerate(FLAGS)}
    place = {entity: i for i, t in enumerate(templates) for entity in t.entities}
    templated = np.array([*(place.get(e, 0) for e in codes["entity"].known), 0], dtype=np.intp)
    return Tumours(
        tumour["tumour_id"].to_numpy(dtype="S12"),
        np.asarray(row, dtype=np.intp),
        diagnosis,
        np.maximum(_days(patient["last_contact_date"])[row] - diagnosis, 0),
        np.asarray(dead),
        np.asarray(fatal, dtype=np.bool_),
        tumour["age_at_diagnosis"].to_numpy(dtype=np.int64),
        codes,
        flags,
        templated[codes["entity"].places],
    )


def _codes(column: pd.Series[Any]) -> Codes:
    import pandas as pd

    coded = pd.Categorical(column)
    known = tuple(str(c) for c in coded.categories)
    return Codes(np.asarray(coded.codes, dtype=np.intp), known)


def _days(column: pd.Series[Any]) -> DayArray:
    return np.asarray(column.to_numpy(dtype="datetime64[D]").astype(np.int64))
