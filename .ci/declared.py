"""Print what pyproject.toml declares, for .ci/run: one requirement or Python a line.

declared.py lowest     dependencies and extras at their lowest declared versions
declared.py dev NAME   the requirement of one development tool
declared.py pythons    supported Python versions
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

PROJECT: dict[str, Any] = tomllib.loads(
    (Path(__file__).resolve().parent.parent / "pyproject.toml").read_text(encoding="utf-8")
)["project"]

#: Needs an environment of its own (its stage: `sdv`), or is not part of the product.
APART = ("sdv", "dev")


def lowest() -> list[str]:
    """Every dependency, and every extra but those apart, pinned to its lower bound."""
    requirements = list(PROJECT["dependencies"])
    for name, extra in PROJECT["optional-dependencies"].items():
        requirements += [] if name in APART else extra
    return [requirement.replace(">=", "==") for requirement in requirements]


def pythons() -> list[str]:
    """Supported versions, as the classifiers list them."""
    head = "Programming Language :: Python :: 3."
    return [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if c.startswith(head)]


def dev(tool: str) -> list[str]:
    """Requirement of one tool."""
    return [r for r in PROJECT["optional-dependencies"]["dev"] if r.startswith(tool)]


if __name__ == "__main__":
    question, *rest = sys.argv[1:]
    answers = {"lowest": lowest, "pythons": pythons, "dev": dev}
    print("\n".join(answers[question](*rest)))
