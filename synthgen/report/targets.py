"""Targets of an evaluation, with the reports of cohorts drawn again as well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthgen.evaluation import target as targets

if TYPE_CHECKING:
    from synthgen.cohort.fitted_model import FittedModel
    from synthgen.cohort.settings import Settings


def draw_report(language: str, model: FittedModel, settings: Settings, folder: Path) -> None:
    """Draw the report of a cohort into its folder.

    Parameters
    ----------
    language : {"en", "ko"}
        That it opens in.
    model : FittedModel
    settings : Settings
        The same model and settings give the same bytes.
    folder : Path

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    from synthgen.cohort.generate import cohort_of
    from synthgen.fidelity.compare import compare
    from synthgen.report.cohort_page import write_report

    cohort = cohort_of(model, settings)
    write_report(folder / "report.html", model, cohort, compare(model, cohort), language=language)


def load_target(
    target: str,
    *,
    seed: int,
    patients: int = targets.DRAWN,
    model: str = "",
    pack: str = "",
    schema: str = "",
) -> targets.Target:
    """Target of an evaluation by path or id.

    Parameters
    ----------
    target, seed, patients, model, pack, schema
        As for :func:`synthgen.evaluation.target.load_target`.

    Returns
    -------
    Target
        Of a cohort, its rows, its documents and its report are made again and compared: what
        differs is doubted, and gets no guarantee.

    Raises
    ------
    UsageError, ContractError, SchemaError, StatisticsError, ModelError
        As there.
    """
    return targets.load_target(
        target,
        seed=seed,
        patients=patients,
        model=model,
        pack=pack,
        schema=schema,
        redraw=draw_report,
    )
