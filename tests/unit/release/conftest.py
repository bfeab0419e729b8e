"""A small cohort that passes a small policy, evaluated once."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.evaluation.evaluate import evaluate_into
from synthgen.evaluation.inputs import Given
from synthgen.evaluation.policy import Policy, policy_from
from synthgen.evaluation.target import Target, load_target
from synthgen.release.bundle import release

NOW = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
SOURCE = "made up for a test of the rule"
SEEN = {"format": "self-test/1", "passes": True, "controls": []}


def policy_of(limit: float = 0.0, **changes: Any) -> Policy:
    document = {
        "format": "policy/1",
        "id": "small",
        "version": "1.0.0",
        "title": "A small policy",
        "title_ko": "작은 정책",
        "context": {"recipient": "nobody", "access": "public", "motive_and_capacity": ""},
        "population": {"region": "none", "size": None, "is_census": True, "source": SOURCE},
        "keys": [],
        "secrets": [],
        "strata": [],
        "k_min": 11,
        "measures": [
            {"measure": name, "required": True, "limits": [{"limit": limit, "source": SOURCE}]}
            for name in ("labelling", "validity")
        ],
        "guarantees": [],
        "budget": {"max_evaluations": 9, "source": SOURCE},
        "approvals": {"needed": [], "given": []},
        "expiry": None,
    }
    return policy_from(document | changes, "small")


@cache
def loaded(target: str) -> Target:
    return load_target(target, seed=1, patients=20)


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "cohort"
    model = load_model("kr-demo")
    write_cohort(model, settings_for(model, 12, seed=1), folder, formats=("csv",))
    return folder


@pytest.fixture(scope="session")
def evaluated(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    def make(policy: Policy | None = None, self_test: Any = SEEN, target: Any = None) -> Path:
        folder = tmp_path_factory.mktemp("evaluated")
        evaluate_into(
            folder / "evaluation",
            loaded(str(target or cohort)),
            policy or policy_of(),
            Given(),
            log=folder / "attempts.jsonl",
            now=NOW,
            self_test=self_test,
        )
        return folder / "evaluation"

    return make


@pytest.fixture(scope="session")
def evaluation(evaluated: Callable[..., Path]) -> Path:
    return evaluated()


@pytest.fixture(scope="session")
def bundle(evaluation: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundles") / "bundle"
    release(evaluation, path, today=NOW.date())
    return path


@pytest.fixture(scope="session")
def zipped(evaluation: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundles") / "bundle.zip"
    release(evaluation, path, today=NOW.date())
    return path


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Private and public Ed25519 keys: ``mine``, ``mine.pub``, ``other``, ``other.pub``."""
    ed25519 = pytest.importorskip(
        "cryptography.hazmat.primitives.asymmetric.ed25519", reason="needs the extra sign"
    )
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    folder = tmp_path_factory.mktemp("keys")
    made = {}
    for name in ("mine", "other"):
        private = ed25519.Ed25519PrivateKey.generate()
        made[name], made[f"{name}.pub"] = folder / name, folder / f"{name}.pub"
        made[name].write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        made[f"{name}.pub"].write_bytes(
            private.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
    return made


@pytest.fixture
def changed_json() -> Callable[[Path, Callable[[dict[str, Any]], None]], None]:
    def change(path: Path, how: Callable[[dict[str, Any]], None]) -> None:
        document = json.loads(path.read_text(encoding="utf-8"))
        how(document)
        text = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1)
        path.write_text(text + "\n", encoding="utf-8", newline="\n")

    return change
