"""What differs between two schemas or two deliveries, and whether it would break a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from synthgen.errors import ContractError
from synthgen.messages import amount, message
from synthgen.schema.comparison.shifts import FEWEST
from synthgen.schema.documents import one_line

MOST_SHOWN = 12
"""Codes that a line names; JSON has all of them."""


@dataclass(frozen=True)
class Difference:
    """One way in which B is not A.

    Parameters
    ----------
    kind : str
        ``table.missing``, ``column.renamed``, ``codes.wider`` ...: the text stands in the
        catalogue under ``diff.`` and this kind.
    breaks : bool
        Whether a program that works on A can fail on B; otherwise it is only new.
    table, column : str
        Where, by the names of A (of B for what A does not have).
    values : mapping of str to object
        What fills the gaps of the text; plain JSON values.
    codes : tuple of str
        Codes of code lists that it is about.
    count : int
        Rows of B that show it; 0 where nothing was counted.
    shown : tuple of str
        Values of records, empty unless they were asked for.
    """

    kind: str
    breaks: bool
    table: str = ""
    column: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    count: int = 0
    shown: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """Table, and column if it is about one."""
        return f"{self.table}.{self.column}" if self.column else self.table

    @property
    def counted(self) -> str:
        """Rows of B as they may be said: a small number is not."""
        return f"{self.count:,}" if self.count >= FEWEST else f"<{FEWEST}"

    def label(self, language: str) -> str:
        """What differs, in Korean (``"ko"``) or English."""
        listed = ", ".join(one_line(code, 40) for code in self.codes[:MOST_SHOWN])
        more = len(self.codes) - MOST_SHOWN
        filled: dict[str, Any] = {"codes": f"{listed} ... (+{more})" if more > 0 else listed}
        return message(f"diff.{self.kind}", language, **(filled | dict(self.values)))

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "kind": self.kind,
            "breaks": self.breaks,
            "table": self.table,
            "column": self.column,
            "message": self.label("en"),
            "message_ko": self.label("ko"),
            "codes": list(self.codes),
            "count": self.count if self.count >= FEWEST else 0,
            "fewer_than": FEWEST if 0 < self.count < FEWEST else 0,
            "values": list(self.shown),
        }


@dataclass(frozen=True)
class Comparison:
    """All differences between A and B.

    Parameters
    ----------
    a, b : str
        What was compared: B is what a program would get that works on A.
    differences : tuple of Difference
        Those that break a program first.
    """

    a: str
    b: str
    differences: tuple[Difference, ...]

    @property
    def breaking(self) -> tuple[Difference, ...]:
        """What can make a program fail that works on A."""
        return tuple(d for d in self.differences if d.breaks)

    @property
    def new(self) -> tuple[Difference, ...]:
        """What is different and does no harm to such a program."""
        return tuple(d for d in self.differences if not d.breaks)

    def demand(self) -> None:
        """Do nothing if a program that works on A can work on B.

        Raises
        ------
        ContractError
            If something would break it; one line, without values.
        """
        if self.breaking:
            first = self.breaking[0]
            a, b = (text.rpartition(" (")[0] or text for text in (self.a, self.b))
            raise ContractError(
                f"{b}: would break a program made for {a} in {amount(len(self.breaking), 'way')}; "
                f"first {first.where or first.kind}: {first.label('en')}"
            )

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values: what ``synthgen diff --json`` prints."""
        return {
            "a": self.a,
            "b": self.b,
            "breaking": len(self.breaking),
            "new": len(self.new),
            "differences": [difference.as_json() for difference in self.differences],
        }

    def lines(self, language: str = "en") -> list[str]:
        """Lines for people: one per difference, and what it comes to."""
        lines = [f"A  {self.a}", f"B  {self.b}"]
        for difference in self.differences:
            severity = message("diff.breaks" if difference.breaks else "diff.new", language)
            where = f"  {difference.where}" if difference.where else ""
            line = f"{severity}  {difference.kind}{where}: {difference.label(language)}"
            if difference.count:
                line += message("diff.counted", language, count=difference.counted)
            if difference.shown:
                line += f" [{'; '.join(one_line(value, 60) for value in difference.shown)}]"
            lines.append(line)
        summary = message("diff.summary", language, breaking=len(self.breaking), new=len(self.new))
        return [*lines, summary]


def comparison(a: str, b: str, differences: list[Difference]) -> Comparison:
    """Comparison with what breaks a program first, otherwise in the order found."""
    return Comparison(a, b, tuple(sorted(differences, key=lambda d: not d.breaks)))
