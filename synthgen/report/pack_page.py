"""The book of a statistics pack: every table as it was printed, and where each came from.

Like the other pages one file in two languages, without scripts and without a network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from synthgen.errors import UsageError
from synthgen.messages import LANGUAGES
from synthgen.report.finding_rows import text_of
from synthgen.report.provenance_section import SourceRow, pack_source_rows
from synthgen.report.rendering import environment, style
from synthgen.report.statement_words import codes_words, members_words, years_words
from synthgen.report.words import Words, joined, label, place_words, plain, say
from synthgen.schema.model import Schema
from synthgen.statistics.model import Cell, Relation, StatisticsPack, StatisticsTable

Told = Callable[[Cell], str]


@dataclass(frozen=True)
class BookTable:
    """One table of the book.

    Parameters
    ----------
    title, about, note : Words
    relation : str
        Class of the sign.
    source_number : int
        Its place among the sources, from 1.
    heads : tuple of Words
        Of the columns that the table has.
    rows : tuple of tuple of Words
    """

    title: Words
    about: Words
    note: Words
    relation: str
    source_number: int
    heads: tuple[Words, ...]
    rows: tuple[tuple[Words, ...], ...]


def pack_book(pack: StatisticsPack, schema: Schema, *, language: str = "en") -> str:
    """A pack as one HTML page.

    Parameters
    ----------
    pack : StatisticsPack
    schema : Schema
        The one that the pack speaks.
    language : {"en", "ko"}
        The language that the page opens in; the other is in it too.

    Raises
    ------
    UsageError
        If the language is unknown.
    """
    if language not in LANGUAGES:
        raise UsageError(f"language {language}: choose of {', '.join(LANGUAGES)}")
    sources: tuple[SourceRow, ...] = pack_source_rows(pack)
    numbers = {source: i for i, source in enumerate(pack.sources, start=1)}
    target = pack.target
    template = environment().get_template("pack.html.jinja")
    return template.render(
        style=style("cohort.css", "figures.css"),
        title=Words((pack.title, pack.title_ko)),
        pack=pack,
        population=Words((target.population, target.population_ko)) + f", {target.period}",
        note=Words((target.note, target.note_ko or target.note)),
        tables=[_table(table, schema, numbers[table.source]) for table in pack.tables],
        cells=sum(len(table.cells) for table in pack.tables),
        relations=_relations(pack),
        sources=sources,
        first=language,
    )


def _relations(pack: StatisticsPack) -> list[tuple[str, Words, Words, int, int]]:
    """Class, word and meaning of each relation, its tables and values."""
    made = []
    for relation in reversed(Relation):
        own = [t for t in pack.tables if t.relation is relation]
        made.append(
            (
                relation.value,
                say(f"relation.{relation.value}"),
                say(f"report.origin.{relation.value}"),
                len(own),
                sum(len(t.cells) for t in own),
            )
        )
    return made


def _table(table: StatisticsTable, schema: Schema, number: int) -> BookTable:
    parts = [
        say(f"relation.{table.relation.value}"),
        text_of(f"pack_book.kind.{table.kind}", table.kind),
        place_words(table.population) + f", {table.period}",
    ]
    if table.scope:
        parts.append(say("report.numbers.common", whom=members_words(table.scope, schema)))
    parts += [plain(text) for text in (table.unit, table.estimator) if text]
    names = [name for name in (*table.given, *table.variables) if _tells(table, name)]
    columns: list[tuple[Words, Callable[[Cell], Words]]] = [
        (label(schema.variable(name)), _member(schema, name)) for name in names
    ]
    for key, told in _NUMBERS.items():
        if any(told(cell) for cell in table.cells):
            columns.append((say(f"pack_book.{key}"), _plainly(told)))
    columns.append((say("pack_book.printed"), _plainly(lambda cell: cell.printed)))
    return BookTable(
        label(table),
        joined(parts, " · "),
        Words((table.note, table.note_ko or table.note)),
        table.relation.value,
        number,
        tuple(head for head, _ in columns),
        tuple(tuple(told(cell) for _, told in columns) for cell in table.cells),
    )


def _tells(table: StatisticsTable, name: str) -> bool:
    """Whether the cells of a table differ in a variable, or one of them names it."""
    return any(name in cell.members for cell in table.cells)


def _member(schema: Schema, name: str) -> Callable[[Cell], Words]:
    variable = schema.variable(name)

    def told(cell: Cell) -> Words:
        codes = cell.members.get(name)
        return say("part.whole") if codes is None else codes_words(variable, codes)

    return told


def _plainly(told: Told) -> Callable[[Cell], Words]:
    return lambda cell: plain(told(cell))


def _limits(cell: Cell) -> str:
    if cell.ci_lower is None or cell.ci_upper is None:
        return ""
    return f"{cell.ci_lower:.4g} – {cell.ci_upper:.4g}"


_NUMBERS: dict[str, Told] = {
    "age": lambda cell: "" if cell.age is None else str(cell.age),
    "time": lambda cell: "" if cell.time is None else years_words(cell.time),
    "quantile": lambda cell: "" if cell.quantile is None else f"{cell.quantile:g}",
    "n": lambda cell: "" if cell.n is None else f"{cell.n:,.0f}",
    "limits": _limits,
}
