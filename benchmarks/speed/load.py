"""Calls over raw connections: a client that is slower than what it measures would measure itself."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from urllib.parse import urlsplit

OK = range(200, 300)
_HEAD_ENDS = b"\r\n\r\n"
_LENGTH = b"content-length:"


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


class Connection(asyncio.Protocol):
    """One call at a time."""

    def __init__(self) -> None:
        self._unread = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._unread += data
        end = self._unread.find(_HEAD_ENDS)
        if end < 0 or self._answer is None:
            return
        head = bytes(self._unread[:end]).lower()
        at = head.find(_LENGTH)
        length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        begins = end + len(_HEAD_ENDS)
        if len(self._unread) >= begins + length:
            body = bytes(self._unread[begins : begins + length])
            del self._unread[: begins + length]
            self._answer.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("closed before the answer"))

    async def call(self, asked: bytes) -> tuple[int, bytes]:
        """Status and body."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(asked)
        return await self._answer


@dataclass
class Heard:
    """How long each call took (seconds), how long all of them (seconds), and what was answered."""

    took: list[float] = field(default_factory=list)
    seconds: float = 0.0
    told: Counter[int] = field(default_factory=Counter)

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.took)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000

    def require_success(self, what: str) -> None:
        """Fast refusals are no speed."""
        if any(status not in OK for status in self.told):
            raise RuntimeError(f"{what} was answered {dict(self.told)}")


class Caller:
    """Connections to one server."""

    def __init__(self, url: str) -> None:
        self._host, self._port = urlsplit(url).hostname, urlsplit(url).port
        self._idle: list[Connection] = []

    async def once(self, asked: bytes) -> tuple[int, bytes]:
        connection = self._idle.pop() if self._idle else await self._connected()
        answer = await connection.call(asked)
        self._idle.append(connection)
        return answer

    async def saturate(self, asked: Sequence[bytes], connections: int, seconds: float) -> Heard:
        """As fast as it answers: each connection asks again once it was answered."""
        heard, ends, wishes = Heard(), time.perf_counter() + seconds, cycle(asked)
        began = time.perf_counter()

        async def ask_on() -> None:
            while time.perf_counter() < ends:
                await self._timed(next(wishes), heard)

        await asyncio.gather(*(ask_on() for _ in range(connections)))
        heard.seconds = time.perf_counter() - began
        return heard

    async def arrive(self, asked: Sequence[bytes], per_second: float, seconds: float) -> Heard:
        """At a fixed rate, whether or not the calls before were answered."""
        heard, wishes, began = Heard(), cycle(asked), time.perf_counter()
        async with asyncio.TaskGroup() as under_way:
            for number in range(round(per_second * seconds)):
                early = began + number / per_second - time.perf_counter()
                if early > 0:
                    await asyncio.sleep(early)
                under_way.create_task(self._timed(next(wishes), heard))
        heard.seconds = time.perf_counter() - began
        return heard

    async def _timed(self, asked: bytes, heard: Heard) -> None:
        sent = time.perf_counter()
        status, _ = await self.once(asked)
        heard.took.append(time.perf_counter() - sent)
        heard.told[status] += 1

    async def _connected(self) -> Connection:
        _, made = await asyncio.get_running_loop().create_connection(Connection, self._host, self._port)
        return made

    def close(self) -> None:
        for connection in self._idle:
            connection.transport.close()
        self._idle.clear()
