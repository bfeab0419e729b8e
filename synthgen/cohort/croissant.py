"""A cohort described for machine learning tools: Croissant 1.0 (MLCommons, 2024), JSON-LD.

https://docs.mlcommons.org/croissant/docs/croissant-spec.html.  The file says which files the
cohort has, with their hashes, and which columns are in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthgen import __version__
from synthgen.cohort.licence import DataLicence
from synthgen.schema.model import ColumnType, Schema, Table
from synthgen.statistics.model import StatisticsPack

FILE = "croissant.json"
CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
CREATOR = "The synthgen authors"
MEDIA_TYPES = {"csv": "text/csv", "parquet": "application/x-parquet"}
DATA_TYPES = {
    ColumnType.STRING: "sc:Text",
    ColumnType.CODE: "sc:Text",
    ColumnType.INTEGER: "sc:Integer",
    ColumnType.NUMBER: "sc:Float",
    ColumnType.DATE: "sc:Date",
}
#: The context that the specification recommends (its appendix 1).
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def to_croissant(
    schema: Schema,
    pack: StatisticsPack,
    licence: DataLicence,
    manifest: Mapping[str, Any],
    files: Mapping[str, Mapping[str, Any]],
    description: str,
) -> dict[str, Any]:
    """Croissant description of a cohort.

    Parameters
    ----------
    schema : Schema
        Of the cohort, with its extra columns.
    pack : StatisticsPack
        What its model was fitted to.
    licence : DataLicence
    manifest : mapping
    files : mapping of str to mapping
        Bytes and SHA-256 of every data file, as ``patient.csv``.
    description : str
        The sentence of intended use.

    Notes
    -----
    ``datePublished``, which the specification asks for, is the day on which the newest
    source of the pack was read: no file of a cohort knows the clock.
    """
    model, settings = manifest["model"], manifest["settings"]
    name = f"{model['id']}-cohort"
    # Readers guess the types of a CSV file and lose leading zeros; Parquet says what they are.
    main = "parquet" if any(file.endswith(".parquet") for file in files) else "csv"
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": name,
        "conformsTo": CONFORMS_TO,
        "description": f"{pack.title}. Synthetic patients: none of them exists. {description}",
        "license": licence.url,
        "url": f"https://synthgen.invalid/cohorts/{model['sha256'][:16]}/{settings['seed']}",
        "creator": {"@type": "Organization", "name": CREATOR},
        "datePublished": _day(pack),
        "version": __version__,
        "citeAs": f"@misc{{{name}, author = {{{CREATOR}}}, title = {{{pack.title}: synthetic "
        f"cohort, seed {settings['seed']}}}, note = {{synthgen {__version__}, model "
        f"{model['sha256'][:16]}}}}}",
        "isLiveDataset": False,
        "keywords": ["synthetic data", "rare cancer", "cancer registry"],
        "inLanguage": ["en", "ko"],
        "distribution": [_file(file, facts) for file, facts in sorted(files.items())],
        "recordSet": [_records(table, f"{table.name}.{main}") for table in schema.tables],
    }


def _day(pack: StatisticsPack) -> str:
    read = [source.read_on for source in pack.sources.values() if source.read_on]
    return max(read, default=f"{pack.target.period[-4:]}-12-31")


def _file(name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{facts['bytes']} B",
        "encodingFormat": MEDIA_TYPES[name.rpartition(".")[2]],
        "sha256": facts["sha256"],
    }


def _records(table: Table, file: str) -> dict[str, Any]:
    refers = {
        column: f"{key.table}/{target}"
        for key in table.foreign_keys
        for column, target in zip(key.columns, key.references, strict=True)
    }
    made: dict[str, Any] = {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": f"{table.title} / {table.title_ko}. One row is one {table.row_unit}.",
    }
    if table.primary_key:
        made["key"] = [{"@id": f"{table.name}/{column}"} for column in table.primary_key]
    made["field"] = []
    for column in table.columns:
        field = {
            "@type": "cr:Field",
            "@id": f"{table.name}/{column.name}",
            "name": column.name,
            "description": f"{column.title} / {column.title_ko}. {column.description}".strip(),
            "dataType": DATA_TYPES[column.type],
            "source": {"fileObject": {"@id": file}, "extract": {"column": column.name}},
        }
        if column.name in refers:
            field["references"] = {"field": {"@id": refers[column.name]}}
        made["field"].append(field)
    return made
