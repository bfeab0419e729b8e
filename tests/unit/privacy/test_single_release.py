"""Attacks on one release: what a copy gives away, what strangers do not, what small n forbids."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from synthgen.fidelity.encoding import rows_of
from synthgen.findings import CONSTANT, TOO_FEW
from synthgen.privacy import attribute_disclosure as disclosure
from synthgen.privacy.attacked import NONE_NAMED
from synthgen.privacy.attribute_disclosure import NO_RECORDS_EXTRA, attribute_disclosure
from synthgen.privacy.density_attack import density_attack
from synthgen.privacy.familiar_distances import familiar_distances
from synthgen.privacy.homogeneous_keys import homogeneous_keys
from synthgen.privacy.k_map import key_uniqueness
from synthgen.privacy.linkability import linkability
from synthgen.privacy.proximity import outlier_proximity, proximity
from synthgen.privacy.rare_values import rare_values
from synthgen.privacy.replicated_uniques import replicated_uniques
from synthgen.privacy.strata import strata
from synthgen.privacy.whole_records import PART as WHOLE

ATTACKS = {
    "attribute_disclosure": (attribute_disclosure, 0.0),
    "density_attack": (density_attack, 0.5),
    "homogeneous_keys": (homogeneous_keys, 0.0),
    "linkability": (linkability, 0.0),
    "outlier_proximity": (outlier_proximity, 0.5),
    "proximity": (proximity, 0.5),
    "rare_values": (rare_values, 0.0),
    "replicated_uniques": (replicated_uniques, 0.0),
}
EVERY = {
    **{name: attack for name, (attack, _) in ATTACKS.items()},
    "key_uniqueness": key_uniqueness,
    "strata": strata,
    "familiar_distances": familiar_distances,
}


def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_copy_is_seen(name, copied):
    attack, chance = ATTACKS[name]
    measured = [f for f in attack(copied, rng()) if f.is_measured]
    assert max(f.lower for f in measured) > chance


@pytest.mark.parametrize("name", ATTACKS)
def test_strangers_are_not_taken_for_members(name, apart):
    """Holm within the attack, level 1e-6: bounds of 4.9 standard errors."""
    attack, chance = ATTACKS[name]
    for finding in attack(apart, rng()):
        if finding.is_measured and not finding.is_exact:
            error = (finding.estimate - finding.lower) / 1.645
            assert finding.estimate - 5.5 * error <= chance


@pytest.mark.parametrize("name", EVERY)
def test_the_same_seed_gives_the_same_findings(name, copied):
    assert EVERY[name](copied, rng()) == EVERY[name](copied, rng())


@pytest.mark.parametrize("name", [n for n in EVERY if n != "rare_values"])
def test_a_few_people_are_not_testable_and_never_a_pass(name, copied):
    few = replace(
        copied,
        train=rows_of(copied.train, np.arange(9)),
        control=rows_of(copied.control, np.arange(9)),
    )
    findings = [f for f in EVERY[name](few, rng()) if f.part != WHOLE]  # counts, of any number
    assert findings
    for finding in findings:
        assert finding.reason == TOO_FEW
        assert finding.upper is None


@pytest.mark.parametrize("name", EVERY)
def test_details_are_plain_json(name, copied):
    for finding in EVERY[name](copied, rng()):
        json.dumps(finding.as_json(), allow_nan=False)


@pytest.mark.parametrize("name", EVERY)
def test_sizes_that_differ_favour_nobody(name, apart):
    """Four times as many members as others, none of them in the release."""
    uneven = replace(apart, control=rows_of(apart.control, np.arange(100)))
    for finding in EVERY[name](uneven, rng()):
        if finding.is_measured and not finding.is_exact:
            chance = 0.5 if "proximity" in name or "density" in name else 0.0
            error = (finding.estimate - finding.lower) / 1.645
            assert finding.estimate - 5.5 * error <= chance


@pytest.mark.parametrize("name", ["replicated_uniques", "homogeneous_keys", "key_uniqueness"])
def test_without_keys_there_is_nothing_to_test(name, copied):
    findings = EVERY[name](replace(copied, keys=()), rng())
    assert [f.reason for f in findings if f.part != WHOLE] == [NONE_NAMED]


def test_without_secrets_or_strata_there_is_nothing_to_test(copied):
    assert attribute_disclosure(replace(copied, secrets=()), rng())[0].reason == NONE_NAMED
    assert strata(replace(copied, strata=()), rng())[0].reason == NONE_NAMED


def test_replicated_uniques_are_counted_by_hand(inputs_of, of_frame):
    train = of_frame(sex=["a", "b", "b", None, *["c"] * 40], other=["x"] * 44)
    control = of_frame(sex=["d", "e", *["c"] * 40], other=["x"] * 42)
    release = of_frame(sex=["a", "d", "c"], other=["x"] * 3)
    made = inputs_of(train, control, release, keys=(("sex",),), schema=None, cohort={})
    (finding,) = replicated_uniques(made, rng())
    # "a" of the members and "d" of the others are alone and stand in the release
    assert finding.detail["share_of_members"] == pytest.approx(1 / 44)
    assert finding.detail["share_of_others"] == pytest.approx(1 / 42)


def test_homogeneous_keys_are_counted_by_hand(inputs_of, of_frame):
    train = of_frame(key=["a"] * 20 + ["b"] * 20, secret=["1"] * 30 + ["2"] * 10)
    control = of_frame(key=["a"] * 40, secret=["1"] * 10 + ["2"] * 30)
    release = of_frame(key=["a", "a", "b", "b"], secret=["1", "1", "1", "2"])
    made = inputs_of(train, control, release, keys=(("key",),), secrets=("secret",))
    (finding,) = homogeneous_keys(made, rng())
    # only key a says one thing: secret 1, true of 20 members of 40 and of 10 others of 40
    assert finding.estimate == pytest.approx(20 / 40 - 10 / 40)


def test_a_copied_outlier_is_seen_among_outliers_and_hardly_on_average(controls):
    made = controls["outlier leak"].inputs(700, np.random.default_rng(5))
    (everybody,), (outliers,) = proximity(made, rng()), outlier_proximity(made, rng())
    assert outliers.lower > 0.7
    assert everybody.upper < 0.65


def test_rare_codes_count_only_where_no_code_list_publishes_them(inputs_of, of_frame):
    train = of_frame(sex=["1"] * 40 + ["9"], town=["Here"] * 40 + ["Nowhere"])
    release = of_frame(sex=["9"], town=["Nowhere"])
    made = inputs_of(train, train, release)
    codes = next(f for f in rare_values(made, rng()) if f.part == "codes")
    assert codes.estimate == 2  # 9 is no code of the list of the invented schema
    assert codes.detail["columns"] == {"sex": 1, "town": 1}
    listed = replace(made, train=of_frame(sex=["1"] * 40 + ["2"], town=["Here"] * 41))
    assert rare_values(listed, rng())[0].estimate == 0


def test_a_column_of_numbers_that_everybody_shares_is_constant(inputs_of, of_frame):
    same = of_frame(n_age=[1.0] * 50)
    parts = {f.part: f.reason for f in rare_values(inputs_of(same, same, same), rng())}
    assert parts["numbers"] == CONSTANT


def test_small_strata_are_named_and_not_testable(apart):
    findings = strata(replace(apart, strata=(("entity",),)), rng())
    named = {f.part.split(":")[0] for f in findings}
    assert len(named) == 8
    small = [f for f in findings if f.part.startswith("stratum entity=H")]
    assert [f.reason for f in small] == [TOO_FEW]


def test_a_column_of_numbers_without_any_value_does_not_stop_the_trees(copied):
    """Scikit-learn has no bins for it."""
    numeric = copied.train.numeric[0]

    def emptied(subjects):
        return replace(subjects, frame=subjects.frame.assign(**{numeric: np.nan}))

    sides = {s: emptied(getattr(copied, s)) for s in ("train", "control", "synthetic")}
    found = {f.part: f for f in attribute_disclosure(replace(copied, **sides), rng())}
    assert found["secret=grade, trees"].is_measured


def test_without_scikit_learn_the_trees_are_not_testable_and_the_rest_is(copied, monkeypatch):
    from synthgen.errors import MissingExtraError

    def missing(extra: str, module: str) -> None:
        raise MissingExtraError(f"{extra} {module}")

    monkeypatch.setattr(disclosure, "require", missing)
    reasons = {f.part: f.reason for f in attribute_disclosure(copied, rng())}
    assert reasons["secret=grade, trees"] == NO_RECORDS_EXTRA
    assert reasons["secret=grade, nearest"] is None


def test_familiar_distances_call_a_mirrored_copy_perfect(controls):
    made = controls["mirror, black box"].inputs(200, np.random.default_rng(3))
    found = {f.part: f.estimate for f in familiar_distances(made, rng())}
    assert found["identical"] == 0.0
    assert abs(found["adversarial accuracy"]) < 0.05
