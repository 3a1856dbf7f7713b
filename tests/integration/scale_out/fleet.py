"""Replicas as they run in production: processes of their own on one PostgreSQL, before one sandbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg

from app.cli.pair import Sandbox, access_token
from app.settings import SANDBOX_FILE
from tests.postgres import Postgres, free_port
from tests.sandbox import RunningSandbox

Found = TypeVar("Found")
STOP_S = 20
SETTLE_S = 3
"""Instead of the 65 s of the sandbox's file: how long an ERP may still be at work on what it was sent."""


@dataclass(eq=False)
class Replica:
    """A gateway process. `url` is its external door, which a worker does not open."""

    name: str
    process: subprocess.Popen[bytes]
    url: str
    internal_url: str
    log: Path

    def said(self, words: str) -> bool:
        return words in self.log.read_text(errors="replace")

    def kill(self) -> float:
        """With -9; when that was, by the monotonic clock."""
        self.process.kill()
        at = time.monotonic()
        self.process.wait()
        return at

    def freeze(self) -> float:
        self.process.send_signal(signal.SIGSTOP)
        return time.monotonic()

    @property
    def is_frozen(self) -> bool:
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """As an operator ends it; with -9 where it will not."""
        if self.process.poll() is None:
            self.thaw()
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        self.process.wait()


@dataclass
class Fleet:
    """All replicas of a test run, and what they share."""

    postgres: Postgres
    sandbox: RunningSandbox
    scratch: Path
    replicas: list[Replica] = field(default_factory=list)
    started: int = 0

    @property
    def neighbours(self) -> Sandbox:
        names = ("issuer", "sap", "salesforce", "scheduler", "control")
        return Sandbox(**{name: self.sandbox.urls[name] for name in names})

    def start(self, role: str, *, program: str = "app.cli", **more: str) -> Replica:
        """A replica that answers. It is ended with the tests, if nobody ends it before."""
        self.started += 1
        name = f"{role}-{self.started}"
        port, internal = free_port(), free_port()
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("ORDERGATE_")},
            **self.neighbours.environment(),
            "ORDERGATE_ENV": "sandbox",
            "ORDERGATE_CONFIG": str(self._config()),
            "ORDERGATE_DATABASE_URL": self.postgres.url,
            "ORDERGATE_PORT": str(port),
            "ORDERGATE_INTERNAL_PORT": str(internal),
            "ORDERGATE_DRIFT_CHECK": "off",
            **more,
        }
        log = self.scratch / f"{name}.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", program, "serve", "--role", role],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=environment,
            )
        replica = Replica(name, process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{internal}", log)
        self.replicas.append(replica)
        door = replica.internal_url if role == "worker" else replica.url
        until(lambda: _answers(f"{door}/livez", process, log), bool, within_s=40)
        return replica

    def end(self, *but: Replica) -> None:
        """All of them, or all but these."""
        for replica in [one for one in self.replicas if one not in but]:
            self.replicas.remove(replica)
            replica.end()

    def rows(self, query: str, *values: Any) -> list[Any]:
        """What the store holds, past every replica."""
        server = self.postgres.url.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(server, autocommit=True) as connection:
            return connection.execute(query, values).fetchall()

    def operation(self, operation_id: str) -> tuple[str, str, str | None]:
        """State, executor and order number."""
        query = "SELECT state, coalesce(executor, ''), order_number FROM operations WHERE operation_id = %s"
        return self.rows(query, operation_id)[0]  # type: ignore[no-any-return]

    def orders_of(self, operation_id: str) -> int:
        """Asked of SAP itself."""
        answer = httpx.get(
            f"{self.sandbox.urls['sap']}/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder",
            params={"$filter": f"PurchaseOrderByShipToParty eq '{operation_id}'", "$format": "json"},
            auth=("SANDBOX", "Welcome1"),
            headers={"sap-client": "100"},
            trust_env=False,
        )
        return len(answer.raise_for_status().json()["d"]["results"])

    def executor_of(self, replica: Replica) -> str:
        return str(self.rows("SELECT executor_id FROM executors WHERE process_id = %s", replica.process.pid)[0][0])

    def token(self) -> str:
        return access_token(self.sandbox.urls["issuer"], "dealer-north", "north-sandbox-secret")

    def _config(self) -> Path:
        """The shipped one, but for the patience with the ERP."""
        file = self.scratch / "fleet.toml"
        if not file.exists():
            lines = SANDBOX_FILE.read_text().splitlines()
            told = [f"settle_seconds = {SETTLE_S}" if one.startswith("settle_seconds") else one for one in lines]
            assert told != lines
            file.write_text("\n".join(told))
        return file


@contextmanager
def running_fleet(postgres: Postgres, sandbox: RunningSandbox, scratch: Path) -> Iterator[Fleet]:
    fleet = Fleet(postgres, sandbox, scratch)
    try:
        yield fleet
    finally:
        fleet.end()


def until(look: Callable[[], Found], good: Callable[[Found], bool], within_s: float) -> Found:
    """Look again and again until it is good; fail with what was seen last."""
    give_up_at = time.monotonic() + within_s
    while not good(found := look()):
        assert time.monotonic() < give_up_at, f"not within {within_s} s; last seen: {found}"
        time.sleep(0.02)
    return found


def _answers(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text(errors="replace")[-2000:]
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False
