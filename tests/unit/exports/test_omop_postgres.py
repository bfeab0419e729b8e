"""OMOP in PostgreSQL: every table goes in with the types, keys and references of the standard.

All tables of the standard are made, also those without rows.  Concepts are references too: the
table ``concept`` holds the short list that is shipped, so a concept id that is not on it does not
go in.
"""

import csv

import pytest

from synthgen.cohort.artefact import load_model
from synthgen.cohort.settings import settings_for
from synthgen.cohort.write import write_cohort
from synthgen.exports import export_cohort
from synthgen.exports.omop import definition, in_order
from synthgen.exports.omop_quality import ask_all, missing_tables, quality_checks
from synthgen.exports.omop_tables import standard_tables
from synthgen.exports.targets import mapping_of
from synthgen.resources import data_root
from synthgen.schema.model import Severity


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    model = load_model("kr-rare")
    folder = tmp_path_factory.mktemp("postgres") / "cohort"
    write_cohort(model, settings_for(model, 400, seed=12), folder, formats=("parquet",))
    return folder


def loaded(connection, mapping, folder):
    """All tables, in a schema of their own, with the constraints of the standard."""
    space = mapping.id.replace("-", "_").replace(".", "_")
    connection.execute(f'DROP SCHEMA IF EXISTS "{space}" CASCADE')
    connection.execute(f'CREATE SCHEMA "{space}"')
    connection.execute(f'SET search_path TO "{space}"')
    every = in_order(standard_tables(mapping))
    for table in every:
        connection.execute(definition(table))
    with (data_root() / "schemas/exports/omop-concepts.csv").open(encoding="utf-8") as listed:
        for row in csv.DictReader(listed):
            connection.execute(
                "INSERT INTO concept VALUES (%s, %s, '', %s, '', NULL, %s, '1970-01-01', "
                "'2099-12-31', NULL)",
                [int(row["concept_id"]), row["name"], row["vocabulary"], row["code"]],
            )
    for table in every:
        for column in table.columns:
            if "concept_id" in column.name and table.name != "concept":
                connection.execute(
                    f'ALTER TABLE "{table.name}" ADD FOREIGN KEY ("{column.name}") '
                    "REFERENCES concept (concept_id)"
                )
    for table in in_order(mapping.tables):
        copy = f'COPY "{table.name}" FROM STDIN (FORMAT csv, HEADER true)'
        with connection.cursor().copy(copy) as into:
            into.write((folder / f"{table.name}.csv").read_bytes())


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("target", ["omop-5.4", "omop-5.3"])
def test_postgres_takes_every_table_with_all_constraints_and_finds_nothing_wrong(
    address, cohort, clinical, tmp_path, target, version
):
    import psycopg

    source = {"1.0": cohort, "1.1": clinical}[version]
    made = export_cohort(source, target, tmp_path / "out")
    mapping = mapping_of(target)
    with psycopg.connect(address) as connection:
        loaded(connection, mapping, tmp_path / "out")
        for table in mapping.tables:
            (count,) = connection.execute(f'SELECT count(*) FROM "{table.name}"').fetchone()  # noqa: S608
            assert count == made["rows"][f"{table.name}.csv"], table.name
        present = frozenset(t.name for t in mapping.tables)
        assert missing_tables(mapping, present) == []
        asked = []

        def ask(query):
            asked.append(query)
            return connection.execute(query).fetchone()

        broken = ask_all(quality_checks(mapping), present, ask)
        assert len(asked) > 200
        assert [b for b in broken if b.severity is Severity.IMPOSSIBLE] == []
        assert {b.rule for b in broken} == {"completeness.standardConceptRecordCompleteness"}
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            connection.execute("DELETE FROM person")
