"""Fitting a model of records again to other records, for the refit audit.

What is fitted again is the own engine, with the settings that the model's pack shows, or a forest.  Whether
these were the settings, and these the records, is not believed but tried: fitted to all
training records, they must give the model itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from synthgen.cohort.fitted_model import FittedModel
from synthgen.cohort.leaf_record import FOREST
from synthgen.cohort.of_records import is_of_records
from synthgen.enclave.fit import fit_tabulated
from synthgen.enclave.forest import fitted_leaves, record_of
from synthgen.enclave.missing import SOURCE as FOUND
from synthgen.enclave.settings import Settings
from synthgen.enclave.tabulate import tabulate
from synthgen.errors import SynthgenError
from synthgen.evaluation.subjects import root_of, subjects_of
from synthgen.findings import PRIVATE, Finding, Inputs, Subjects, not_testable
from synthgen.privacy.follows import same_distribution
from synthgen.privacy.refit_audit import MEASURE, REFITS, refit_audit
from synthgen.schema.model import Schema

if TYPE_CHECKING:
    import pandas as pd

#: Why a refit audit is not testable: no guarantee covers any of them.
FAILED = "finding.reason.refit_failed"
OTHER = "finding.reason.refit_other"
FEW = "finding.reason.few_refits"

TRIAL_REFITS = 64
"""Refits where the policy only reports the audit: enough to see whether anything leaks."""

ENOUGH = "number of refits"
"""Part of the finding that says that there were too few for a release."""

Progress = Callable[[int, int, float], None]
"""``progress(done, refits, seconds)``."""


@dataclass(frozen=True, eq=False)
class RecordsRefit:
    """The own engine, fitted to some of the patients and sampled.

    Parameters
    ----------
    model : FittedModel
        Made of records, without a prior.
    schema : Schema
        The one that the records were read under, without what the model made of them.
    tables : mapping of str to DataFrame
        Training records, then those of the control.
    patients : int
        How many of the first rows are training records.
    columns : tuple of str
        Columns of the subjects, as the other inputs have them.
    """

    model: FittedModel
    schema: Schema
    tables: Mapping[str, pd.DataFrame]
    patients: int
    columns: tuple[str, ...]

    by_position = True
    """The audit hands over rows whose index is their position among all patients."""

    def __call__(self, records: Subjects, n: int, rng: np.random.Generator) -> Subjects:
        """Fit to some patients and sample ``n``.

        Parameters
        ----------
        records : Subjects
            Its index: positions among the training patients, then those of the control.
        n : int
        rng : numpy.random.Generator

        Raises
        ------
        SynthgenError
            If these records cannot be tabulated, fitted or sampled.
        """
        fitted = self.fitted(records.frame.index.to_numpy(dtype=np.intp))
        made = fitted.generate(n, seed=int(rng.integers(2**31)))
        found = subjects_of(made.tables, fitted.schema)
        categorical = tuple(c for c in found.categorical if c in self.columns)
        numeric = tuple(c for c in found.numeric if c in self.columns)
        return Subjects(found.frame[[*categorical, *numeric]], categorical, numeric)

    def fitted(self, rows: Any) -> FittedModel:
        """Model of the patients at these positions, and of their rows in linked tables."""
        chosen = linked(self.tables, self.schema, rows)
        engine = self.model.engine
        if engine is not None and engine.name == FOREST:
            return self._forest(chosen, int(engine.settings["min_leaf"]))
        pack = tabulate(chosen, self.schema, settings_of(self.model)).pack
        own = pack.own_schema or self.schema
        fit = fit_tabulated(pack, own)
        # The hash only keys the random streams, and each refit has a seed of its own.
        return FittedModel(
            self.model.id, own, pack, fit.distribution, fit.gaps, fit.residual, self.model.sha256
        )

    def _forest(self, chosen: Mapping[str, pd.DataFrame], min_leaf: int) -> FittedModel:
        """The engine ``forest``, with as many persons in a leaf as the model's."""
        pack, leaves = fitted_leaves(chosen, self.schema, min_leaf=min_leaf, allow_repeated=True)
        own, name = pack.own_schema or self.schema, self.model.id
        made_by = record_of(leaves, min_leaf)
        return FittedModel(
            name, own, pack, leaves.mixture, (), 0.0, self.model.sha256, engine=made_by
        )

    def gives_the_model(self) -> bool:
        """Whether fitting all training records gives the model that is evaluated."""
        again = self.fitted(np.arange(self.patients, dtype=np.intp))
        if _bins(self.model.schema) != _bins(again.schema):
            return False
        return same_distribution(self.model.distribution, again.distribution)


def _bins(schema: Schema) -> dict[str, list[tuple[str, float | None, float | None]]]:
    return {v.name: [(c.code, c.lower, c.upper) for c in v.categories] for v in schema.variables}


