"""Names and words of a pack of records."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import count

from synthgen.enclave.plan import Plan
from synthgen.enclave.settings import Settings
from synthgen.statistics.model import StatisticsTable

#: Name of the one source of a pack of records.
RECORDS = "records"

#: Characters of the name of a table, at most.
LONGEST_NAME = 80


def table_name(text: str) -> str:
    """Text as the name of a table: small letters, digits, hyphens."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower())[:LONGEST_NAME].strip("-")


def named_apart(tables: Iterable[StatisticsTable]) -> tuple[StatisticsTable, ...]:
    """The same tables; where names are the same, all but the first get a number."""
    made: list[StatisticsTable] = []
    taken: set[str] = set()
    for table in tables:
        name = table.name
        for number in count(2):
            if name not in taken:
                break
            suffix = f"-{number}"
            name = table.name[: LONGEST_NAME - len(suffix)] + suffix
        taken.add(name)
        made.append(replace(table, name=name))
    return tuple(made)


def population_of(asked: Settings) -> tuple[str, str]:
    """Whom the records are about, in English and Korean."""
    plan = asked.plan or Plan(())
    english = asked.population or plan.population or "The records' population"
    korean = asked.population_ko or plan.population_ko
    return english, korean or asked.population or plan.population or "기록의 인구집단"


def period_of(asked: Settings) -> str:
    """When, in words."""
    return asked.period or (asked.plan.period if asked.plan else "") or "not stated"
