import re

import numpy as np
import pytest

from synthgen.cohort.icd10 import icd10_code, icd10_codes
from synthgen.cohort.identifiers import patient_ids, tumour_ids


def test_ids_are_visibly_synthetic_and_distinct():
    ids = patient_ids("ab", 7, 0, 200_000)
    assert len(np.unique(ids)) == 200_000
    assert all(re.fullmatch(r"SY[0-9A-Z]{8}", i) for i in ids[:100].tolist())


def test_a_block_has_the_ids_it_has_within_the_whole():
    whole = patient_ids("ab", 7, 0, 1000)
    np.testing.assert_array_equal(whole[600:], patient_ids("ab", 7, 600, 400))


def test_other_seeds_and_models_have_other_ids():
    first = set(patient_ids("ab", 7, 0, 1000).tolist())
    assert not first & set(patient_ids("ab", 8, 0, 1000).tolist())
    assert not first & set(patient_ids("ac", 7, 0, 1000).tolist())


def test_a_tumour_has_its_patients_id():
    ids = patient_ids("ab", 1, 0, 2)
    assert tumour_ids(ids, np.array([1, 2])).tolist() == [f"{ids[0]}T1", f"{ids[1]}T2"]


@pytest.mark.parametrize(
    ("topography", "histology", "icd10"),
    [
        ("C402", "9180", "C402"),
        ("C384", "9050", "C450"),
        ("C482", "9052", "C451"),
        ("C380", "9053", "C452"),
        ("C629", "9050", "C459"),
        ("C447", "9140", "C460"),
        ("C619", "8140", "C619"),
        ("C445", "8743", "C435"),
        ("C693", "8720", "C693"),
        ("C779", "9663", "C811"),
        ("C421", "9732", "C900"),
        ("C421", "9823", "C911"),
        ("C421", "9989", "D469"),
    ],
)
def test_some_histologies_have_categories_of_their_own(topography, histology, icd10):
    assert icd10_code(topography, histology) == icd10


def test_many_codes_at_once_equal_one_by_one():
    topographies, histologies = ("C384", "C402", "C481"), ("9050", "9180")
    t, h = np.array([0, 1, 2, 0]), np.array([0, 1, 0, 1])
    positions, codes = icd10_codes(t, topographies, h, histologies)
    assert [codes[p] for p in positions] == ["C450", "C402", "C451", "C384"]
