"""Targets as schemas, so that one command checks a synthetic export and a real delivery."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from synthgen.errors import ContractError, SchemaError
from synthgen.exports.mapping import TargetColumn, TargetMapping, TargetTable, options_of
from synthgen.exports.targets import mapping_of, targets
from synthgen.resources import shipped
from synthgen.schema.codes import Code, CodeList
from synthgen.schema.consistency import check_schema
from synthgen.schema.documents import mapping_at, one_line, read_document, text_at
from synthgen.schema.load import load_schema
from synthgen.schema.model import (
    Category,
    Column,
    ColumnType,
    ForeignKey,
    Rule,
    Schema,
    Severity,
    Table,
    Variable,
)
from synthgen.schema.rules.sql import identifier, literal
from synthgen.schema.validation.database import locked_database
from synthgen.schema.validation.sources import DATABASE_ENDINGS

EXPORTED = "export.json"
"""File in which an export says what it is."""

_MONTHS = (
    "(0[13578]|1[02])(0[1-9]|[12][0-9]|3[01])|(0[469]|11)(0[1-9]|[12][0-9]|30)|"
    "02(0[1-9]|1[0-9]|2[0-8])"
)
_LEAP = "(19|20)(0[48]|[2468][048]|[13579][26])0229|20000229"

#: Regular expressions of the forms that texts of a target have; days are days of a calendar.
FORMS = {
    "YYYYMMDD": f"^((19|20)[0-9]{{2}}({_MONTHS})|{_LEAP})$",
    "YYYYMM": "^(19|20)[0-9]{2}(0[1-9]|1[0-2])$",
    "YYYY": "^(19|20)[0-9]{2}$",
    "HH:MM:SS": "^[0-9]{2}:[0-5][0-9]:[0-5][0-9]$",
}
_TIMESTAMP = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}.*)?)?$"
_SIZED = re.compile(r"(?P<kind>VARCHAR|NUMERIC)\((?P<size>\d+)(,(?P<scale>\d+))?\)")
_PLAIN = {
    "INTEGER": ColumnType.INTEGER,
    "BIGINT": ColumnType.INTEGER,
    "DOUBLE": ColumnType.NUMBER,
    "DATE": ColumnType.DATE,
}


@cache
def contracts() -> dict[str, str]:
    """Target by ``ID@VERSION`` of every target that has a mapping file."""
    return {
        f"{_id_of(target.mapping)}@{_version_of(target.mapping)}": name
        for name, target in targets().items()
        if target.mapping is not None
    }


def _version_of(mapping: TargetMapping) -> str:
    tail = mapping.id.rpartition("-")[2]
    return tail if re.fullmatch(r"\d+(\.\d+)*", tail) else mapping.version


def _id_of(mapping: TargetMapping) -> str:
    return mapping.id.removesuffix(f"-{_version_of(mapping)}")


def contract_target(name: str) -> str:
    """Target that a name means: ``kcure-ccld``, ``kcure-ccld@1``, ``omop@5.4``, ``omop-5.4``.

    Returns
    -------
    str
        Id of the target, ``""`` if the name means none.

    Raises
    ------
    SchemaError
        If there is such a target and no such version, or several versions and none was named.

    Examples
    --------
    >>> contract_target("omop@5.4"), contract_target("kcure-ccld@1"), contract_target("mine")
    ('omop-5.4', 'kcure-ccld', '')
    """
    known = contracts()
    if name in known.values():
        return name
    wanted, _, version = name.partition("@")
    mine = {key: target for key, target in known.items() if key.partition("@")[0] == wanted}
    if not mine:
        return ""
    found = [
        target
        for key, target in mine.items()
        if not version or f"{key.partition('@')[2]}.".startswith(f"{version}.")
    ]
    if len(found) == 1:
        return found[0]
    what = "has several versions" if found else f"has no version {one_line(version, 20)}"
    raise SchemaError(f"schema {wanted}: {what}; there are {', '.join(mine)}")


def schema_for(name: str, source: str | os.PathLike[str] = "") -> Schema:
    """Schema by id, from a folder, or of a target.

    Parameters
    ----------
    name : str
        As for :func:`~synthgen.schema.load.load_schema`, or as for :func:`contract_target`.
    source : str or path
        Delivery that is to be read by it: it says with which prefix its tables are called.

    Raises
    ------
    SchemaError
        If there is no such schema.
    ContractError
        If the delivery has tables with several prefixes.
    """
    target = contract_target(name)
    if not target:
        known = shipped("schemas")
        named = name.partition("@")[0]
        if (
            re.fullmatch(r"[a-z][a-z0-9-]*", named)
            and named not in known
            and not Path(name).exists()
        ):
            raise SchemaError(
                f"{one_line(name)}: is neither a schema of synthgen nor a folder with a "
                f"dataset.json; there are {', '.join([*known, *contracts()])}"
            )
        return load_schema(name)
    mapping = mapping_of(target)
    options = {}
    if "prefix" in mapping.options:
        options["prefix"] = _prefix(mapping, Path(source)) if source else mapping.options["prefix"]
    return target_schema(mapping, options)


def exported_as(source: str | os.PathLike[str]) -> str:
    """Target that an exported folder says it is; ``""`` for anything else.

    Raises
    ------
    ContractError
        If its ``export.json`` cannot be read.
    """
    path = Path(source) / EXPORTED
    if not path.is_file():
        return ""
    target = text_at(read_document(path, ContractError), "target")
    return target if target in contracts().values() else ""


def _prefix(mapping: TargetMapping, source: Path) -> str:
    """Prefix of the tables of a delivery; the default where no table has one.

    Raises
    ------
    ContractError
        If there are several.
    """
    default = mapping.options["prefix"]
    if (source / EXPORTED).is_file():
        said = mapping_at(read_document(source / EXPORTED, ContractError), "options")
        default = text_at(said, "prefix", default)
    names = "|".join(re.escape(t.name) for t in mapping.tables if t.prefixed)
    form = re.compile(rf"([A-Za-z][A-Za-z0-9]{{1,7}})_(?:{names})(?:\.|$)", re.IGNORECASE)
    files = list(source.iterdir()) if source.is_dir() else [source]
    named = [name for path in files for name in (path.name, *_tables_inside(path))]
    found = sorted({m[1].upper() for name in named if (m := form.match(name))})
    if len(found) > 1:
        raise ContractError(
            f"{source}: has tables of {len(found)} cancers ({', '.join(found[:5])}); check one "
            "cancer at a time"
        )
    return found[0] if found else default


def _tables_inside(path: Path) -> list[str]:
    """Names of the tables of a DuckDB file; none of any other file, or where it cannot be read."""
    import duckdb

    if not path.name.casefold().endswith(DATABASE_ENDINGS) or not path.is_file():
        return []
    whole = path.resolve()
    readable = [whole, whole.with_name(f"{whole.name}.wal")]
    with tempfile.TemporaryDirectory() as scratch, locked_database(Path(scratch), readable) as db:
        try:
            db.execute(f"ATTACH {literal(str(whole))} AS delivery (READ_ONLY)")
        except duckdb.Error:  # said by the check, in its own words
            return []
        listed = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'delivery'"
        return [str(name) for (name,) in db.execute(listed).fetchall()]


def target_schema(mapping: TargetMapping, options: Mapping[str, str] | None = None) -> Schema:
    """What a delivery in the format of a target must be like.

    Parameters
    ----------
    mapping : TargetMapping
    options : mapping of str to str, optional
        Of the target; ``prefix`` stands in the names of the tables.

    Returns
    -------
    Schema
        Tables, columns, types, forms of texts, code lists and keys of the standard.

    Raises
    ------
    SchemaError
        If the parts of the mapping do not agree.
    UsageError
        If there is no such option.
    """
    known = options_of(mapping, options or {})
    lists = {
        name: CodeList(
            name,
            entry.title,
            entry.title_ko,
            mapping.standard,
            tuple(Code(code, label, label) for code, label in entry.names.items()),
        )
        for name, entry in mapping.code_lists.items()
    }
    keys = {table.name: table.key for table in mapping.tables}
    tables = tuple(_table(table, known, lists, keys) for table in mapping.tables)
    variables = {}
    for table in tables:
        for column in table.columns:
            if column.codes is not None:  # what meta-statistics count
                name = column.name.lower()
                name = f"{table.name.lower()}_{name}" if name in variables else name
                variables[name] = _variable(name, table, column, column.codes)
    return check_schema(
        Schema(
            id=_id_of(mapping),
            version=_version_of(mapping),
            title=mapping.title,
            title_ko=mapping.title_ko,
            tables=tables,
            code_lists=lists,
            description=mapping.standard,
            description_ko=mapping.standard,
            licence=mapping.licence,
            rules=tuple(
                rule
                for table, made in zip(mapping.tables, tables, strict=True)
                for rule in _name_rules(mapping, table, made.name)
            ),
            variables=tuple(variables.values()),
        )
    )


def _name_rules(mapping: TargetMapping, table: TargetTable, called: str) -> Iterator[Rule]:
    """What a column with the names of codes must hold: the name of its own row's code.

    The name of another code is impossible; a text that is no name of the list is counted,
    because lists are spelt in several ways.
    """
    codes = {c.name: c.codes for c in table.columns}
    for column in table.columns:
        if not column.name_of:
            continue
        names = mapping.code_lists[codes[column.name_of]].names
        code, name = (
            f"{identifier(called)}.{identifier(c)}" for c in (column.name_of, column.name)
        )
        every = ", ".join(literal(text) for text in dict.fromkeys(names.values()))
        right = " or ".join(
            f"({code} = {literal(one)} and {name} = {literal(text)})" for one, text in names.items()
        )
        place = f"{called}.{column.name}"
        yield Rule(
            id=f"NAME-{place}",
            severity=Severity.IMPOSSIBLE,
            when=f"{name} in [{every}] and {code} is not null and not ({right})",
            message=f"holds the name of another code than {column.name_of}",
            message_ko=f"{column.name_of}와 다른 코드의 이름이다",
            source=mapping.standard,
        )
        yield Rule(
            id=f"NAME-UNLISTED-{place}",
            severity=Severity.UNLIKELY,
            when=f"{name} not in [{every}] and {code} is not null",
            message=f"holds no name of the code list of {column.name_of}",
            message_ko=f"{column.name_of}의 코드 목록에 없는 이름이다",
            source=mapping.standard,
        )


def _variable(name: str, table: Table, column: Column, codes: CodeList) -> Variable:
    return Variable(
        name=name,
        title=column.title,
        title_ko=column.title_ko,
        categories=tuple(Category(c.code, c.title, c.title_ko) for c in codes.codes),
        column=f"{table.name}.{column.name}",
    )


def _table(
    table: TargetTable,
    options: Mapping[str, str],
    lists: Mapping[str, CodeList],
    keys: Mapping[str, tuple[str, ...]],
) -> Table:
    return Table(
        name=table.called(options),
        title=table.title,
        title_ko=table.title_ko,
        row_unit="row",
        row_unit_ko="행",
        columns=tuple(_column(c, table, lists) for c in table.columns),
        primary_key=table.key,
        foreign_keys=tuple(
            ForeignKey((column,), other, keys[other])
            for column, other in table.references
            if other != table.name and len(keys.get(other, ())) == 1
        ),
    )


def _column(column: TargetColumn, table: TargetTable, lists: Mapping[str, CodeList]) -> Column:
    codes = lists.get(column.codes)
    sized = _SIZED.fullmatch(column.type)
    kind = _PLAIN.get(column.type, ColumnType.STRING)
    most, longest = None, 0
    if sized and sized["kind"] == "NUMERIC":
        scale = int(sized["scale"] or 0)
        kind = ColumnType.NUMBER if scale else ColumnType.INTEGER
        most = float(10 ** (int(sized["size"]) - scale) - 1)
    elif sized:
        longest = int(sized["size"])
    pattern, form = FORMS.get(column.format, ""), column.format
    if column.type == "TIMESTAMP":
        pattern, form = _TIMESTAMP, "YYYY-MM-DD HH:MM:SS"
    title = column.title or column.name
    return Column(
        name=column.name,
        type=ColumnType.CODE if codes is not None else kind,
        nullable=not column.required and column.name not in table.key,
        title=title,
        title_ko=column.title_ko or title,
        codes=codes,
        pattern=pattern,
        form=form,
        longest=0 if pattern or codes is not None else longest,
        maximum=most,
    )
