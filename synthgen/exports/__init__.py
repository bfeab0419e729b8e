"""Cohorts in the formats that their users' programs read: one mapping or one file per target."""

from synthgen.exports.export import export_cohort

__all__ = ["export_cohort"]
