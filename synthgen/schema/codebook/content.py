"""What stands in a code book, in one language."""

from __future__ import annotations

from synthgen.schema.codebook.blocks import (
    Block,
    Cell,
    Grid,
    Heading,
    Literally,
    Paragraph,
    Reference,
    Words,
    joined,
    literally,
    words,
)
from synthgen.schema.codebook.wording import wording
from synthgen.schema.model import Code, CodeList, Column, Rule, Schema, Severity, Table, Variable

FEW_CODES = 6
"""Codes that are listed beside the column; longer lists stand in their own section."""

OPEN_ROWS = 30
"""Rows of a code list that a page shows without folding them."""


STANDARDS = {
    "kcure": "K-CURE",
    "omop": "OMOP CDM 5.4",
    "mcode": "mCODE",
    "encr": "ENCR-JRC",
    "naaccr": "NAACCR",
    "simulacrum": "Simulacrum",
}


def _described(title: str, description: str) -> Cell:
    return words(f"{title}. {description}" if description else title)


def _range(column: Column) -> str:
    low = "" if column.minimum is None else f"{column.minimum:g}"
    high = "" if column.maximum is None else f"{column.maximum:g}"
    return f"{low}–{high}" if low or high else ""


def _values(column: Column, language: str) -> Cell:
    parts: list[Cell] = []
    if column.codes is not None:
        codes = column.codes.codes
        if len(codes) <= FEW_CODES:
            parts += [(Literally(c.code), Words(f" {c.label(language)}")) for c in codes]
        else:
            number = wording("codes", language, number=len(codes))
            parts.append((Reference(number, f"list-{column.codes.name}"),))
    if _range(column):
        parts.append(words(_range(column)))
    if column.pattern:
        parts.append((Words(wording("pattern", language)), Literally(column.pattern)))
    unit = column.unit_ko if language == "ko" else column.unit
    if unit:
        parts.append(words(wording("unit", language, text=unit)))
    if column.missing_codes:
        missing = joined([literally(code) for code in column.missing_codes], ", ")
        parts.append((Words(wording("missing", language)), *missing))
    return joined(parts, "; ")


def _columns(table: Table, language: str) -> Grid:
    header = ("column", "what", "kind", "required", "values", "sensitivity")
    rows = []
    for column in table.columns:
        description = column.description_ko if language == "ko" else column.description
        rows.append(
            (
                literally(column.name),
                _described(column.label(language), description),
                words(wording(column.type.value, language)),
                words(wording("no" if column.nullable else "yes", language)),
                _values(column, language),
                words(wording(column.sensitivity.value, language)),
            )
        )
    return Grid(tuple(wording(word, language) for word in header), tuple(rows))


def _elsewhere(table: Table, language: str) -> list[Block]:
    standards = list(dict.fromkeys(name for column in table.columns for name in column.maps))
    if not standards:
        return []
    rows = tuple(
        (literally(column.name), *(literally(column.maps.get(name, "")) for name in standards))
        for column in table.columns
        if column.maps
    )
    title = wording("elsewhere", language)
    header = (wording("column", language), *(STANDARDS.get(name, name) for name in standards))
    return [Heading(3, title, f"elsewhere-{table.name}"), Grid(header, rows)]


def _end_points(table: Table, language: str) -> list[Block]:
    if not table.end_points:
        return []
    header = ("end_point", "time", "event", "events", "competing")
    rows = tuple(
        (
            words(point.label(language)),
            (Literally(point.time), Words(f" ({point.unit})")),
            literally(point.event),
            joined([literally(code) for code in point.events], ", "),
            joined([literally(code) for code in point.competing], ", "),
        )
        for point in table.end_points
    )
    title = wording("end_points", language)
    made = Grid(tuple(wording(word, language) for word in header), rows)
    return [Heading(3, title, f"end-points-{table.name}"), made]


def _table(table: Table, language: str) -> list[Block]:
    title = f"{table.label(language)} ({table.name})"
    description = table.description_ko if language == "ko" else table.description
    blocks: list[Block] = [Heading(3, title, f"table-{table.name}")]
    if description:
        blocks.append(Paragraph(words(description)))
    unit = table.row_unit_ko if language == "ko" else table.row_unit
    if unit:
        blocks.append(Paragraph(words(wording("row", language, text=unit))))
    if table.primary_key:
        key = joined([literally(name) for name in table.primary_key], ", ")
        blocks.append(Paragraph((Words(wording("primary_key", language)), *key)))
    for foreign in table.foreign_keys:
        key = joined([literally(name) for name in foreign.columns], ", ")
        refers = wording("refers", language, table=foreign.table)
        blocks.append(Paragraph((Words(refers), *key)))
    return [
        *blocks,
        _columns(table, language),
        *_elsewhere(table, language),
        *_end_points(table, language),
    ]


