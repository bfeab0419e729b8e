"""Replicate cohorts: each from a model fitted again to redrawn statistics.

Every replicate is a cohort of its own below one folder, with its own manifest; beside them
a table says, for each published value, the mean and the band over the replicates.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.priors import prior_of
from synthgen.cohort.settings import Settings
from synthgen.cohort.workers import in_order
from synthgen.cohort.write import write_cohort
from synthgen.errors import UsageError
from synthgen.models.fit import Fit, ground_of
from synthgen.models.interactions import SPREAD
from synthgen.models.prior import prior_references
from synthgen.models.replicates import Design, design_of, fit_replicate
from synthgen.outputs import output_folder

FloatArray = npt.NDArray[np.float64]
Finish = Callable[[FittedModel, Settings, Path], None]

#: Most replicates of one call; the summary holds one number per statement of each.
MOST = 1_000
#: Share of the replicates that a band holds.
BAND = 0.9
#: Fewest replicates whose band is as wide as it should be.
ENOUGH = 19
#: Name of the table of published values beside the replicates.
SUMMARY = "replicates.csv"
COLUMNS = (
    *("table", "row", "about", "about_ko", "relation", "published_lower", "published_upper"),
    *("model", "mean", "band_lower", "band_upper"),
)


def design_for(model: FittedModel) -> Design:
    """What all replicates of a model share.

    Raises
    ------
    StatisticsError, ModelError
        If the prior of the model can no longer be fitted.
    """
    ground = ground_of(model.pack, model.schema)
    prior = prior_of(model)
    references = prior_references(prior, model.pack, model.schema, ground) if prior else []
    base = Fit(model.distribution, model.gaps, model.residual, 0)
    return design_of(model.pack, model.schema, base, ground=ground, references=references)


def replicate_model(
    model: FittedModel, design: Design, seed: int, number: int, *, spread: float = SPREAD
) -> FittedModel:
    """One replicate of a model.

    Parameters
    ----------
    model : FittedModel
    design : Design
        As :func:`design_for` makes it.
    seed : int
    number : int
        From 1; a replicate does not depend on how many there are.
    spread : float
        Of the associations that nobody published [log odds].

    Returns
    -------
    FittedModel
        With a hash of its own, so that its patients are others.

    Raises
    ------
    ModelError
        If the replicate does not converge.
    """
    fit = fit_replicate(design, model.sha256, seed, number, spread=spread)
    text = "\x1f".join(("synthgen-replicate-1", model.sha256, str(seed), str(number), repr(spread)))
    return replace(
        model,
        distribution=fit.distribution,
        gaps=fit.gaps,
        residual=fit.residual,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


@dataclass(frozen=True, eq=False)
class _Task:
    """What a worker needs to make any replicate."""

    model: FittedModel
    design: Design
    settings: Settings
    folder: Path
    formats: tuple[str, ...]
    count: int
    finish: Finish | None

    def make(self, number: int) -> FloatArray:
        """Write one replicate; returns its value of each published statement."""
        model = replicate_model(self.model, self.design, self.settings.seed, number)
        settings = self.settings.of_replicate(model, number, self.count)
        finish = self.finish
        folder = self.folder / replicate_name(number, self.count)
        manifest = write_cohort(
            model,
            settings,
            folder,
            formats=self.formats,
            finish=None if finish is None else lambda beside: finish(model, settings, beside),
        )
        manifest["model"]["sha256"] = self.model.sha256
        manifest["replicate"] = self.describe(number, model)
        text = json.dumps(manifest, ensure_ascii=False, indent=1)
        (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
        return np.array([gap.fitted for gap in model.gaps])

    def describe(self, number: int, model: FittedModel) -> dict[str, Any]:
        """What was redrawn, for the manifest."""
        return {
            "number": number,
            "of": self.count,
            "sha256": model.sha256,
            "redrawn_statements": len(model.gaps),
            "unpublished_associations": {
                "spread_log_odds": SPREAD,
                "pairs": [
                    {"earlier": pair.earlier, "later": pair.later, "strata": pair.strata}
                    for pair in self.design.interactions
                ],
            },
            # three digits: the last ones depend on the threads of the linear algebra
            "residual_standard_errors": float(f"{model.residual:.3g}"),
        }


_worker: list[_Task] = []


def _start_worker(task: _Task) -> None:
    _worker[:] = [task]


def _work(number: int) -> FloatArray:
    return _worker[0].make(number)


def _made(task: _Task, jobs: int) -> Generator[FloatArray, None, None]:
    """Values of all replicates in order."""
    numbers = range(1, task.count + 1)
    if jobs == 1 or task.count == 1:
        yield from map(task.make, numbers)
        return
    yield from in_order(_work, numbers, min(jobs, task.count), _start_worker, (task,))


def require_count(count: int) -> None:
    """Refuse a number of replicates that nobody can want.

    Raises
    ------
    UsageError
        If it is below 1 or above :data:`MOST`.
    """
    if not 1 <= count <= MOST:
        raise UsageError(f"replicates: is {count}; it must be 1 to {MOST:,}")


def replicate_name(number: int, count: int) -> str:
    """Folder of one replicate: ``replicate-07``, as wide as the last one needs."""
    return f"replicate-{number:0{max(2, len(str(count)))}d}"


@dataclass(frozen=True, eq=False)
class Replicates:
    """What a call has written.

    Parameters
    ----------
    count : int
    values : ndarray of float64, shape (replicates, statements)
        Each replicate's value of each published statement [probability].
    inside : float
        Share of the published values that lie in their band.
    """

    count: int
    values: FloatArray
    inside: float


def write_replicates(
    model: FittedModel,
    settings: Settings,
    folder: Path,
    count: int,
    *,
    formats: Sequence[str] = ("csv", "parquet"),
    jobs: int = 1,
    force: bool = False,
    progress: Callable[[int], None] | None = None,
    finish: Finish | None = None,
) -> Replicates:
    """Write ``count`` replicate cohorts and their summary, whole or not at all.

    Parameters
    ----------
    model : FittedModel
        The base model.
    settings : Settings
        Of each cohort; its seed draws the statistics as well as the patients.
    folder : Path
        Where ``replicate-01`` and the others will stand.
    count : int
        Replicates, 1 to 1,000.
    formats, jobs, force
        As for :func:`~synthgen.cohort.write.write_cohort`; workers share the replicates,
        and the files do not depend on their number.
    progress : callable, optional
        Called with the number of replicates written so far.
    finish : callable, optional
        Called with the replicate's model, its settings and its folder, to add to it.

    Raises
    ------
    UsageError
        If ``count`` or ``jobs`` is out of range, a format unknown, or the folder exists.
    ModelError
        If a replicate does not converge.
    OutputError
        If the disk is full or writing is not permitted.
    """
    require_count(count)
    if jobs < 1:
        raise UsageError(f"jobs: is {jobs}; it must be 1 or more")
    with output_folder(folder, force=force) as beside:
        task = _Task(model, design_for(model), settings, beside, tuple(formats), count, finish)
        values = np.zeros((count, len(model.gaps)))
        with closing(_made(task, jobs)) as made:
            for i, row in enumerate(made):
                values[i] = row
                if progress is not None:
                    progress(i + 1)
        inside = _write_summary(beside / SUMMARY, model, values)
    return Replicates(count, values, inside)


def band(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lower and upper limit of the band over replicates.

    Parameters
    ----------
    values : ndarray of float64, shape (replicates, statements)

    Returns
    -------
    tuple of ndarray of float64, shape (statements,)

    Notes
    -----
    Order statistics at ``p (m + 1)`` (type 6 of Hyndman & Fan 1996,
    doi:10.1080/00031305.1996.10473566), between which another replicate falls with
    probability :data:`BAND` whatever ``m`` is, from :data:`ENOUGH` replicates on.  Fewer
    give their range, which is narrower than it should be.
    """
    tail = (1 - BAND) / 2
    low, high = np.quantile(values, [tail, 1 - tail], axis=0, method="weibull")
    return low, high


def _write_summary(path: Path, model: FittedModel, values: FloatArray) -> float:
    """Write the table of published values; returns the share that lies in its band."""
    low, high = band(values)
    mean = values.mean(axis=0)
    inside = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for i, gap in enumerate(model.gaps):
            said = gap.statement
            inside += bool(low[i] <= said.upper and said.lower <= high[i])
            numbers = (said.lower, said.upper, gap.fitted, mean[i], low[i], high[i])
            labels = [said.label(model.schema, language) for language in ("en", "ko")]
            writer.writerow(
                [
                    *(said.table, said.row, *labels, said.relation.value),
                    *(f"{number:.6g}" for number in numbers),
                ]
            )
    return inside / max(len(model.gaps), 1)
