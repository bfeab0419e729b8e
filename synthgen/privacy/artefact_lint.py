"""M4: that a model artefact holds numbers and public codes, and nothing that can run."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.cohort.fitted_model import FittedModel
from synthgen.fidelity.results import counted
from synthgen.findings import MISSING_INPUT, Finding, Inputs, not_testable
from synthgen.models.mixture import Mixture

MEASURE = "artefact_lint"

ENDINGS = frozenset({".json", ".npz", ".csv", ".md", ".txt"})
"""Files that an artefact may consist of; none of them is ever executed."""

PICKLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""First bytes of Python's binary pickles, protocols 2 to 5 (PEP 307, 3154, 574)."""


def artefact_lint(inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Things in the model that should not be there.

    Parameters
    ----------
    inputs : Inputs
        With ``model``: a :class:`~synthgen.cohort.fitted_model.FittedModel`, or the path of
        an artefact; and ``k_min``.
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    list of Finding
        ``files`` (of a path): files of another kind, pickles, arrays of objects, links.
        ``codes`` (of a model): categories that the schema does not publish, bins whose
        limits are not the schema's, probabilities that are none.  Both count violations.
    """
    del rng
    model = inputs.model
    if isinstance(model, FittedModel):
        return [_codes(model)]
    if isinstance(model, str | os.PathLike) and Path(model).is_dir():
        return [_files(Path(model))]
    return [not_testable(MEASURE, "M", MISSING_INPUT)]


def _codes(model: FittedModel) -> Finding:
    domain = model.distribution.domain
    wrong: dict[str, int] = {}
    known = {variable.name: set(variable.codes) for variable in model.schema.variables}
    for name, codes in domain.codes.items():
        unknown = set(codes) - known.get(name, set())
        if unknown:
            wrong[name] = len(unknown)
    whole = model.distribution
    parts = tuple(whole.components.values()) if isinstance(whole, Mixture) else (whole,)
    tables = [table for part in parts for table in part.tables]
    cells = sum(int(table.probability.size) for table in tables)
    broken = sum(int((~np.isfinite(table.probability)).sum()) for table in tables)
    if broken:
        wrong["probabilities"] = broken
    checked = sum(len(codes) for codes in domain.codes.values())
    detail = {"variables": wrong, "parameters": cells}
    return counted(MEASURE, "M", "codes", sum(wrong.values()), checked, detail)


def _files(folder: Path) -> Finding:
    faults: dict[str, int] = {"kind": 0, "link": 0, "pickle": 0, "objects": 0, "unreadable": 0}
    files = sorted(path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    for path in files:
        if path.is_symlink():
            faults["link"] += 1
            continue
        if path.suffix not in ENDINGS:
            faults["kind"] += 1
        with path.open("rb") as opened:
            if opened.read(2) in PICKLE_STARTS:
                faults["pickle"] += 1
                continue
        if path.suffix == ".npz":
            if fault := _array_fault(path):
                faults[fault] += 1
        elif path.suffix == ".json":
            faults["unreadable"] += 0 if _is_json(path) else 1
    wrong = {name: count for name, count in faults.items() if count}
    return counted(MEASURE, "M", "files", sum(wrong.values()), max(len(files), 1), wrong)


def _array_fault(path: Path) -> str:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays.files:
                loaded: Any = arrays[name]
                if loaded.dtype.hasobject:
                    return "objects"
    except ValueError:  # what NumPy raises for an array of objects
        return "objects"
    except (OSError, zipfile.BadZipFile, EOFError):
        return "unreadable"
    return ""


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return False
    return True
