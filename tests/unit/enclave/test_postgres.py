"""Records in PostgreSQL, read from a server that the tests start in a temporary folder."""

from dataclasses import replace

import pytest

from synthgen.enclave.settings import Settings
from synthgen.enclave.tabulate import tabulate
from synthgen.errors import RecordsError

EXACT = Settings(unprotected=True, bins_from_data=True)


@pytest.fixture(scope="module")
def filled(address, frames):
    import psycopg

    with psycopg.connect(address) as connection:
        for name, frame in frames.items():
            columns = ", ".join(f'"{c}" text' for c in frame.columns)
            connection.execute(f'CREATE TABLE "{name}" ({columns})')
            copy = f'COPY "{name}" FROM STDIN (FORMAT csv)'
            with connection.cursor().copy(copy) as into:
                into.write(frame.to_csv(index=False, header=False, date_format="%Y-%m-%d"))
    return address


def test_postgres_gives_the_same_pack_as_frames(filled, frames, schema):
    assert tabulate(filled, schema, EXACT).pack == tabulate(frames, schema, EXACT).pack


def test_a_database_without_the_tables_is_named_without_its_address(filled, schema):
    other = replace(schema, tables=(replace(schema.tables[0], name="elsewhere"),))
    with pytest.raises(RecordsError, match="has none of the tables") as raised:
        tabulate(filled, other, EXACT)
    assert "host=" not in str(raised.value)


def test_a_server_that_is_not_there_is_one_line_without_its_password(schema):
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    with pytest.raises(RecordsError, match=r"^PostgreSQL: cannot be read") as raised:
        tabulate("postgresql://u:geheim@/db?host=/nowhere", schema, EXACT)
    assert "geheim" not in str(raised.value)
