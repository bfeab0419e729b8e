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


def has_clinical(schema: Schema) -> bool:
    """Whether clinical tables can be made of a model that speaks a schema."""
    return schema.key in (CORE, clinical_schema().key)


def require_clinical(schema: Schema) -> None:
    """Refuse clinical tables of a model whose schema is not the one they belong to.

    Raises
    ------
    UsageError
        If the model speaks another schema than :data:`CORE` or the clinical one.
    """
    if not has_clinical(schema):
        known = " or ".join((CORE, clinical_schema().key))
        raise UsageError(
            f"clinical tables: are for models of {known}; this one speaks {schema.key}"
        )
