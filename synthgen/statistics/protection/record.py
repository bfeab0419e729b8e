"""How a pack was protected, written into it for those who read and fit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from synthgen.messages import message
from synthgen.statistics.model import StatisticsPack
from synthgen.statistics.protection.ladder import Rules


def recorded(
    pack: StatisticsPack,
    rules: Rules,
    coarser: int,
    lost: float,
    others: Sequence[float],
    *,
    gave_up: bool = False,
) -> StatisticsPack:
    """The pack with a sentence on its protection in its descriptions.

    Parameters
    ----------
    pack : StatisticsPack
    rules : Rules
    coarser : int
        Printed numbers that had to be coarser than the rules ask of them alone.
    lost : float
        Information lost by what was done [bits a number].
    others : sequence of float
        The same for what was tried and not taken; empty if nothing was.
    gave_up : bool
        Whether suppression was tried and did not end.
    """
    texts = {}
    for language in ("en", "ko"):
        way = "suppress" if rules.base is None else "round"
        text = message(
            f"protection.{way}", language,
            min_cell=rules.min_cell, base=rules.base or 0, width=rules.min_width, coarser=coarser,
        )  # fmt: skip
        if others:
            text += " " + message(
                f"protection.{way}.why", language, lost=f"{lost:.2f}", other=f"{min(others):.2f}"
            )
        elif gave_up:
            text += " " + message("protection.round.gave_up", language)
        texts[language] = text
    return replace(
        pack,
        unprotected=False,
        description=f"{pack.description} {texts['en']}".strip(),
        description_ko=f"{pack.description_ko} {texts['ko']}".strip(),
    )
