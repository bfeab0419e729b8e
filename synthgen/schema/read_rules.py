"""Rules and groupings out of ``rules.json``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from synthgen.errors import SchemaError
from synthgen.schema.documents import Json, mapping_at, objects_at, one_line, text_at, texts_at
from synthgen.schema.model import Grouping, Rule, Severity

Row = dict[str, str | int | float | None]


def _rows(entry: Mapping[str, Json], key: str) -> tuple[Row, ...]:
    return tuple(
        {name: value for name, value in row.items() if not isinstance(value, list | dict)}
        for row in objects_at(entry, key)
    )


def read_rules(path: Path, document: Mapping[str, Json]) -> tuple[Rule, ...]:
    """Rules, in the order of the file.

    Parameters
    ----------
    path : Path
        For error lines.
    document : mapping
        ``rules.json``, already checked against the meta-schema.

    Raises
    ------
    SchemaError
        If two rules have one id.
    """
    made: list[Rule] = []
    seen: set[str] = set()
    for entry in objects_at(document, "rules"):
        identity = text_at(entry, "id")
        if identity in seen:
            raise SchemaError(f"{path}: rule {one_line(identity)} stands twice; ids must be unique")
        seen.add(identity)
        message = text_at(entry, "message", identity)
        made.append(
            Rule(
                id=identity,
                severity=Severity(text_at(entry, "severity")),
                when=text_at(entry, "when"),
                message=message,
                message_ko=text_at(entry, "message_ko", message),
                source=text_at(entry, "source"),
                passes=_rows(entry, "passes"),
                caught=_rows(entry, "caught"),
            )
        )
    return tuple(made)


def read_groupings(document: Mapping[str, Json]) -> dict[str, Grouping]:
    """Groupings by name."""
    found = mapping_at(document, "groupings")
    made = {}
    for name in found:
        entry = mapping_at(found, name)
        groups = mapping_at(entry, "groups")
        made[name] = Grouping(
            name=name,
            source=text_at(entry, "source"),
            groups={label: texts_at(groups, label) for label in groups},
        )
    return made
