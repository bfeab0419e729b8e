"""A cohort: linked tables of synthetic patients, and how they were made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthgen.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from synthgen.schema.model import Schema


@dataclass(frozen=True, eq=False)
class Cohort:
    """Linked tables valid under a schema, with their manifest.

    Parameters
    ----------
    schema : Schema
    tables : mapping of str to pandas.DataFrame
        One frame per table of the schema, columns in its order: codes and identifiers as
        text, whole numbers as ``Int64``, dates as ``datetime64[s]``.
    manifest : mapping of str to object
        Model, seed, versions and settings; plain JSON values.

    Examples
    --------
    ``cohort["tumour"]`` is the frame of tumours.
    """

    schema: Schema
    tables: Mapping[str, pd.DataFrame]
    manifest: Mapping[str, Any]

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Frame of one table.

        Raises
        ------
        UsageError
            If the cohort has no such table.
        """
        if name not in self.tables:
            raise UsageError(f"cohort: has no table {name}; it has {', '.join(self.tables)}")
        return self.tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    def __repr__(self) -> str:
        rows = ", ".join(f"{name} {len(frame):,}" for name, frame in self.tables.items())
        return f"<Cohort {self.manifest.get('model', {}).get('id', '')}: {rows}>"

    def _repr_html_(self) -> str:
        from synthgen.cohort.views import cohort_view

        return cohort_view(self)
