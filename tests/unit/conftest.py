"""A PostgreSQL server that the tests start in a temporary folder, for those that need one."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


def _program(name):
    found = shutil.which(name) or next(
        map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None
    )
    if found is None:
        pytest.skip(f"PostgreSQL's {name} is not on this machine (apt: postgresql)")
    return found


@pytest.fixture(scope="session")
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

    def run(*command):
        subprocess.run([*prefix, *command], check=True, capture_output=True, cwd=base)

    try:
        run(initdb, "-D", str(cluster), "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-k {base} -c listen_addresses='' -c fsync=off"
        log = str(base / "log")
        run(control, "-D", str(cluster), "-l", log, "-o", options, "-w", "start")
        started = True
        yield f"postgresql:///postgres?host={base}&user={user}"
    finally:
        if started:
            run(control, "-D", str(cluster), "-m", "immediate", "stop")
        shutil.rmtree(base, ignore_errors=True)
