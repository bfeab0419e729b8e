"""C7: how many residents, and how many real patients, a synthetic patient's keys point at."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.fidelity.encoding import numbers, texts
from synthgen.fidelity.results import counted, excess
from synthgen.findings import NO_SUCH_COLUMN, TOO_FEW, Finding, Inputs, Subjects, not_testable
from synthgen.privacy.attacked import NONE_NAMED, attacked
from synthgen.privacy.linked_rows import linked_rows
from synthgen.privacy.whole_records import whole_records

if TYPE_CHECKING:
    import pandas as pd

K_MAP, KEY_UNIQUENESS = "k_map", "key_uniqueness"

PERSONS = "n"
"""Column of the population file that counts persons."""

BAND = re.compile(r"\s*(\d+)\s*(?:-|\u2013)\s*(\d+)\s*")
OPEN_BAND = re.compile(r"\s*(\d+)\s*\+\s*")


def k_map(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Share of synthetic patients whose keys fewer than ``k_min`` residents have.

    Parameters
    ----------
    inputs : Inputs
        With ``population``, ``keys`` and ``k_min``.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    list of Finding
        One for each set of keys that has columns in the population file; columns that the
        file does not have (a diagnosis) are known to no register of residents and are left
        out, which the detail says.  Keys that no resident has point at nobody.

    Notes
    -----
    k-map: Sweeney 2002, doi:10.1142/S0218488502001648; as a measure of risk El Emam & Dankar
    2008, doi:10.1197/jamia.M2716.  It is about this very release and file, so it has no
    sampling error.  Bands of the file (``60-64``, ``85+``) hold whole numbers, both ends
    included.
    """
    del rng
    population = inputs.population
    if population is None or not inputs.keys:
        return [not_testable(K_MAP, "C", NONE_NAMED)]
    if PERSONS not in population.columns:
        return [not_testable(K_MAP, "C", NO_SUCH_COLUMN, detail={"column": PERSONS})]
    return [_k_map(inputs, population, columns) for columns in inputs.keys]


def _k_map(inputs: Inputs, population: pd.DataFrame, columns: tuple[str, ...]) -> Finding:
    part = f"keys={'+'.join(columns)}"
    known = [c for c in columns if c in population.columns]
    detail: dict[str, Any] = {"not_in_file": [c for c in columns if c not in known]}
    if not known:
        return not_testable(K_MAP, "C", NO_SUCH_COLUMN, part=part, detail=detail)
    residents: Counter[tuple[object, ...]] = Counter()
    labels = [texts(population[name]) for name in known]
    for row, persons in zip(zip(*labels, strict=True), numbers(population[PERSONS]), strict=True):
        residents[row] += int(persons)
    sides = [
        _as_labels(inputs.synthetic, name, set(own))
        for name, own in zip(known, labels, strict=True)
    ]
    found = [residents.get(row, 0) for row in zip(*sides, strict=True)]
    if not found:
        return not_testable(K_MAP, "C", TOO_FEW, part=part)
    held = np.array(found)
    few = int(((held > 0) & (held < inputs.k_min)).sum())
    detail |= {
        "nobody": int((held == 0).sum()),
        "fewest": int(held[held > 0].min()) if held.any() else 0,
    }
    return counted(K_MAP, "C", part, few / len(held), len(held), detail)


def _as_labels(subjects: Subjects, name: str, labels: set[Any]) -> list[object]:
    """Values of a column as the population file writes them."""
    if name not in subjects.numeric:
        return list(texts(subjects.frame[name]))
    look = _label_of(labels)
    return [None if np.isnan(value) else look(value) for value in numbers(subjects.frame[name])]


def _label_of(labels: set[Any]) -> Callable[[float], str | None]:
    bands: list[tuple[float, float, str]] = []
    for label in sorted(str(v) for v in labels if v is not None):
        if band := BAND.fullmatch(label):
            bands.append((float(band[1]), float(band[2]) + 1, label))
        elif band := OPEN_BAND.fullmatch(label):
            bands.append((float(band[1]), np.inf, label))
        else:
            try:
                bands.append((float(label), float(label) + 1, label))
            except ValueError:
                continue

    def look(value: float) -> str | None:
        return next((label for low, high, label in bands if low <= value < high), None)

    return look


def key_uniqueness(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Real patients alone with their keys whom the release repeats with their secrets.

    Parameters
    ----------
    inputs : Inputs
        With ``train``, ``control``, ``keys`` and ``secrets``.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    list of Finding
        One for each set of keys: the share of members who are unique on the keys and stand
        in the release with the same keys and all secrets, less the same share of others.
        ``whole records``: how many members the release repeats with every value, see
        :func:`~synthgen.privacy.whole_records.whole_records`.  ``rows of`` a linked table: of
        how many members it repeats rows, see :func:`~synthgen.privacy.linked_rows.linked_rows`.

    Notes
    -----
    A registry is a census of its patients, so who is unique in it is unique among all
    patients of the region.  Others tell how often that happens by chance.  Numbers are
    compared in tenths of the real patients.  Bounds: Newcombe's hybrid score.
    """
    del rng
    whole_ones = [
        *whole_records(inputs, KEY_UNIQUENESS),
        *linked_rows(inputs, KEY_UNIQUENESS),
    ]
    if not inputs.keys or not inputs.secrets:
        return [not_testable(KEY_UNIQUENESS, "C", NONE_NAMED), *whole_ones]
    people = attacked(inputs)
    findings = []
    for columns in inputs.keys:
        secrets = tuple(s for s in inputs.secrets if s not in columns)
        members, others, _ = people.keys(columns)
        codes, counts = np.unique(np.concatenate((members, others)), return_counts=True)
        alone = codes[(counts == 1) & (codes >= 0)]
        whole = people.keys((*columns, *secrets))
        hits = [
            int((np.isin(key, alone) & (full >= 0) & np.isin(full, whole[2])).sum())
            for key, full in zip((members, others), whole[:2], strict=True)
        ]
        sizes = (len(members), len(others))
        findings.append(
            excess(
                KEY_UNIQUENESS,
                "C",
                f"keys={'+'.join(columns)}",
                (hits[0], sizes[0]),
                (hits[1], sizes[1]),
                {"alone": int(np.isin(members, alone).sum())},
            )
        )
    return [*findings, *whole_ones]
