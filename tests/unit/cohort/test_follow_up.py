import numpy as np

from synthgen.cohort.follow_up import FollowUpRule, follow

DAY = np.array(["2015-01-01"] * 4, dtype="datetime64[D]")


def test_the_earlier_death_counts_and_names_its_cause():
    seen = follow(
        DAY,
        np.array([1.0, 3.0, np.inf, 2.0]),
        np.array([2.0, 1.0, 20.0, 2.0]),
        FollowUpRule("2020-12-31"),
        np.zeros(4),
    )
    assert seen.dead.tolist() == [True, True, False, True]
    assert seen.of_cancer.tolist() == [True, False, False, True]
    assert seen.last_contact.astype(str).tolist() == [
        "2016-01-01",
        "2016-01-01",
        "2020-12-31",
        "2016-12-31",
    ]


def test_nobody_dies_after_the_cut_off():
    seen = follow(DAY, np.full(4, 7.0), np.full(4, 9.0), FollowUpRule("2020-12-31"), np.zeros(4))
    assert not seen.dead.any()
    assert not seen.of_cancer.any()


def test_loss_ends_observation_before_a_later_death():
    rule = FollowUpRule("2030-12-31", lost_per_year=1.0)
    uniform = np.array([0.0, 0.5, 0.9, 0.999])
    seen = follow(DAY, np.full(4, 1.0), np.full(4, 9.0), rule, uniform)
    assert seen.dead.tolist() == [False, False, True, True]
    assert seen.last_contact[0] == DAY[0]
