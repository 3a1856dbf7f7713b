"""A PostgreSQL server of our own, for what must hold on a real one. Missing binaries are a failure."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

# What was committed must outlive a crash of the server (`stop("immediate")`), though not one of the machine.
_SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=200")

Ending = Literal["smart", "fast", "immediate"]


class PostgresFailed(Exception):
    """A server that would not do as it was told, in its own words."""


@dataclass(frozen=True)
class Postgres:
    """A running server. `url` is for SQLAlchemy with psycopg; it stays the same over restarts."""

    home: Path
    port: int
    programs: Path

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://ordergate@127.0.0.1:{self.port}/postgres"

    @property
    def is_up(self) -> bool:
        return (self.home / "data" / "postmaster.pid").exists()

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.home} "
        options += " ".join(f"-c {item}" for item in _SETTINGS)
        self._control("-l", str(self.home / "log"), "-o", options, "-w", "-t", "60", "start")

    def stop(self, how: Ending = "immediate") -> None:
        """`immediate` is a crash: connections break, nothing is written down, the next start recovers."""
        self._control("-m", how, "-w", "stop")

    def signal(self, what: signal.Signals) -> None:
        """To every process of the server: the one that listens, and those that it made for us."""
        pid_file = self.home / "data" / "postmaster.pid"
        if not pid_file.exists():
            return
        first = int(pid_file.read_text().splitlines()[0])
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                pid, parent = int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if first in (pid, parent):
                os.kill(pid, what)

    def _control(self, *words: str) -> None:
        self.run("pg_ctl", "-D", str(self.home / "data"), *words)

    def run(self, program: str, *words: str) -> None:
        """Runs one of the server's programs, as nobody where we are root: they refuse that."""
        nobody = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        done = subprocess.run(
            [str(self.programs / program), *words],
            check=False,
            cwd=self.home,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            capture_output=True,
            text=True,
            user=nobody.pw_uid if nobody else None,
            group=nobody.pw_gid if nobody else None,
            extra_groups=[] if nobody else None,
        )
        if done.returncode:
            log = self.home / "log"
            raise PostgresFailed(f"{program} failed: {done.stderr} {log.read_text() if log.exists() else ''}")


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
    raise PostgresFailed("PostgreSQL is missing: install it (Debian: apt-get install postgresql)")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A fresh server on a free port; gone with the block."""
    programs = binaries()
    # initdb and postgres refuse root, so both run as nobody then, where nobody may go
    root = os.geteuid() == 0
    home = Path(tempfile.mkdtemp(prefix="ordergate-pg-", dir="/tmp" if root else None))
    if root:
        os.chown(home, pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
    server = Postgres(home, free_port(), programs)
    server.run("initdb", "-D", str(home / "data"), "-U", "ordergate", "-A", "trust", "-E", "UTF8", "--no-sync")
    server.start()
    try:
        yield server
    finally:
        if server.is_up:
            server.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a fresh server, for SQLAlchemy with psycopg; gone after the session."""
    with running_postgres() as server:
        yield server.url
