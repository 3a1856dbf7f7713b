"""A PostgreSQL server of our own, for the tests that must hold on a real one. Missing binaries are a failure."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=100")


def binaries() -> Path:
    """The directory that holds initdb and pg_ctl; Debian keeps it off the PATH."""
    found = [Path(at).parent for name in ("initdb",) if (at := shutil.which(name))]
    if config := shutil.which("pg_config"):
        found.append(
            Path(subprocess.run([config, "--bindir"], check=True, capture_output=True, text=True).stdout.strip())
        )
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    for directory in found:
        if (directory / "initdb").exists() and (directory / "pg_ctl").exists():
            return directory
    raise pytest.fail.Exception("these tests need PostgreSQL: install it (Debian: apt-get install postgresql)")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a fresh server, for SQLAlchemy with psycopg; gone after the session."""
    programs = binaries()
    # initdb and postgres refuse root, so both run as nobody then, where nobody may go
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="ordergate-pg-", dir="/tmp" if user else None))
    if user:
        os.chown(home, user.pw_uid, user.pw_gid)
    as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    control, data, port = str(programs / "pg_ctl"), str(home / "data"), free_port()

    def run(*command: str) -> None:
        done = subprocess.run(
            command,
            check=False,
            cwd=home,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            capture_output=True,
            text=True,
            **as_user,
        )
        if done.returncode:
            log = home / "log"
            pytest.fail(f"{command[0]} failed: {done.stderr} {log.read_text() if log.exists() else ''}")

    run(str(programs / "initdb"), "-D", data, "-U", "ordergate", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {home} " + " ".join(f"-c {item}" for item in _SETTINGS)
    run(control, "-D", data, "-l", str(home / "log"), "-o", options, "-w", "-t", "60", "start")
    try:
        yield f"postgresql+psycopg://ordergate@127.0.0.1:{port}/postgres"
    finally:
        run(control, "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(home, ignore_errors=True)
