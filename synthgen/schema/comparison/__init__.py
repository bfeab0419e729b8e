"""Comparing two schemas, or two deliveries: what would break a program, and what is only new."""

from synthgen.schema.comparison.differences import Comparison, Difference
from synthgen.schema.comparison.schemas import compare_schemas
from synthgen.schema.comparison.tables import compare_tables

__all__ = ["Comparison", "Difference", "compare_schemas", "compare_tables"]
