"""Which targets there are.  A new one is a mapping file, or a writer and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from synthgen.exports import delimited, excel, fhir, metastat, omop, sqlite
from synthgen.exports.cohort_tables import CohortTables
from synthgen.exports.mapping import TargetMapping, load_mapping, options_of
from synthgen.resources import data_root

Writer = Callable[[CohortTables, Path, Mapping[str, str]], dict[str, int]]
"""Writes a cohort into a folder, given options; returns rows by table."""


@dataclass(frozen=True)
class Target:
    """A format that a cohort can be exported to.

    Parameters
    ----------
    id, title, title_ko : str
    files : tuple of str
        Names of the files that it writes.
    write : callable
    options : mapping of str to str
        Options with their defaults.
    mapping : TargetMapping or None
        What its mapping file says, None for the tables as they are.
    schema : str
        Schema that it knows, ``""`` for any; a mapping has its own.
    """

    id: str
    title: str
    title_ko: str
    files: tuple[str, ...]
    write: Writer
    options: Mapping[str, str] = field(default_factory=dict)
    mapping: TargetMapping | None = None
    schema: str = ""

    def files_of(self, options: Mapping[str, str]) -> tuple[str, ...]:
        """Names of the files that it writes with these options.

        Raises
        ------
        UsageError
            If an option cannot be what was given.
        """
        if self.mapping is None or not any(t.prefixed for t in self.mapping.tables):
            return self.files
        known = options_of(
            self.mapping, {k: v for k, v in options.items() if k in self.mapping.options}
        )
        return tuple(f"{table.called(known)}.csv" for table in self.mapping.tables)


@cache
def mapping_of(target: str) -> TargetMapping:
    """The shipped mapping file of a target."""
    return load_mapping(data_root() / "schemas/exports" / f"{target}.json")


def _delimited(name: str) -> Target:
    mapping = mapping_of(name)
    files = tuple(f"{table.called(mapping.options)}.csv" for table in mapping.tables)
    return Target(
        name, mapping.title, mapping.title_ko, files, partial(delimited.write, mapping),
        {**mapping.options, "bom": "no"}, mapping,
    )  # fmt: skip


def _omop(name: str) -> Target:
    mapping = mapping_of(name)
    files = (omop.FILE, *(f"{table.name}.csv" for table in mapping.tables))
    return Target(
        name, mapping.title, mapping.title_ko, files, partial(omop.write, mapping),
        mapping.options, mapping,
    )  # fmt: skip


@cache
def targets() -> dict[str, Target]:
    """All targets by id."""
    found = (
        _omop("omop-5.4"),
        _omop("omop-5.3"),
        _delimited("encr-jrc"),
        _delimited("kcure-rgst"),
        _delimited("kcure-ccld"),
        Target(
            "kcure-metastat",
            "K-CURE meta-statistics tables",
            "K-CURE 메타통계",
            metastat.FILES,
            partial(metastat.write, (mapping_of("kcure-rgst"), mapping_of("kcure-ccld"))),
            metastat.OPTIONS,
        ),
        Target(
            "fhir-mcode",
            "FHIR R4, mCODE STU4",
            "FHIR R4, mCODE STU4",
            fhir.FILES,
            fhir.write,
            fhir.OPTIONS,
            schema="rare-cancer",
        ),
        Target("sqlite", "SQLite database", "SQLite 데이터베이스", (sqlite.FILE,), sqlite.write),
        Target("excel", "Excel workbook", "Excel 통합 문서", (excel.FILE,), excel.write),
    )
    return {target.id: target for target in found}
