"""Makes the pictures and the numbers of ``why-the-order-matters.md``.

``python docs/explanation/why_the_order_matters.py`` writes two SVG files beside it and prints
the numbers that the page quotes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "evaluation" / "benchmarks")]

from plot import Axis, Line, chart  # noqa: E402

from synthgen.models.block import fit_block  # noqa: E402
from synthgen.models.distribution import Distribution  # noqa: E402
from synthgen.models.domain import Domain  # noqa: E402
from synthgen.resources import shipped  # noqa: E402
from synthgen.schema.load import load_schema  # noqa: E402
from synthgen.statistics.model import Relation  # noqa: E402
from synthgen.statistics.read import read_pack  # noqa: E402
from synthgen.statistics.statement import Statement  # noqa: E402

Members = dict[str, tuple[str, ...]]
FloatArray = npt.NDArray[np.float64]

#: Intervals of survival time, and how many of them lie behind the published time.
GRIDS = {2: 1, 7: 2, 20: 2}
#: Five-year relative survival of osteosarcoma, National Cancer Data Base 1985-1998 (Clin Orthop
#: Relat Res 2007;459:40): under 30, 30 to 49, from 50 on.
AMERICAN = ((0, 6, 0.60), (6, 10, 0.50), (10, 18, 0.30))
#: Bone cancers of Korea 2023 by histology (cancer.go.kr, C40-C41): of 446, osteosarcomas.
OSTEOSARCOMAS, BONE_CANCERS = 168, 446


def said(event: Members, given: Members, value: float, row: int, error: float) -> Statement:
    """P(event | given) = value, up to its error."""
    return Statement(
        "page", row, "shares", Relation.PUBLISHED, {**given, **event}, given, value, value, error,
        None, "share",
    )  # fmt: skip


def fitted(
    domain: Domain,
    blocks: Sequence[tuple[str, ...]],
    statements: Sequence[Statement],
) -> Distribution:
    """The distribution fitted block by block, or in one block."""
    before: Distribution | None = None
    known: set[str] = set()
    for new in blocks:
        known |= set(new)
        told = Domain(tuple(v for v in domain.variables if v[0] in known))
        here = [s for s in statements if s.variables <= known and s.variables & set(new)]
        found = fit_block(told, before, new, [list(enumerate(here))], ())
        tables = (*(before.tables if before else ()), *found.tables)
        before = Distribution(told, tables)
    assert before is not None  # noqa: S101 - there is a block
    return before


def toy() -> dict[str, dict[int, float]]:
    """Share of the worse of two stages, by number of intervals of time.

    All that is published: of the better stage 93 % live, of the worse 40 %.  Nothing is said
    of how many patients have which stage.
    """
    shares: dict[str, dict[int, float]] = {"flat": {}, "ordered": {}}
    for intervals, behind in GRIDS.items():
        times = tuple(str(i) for i in range(intervals))
        domain = Domain((("stage", ("better", "worse")), ("time", times)))
        statements = [
            said({"time": times[-behind:]}, {"stage": (stage,)}, alive, row, 0.005)
            for row, (stage, alive) in enumerate((("better", 0.93), ("worse", 0.40)))
        ]
        for way, blocks in (
            ("flat", (("stage", "time"),)),
            ("ordered", (("stage",), ("time",))),
        ):
            found = fitted(domain, blocks, statements)
            shares[way][intervals] = float(found.marginal(("stage",))[1])
    return shares


def real_ages() -> tuple[tuple[str, ...], dict[str, FloatArray]]:
    """Korean osteosarcomas of five years by age group, flat and ordered.

    Korean tables say how many bone cancers there are by sex and age, and how many of all bone
    cancers are osteosarcomas.  An American table says how long patients live, by age.
    """
    schema = load_schema("rare-cancer@1.0.0")
    ages = schema.variable("age_group").codes
    pack = read_pack(Path(str(shipped("fitted_models")["kr-demo"])) / "statistics")
    table = pack.table("incidence_site_sex_age")
    cells = [c for c in table.cells if c.members["site_group"] == ("bone",)]
    total = sum(c.value for c in cells)
    entities = ("osteosarcoma", "other")
    counts = [
        said(
            {"sex": c.members["sex"], "age_group": c.members["age_group"]},
            {},
            c.value / total,
            row,
            max(c.value, 1.0) ** 0.5 / total,
        )
        for row, c in enumerate(cells)
    ]
    share = OSTEOSARCOMAS / BONE_CANCERS
    histology = said({"entity": entities[:1]}, {}, share, 100, OSTEOSARCOMAS**0.5 / BONE_CANCERS)
    found: dict[str, FloatArray] = {}
    for intervals, behind in ((2, 1), (20, 2)):
        times = tuple(str(i) for i in range(intervals))
        domain = Domain(
            (("sex", ("1", "2")), ("age_group", ages), ("entity", entities), ("time", times))
        )
        survival = [
            said(
                {"time": times[-behind:]},
                {"entity": entities[:1], "age_group": ages[first:last]},
                alive,
                101 + row,
                0.015,
            )
            for row, (first, last, alive) in enumerate(AMERICAN)
        ]
        for way, blocks in (
            (f"flat, {intervals} intervals", (domain.names,)),
            ("ordered", (("sex", "age_group"), ("entity",), ("time",))),
        ):
            joint = fitted(domain, blocks, [*counts, histology, *survival])
            found[way] = joint.marginal(("entity", "age_group"))[0] * total
    return ages, found


def main() -> None:
    """Write the pictures, print the numbers."""
    shares = toy()
    percent = [(v / 10, f"{10 * v} %") for v in range(4, 11)]
    picture = chart(
        "Two stages, nothing known of their sizes: how many have the worse one?",
        Axis("intervals that survival time is cut into", 0, 22, [(g, str(g)) for g in GRIDS]),
        Axis("share of patients with the worse stage", 0.4, 1.0, percent),
        [
            Line("in order: stage first, then survival", list(shares["ordered"].items())),
            Line("all tables at once", list(shares["flat"].items())),
        ],
    )
    (HERE / "pictures" / "order-toy.svg").write_text(picture, encoding="utf-8")
    ages, found = real_ages()
    picture = chart(
        "Korean osteosarcomas by age, after an American survival table was added",
        Axis("age at diagnosis", 0, 17, [(i, ages[i]) for i in range(0, 18, 2)]),
        Axis("cases in five years", 0, 140, [(v, str(v)) for v in range(0, 141, 20)]),
        [Line(way, list(enumerate(cases))) for way, cases in sorted(found.items(), reverse=True)],
    )
    (HERE / "pictures" / "order-ages.svg").write_text(picture, encoding="utf-8")
    numbers = {
        "toy": {way: {k: round(v, 2) for k, v in s.items()} for way, s in shares.items()},
        "ages": {
            way: {
                "under 30": round(float(cases[:6].sum())),
                "30-49": round(float(cases[6:10].sum())),
                "from 50 on": round(float(cases[10:].sum())),
                "15-19": round(float(cases[3])),
            }
            for way, cases in found.items()
        },
    }
    sys.stdout.write(json.dumps(numbers, indent=1) + "\n")


if __name__ == "__main__":
    main()
