"""Kaplan-Meier life tables and Aalen-Johansen incidence of the end points of a schema.

Notes
-----
Survival is the product of ``1 - d / n`` over the times at which somebody has the event (Kaplan &
Meier 1958, doi:10.1080/01621459.1958.10501452); the incidence of one of several competing
events is the sum of ``S(t-) d / n`` (Aalen & Johansen 1978, Scand J Stat 5:141).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthgen.enclave.counting import Coded
from synthgen.enclave.records import Records
from synthgen.schema.model import EndPoint
from synthgen.schema.rules.sql import identifier, literal
from synthgen.statistics.model import Cell

FloatArray = npt.NDArray[np.float64]

PER_YEAR = {"days": 365.25, "weeks": 365.25 / 7, "months": 12.0, "years": 1.0}
TIMES = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0)
"""Printed times [years], as those of ``net_survival``."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Survival and incidence of one group at the printed times.

    Parameters
    ----------
    times : ndarray of float64, shape (m,)
        [years]
    survival : ndarray of float64, shape (m,)
        Neither the event nor a competing one.
    incidence : ndarray of float64, shape (m,)
        The event, in the presence of competing ones.
    at_risk : ndarray of float64, shape (m,)
        Followed up to the time [persons].
    """

    times: FloatArray
    survival: FloatArray
    incidence: FloatArray
    at_risk: FloatArray


def curve(
    time: FloatArray, event: npt.NDArray[np.int64], count: FloatArray, times: Sequence[float]
) -> Curve:
    """Life table of one group.

    Parameters
    ----------
    time : ndarray of float64, shape (k,)
        Distinct or repeated times [years].
    event : ndarray of int64, shape (k,)
        0 censored, 1 the event, 2 a competing one.
    count : ndarray of float64, shape (k,)
        Persons with each.
    times : sequence of float
        When to print [years]; those that nobody was followed to are left out.

    Examples
    --------
    >>> c = curve(np.array([1.0, 2.0]), np.array([1, 0]), np.array([1.0, 1.0]), [1.0])
    >>> float(c.survival[0])
    0.5
    """
    distinct, at = np.unique(time, return_inverse=True)
    at = at.ravel()
    of_event = np.bincount(at, weights=count * (event == 1), minlength=len(distinct))
    of_any = np.bincount(at, weights=count * (event > 0), minlength=len(distinct))
    leaving = np.bincount(at, weights=count, minlength=len(distinct))
    at_risk = leaving[::-1].cumsum()[::-1]
    survival = np.cumprod(1.0 - of_any / at_risk)
    before = np.concatenate([[1.0], survival[:-1]])
    incidence = np.cumsum(before * of_event / at_risk)
    kept = np.array([t for t in times if t <= distinct[-1]])
    last = np.searchsorted(distinct, kept, side="right") - 1
    first = np.searchsorted(distinct, kept, side="left")

    def upto(values: FloatArray, start: float) -> FloatArray:
        return np.where(last >= 0, values[np.maximum(last, 0)], start)

    return Curve(
        kept,
        upto(survival, 1.0),
        upto(incidence, 0.0),
        at_risk[np.minimum(first, len(distinct) - 1)],
    )


def end_point_cells(
    records: Records, coded: Coded, point: EndPoint, strata: Sequence[str]
) -> tuple[list[tuple[dict[str, tuple[str, ...]], Curve]], bool]:
    """Curves of an end point in each stratum.

    Parameters
    ----------
    records : Records
    coded : Coded
        Unit whose table has the end point.
    point : EndPoint
    strata : sequence of str
        Variables; none for everybody.

    Returns
    -------
    list of (mapping, Curve)
        Codes by variable of each stratum.
    bool
        Whether anything competes with the event.
    """
    unit = coded.unit
    table = identifier(unit.table.name)
    time, event = f"{table}.{identifier(point.time)}", f"{table}.{identifier(point.event)}"

    def among(codes: Sequence[str]) -> str:
        return f"{event} IN ({', '.join(map(literal, codes))})"

    state = f"CASE WHEN {among(point.events)} THEN 1"
    state += f" WHEN {among(point.competing)} THEN 2" if point.competing else ""
    columns = [
        f"CAST({coded.variables[name].sql} AS USMALLINT) AS s{i}" for i, name in enumerate(strata)
    ]
    keys = "".join(f"s{i}, " for i in range(len(strata)))
    listed = "".join(f"{column}, " for column in columns)
    found = records.db.execute(
        f"SELECT {keys}t, e, count(*) AS n FROM (SELECT {listed}{time} AS t, "  # noqa: S608
        f"{state} ELSE 0 END AS e FROM {unit.source}) WHERE t IS NOT NULL AND e IS NOT NULL "
        f"GROUP BY {keys}t, e ORDER BY ALL"
    ).fetchnumpy()
    years = np.asarray(found["t"], dtype=np.float64) / PER_YEAR[point.unit]
    events = np.asarray(found["e"], dtype=np.int64)
    counts = np.asarray(found["n"], dtype=np.float64)
    labels = [np.asarray(found[f"s{i}"], dtype=np.int64) for i in range(len(strata))]
    made: list[tuple[dict[str, tuple[str, ...]], Curve]] = []
    grid = (
        np.unique(np.stack(labels, axis=1), axis=0) if labels else np.zeros((1, 0), dtype=np.int64)
    )
    for row in grid:
        mine = np.ones(len(years), dtype=np.bool_)
        for label, position in zip(labels, row, strict=True):
            mine &= label == position
        if not mine.any():
            continue
        members: dict[str, tuple[str, ...]] = {
            name: (coded.variables[name].variable.codes[int(position)],)
            for name, position in zip(strata, row, strict=True)
        }
        made.append((members, curve(years[mine], events[mine], counts[mine], TIMES)))
    return made, bool(point.competing)


def cells_of(
    curves: Sequence[tuple[dict[str, tuple[str, ...]], Curve]],
    *,
    incidence: bool,
    min_cell: int,
) -> tuple[Cell, ...]:
    """Cells of a survival table.

    Under protection a time is printed as long as ``min_cell`` persons are followed to it, and
    survival in steps that ``min_cell`` persons make, so that no step is about fewer.
    """
    cells: list[Cell] = []
    for members, made in curves:
        values = made.incidence if incidence else made.survival
        step = 0.0001
        if min_cell > 1:
            whole = float(made.at_risk[0]) if len(made.at_risk) else 0.0
            if whole < 4 * min_cell:
                continue
            step = max(0.01, float(np.ceil(100.0 * min_cell / whole) / 100.0))
        for time, value, risk in zip(made.times, values, made.at_risk, strict=True):
            if risk < max(min_cell, 1):
                break
            rounded = round(round(float(value) / step) * step, 4)
            lower, upper = max(rounded - step / 2, 0.0), min(rounded + step / 2, 1.0)
            plain = min_cell <= 1
            cells.append(
                Cell(
                    members,
                    lower,
                    upper,
                    time=float(time),
                    printed=f"{rounded:.4f}" if plain else f"{lower:.6g}..{upper:.6g}",
                    n=float(risk) if plain else None,
                    row=len(cells) + 2,
                )
            )
    return tuple(cells)
