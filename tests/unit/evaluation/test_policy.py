"""A policy that says something odd is refused in one line; nothing odd is guessed at."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from synthgen.errors import RefusedError, UsageError
from synthgen.evaluation.documents import document_bytes
from synthgen.evaluation.policy import policy_from, read_policy, require_ready, shipped_policies

SOURCE = "made up for a test of the rule"
TODAY = dt.date(2026, 11, 22)


@pytest.fixture
def written(tmp_path, policy_document):
    def write(*args, **changes):
        path = tmp_path / "own.policy.json"
        path.write_bytes(document_bytes(policy_document(*args, **changes)))
        return path

    return write


def test_a_policy_is_read_with_all_it_says(written):
    policy = read_policy(written(expiry="2027-01-31"))
    assert policy.required == ("linkability",)
    assert (policy.k_min, policy.max_evaluations) == (11, 3)
    assert policy.keys == (("sex", "age_at_diagnosis"),)
    assert policy.expiry == dt.date(2027, 1, 31)
    assert policy.title("ko") == "작은 정책"


def test_the_hash_of_a_policy_depends_on_what_it_says_and_not_on_its_spaces(
    written, policy_document
):
    first = read_policy(written()).sha256
    shuffled = dict(reversed(list(policy_document().items())))
    assert policy_from(shuffled, "x").sha256 == first
    assert read_policy(written(k_min=12)).sha256 != first


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": "policy/2"}, "format is policy/2; it must be policy/1"),
        ({"k_min": 0}, "k_min: 0 is less than the minimum"),
        ({"k_min": "11"}, "k_min"),
        ({"measures": []}, "measures"),
        ({"extra": 1}, "'extra' was unexpected"),
        ({"expiry": "2027-13-40"}, "is no day"),
        ({"expiry": "soon"}, "expiry"),
        ({"secrets": "seer_stage"}, "secrets"),
        ({"title": "two\nlines"}, "title"),
        ({"budget": {"max_evaluations": 0, "source": SOURCE}}, "budget"),
    ],
)
def test_what_the_format_does_not_know_is_refused(written, changes, said):
    with pytest.raises(UsageError, match=said) as error:
        read_policy(written(**changes))
    assert "\n" not in str(error.value)


def test_a_limit_needs_a_source(written):
    bare = [{"measure": "linkability", "required": True, "limits": [{"limit": 0.1}]}]
    for source in (None, "", "x", " " * 20):
        limit = {"limit": 0.1} if source is None else {"limit": 0.1, "source": source}
        with pytest.raises(UsageError):
            read_policy(written([bare[0] | {"limits": [limit]}]))


def test_a_required_measure_needs_a_limit_and_a_reported_one_has_none(written, asks):
    with pytest.raises(UsageError):
        read_policy(written([asks("linkability")]))
    with pytest.raises(UsageError):
        read_policy(written([asks("rules", 0.0), asks("linkability", 0.1, required=False)]))


def test_a_policy_that_requires_nothing_is_refused(written, asks):
    with pytest.raises(UsageError, match="requires no measure"):
        read_policy(written([asks("linkability", required=False)]))


def test_a_measure_or_a_part_that_stands_twice_is_refused(written, asks):
    with pytest.raises(UsageError, match="measure linkability stands twice"):
        read_policy(written([asks("linkability", 0.1), asks("linkability", 0.2)]))
    with pytest.raises(UsageError, match="part of linkability \\(every part\\) stands twice"):
        read_policy(written([asks("linkability", 0.1, 0.2)]))


def test_an_infinite_limit_is_refused(tmp_path, policy_document):
    path = tmp_path / "own.policy.json"
    text = json.dumps(policy_document()).replace('"limit": 0.1', '"limit": 1e400')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="must be a finite number"):
        read_policy(path)


def test_a_guarantee_can_only_cover_what_is_required(written, guaranteed):
    said = [guaranteed("G0", proximity=["inconclusive"])]
    with pytest.raises(UsageError, match="covers proximity, which is not required"):
        read_policy(written(guarantees=said))
    for verdict in ("fail", "pass", "crash"):
        with pytest.raises(UsageError):
            read_policy(written(guarantees=[guaranteed("G0", linkability=[verdict])]))


def test_differential_privacy_needs_its_limits(written, guaranteed):
    said = guaranteed("G1", linkability=["inconclusive"])
    assert read_policy(written(guarantees=[said])).guarantees[0].epsilon_max == 1.0
    del said["epsilon_max"]
    with pytest.raises(UsageError):
        read_policy(written(guarantees=[said]))


def test_an_expired_policy_refuses(small_policy):
    policy = small_policy(expiry="2026-11-21")
    with pytest.raises(RefusedError, match=r"^policy small: expired on 2026-11-21"):
        require_ready(policy, TODAY)
    require_ready(small_policy(expiry="2026-11-22"), TODAY)


def test_a_policy_with_an_empty_limit_refuses(small_policy, asks):
    policy = small_policy([asks("linkability", None), asks("rules", 0.0)])
    assert policy.empty_limits == ("linkability",)
    with pytest.raises(RefusedError, match="limit of linkability is not filled in"):
        require_ready(policy, TODAY)


def test_approvals_that_are_missing_or_refused_are_named(small_policy):
    def given(**decisions):
        return [
            {"role": role, "name": "someone", "date": "2026-11-01", "decision": decision}
            for role, decision in decisions.items()
        ]

    def missing(**decisions):
        approvals = {"needed": ["steward", "committee"], "given": given(**decisions)}
        return small_policy(approvals=approvals).missing_approvals

    assert missing() == ("steward", "committee")
    assert missing(steward="approved", committee="approved") == ()
    assert missing(steward="approved", committee="refused") == ("committee",)
    assert missing(steward="approved", committee="approved", guest="refused") == ("guest",)


def test_an_unknown_policy_names_the_shipped_ones():
    with pytest.raises(UsageError, match="no such policy; shipped are"):
        read_policy("nonsense")


@pytest.mark.parametrize("policy", shipped_policies())
def test_shipped_policies_can_be_read_and_are_called_like_their_files(policy):
    assert read_policy(policy).id == policy
