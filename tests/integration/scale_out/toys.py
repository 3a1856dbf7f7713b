"""Toy processes started, counted and ended; and what their one neighbour saw."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import psycopg
from sqlalchemy import create_engine

from process_apis.executors import SETTLED_S
from process_apis.tables import executors
from tests.integration.scale_out.fleet import until
from tests.integration.scale_out.toy import TABLES
from tests.postgres import Postgres

SETTLING_S = SETTLED_S + 1


class Toy:
    """One process with the engine in it."""

    def __init__(self, server: Postgres, log: Path, seconds_per_step: float) -> None:
        command = [sys.executable, "-m", "tests.integration.scale_out.toy", server.url, str(seconds_per_step)]
        with log.open("wb") as sink:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink, text=True, bufsize=1
            )
        assert self.process.stdout
        self.log = log
        self.executor_id = self.process.stdout.readline().strip()
        self.up_at = time.monotonic()
        assert self.executor_id, log.read_text()

    def start(self, *operations: str, steps: int) -> None:
        assert self.process.stdin
        for operation in operations:
            self.process.stdin.write(f"start {operation} {steps}\n")

    def signal(self, number: signal.Signals) -> float:
        """When it was sent, by the clock on the wall, which the store's is too."""
        self.process.send_signal(number)
        return time.time()

    def kill(self) -> float:
        at = self.signal(signal.SIGKILL)
        self.process.wait()
        return at

    def settle(self) -> None:
        """Until it takes the silent for dead: for a while after its start it gives them time to come back."""
        until(lambda: time.monotonic() - self.up_at, lambda passed: passed > SETTLING_S, SETTLING_S + 5)

    def taken_for_dead(self, other: Toy) -> bool:
        return f"executor {other.executor_id} died with" in self.log.read_text()

    def end(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            self.process.wait(20)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()


class Toyshop:
    """Toys that live as long as the tests of a module, those of one test, and the operations of that test."""

    def __init__(self, server: Postgres, scratch: Path) -> None:
        self.server = server
        self._scratch = scratch
        self._started = 0
        self.toys: list[Toy] = []
        self.old: list[Toy] = []
        self.name = ""

    def begin_test(self) -> None:
        """The engine remembers the operations of the tests before: this one's are named differently."""
        self.name = token_hex(3)
        self.old = [toy for toy in self.old if toy.process.poll() is None]

    @property
    def six(self) -> tuple[str, ...]:
        return tuple(f"op{n}-{self.name}" for n in range(6))

    def toy(self, seconds_per_step: float = 0.2) -> Toy:
        self._started += 1
        self.toys.append(Toy(self.server, self._scratch / f"toy-{self._started}.log", seconds_per_step))
        return self.toys[-1]

    def watchers(self, most: int) -> list[Toy]:
        """So many that are up for long enough to take the silent for dead."""
        while len(self.old) < most:
            self.old.append(self.toy())
        for toy in self.old:
            toy.settle()
        return self.old

    def rows(self, query: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.server.url.replace("+psycopg", ""), autocommit=True) as connection:
            return connection.execute(query, values).fetchall()

    def calls(self, what: str, rest: str = "") -> list[Any]:
        """Of the calls that the operations of this test have made."""
        return self.rows(f"SELECT {what} FROM toy_calls WHERE operation LIKE %s {rest}", f"%{self.name}%")

    def ended(self, most: int, within_s: float) -> dict[str, int]:
        """How often each operation of this test ended, once so many have."""
        query = "SELECT operation, count(*) FROM toy_ends WHERE operation LIKE %s GROUP BY 1"
        return until(lambda: dict(self.rows(query, f"%{self.name}%")), lambda found: len(found) >= most, within_s)

    def calls_by(self, toy: Toy) -> int:
        return int(self.rows("SELECT count(*) FROM toy_calls WHERE executor = %s", toy.executor_id)[0][0])

    def begun(self, most: int) -> None:
        """So many operations of this test have called their neighbour."""
        until(lambda: len(self.calls("DISTINCT operation")), lambda seen: seen >= most, within_s=10)

    def end(self, but: Sequence[Toy] = ()) -> None:
        for toy in [one for one in self.toys if one not in but]:
            self.toys.remove(toy)
            toy.end()


@contextmanager
def toyshop_on(server: Postgres, scratch: Path) -> Iterator[Toyshop]:
    engine = create_engine(server.url)
    executors.metadata.create_all(engine, tables=[executors])
    with engine.begin() as connection:
        connection.exec_driver_sql(TABLES)
        connection.exec_driver_sql("TRUNCATE executors")  # others may have used this server
    engine.dispose()
    shop = Toyshop(server, scratch)
    try:
        yield shop
    finally:
        shop.end()
