"""The schema of a cohort: the model's, or the one with clinical tables where they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthgen.cohort.clinical.tables import CORE, clinical_schema
from synthgen.cohort.names import schema_of
from synthgen.errors import UsageError

if TYPE_CHECKING:
    from synthgen.cohort.settings import Settings
    from synthgen.schema.model import Schema


def asked_schema(schema: Schema, settings: Settings) -> Schema:
    """Schema of the tables that a cohort has.

    Parameters
    ----------
    schema : Schema
        The model's.
    settings : Settings
    """
    return schema_of(clinical_schema() if settings.clinical else schema, settings)


def require_clinical(schema: Schema) -> None:
    """Refuse clinical tables of a model whose schema is not the one they belong to.

    Raises
    ------
    UsageError
        If the model speaks another schema than :data:`CORE` or the clinical one.
    """
    known = (CORE, clinical_schema().key)
    if schema.key not in known:
        raise UsageError(
            f"clinical tables: are for models of {' or '.join(known)}; this one speaks {schema.key}"
        )
