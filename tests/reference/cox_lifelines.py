"""Makes ``cox_lifelines.csv``: Cox models with Efron's ties by lifelines, on invented patients.

Run in an environment with lifelines (0.30.3 was used):
``python tests/reference/cox_lifelines.py > tests/reference/cox_lifelines.csv``.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from scipy.special import ndtri


def patients(case: int) -> pd.DataFrame:
    """Invented patients, made by arithmetic; times are rounded, so that many are tied."""
    n = (60, 200, 500)[case]
    number = np.arange(1, n + 1)

    def spread(root: int) -> np.ndarray:
        return (number * np.sqrt(root) + 0.37 * case) % 1.0

    x = pd.DataFrame(
        {
            "a": ndtri(0.98 * spread(2) + 0.01),
            "b": (spread(3) < 0.5) * 1.0,
            "c": -np.log1p(-spread(5)),
        }
    )
    hazard = np.exp(0.7 * x["a"] - 0.4 * x["b"] + 0.2 * x["c"])
    death, end = -5.0 * np.log1p(-spread(7)) / hazard, 1 + 9 * spread(11)
    x["time"] = np.ceil(np.minimum(death, end) * 4) / 4
    x["event"] = (death <= end).astype(int)
    return x


def main() -> None:
    """Print the reference."""
    from lifelines import CoxPHFitter
    from lifelines.utils import concordance_index

    sys.stdout.write("case,name,coefficient,standard_error,log_likelihood,concordance\n")
    for case in range(3):
        frame = patients(case)
        fit = CoxPHFitter().fit(frame, "time", "event", fit_options={"precision": 1e-11})
        risk = frame[["a", "b", "c"]].to_numpy() @ fit.params_.to_numpy()
        agreement = concordance_index(frame["time"], -risk, frame["event"])
        for name in ("a", "b", "c"):
            values = (
                fit.params_[name],
                fit.standard_errors_[name],
                fit.log_likelihood_,
                agreement,
            )
            sys.stdout.write(f"{case},{name},{','.join(f'{v:.12g}' for v in values)}\n")


if __name__ == "__main__":
    main()
