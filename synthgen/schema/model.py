"""The types of a schema: tables, columns, code lists, rules and model variables.

A schema is data (``schemas/<id>/<version>/``).  These frozen types are what the rest of
synthgen sees of it; :mod:`synthgen.schema.load` makes them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from synthgen.errors import SchemaError
from synthgen.schema.codes import Code, CodeList, Grouping

__all__ = [
    "Category",
    "Code",
    "CodeList",
    "Column",
    "ColumnType",
    "EndPoint",
    "ForeignKey",
    "Grouping",
    "Rule",
    "Schema",
    "Sensitivity",
    "Severity",
    "Table",
    "Variable",
]


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
    means : {"", "missing", "equal"}
        ``missing``: the column is empty.  ``equal``: the column holds the same value as the
        one that it cannot exceed (:attr:`Variable.not_above`).
    """

    code: str
    title: str
    title_ko: str
    lower: float | None = None
    upper: float | None = None
    means: str = ""

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
    since : str
        Date column from which the bins of a date count [days]; ``""`` for a date whose bins
        are calendar years, and for everything that is no date.
    not_above : str
        Column that the value cannot exceed; equal values are the category ``equal``.
    bins_from : {"schema", "records"}
        Whether the bins are public, or were made of the records that were tabulated.
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
    since: str = ""
    not_above: str = ""
    bins_from: str = "schema"

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
    form : str
        The pattern as people say it (``"YYYYMMDD"``), ``""`` where it speaks for itself.
    longest : int
        Most characters of a text; 0 for any number.
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
    form: str = ""
    longest: int = 0

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

    def _repr_html_(self) -> str:
        from synthgen.schema.views import table_view

        return table_view(self)


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

    def __repr__(self) -> str:
        return f"<Schema {self.key}: {', '.join(table.name for table in self.tables)}>"

    def _repr_html_(self) -> str:
        from synthgen.schema.views import schema_view

        return schema_view(self)
