"""What may be published: rounded outwards, no small group, no word of a record."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgen.evaluation.public_edition import public_edition, rounded
from synthgen.findings import Finding

CANARY = "CANARY-4711"
CODES = frozenset({"osteosarcoma", "85+"})


def edition(*findings, k_min=11):
    judged = [
        {"measure": f.measure, "part": f.part, "limit": 0.1, "source": "s", "verdict": "pass"}
        | {"why": "w", "covered_by": ""}
        for f in findings
    ]
    document = {
        "edition": "internal",
        "findings": [f.as_json() for f in findings],
        "decision": {"passes": True, "judged": judged},
        "inputs": {
            "train": {"rows": 343, "sha256": "ab"},
            "control": {"rows": 12, "sha256": "ab"},
            "columns": ["sex", "seer_stage"],
        },
        "target": {"path": "../x"},
        "attempt": {"number": 1, "subject": "ab"},
    }
    return public_edition(document, k_min, CODES)


def finding(part, n=60, **detail):
    return Finding("strata", "C", part, 0.031, 0.012, 0.087, n, 0.11, detail=detail)


def test_numbers_are_rounded_and_intervals_never_get_narrower():
    (said,) = edition(finding("secret=seer_stage, trees", n=343))["findings"]
    assert (said["lower"], said["estimate"], said["upper"]) == (0.0, 0.05, 0.1)
    assert said["n"] == 340
    assert said["part"] == "secret=seer_stage, trees"


@given(st.floats(-1e6, 1e6))
def test_rounding_down_is_never_above_and_rounding_up_never_below(x):
    assert rounded(x, -1) <= x + 1e-8 * max(1, abs(x))
    assert rounded(x, 1) >= x - 1e-8 * max(1, abs(x))


@pytest.mark.parametrize(("x", "said"), [(0.0, 0.0), (0.05, 0.05), (0.15, 0.15), (5.0, 5.0)])
def test_what_is_on_the_grid_stays(x, said):
    assert rounded(x, -1) == rounded(x, 0) == rounded(x, 1) == said


def test_small_groups_are_left_out_and_counted():
    parts = ["stratum entity=osteosarcoma", "everybody"]
    made = edition(finding(parts[0], n=10), finding(parts[1], n=3))
    assert [f["part"] for f in made["findings"]] == ["everybody"]
    assert [j["part"] for j in made["decision"]["judged"]] == ["everybody"]
    assert made["decision"]["omitted"] == 1


def test_a_group_with_a_name_that_nobody_published_is_called_by_a_number():
    parts = [
        f"stratum entity={CANARY}: nearness",
        f"stratum entity={CANARY}: uniques",
        "stratum entity=osteosarcoma: nearness",
    ]
    made = edition(*(finding(part) for part in parts))
    assert [f["part"] for f in made["findings"]] == [
        "group 1: nearness",
        "group 1: uniques",
        "stratum entity=osteosarcoma: nearness",
    ]
    assert [j["part"] for j in made["decision"]["judged"]] == [f["part"] for f in made["findings"]]


def test_no_detail_and_no_hash_or_number_of_records_is_left():
    text = json.dumps(edition(finding("everybody", value=CANARY, members=343)))
    assert CANARY not in text
    assert "343" not in text
    assert '"sha256": "ab"' not in text


@pytest.mark.parametrize(
    "part",
    [
        "stratum entity=osteosarcoma: {}",
        "stratum entity=osteosarcoma, {}",
        "stratum entity=osteosarcoma;{}",
        "stratum entity={}: of {}: nearness",
        "stratum entity=osteosarcoma, sex={}: {}",
        "stratum entity=85+: secret={}",
    ],
)
def test_no_comma_or_colon_in_a_code_lets_the_rest_of_it_through(part):
    shown = edition(finding(part.replace("{}", CANARY)))

    assert CANARY not in json.dumps(shown)
