"""The types of codes: a code, a list of codes, a grouping of codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from synthgen.errors import SchemaError
from synthgen.schema.codesets import code_set


@dataclass(frozen=True)
class Code:
    """One code of a code list.

    Parameters
    ----------
    code : str
        As it stands in the column.
    title, title_ko : str
        Short name in our own words, English and Korean.
    implies : mapping of str to tuple of str
        Codes of *other columns of the same row* that this code allows: column name to
        codes and inclusive ranges (``"C400-C419"``).  What it does not allow is
        impossible, in the model (a structural zero) as in ``check`` (SQL).
    family : str
        Code of the wider group in the same list, ``""`` if none.
    source : str
        Where the definition comes from.
    """

    code: str
    title: str
    title_ko: str
    implies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    family: str = ""
    source: str = ""

    def label(self, language: str) -> str:
        """Title in Korean (``"ko"``) or English."""
        return self.title_ko if language == "ko" else self.title


@dataclass(frozen=True)
class CodeList:
    """A named list of codes and who maintains it.

    Parameters
    ----------
    codes : tuple of Code
        The codes a row can hold, in order.
    families : tuple of Code
        Wider groups that codes name as their ``family``.  A family stands in no row; it
        is short for its members (:meth:`members`).
    pattern : str
        Regular expression of an *open* list: a code that the list does not name is still
        valid if all of it matches.  ``""`` for a closed list.
    """

    name: str
    title: str
    title_ko: str
    source: str
    codes: tuple[Code, ...]
    families: tuple[Code, ...] = ()
    pattern: str = ""

    def __post_init__(self) -> None:
        seen: set[str] = set()
        twice = [c.code for c in self.codes if c.code in seen or seen.add(c.code)]  # type: ignore[func-returns-value]
        if twice:
            raise SchemaError(
                f"code list {self.name}: code {twice[0]} stands twice; codes must be unique "
                f"({len(twice)} such codes)"
            )

    @cached_property
    def index(self) -> Mapping[str, Code]:
        """The codes by their text, without the families."""
        return {c.code: c for c in self.codes}

    def __contains__(self, code: object) -> bool:
        return code in self.index

    def find(self, code: str) -> Code:
        """Code by its text.

        Raises
        ------
        SchemaError
            If the list has no such code.
        """
        if code in self.index:
            return self.index[code]
        raise SchemaError(f"code list {self.name}: has no code {code}")

    def members(self, code: str) -> tuple[str, ...]:
        """Codes that a code or a family stands for, in the order of the list.

        Raises
        ------
        SchemaError
            If the list has neither a code nor a family of that name.
        """
        if code in self.index:
            return (code,)
        found = tuple(c.code for c in self.codes if c.family == code)
        if not found:
            raise SchemaError(f"code list {self.name}: has no code or family {code}")
        return found


@dataclass(frozen=True)
class Grouping:
    """A partition of codes that rules compare by: ``group(tumour.topography, sites)``.

    Parameters
    ----------
    groups : mapping of str to tuple of str
        Label to codes and inclusive ranges; the first group that holds a code counts.  A
        code in no group has no group (null).
    """

    name: str
    source: str
    groups: Mapping[str, tuple[str, ...]]

    @cached_property
    def ranges(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """First and last code of every range, by label; a single code is a range of one.

        Raises
        ------
        SchemaError
            If an item is no range.
        """
        made = {}
        for label, items in self.groups.items():
            codes = code_set(items, where=f"grouping {self.name}: group {label}")
            made[label] = (*((code, code) for code in sorted(codes.singles)), *codes.ranges)
        return made
