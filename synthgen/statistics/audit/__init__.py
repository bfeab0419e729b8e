"""What tables give away: reconstruction, differencing, homogeneity, dominance (checks I1-I7)."""

from __future__ import annotations

from synthgen.statistics.audit.audit import audit
from synthgen.statistics.audit.report import AuditReport, HiddenCell
from synthgen.statistics.audit.verdict import Limits, limits_for

__all__ = ["AuditReport", "HiddenCell", "Limits", "audit", "limits_for"]
