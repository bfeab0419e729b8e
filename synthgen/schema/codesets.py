"""Sets of codes written as single codes and inclusive ranges: ``"C400-C419"``."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from synthgen.errors import SchemaError
from synthgen.schema.documents import one_line


@dataclass(frozen=True)
class CodeSet:
    """A set of codes.

    Parameters
    ----------
    singles : frozenset of str
    ranges : tuple of (str, str)
        First and last code, both included, by the order of their characters.
    """

    singles: frozenset[str]
    ranges: tuple[tuple[str, str], ...]

    def __contains__(self, code: object) -> bool:
        if not isinstance(code, str):
            return False
        return code in self.singles or any(low <= code <= high for low, high in self.ranges)

    def among(self, codes: Iterable[str]) -> tuple[str, ...]:
        """Those of ``codes`` that are in the set, in their order."""
        return tuple(code for code in codes if code in self)


def code_set(items: Iterable[str], known: Collection[str] = (), where: str = "codes") -> CodeSet:
    """Set of codes from its written form.

    Parameters
    ----------
    items : iterable of str
        Codes, and ranges ``low-high`` of two codes of equal length.
    known : collection of str
        Codes of the list, which may hold a hyphen themselves (``"0-4"``).
    where : str
        Whose codes they are, for the error line.

    Raises
    ------
    SchemaError
        If a range is upside down, or holds none of the known codes.

    Examples
    --------
    >>> bones = code_set(["C400-C419"])
    >>> "C402" in bones, "C420" in bones
    (True, False)
    """
    singles: set[str] = set()
    ranges: list[tuple[str, str]] = []
    for item in items:
        low, hyphen, high = item.partition("-")
        if item in known or not hyphen:
            if known and item not in known:
                raise SchemaError(f"{where}: {one_line(item)} is not a code of the list")
            singles.add(item)
            continue
        if len(low) != len(high) or low > high:
            raise SchemaError(
                f"{where}: {one_line(item)} is not a range; "
                "it must be two codes of equal length, the lower one first"
            )
        if known and not any(low <= code <= high for code in known):
            raise SchemaError(f"{where}: no code of the list is in {one_line(item)}")
        ranges.append((low, high))
    return CodeSet(frozenset(singles), tuple(ranges))
