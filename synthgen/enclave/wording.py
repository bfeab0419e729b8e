"""Names and words of a pack of records."""

from __future__ import annotations

import re

from synthgen.enclave.plan import Plan
from synthgen.enclave.settings import Settings

#: Name of the one source of a pack of records.
RECORDS = "records"


def table_name(text: str) -> str:
    """Text as the name of a table: small letters, digits, hyphens."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower())[:80].strip("-")


def population_of(asked: Settings) -> tuple[str, str]:
    """Whom the records are about, in English and Korean."""
    plan = asked.plan or Plan(())
    english = asked.population or plan.population or "The records' population"
    korean = asked.population_ko or plan.population_ko
    return english, korean or asked.population or plan.population or "기록의 인구집단"


def period_of(asked: Settings) -> str:
    """When, in words."""
    return asked.period or (asked.plan.period if asked.plan else "") or "not stated"
