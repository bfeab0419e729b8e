"""Checking cohorts and deliveries against a schema, and opening deliveries as they come."""

from synthgen.schema.validation.report import Broken, Missing, Note, Report, TableSummary
from synthgen.schema.validation.tables import check_tables

__all__ = ["Broken", "Missing", "Note", "Report", "TableSummary", "check_tables"]
