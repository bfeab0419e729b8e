"""Synthetic rare-cancer cohorts from de-identified registry statistics.

Statistics are the interface: published tables (or records, through ``tabulate``) become a
:class:`~synthgen.statistics.model.StatisticsPack`; a model is the ordered maximum-entropy
fit to a pack; a cohort is sampled from a model; a report sets every published number
beside the cohort's.
"""

__version__ = "0.1.0"
