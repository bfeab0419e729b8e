"""Makes net_survival_lifelines.csv: Kaplan-Meier and Greenwood by lifelines 0.30.

Run with an environment that has lifelines: ``python tests/reference/net_survival_lifelines.py``.
The data set is made by arithmetic, so that the test can make it again without a file.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np


def patients() -> tuple[np.ndarray, np.ndarray]:
    """Times [years] with ties, and events: 97 patients."""
    number = np.arange(1, 98)
    return ((number * 37) % 53 + 1) / 4.0, (number * 7) % 5 > 1


def main() -> None:
    import lifelines  # only this script needs it

    time, event = patients()
    fitter = lifelines.KaplanMeierFitter().fit(time, event)
    table = fitter.event_table
    # lifelines keeps Greenwood's sum under this name
    greenwood = fitter._cumulative_sq_
    target = Path(__file__).with_suffix(".csv")
    with target.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["time", "survival", "log_variance", "at_risk"])
        for t in fitter.survival_function_.index[1:]:
            survival = float(fitter.survival_function_.loc[t].iloc[0])
            at_risk = int(table.loc[t, "at_risk"])
            rows.writerow([float(t), survival, float(greenwood.loc[t]), at_risk])


if __name__ == "__main__":
    main()
