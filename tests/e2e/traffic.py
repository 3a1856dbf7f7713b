"""Open-loop traffic on kept connections: calls leave when their time has come, whatever became of those before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

ANSWER_S = 30.0


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back. `started` and `ended` are seconds of the loop's clock; `parted` if the server ended the line."""

    status: int
    body: bytes
    started: float
    ended: float
    parted: bool

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Lost:
    """A call that went out and was never answered."""

    why: str
    started: float


@dataclass
class Lines:
    """Connections to one address, kept open between calls as a load balancer keeps them."""

    url: str
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def call(self, head: str, body: bytes = b"") -> Answered | Lost:
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            reader, writer = await self._line()
        except OSError as refused:
            return Lost(f"refused: {refused}", started)
        try:
            async with asyncio.timeout(ANSWER_S):
                writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
                status, fields, answer = await _answer(reader)
        except (OSError, EOFError, TimeoutError) as broken:
            writer.close()
            return Lost(f"{type(broken).__name__}: {broken}", started)
        parted = fields.get("connection", "") == "close"
        if parted:
            writer.close()
        else:
            self.idle.append((reader, writer))
        return Answered(status, answer, started, clock(), parted)

    async def _line(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self.idle:
            reader, writer = self.idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        address = urlsplit(self.url)
        return await asyncio.open_connection(address.hostname, address.port)

    def close(self) -> None:
        for _, writer in self.idle:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    return int(head[0].split()[1]), fields, await reader.readexactly(int(fields.get("content-length", "0")))


async def at_a_rate(
    per_second: float, call: Callable[[int], Any], going: Callable[[], bool], most: int = 100_000
) -> list[Answered | Lost]:
    """Calls at fixed times while `going`; their answers once all are there."""
    loop = asyncio.get_running_loop()
    begun, calls = loop.time(), []
    for number in range(most):
        await asyncio.sleep(max(0.0, begun + number / per_second - loop.time()))
        if not going():
            break
        calls.append(asyncio.create_task(call(number)))
    return list(await asyncio.gather(*calls))
