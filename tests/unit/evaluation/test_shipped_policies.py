"""What a shipped policy says cannot change without its version: the hash of each is recorded.

A policy that says something else gets another version, and a line of its own in
``shipped_policies.json``; lines of earlier versions stay, so that none is used twice.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synthgen.evaluation.policy import policy_from, read_policy, shipped_policies

RECORDED = json.loads(
    (Path(__file__).with_name("shipped_policies.json")).read_text(encoding="utf-8")
)


def test_every_shipped_policy_is_recorded_and_no_other():
    assert set(RECORDED) == set(shipped_policies())


@pytest.mark.parametrize("name", sorted(shipped_policies()))
def test_a_shipped_policy_says_what_its_version_said(name):
    policy = read_policy(name)
    assert policy.id == name
    assert RECORDED[name].get(policy.version) == policy.sha256, (
        f"{name} {policy.version} says something else than what was recorded under this version: "
        "give it the next one, and record its hash"
    )


@pytest.mark.parametrize("name", sorted(shipped_policies()))
def test_no_two_versions_of_a_policy_are_the_same(name):
    assert len(set(RECORDED[name].values())) == len(RECORDED[name])


def test_one_changed_limit_is_another_hash():
    document = dict(read_policy("public").document)
    changed = document | {"k_min": document["k_min"] + 1}
    assert policy_from(changed, "x").sha256 not in RECORDED["public"].values()
