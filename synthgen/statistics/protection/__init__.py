"""Making tables safe to show: suppression, rounding, and what else must then be hidden."""

from __future__ import annotations

from synthgen.statistics.protection.protect import UndecidedError, protect

__all__ = ["UndecidedError", "protect"]