def settings_of(model: FittedModel) -> Settings:
    """Settings under which a model's pack was tabulated, as far as the pack shows them."""
    pack = model.pack
    variables = model.schema.variables
    from_data = any(v.bins_from == "records" for v in variables)
    if pack.unprotected:
        columns = [v.column for v in variables if v.column]
        return Settings(
            unprotected=True,
            bins_from_data=from_data,
            detail=len(set(columns)) < len(columns),  # values within bins stand beside them
            allow_repeated=True,
        )
    smallest = [t.protection.suppressed_below for t in pack.tables]
    bases = [t.protection.rounded_to for t in pack.tables]
    base = max((int(b) for b in bases if b), default=0)
    return Settings(
        min_cell=max((int(s) for s in smallest if s), default=1),
        round_to=base or None,
        bins_from_data=from_data,
        allow_repeated=True,
    )


def refit_of(
    model: FittedModel | None,
    schema: Schema | None,
    train: Mapping[str, pd.DataFrame] | None,
    control: Mapping[str, pd.DataFrame] | None,
    columns: tuple[str, ...],
) -> RecordsRefit | None:
    """How a model is fitted again; None where that is not known.

    Parameters
    ----------
    model : FittedModel or None
    schema : Schema or None
        Under which the records were read; or the one that the model brings along, of which
        everything is left out that was made of all of the records.
    train, control : mapping of str to DataFrame, or None
    columns : tuple of str
        Columns of the subjects.

    Returns
    -------
    RecordsRefit or None
        None unless records are given and the model was made of some by the own engine or a forest, without
        a prior (of private tables with one: the audit then says why it is not made).
    """
    if model is None or schema is None or train is None:
        return None
    if model.origin != "enclave" or not is_of_records(model):
        return None
    if model.prior is not None and model.pack.ledger is None:
        return None
    if model.copula is not None:
        return None
    root = root_of(schema).name
    public = without_records(schema)
    return RecordsRefit(model, public, _together(train, control), len(train[root]), columns)


def without_records(schema: Schema) -> Schema:
    """The schema less what a tabulation adds of its records: their bins, and rules of gaps.

    A refit that knew them would know more than its half of the records.  Whether this is the
    schema that the model was fitted under is tried, see :meth:`RecordsRefit.gives_the_model`.
    """
    variables = tuple(v for v in schema.variables if v.bins_from != "records")
    rules = tuple(rule for rule in schema.rules if rule.source != FOUND)
    return replace(schema, variables=variables, rules=rules)


def _together(
    train: Mapping[str, pd.DataFrame], control: Mapping[str, pd.DataFrame] | None
) -> dict[str, pd.DataFrame]:
    import pandas as pd

    if control is None:
        return {name: frame.reset_index(drop=True) for name, frame in train.items()}
    return {
        name: pd.concat([frame, control[name]], ignore_index=True) if name in control else frame
        for name, frame in train.items()
    }


def linked(
    tables: Mapping[str, pd.DataFrame], schema: Schema, rows: Any
) -> dict[str, pd.DataFrame]:
    """Patients at some positions, and the rows of other tables that refer to them.

    Parameters
    ----------
    tables : mapping of str to DataFrame
    schema : Schema
    rows : ndarray of int
        Positions in the table of patients.
    """
    root = root_of(schema)
    made = {root.name: tables[root.name].iloc[rows].reset_index(drop=True)}
    waiting = [t for t in schema.tables if t.name in tables and t.name != root.name]
    while waiting:
        table = next(
            (t for t in waiting if all(k.table in made for k in t.foreign_keys)), waiting[0]
        )
        waiting.remove(table)
        frame = tables[table.name]
        for key in table.foreign_keys:
            if key.table in made and {*key.columns} <= {*frame.columns}:
                frame = _referring(frame, key.columns, made[key.table], key.references)
        made[table.name] = frame.reset_index(drop=True)
    return made


def _referring(frame: Any, columns: Any, parent: Any, references: Any) -> Any:
    import pandas as pd

    if not {*references} <= {*parent.columns}:
        return frame
    there = pd.MultiIndex.from_frame(parent[list(references)].astype(object))
    return frame[pd.MultiIndex.from_frame(frame[list(columns)].astype(object)).isin(there)]


def audited(
    inputs: Inputs,
    rng: np.random.Generator,
    *,
    refits: int = REFITS,
    enough: int = 0,
    progress: Progress | None = None,
) -> list[Finding]:
    """Refit audit that says why, where a model cannot be fitted again.

    Parameters
    ----------
    inputs : Inputs
    rng : numpy.random.Generator
    refits : int
    enough : int
        With fewer refits the audit may fail but cannot pass: one more finding is not testable.
    progress : callable, optional
        Called with refits done, all, and seconds so far.

    Returns
    -------
    list of Finding
        Not testable if fitting all training records does not give the model, or a refit ends
        in an error; its message is not kept, because it may speak of records.
    """
    refit = inputs.refit
    if isinstance(refit, RecordsRefit) and refit.model.pack.ledger is not None:
        return [not_testable(MEASURE, "M", PRIVATE)]
    try:
        if isinstance(refit, RecordsRefit) and not refit.gives_the_model():
            return [not_testable(MEASURE, "M", OTHER)]
        found = refit_audit(inputs, rng, refits=refits, progress=progress)
    except SynthgenError as error:
        return [not_testable(MEASURE, "M", FAILED, detail={"error": type(error).__name__})]
    if refits < enough:
        few = not_testable(MEASURE, "M", FEW, part=ENOUGH, n=refits, detail={"needed": enough})
        found.append(few)
    return found
