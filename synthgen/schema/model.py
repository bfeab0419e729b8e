"""The types of a schema: tables, columns, code lists, rules and model variables.

A schema is data (``schemas/<id>/<version>/``).  These frozen types are what the rest of
synthgen sees of it; :mod:`synthgen.schema.load` makes them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from synthgen.errors import SchemaError
from synthgen.schema.codesets import code_set


class ColumnType(enum.Enum):
    """What the values of a column are."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    CODE = "code"


class Sensitivity(enum.Enum):
    """What a column can give away about a person."""

    IDENTIFIER = "identifier"
    QUASI_IDENTIFIER = "quasi-identifier"
    SENSITIVE = "sensitive"
    NONE = "none"


class Severity(enum.Enum):
    """What it means when the condition of a rule is met."""

    IMPOSSIBLE = "impossible"
    UNLIKELY = "unlikely"


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
class Category:
    """One value of a model variable: a code, or a public bin of a number.

    Parameters
    ----------
    code : str
        Code of the column, or label of the bin (``"85+"``).
    title, title_ko : str
        What people read.
    lower, upper : float or None
        Half-open interval [lower, upper) of a bin in the variable's unit; None for codes.
    """

    code: str
    title: str
    title_ko: str
    lower: float | None = None
    upper: float | None = None

    def label(self, language: str) -> str:
        """Title in Korean (``"ko"``) or English."""
        return self.title_ko if language == "ko" else self.title


@dataclass(frozen=True)
class Variable:
    """A variable of the statistical model: what statistics tables speak about.

    Parameters
    ----------
    name : str
        As statistics tables name it.
    title, title_ko : str
        What people read.
    categories : tuple of Category
        In order; bins are adjacent and ascending.
    column : str
        ``"tumour.topography"`` whose codes or public bins these are; ``""`` for a variable
        that no column holds (the site group of a registry report, net survival time).
    unit : str
        Unit of the bins (``"years of age"``), ``""`` for codes.
    implies : mapping of str to mapping
        Category code to allowed codes of columns (``"tumour.topography"``), as single
        codes and inclusive ranges; see :class:`Code`.  What a code list says a code
        implies is in here too, with the columns written in full.
    joins : tuple of str
        Columns whose codes, written one after the other, are the category codes
        (``("tumour.morphology", "tumour.behaviour")`` for ``"91803"``); ``column`` is then
        ``""`` and ``implies`` holds the parts of every code.
    """

    name: str
    title: str
    title_ko: str
    categories: tuple[Category, ...]
    column: str = ""
    unit: str = ""
    implies: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    joins: tuple[str, ...] = ()
    unit_ko: str = ""

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the categories, in order."""
        return tuple(c.code for c in self.categories)

    @property
    def is_binned(self) -> bool:
        """Whether the categories are intervals of a number."""
        return self.categories[0].lower is not None

    def label(self, language: str) -> str:
        """Title in Korean (``"ko"``) or English."""
        return self.title_ko if language == "ko" else self.title


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    type : ColumnType
    nullable : bool
        Whether a row may leave it empty.
    codes : CodeList or None
        Of a code column.
    pattern : str
        Regular expression that all of a text must match, ``""`` for any text.
    minimum, maximum : float or None
        Both included.
    unit, unit_ko : str
        Of a number.
    sensitivity : Sensitivity
    maps : mapping of str to str
        Standard (``"kcure"``, ``"omop"`` ...) to where it keeps the same thing.
    missing_codes : tuple of str
        Values that deliveries write for "not known" (``"99"``).  They are always allowed.
        One that the code list has stays a code, for rules too; any other is read as
        missing.
    tier : {"R", "C", "X"}
        Registry core, clinical extension, or optional (reference for exports).
    """

    name: str
    type: ColumnType
    nullable: bool
    title: str
    title_ko: str
    description: str = ""
    description_ko: str = ""
    codes: CodeList | None = None
    pattern: str = ""
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    code_system: str = ""
    sensitivity: Sensitivity = Sensitivity.NONE
    maps: Mapping[str, str] = field(default_factory=dict)
    missing_codes: tuple[str, ...] = ()
    tier: str = "R"
    unit_ko: str = ""

    def label(self, language: str) -> str:
        """Title in Korean (``"ko"``) or English."""
        return self.title_ko if language == "ko" else self.title