def _allowed(code: Code) -> Cell:
    return joined(
        [(Words(f"{name}: "), Literally(", ".join(codes))) for name, codes in code.implies.items()],
        "; ",
    )


def _code_list(codes: CodeList, language: str) -> list[Block]:
    title = f"{codes.title_ko if language == 'ko' else codes.title} ({codes.name})"
    blocks: list[Block] = [Heading(3, title, f"list-{codes.name}")]
    if codes.source:
        blocks.append(Paragraph(words(wording("source", language, text=codes.source))))
    if codes.pattern:
        pattern = (Words(wording("or_pattern", language)), Literally(codes.pattern))
        blocks.append(Paragraph(pattern))
    families = {family.code: family.label(language) for family in codes.families}
    implying = any(code.implies for code in codes.codes)
    header = ["code_column", "name", *(["family"] if families else [])]
    header += ["means", "source_column"] if implying else []
    rows = []
    for code in codes.codes:
        row = [literally(code.code), words(code.label(language))]
        row += [words(families.get(code.family, ""))] if families else []
        row += [_allowed(code), words(code.source)] if implying else []
        rows.append(tuple(row))
    number = len(rows)
    folded = wording("show_codes", language, number=number) if number > OPEN_ROWS else ""
    blocks.append(Grid(tuple(wording(word, language) for word in header), tuple(rows), folded))
    return blocks


def _categories(variable: Variable, language: str) -> Cell:
    codes = variable.codes
    if len(codes) > OPEN_ROWS:
        return words(wording("codes", language, number=len(codes)))
    unit = variable.unit_ko if language == "ko" else variable.unit
    return (Literally(", ".join(codes)), *((Words(f" ({unit})"),) if unit else ()))


def _variables(schema: Schema, language: str) -> list[Block]:
    if not schema.variables:
        return []
    header = ("variable", "what", "of_column", "categories")
    rows = tuple(
        (
            literally(variable.name),
            words(variable.label(language)),
            literally(variable.column or " + ".join(variable.joins))
            or words(wording("nowhere", language)),
            _categories(variable, language),
        )
        for variable in schema.variables
    )
    return [
        Heading(2, wording("variables", language), "variables"),
        Paragraph(words(wording("variables_about", language))),
        Grid(tuple(wording(word, language) for word in header), rows),
    ]


def _rules(schema: Schema, language: str) -> list[Block]:
    if not schema.rules:
        return []
    sources = list(dict.fromkeys(rule.source for rule in schema.rules if rule.source))
    blocks: list[Block] = [
        Heading(2, wording("rules", language), "rules"),
        Paragraph(words(wording("rules_about", language))),
    ]
    for severity in Severity:
        rules = [rule for rule in schema.rules if rule.severity is severity]
        if rules:
            title = wording(severity.value, language, number=len(rules))
            blocks += [Heading(3, title, f"rules-{severity.value}")]
            blocks += [_rule_grid(rules, sources, language)]
    if sources:
        blocks.append(Heading(3, wording("sources", language), "rule-sources"))
        blocks += [Paragraph(words(f"[{n}] {text}")) for n, text in enumerate(sources, start=1)]
    return blocks


def _rule_grid(rules: list[Rule], sources: list[str], language: str) -> Grid:
    header = ("rule", "message", "condition", "source_column")
    rows = tuple(
        (
            literally(rule.id),
            words(rule.label(language)),
            literally(rule.when),
            words(f"[{sources.index(rule.source) + 1}]" if rule.source else ""),
        )
        for rule in rules
    )
    return Grid(tuple(wording(word, language) for word in header), rows)


def codebook(schema: Schema, language: str = "en") -> tuple[Block, ...]:
    """Blocks of a code book.

    Parameters
    ----------
    schema : Schema
    language : {"en", "ko"}

    Raises
    ------
    KeyError
        If there is no such language.
    """
    title = schema.title_ko if language == "ko" else schema.title
    description = schema.description_ko if language == "ko" else schema.description
    version = wording("version", language, id=schema.id, version=schema.version)
    blocks: list[Block] = [Heading(1, title, "top"), Paragraph(words(version))]
    if description:
        blocks.append(Paragraph(words(description)))
    if schema.licence:
        blocks.append(Paragraph(words(wording("licence", language, text=schema.licence))))
    blocks.append(Heading(2, wording("tables", language), "tables"))
    for table in schema.tables:
        blocks += _table(table, language)
    blocks += _variables(schema, language)
    blocks += _rules(schema, language)
    if schema.code_lists:
        blocks.append(Heading(2, wording("lists", language), "lists"))
    for codes in schema.code_lists.values():
        blocks += _code_list(codes, language)
    return tuple(blocks)
