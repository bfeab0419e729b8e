"""Records in PostgreSQL, read from a server that this test starts in a temporary folder."""

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from synthgen.enclave.settings import Settings
from synthgen.enclave.tabulate import tabulate
from synthgen.errors import RecordsError

EXACT = Settings(unprotected=True, bins_from_data=True)


def _program(name):
    found = shutil.which(name) or next(
        map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None
    )
    if found is None:
        pytest.skip(f"PostgreSQL's {name} is not on this machine (apt: postgresql)")
    return found


@pytest.fixture(scope="module")
def address():
    """Address of a server that listens on a socket in its own folder, and nowhere else."""
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    initdb, control = _program("initdb"), _program("pg_ctl")
    # Short, as it is the path of a socket, and where another user may go: TMPDIR may be private.
    base = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    prefix: list[str] = []
    user = pwd.getpwuid(os.getuid()).pw_name
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        try:
            owner = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        os.chown(base, owner.pw_uid, owner.pw_gid)
        prefix, user = ["runuser", "-u", "postgres", "--"], "postgres"
    cluster = base / "cluster"
    started = False
    try:
        subprocess.run(
            [*prefix, initdb, "-D", str(cluster), "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=base,
        )
        options = f"-k {base} -c listen_addresses='' -c fsync=off"
        subprocess.run(
            [
                *prefix,
                control,
                "-D",
                str(cluster),
                "-l",
                str(base / "log"),
                "-o",
                options,
                "-w",
                "start",
            ],
            check=True,
            capture_output=True,
            cwd=base,
        )
        started = True
        yield f"postgresql:///postgres?host={base}&user={user}"
    finally:
        if started:
            subprocess.run(
                [*prefix, control, "-D", str(cluster), "-m", "immediate", "stop"],
                check=True,
                capture_output=True,
                cwd=base,
            )
        shutil.rmtree(base, ignore_errors=True)


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
