"""SDMetrics' quality report as a finding."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.fidelity.sdmetrics_quality import sdmetrics_quality
from synthgen.privacy.controls.table import control

pytestmark = pytest.mark.sdv


def test_the_two_parts_of_the_report_are_shortfalls_without_an_average():
    rng = np.random.default_rng(1)
    good = control("published tables").inputs(200, rng)
    useless = control("uniform").inputs(200, rng)
    found = [{f.part: f.estimate for f in sdmetrics_quality(one, rng)} for one in (good, useless)]
    assert set(found[0]) == {"Column Shapes", "Column Pair Trends"}
    for part in found[0]:
        assert 0.0 <= found[0][part] < 0.25 < found[1][part] <= 1.0
