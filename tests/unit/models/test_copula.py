"""A copula drawn by ourselves: its marginals and correlation are what it says, hostile ones refused."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from synthgen.errors import ModelError
from synthgen.models.copula import Column, GaussianCopula, Marginal, copula_from, copula_shapes
from synthgen.models.wide import Codes, Layout, Number

N = 40_000
#: Every statistic below is within this many standard errors but once in two million times
#: (two-sided normal tail at 5.2); the seed is fixed all the same.
ERRORS = 5.2

GRADE = Codes(("patient.grade",), (("",), ("1",), ("2",)))
LAYOUT = Layout(
    (("patient", ""),),
    (GRADE,),
    (Number("patient.size", 0), Number("patient.relapse", None), Number("patient.death", None)),
    (("patient.relapse", "patient.death"),),
)
CORRELATION = np.array(
    [[1.0, 0.5, 0.0, 0.2], [0.5, 1.0, 0.0, 0.1], [0.0, 0.0, 1.0, -0.4], [0.2, 0.1, -0.4, 1.0]]
)
COLUMNS = (
    Column("patient.grade", Marginal("beta", 1.0, 1.0, 0.0, 1.0), (2, 0, 1), (0.5, 0.8, 1.0)),
    Column("patient.size", Marginal("norm", 1.0, 1.0, 60.0, 20.0), lowest=0.0, highest=300.0, digits=0),
    Column("patient.relapse", Marginal("beta", 0.8, 3.0, 0.0, 10.0), lowest=0.0, highest=10.0),
    Column("patient.death", Marginal("beta", 2.0, 5.0, 0.0, 2.0), lowest=0.0, highest=2.0, above="patient.relapse"),
)  # fmt: skip


@pytest.fixture(scope="module")
def copula():
    return GaussianCopula(LAYOUT, COLUMNS, CORRELATION)


@pytest.fixture(scope="module")
def drawn(copula):
    return copula.sample(N, np.random.default_rng(1))


def test_combinations_have_the_shares_of_their_intervals(drawn):
    shares = np.bincount(drawn["patient.grade"], minlength=3) / N
    for position, share in ((2, 0.5), (0, 0.3), (1, 0.2)):
        assert abs(shares[position] - share) < ERRORS * np.sqrt(share * (1 - share) / N)


def test_a_combination_of_a_beta_marginal_has_the_share_of_that_marginal():
    shape = Marginal("beta", 2.0, 3.0, 0.0, 1.0)
    one = GaussianCopula(
        Layout((("patient", ""),), (GRADE,), ()),
        (replace(COLUMNS[0], marginal=shape),),
        np.eye(1),
    )
    shares = np.bincount(one.sample(N, np.random.default_rng(2))["patient.grade"], minlength=3) / N
    expected = np.diff(stats.beta.cdf([0.0, 0.5, 0.8, 1.0], 2.0, 3.0))
    for position, share in zip((2, 0, 1), expected, strict=True):
        assert abs(shares[position] - share) < ERRORS * np.sqrt(share * (1 - share) / N)


def test_numbers_follow_their_marginals(drawn):
    # Kolmogorov's distribution: P(sqrt(n) D > 2.8) = 2 exp(-2 * 2.8**2) = 3e-7.
    times = stats.kstest(drawn["patient.relapse"], stats.beta(0.8, 3.0, 0.0, 10.0).cdf)
    assert times.statistic * np.sqrt(N) < 2.8
    sizes = drawn["patient.size"]
    assert abs(sizes.mean() - 60.0) < ERRORS * 20.0 / np.sqrt(N) + 0.05  # a little is clipped
    assert (sizes == np.round(sizes)).all()


def test_what_stands_above_is_never_below_and_its_gap_has_the_logarithm_of_its_marginal(drawn):
    gap = drawn["patient.death"] - drawn["patient.relapse"]
    assert (gap >= 0).all()
    found = stats.kstest(np.log(gap + 1.0), stats.beta(2.0, 5.0, 0.0, 2.0).cdf)
    assert found.statistic * np.sqrt(N) < 2.8


def test_the_correlation_is_that_of_the_normal_numbers(drawn):
    sizes = stats.norm.ppf(stats.rankdata(drawn["patient.size"]) / (N + 1))
    gap = np.log(drawn["patient.death"] - drawn["patient.relapse"] + 1.0)
    gaps = stats.norm.ppf(stats.beta.cdf(gap, 2.0, 5.0, 0.0, 2.0))
    times = stats.norm.ppf(stats.beta.cdf(drawn["patient.relapse"], 0.8, 3.0, 0.0, 10.0))
    assert abs(np.corrcoef(sizes, gaps)[0, 1] - 0.1) < ERRORS / np.sqrt(N)
    assert abs(np.corrcoef(times, gaps)[0, 1] + 0.4) < ERRORS / np.sqrt(N)


def test_the_first_subjects_do_not_depend_on_how_many_are_drawn(copula):
    few, more = (copula.sample(n, np.random.default_rng(3)) for n in (5, 50))
    for name in few:
        np.testing.assert_array_equal(few[name], more[name][:5])


def test_a_singular_correlation_is_drawn_from():
    twice = GaussianCopula(
        Layout((("patient", ""),), (), (Number("patient.a", None), Number("patient.b", None))),
        tuple(Column(f"patient.{c}", Marginal("norm", 1.0, 1.0, 0.0, 1.0)) for c in "ab"),
        np.ones((2, 2)),
    )
    made = twice.sample(200, np.random.default_rng(4))
    np.testing.assert_allclose(made["patient.a"], made["patient.b"], atol=1e-6)
    assert made["patient.a"].std() > 0.5


def test_description_and_arrays_give_the_copula_back(copula):
    said, arrays = copula.describe(), copula.arrays()
    assert {k: v.shape for k, v in arrays.items()} == copula_shapes(said)
    again = copula_from(said, arrays).sample(100, np.random.default_rng(5))
    for name, values in copula.sample(100, np.random.default_rng(5)).items():
        np.testing.assert_array_equal(values, again[name])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda both: both[1]["correlation"].__setitem__((0, 1), np.nan), "correlation"),
        (lambda both: both[1]["correlation"].__setitem__((0, 1), 0.9), "symmetric"),
        (lambda both: both[1]["correlation"].__setitem__((0, 0), 3.0), "correlation"),
        (lambda both: both[1]["marginals"].__setitem__((1, 3), -1.0), "marginal"),
        (lambda both: both[1]["marginals"].__setitem__((2, 0), np.inf), "marginal"),
        (lambda both: both[1]["limits"].__setitem__((1, 0), np.nan), "interval|limits"),
        (lambda both: both[1]["limits"].__setitem__((1, 0), 400.0), "in order"),
        (lambda both: both[1]["edges/0000"].__setitem__(0, 0.9), "ascend"),
        (lambda both: both[0]["columns"][0].__setitem__("positions", [2, 2, 1]), "combination"),
        (
            lambda both: both[0]["columns"][0].__setitem__("positions", [2, True, 1]),
            "whole numbers",
        ),
        (lambda both: both[0]["columns"][1].__setitem__("marginal", "gaussian_kde"), "marginal"),
        (lambda both: both[0]["columns"][1].__setitem__("digits", 99), "digits"),
        (
            lambda both: both[0]["columns"][1].__setitem__("name", "patient.other"),
            "one column for each",
        ),
        (lambda both: both[0]["columns"][3].__setitem__("above", "patient.grade"), "stand above"),
        (lambda both: both[0]["columns"][3].__setitem__("above", "patient.death"), "stand above"),
        (lambda both: both[0]["layout"].__setitem__("codes", [{"columns": [1]}]), "layout"),
        (lambda both: both[0]["layout"].__setitem__("order", [["a.b", "c.d"]]), "order"),
        (lambda both: both[0]["layout"].__setitem__("tables", [["patient", "patient"]]), "tables"),
        (
            lambda both: both[0]["layout"]["numbers"].append(both[0]["layout"]["numbers"][0]),
            "twice",
        ),
        (lambda both: both[0]["layout"]["numbers"][0].__setitem__("decimals", 400), "decimals"),
        (lambda both: both[0]["layout"]["codes"][0]["combinations"].append(["1"]), "stand once"),
        (lambda both: both[0]["layout"].__setitem__("same", [["patient.x", "patient.y"]]), "same"),
    ],
)
def test_hostile_parameters_are_refused_in_one_line(copula, change, said):
    described = copy.deepcopy(copula.describe())
    arrays = {name: np.array(array) for name, array in copula.arrays().items()}
    change((described, arrays))
    with pytest.raises(ModelError, match=said) as caught:
        copula_from(described, arrays)
    assert "\n" not in str(caught.value)
