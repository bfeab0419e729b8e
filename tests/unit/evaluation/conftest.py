"""A small policy and the findings that it asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from synthgen.evaluation.policy import Policy, policy_from
from synthgen.schema.model import Schema

SOURCE = "made up for a test of the rule"


def document(measures: Sequence[Mapping[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    """A policy document; by default one that requires ``linkability`` at most 0.1."""
    return {
        "format": "policy/1",
        "id": "small",
        "version": "1.0.0",
        "title": "A small policy",
        "title_ko": "작은 정책",
        "context": {"recipient": "nobody", "access": "public", "motive_and_capacity": ""},
        "population": {"region": "none", "size": None, "is_census": True, "source": SOURCE},
        "keys": [["sex", "age_at_diagnosis"]],
        "secrets": ["seer_stage"],
        "strata": [["entity"]],
        "k_min": 11,
        "measures": list(measures) if measures is not None else [measure("linkability", 0.1)],
        "guarantees": [],
        "budget": {"max_evaluations": 3, "source": SOURCE},
        "approvals": {"needed": [], "given": []},
        "expiry": None,
    } | changes


def measure(
    name: str, *limits: float | tuple[str, float] | None, required: bool = True
) -> dict[str, Any]:
    """A measure of a policy; a limit is a number, or a part and its number."""
    said = []
    for one in limits:
        part = {"part": one[0], "limit": one[1]} if isinstance(one, tuple) else {"limit": one}
        said.append({**part, "source": SOURCE})
    return {"measure": name, "required": required, "limits": said}


def guarantee(kind: str, **covers: Sequence[str]) -> dict[str, Any]:
    """A guarantee of a policy: measure to the verdicts that it covers."""
    said = {
        "class": kind,
        "covers": [{"measure": m, "verdicts": list(v)} for m, v in covers.items()],
        "source": SOURCE,
    }
    return said | ({"epsilon_max": 1.0, "delta_max": 1e-6} if kind == "G1" else {})


@pytest.fixture
def policy_document() -> Callable[..., dict[str, Any]]:
    return document


@pytest.fixture
def small_policy() -> Callable[..., Policy]:
    return lambda *args, **changes: policy_from(document(*args, **changes), "small")


@pytest.fixture
def asks() -> Callable[..., dict[str, Any]]:
    return measure


@pytest.fixture
def guaranteed() -> Callable[..., dict[str, Any]]:
    return guarantee


@pytest.fixture(scope="session")
def people() -> Callable[[int, int], dict[str, Any]]:
    """Tables of so many patients from a seed: they stand for synthetic and for real ones."""
    from synthgen.cohort.artefact import load_model

    model = load_model("kr-demo")
    return lambda n, seed: dict(model.generate(n, seed=seed).tables)


@pytest.fixture(scope="session")
def written_records(people, tmp_path_factory) -> Callable[..., Path]:
    """Folder of CSV files as a registry would deliver them."""

    def write(n: int, seed: int, change: Callable[[dict[str, Any]], None] | None = None) -> Path:
        folder = tmp_path_factory.mktemp("records")
        tables = {name: frame.copy() for name, frame in people(n, seed).items()}
        if change is not None:
            change(tables)
        for name, frame in tables.items():
            frame.to_csv(folder / f"{name}.csv", index=False)
        return folder

    return write


@pytest.fixture(scope="session")
def rare_cancer() -> Schema:
    from synthgen.schema.load import load_schema

    return load_schema("rare-cancer")