@dataclass(frozen=True)
class ForeignKey:
    """Columns that must be found as the primary key of another table."""

    columns: tuple[str, ...]
    table: str
    references: tuple[str, ...]


@dataclass(frozen=True)
class EndPoint:
    """A survival end point: the column that holds the time and the one that says what happened.

    Parameters
    ----------
    time, event : str
        Columns of the table: time since the start, and what ended it.
    unit : str
        Unit of the time (``"days"``, ``"months"``, ``"years"``).
    events : tuple of str
        Codes of the event column that mean the end point was reached.
    competing : tuple of str
        Codes that mean it can no longer be reached (death before relapse); every other
        code is a censored time.
    """

    name: str
    title: str
    title_ko: str
    time: str
    event: str
    unit: str
    events: tuple[str, ...]
    competing: tuple[str, ...] = ()

    def label(self, language: str) -> str:
        """Title in Korean (``"ko"``) or English."""
        return self.title_ko if language == "ko" else self.title


@dataclass(frozen=True)
class Table:
    """One table: its columns, keys and what a row is."""

    name: str
    title: str
    title_ko: str
    row_unit: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    description: str = ""
    description_ko: str = ""
    end_points: tuple[EndPoint, ...] = ()
    row_unit_ko: str = ""

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in the order of the schema."""
        return tuple(c.name for c in self.columns)

    def column(self, name: str) -> Column:
        """Column by name.

        Raises
        ------
        SchemaError
            If the table has no such column.
        """
        for candidate in self.columns:
            if candidate.name == name:
                return candidate
        raise SchemaError(f"table {self.name}: has no column {name}")

    def label(self, language: str) -> str:
        """Title in Korean (``"ko"``) or English."""
        return self.title_ko if language == "ko" else self.title


@dataclass(frozen=True)
class Rule:
    """A cross-field rule: the condition under which a row is impossible or unlikely.

    Parameters
    ----------
    id : str
        Stable name (``"SEX-SITE-M"``).
    severity : Severity
        Impossible rules are structural zeros of the model and errors of ``check``;
        unlikely ones are only counted, because rare cancers live there.
    when : str
        Condition in the rule language (:mod:`synthgen.schema.rules`); a row that meets it
        is caught.
    message, message_ko : str
        What is wrong, without values.
    source : str
        Who says so.
    passes, caught : tuple of mapping
        Example rows, ``{"tumour.topography": "C619", "patient.sex": "1"}``: the first must
        not meet the condition, the second must.
    """

    id: str
    severity: Severity
    when: str
    message: str
    message_ko: str
    source: str
    passes: tuple[Mapping[str, str | int | float | None], ...] = ()
    caught: tuple[Mapping[str, str | int | float | None], ...] = ()

    def label(self, language: str) -> str:
        """Message in Korean (``"ko"``) or English."""
        return self.message_ko if language == "ko" else self.message


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


@dataclass(frozen=True)
class Schema:
    """A contract: tables, code lists, rules and model variables, with id and version."""

    id: str
    version: str
    title: str
    title_ko: str
    tables: tuple[Table, ...]
    code_lists: Mapping[str, CodeList]
    rules: tuple[Rule, ...] = ()
    variables: tuple[Variable, ...] = ()
    description: str = ""
    description_ko: str = ""
    licence: str = ""
    groupings: Mapping[str, Grouping] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Id and version as they are written elsewhere: ``"rare-cancer@1.0.0"``."""
        return f"{self.id}@{self.version}"

    def table(self, name: str) -> Table:
        """Table by name.

        Raises
        ------
        SchemaError
            If the schema has no such table.
        """
        for candidate in self.tables:
            if candidate.name == name:
                return candidate
        raise SchemaError(f"schema {self.key}: has no table {name}")

    def variable(self, name: str) -> Variable:
        """Model variable by name.

        Raises
        ------
        SchemaError
            If the schema has no such variable.
        """
        for candidate in self.variables:
            if candidate.name == name:
                return candidate
        known = ", ".join(v.name for v in self.variables)
        raise SchemaError(f"schema {self.key}: has no model variable {name}; it has {known}")
