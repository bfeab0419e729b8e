"""The errors synthgen raises on purpose, one class per exit code.

Each class says *whose problem it is*, so that a job in an enclave, whose log nobody may
read, explains itself by its exit code alone.  A message is one line: where, what it is,
what it must be, how many.  It never holds a value of a real record.
"""

from __future__ import annotations


class SynthgenError(Exception):
    """Base of all deliberate errors; ``exit_code`` is what the command line returns."""

    exit_code = 1


class UsageError(SynthgenError):
    """The call is off: an unknown entity, a negative number, a folder that exists."""

    exit_code = 2


class RefusedError(SynthgenError):
    """A policy refuses what was asked."""

    exit_code = 3


class ContractError(SynthgenError):
    """A cohort or a delivery breaks its schema (``check``, ``diff``)."""

    exit_code = 4


class SchemaError(SynthgenError):
    """A schema is unreadable, inconsistent or unknown."""

    exit_code = 10


class StatisticsError(SynthgenError):
    """A statistics pack is unreadable, inconsistent or contradictory."""

    exit_code = 11


class ModelError(SynthgenError):
    """A model artefact is unreadable or changed, or a fit has no solution."""

    exit_code = 12


class EvidenceError(ModelError):
    """A distribution was conditioned on something it gives probability zero."""


class RecordsError(SynthgenError):
    """Records cannot be read; the message names fields and counts, never values."""

    exit_code = 13


class PrivacyBudgetError(SynthgenError):
    """A privacy budget is missing, invalid or spent."""

    exit_code = 14


class VerificationError(SynthgenError):
    """A hash or a signature does not match."""

    exit_code = 15


class MissingExtraError(SynthgenError):
    """An optional part is not installed; the message names the extra."""

    exit_code = 16


class OutputError(SynthgenError):
    """An output cannot be made: no room, no permission, a broken disk, a process that was ended."""

    exit_code = 74


INTERRUPTED_EXIT_CODE = 130
