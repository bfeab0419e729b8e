"""What an evaluation is given: records, a population, and what measures may look at of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from synthgen.cohort.hashes import sha256_of
from synthgen.errors import StatisticsError, UsageError
from synthgen.evaluation.policy import Policy
from synthgen.evaluation.record_hash import records_hash
from synthgen.evaluation.refitting import refit_of
from synthgen.evaluation.subjects import (
    columns_named,
    comparable,
    record_tables,
    require_apart,
    subjects_of,
)
from synthgen.evaluation.target import PACK, Target
from synthgen.findings import Inputs, Subjects

if TYPE_CHECKING:
    import pandas as pd

    from synthgen.schema.model import Schema


@dataclass(frozen=True, eq=False)
class Given:
    """What an evaluation was given beside the target.

    Parameters
    ----------
    train, control : mapping of str to DataFrame, or None
        Real records by table: those that went into the generator, and others.
    population : DataFrame or None
    hashes : mapping of str to str
        Of the rows of ``train`` and ``control`` (:func:`records_hash`), and of the file behind
        ``population``.
    schema : Schema or None
        Under which the records were read; without it no model is fitted to them again.
    """

    train: Mapping[str, pd.DataFrame] | None = None
    control: Mapping[str, pd.DataFrame] | None = None
    population: pd.DataFrame | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    schema: Schema | None = None

    @property
    def patients(self) -> int:
        """Rows of the first table of the training records."""
        return 0 if self.train is None else len(next(iter(self.train.values())))


def read_given(
    schema: Schema, records: Path | None, control: Path | None, population: Path | None
) -> Given:
    """Records and population from files.

    Raises
    ------
    UsageError
        If training records are given without a control, or a control without them.
    RecordsError
        If records cannot be read or break their schema, or somebody is in both.
    StatisticsError
        If the population cannot be read.
    """
    if (records is None) != (control is None):
        raise UsageError(
            "records: training records and a control belong together; give --records and --control"
        )
    frames: dict[str, Mapping[str, pd.DataFrame]] = {}
    hashes = {}
    for name, path in (("train", records), ("control", control)):
        if path is not None:
            frames[name] = record_tables(path, schema)
            hashes[name] = records_hash(frames[name], schema)
    if frames:
        require_apart(frames["train"], frames["control"], schema)
    residents = None
    if population is not None:
        residents = _read_population(population)
        hashes["population"] = sha256_of(population)
    return Given(frames.get("train"), frames.get("control"), residents, hashes, schema)


def _read_population(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        persons = pd.to_numeric(frame["n"])
    except (OSError, ValueError, KeyError) as error:
        raise StatisticsError(
            f"{path}: is no population file; it must be CSV with columns of keys and a column n "
            "of persons"
        ) from error
    if not (persons >= 0).all() or frame.empty:
        raise StatisticsError(f"{path}: column n must hold numbers of persons from 0")
    return frame.assign(n=persons.astype("float64"))


def inputs_of(target: Target, given: Given, policy: Policy) -> Inputs:
    """What the measures may look at.

    Raises
    ------
    UsageError
        If the policy is for another schema, or names a column that is not there.
    RecordsError
        If the synthetic and the real tables do not follow one schema.
    """
    import pandas as pd

    wanted = policy.document.get("schema")
    if wanted is not None and wanted != target.schema.id:
        raise UsageError(
            f"policy {policy.id}: is for the schema {wanted}; {target.name} speaks "
            f"{target.schema.key}"
        )
    keys, secrets, strata = policy.keys, policy.secrets, policy.strata
    parts: dict[str, Subjects] = {"synthetic": Subjects(pd.DataFrame(), (), ())}
    if target.kind != PACK:
        parts["synthetic"] = subjects_of(target.tables, target.schema)
        for name, tables in (("records", given.train), ("control", given.control)):
            if tables is not None:
                parts[name] = subjects_of(tables, target.schema)
        parts = comparable(parts)
        named: dict[str, tuple[str, ...]] = {
            "key": tuple(name for columns in keys for name in columns),
            "secret": secrets,
            "stratum": tuple(name for columns in strata for name in columns),
        }
        column = columns_named(named, parts["synthetic"])
        keys = tuple(tuple(column[name] for name in columns) for columns in keys)
        strata = tuple(tuple(column[name] for name in columns) for columns in strata)
        secrets = tuple(column[name] for name in secrets)
    return Inputs(
        schema=target.schema,
        cohort=target.tables,
        synthetic=parts["synthetic"],
        train=parts.get("records"),
        control=parts.get("control"),
        pack=target.pack,
        model=target.model,
        population=given.population,
        refit=refit_of(
            target.model, given.schema, given.train, given.control, parts["synthetic"].columns
        ),
        keys=keys,
        secrets=secrets,
        strata=strata,
        k_min=policy.k_min,
        real=_real_tables(target, given),
    )


def _real_tables(target: Target, given: Given) -> dict[str, Mapping[str, pd.DataFrame]]:
    """Tables of the real records, where a cohort of the same tables is compared with them."""
    if target.kind == PACK or given.train is None or given.control is None:
        return {}
    return {"train": given.train, "control": given.control}
