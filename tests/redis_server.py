"""A Redis server of our own, for what must hold on a real one: it can be killed, frozen, restarted, slowed down."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.postgres import free_port

_START_S = 10.0
MISSING = "these tests need redis-server on the PATH (Debian: apt-get install redis-server; macOS: brew install redis)"


@dataclass
class RedisServer:
    """A running server. `url` stays the same over restarts; nothing is kept on disk, so that a restart forgets."""

    port: int
    home: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.fail(MISSING)
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.home)]
        with (self.home / "log").open("ab") as log:
            command = [program, *where, "--save", "", "--appendonly", "no"]
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        ends = time.monotonic() + _START_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > ends:
                pytest.fail(f"redis-server did not start: {(self.home / 'log').read_text()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """Gone at once (SIGKILL): connections are reset, new ones refused, everything is forgotten."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """Neither an answer nor an error from now on (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it stopped, with what came in meanwhile."""
        self._signal(signal.SIGCONT)

    def ask(self, *words: Any) -> Any:
        """One command on a connection of its own, as a witness."""
        with redis.Redis(port=self.port, decode_responses=True, socket_timeout=5) as client:
            return client.execute_command(*words)

    def calls(self, command: str) -> int:
        """How often a command was run since the start or the last `CONFIG RESETSTAT`."""
        stat = self.ask("INFO", "commandstats").get(f"cmdstat_{command}", {})
        return int(stat.get("calls", 0))

    def _answers(self) -> bool:
        try:
            return bool(self.ask("PING"))
        except (redis.ConnectionError, redis.TimeoutError):
            return False

    def _signal(self, which: signal.Signals) -> None:
        assert self.process is not None
        os.kill(self.process.pid, which)


@contextmanager
def running_redis() -> Iterator[RedisServer]:
    """A fresh server on a free port; gone with the block, whatever was done to it."""
    home = Path(tempfile.mkdtemp(prefix="ordergate-redis-"))
    server = RedisServer(free_port(), home)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_of_all() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def redis_server(redis_of_all: RedisServer) -> RedisServer:
    """The server that tests share, empty and with no script. Who breaks it takes `running_redis()` instead."""
    redis_of_all.ask("FLUSHALL")
    redis_of_all.ask("SCRIPT", "FLUSH")
    redis_of_all.ask("CONFIG", "RESETSTAT")
    return redis_of_all


@dataclass
class Wire:
    """A TCP proxy to a port. Each piece that the server sends arrives `delay_s` later than it would."""

    to_port: int
    port: int = 0
    delay_s: float = 0.0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
        except OSError:
            writer.close()
            return
        both = (self._carry(reader, there_writer, slowly=False), self._carry(there_reader, writer, slowly=True))
        await asyncio.gather(*both)

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, slowly: bool) -> None:
        try:
            while piece := await source.read(64 * 1024):
                if slowly and self.delay_s:
                    await asyncio.sleep(self.delay_s)
                target.write(piece)
                await target.drain()
        except (ConnectionError, OSError):
            pass
        finally:
            target.close()


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    """A wire on a free port, open as long as the block runs."""
    wire = Wire(port)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        wire._tasks.add(task)
        try:
            await wire._serve(reader, writer)
        except asyncio.CancelledError:
            writer.close()
        finally:
            wire._tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        for task in list(wire._tasks):
            task.cancel()
        await asyncio.gather(*wire._tasks, return_exceptions=True)
