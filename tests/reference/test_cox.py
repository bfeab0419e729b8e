"""Cox's model and Harrell's concordance against lifelines."""

from __future__ import annotations

import csv
import importlib.util
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from synthgen.fidelity.cox import concordance, cox_fit

HERE = Path(__file__).parent


def rows() -> dict[int, list[dict[str, str]]]:
    with (HERE / "cox_lifelines.csv").open(encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    return {int(case): list(some) for case, some in groupby(read, key=lambda r: r["case"])}


def patients(case: int):
    spec = importlib.util.spec_from_file_location("cox_lifelines", HERE / "cox_lifelines.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.patients(case)


@pytest.mark.parametrize("case", [0, 1, 2])
def test_coefficients_errors_likelihood_and_concordance_are_those_of_lifelines(case):
    frame, expected = patients(case), rows()[case]
    x = frame[["a", "b", "c"]].to_numpy()
    time, event = frame["time"].to_numpy(), frame["event"].to_numpy() == 1
    assert len(np.unique(time[event])) < event.sum()  # ties are what Efron is about
    fit = cox_fit(time, event, x)
    wanted = {key: [float(r[key]) for r in expected] for key in expected[0] if key != "name"}
    np.testing.assert_allclose(fit.coefficients, wanted["coefficient"], rtol=1e-6)
    np.testing.assert_allclose(fit.standard_errors, wanted["standard_error"], rtol=1e-6)
    assert fit.log_likelihood == pytest.approx(wanted["log_likelihood"][0], rel=1e-9)
    agreement = concordance(time, event, x @ fit.coefficients)
    assert agreement == pytest.approx(wanted["concordance"][0], abs=1e-9)


def test_a_predictor_that_separates_the_dead_has_no_fit():
    time = np.arange(1.0, 21.0)
    event = np.arange(20) < 10
    assert cox_fit(time, event, event[:, None].astype(float)) is None


def test_predictors_that_repeat_each_other_have_no_fit():
    time, x = np.arange(1.0, 41.0), np.sin(np.arange(40.0))
    assert cox_fit(time, np.ones(40, dtype=bool), np.column_stack((x, 2 * x))) is None


def test_nobody_died_no_fit():
    assert cox_fit(np.arange(1.0, 9.0), np.zeros(8, dtype=bool), np.arange(8.0)[:, None]) is None
