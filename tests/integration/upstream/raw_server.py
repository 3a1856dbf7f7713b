"""A neighbour that does exactly what it is told, byte by byte, on a real socket."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Script = Callable[["Connection"], Awaitable[None]]


@dataclass
class Connection:
    """One accepted connection. `request` is what came up to the end of the body."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: str = ""
    body: bytes = b""

    async def read_request(self) -> None:
        self.head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        for line in self.head.split("\r\n"):
            if line.lower().startswith("content-length:"):
                self.body = await self.reader.readexactly(int(line.partition(":")[2]))

    def header(self, name: str) -> str | None:
        for line in self.head.split("\r\n"):
            if line.lower().startswith(f"{name.lower()}:"):
                return line.partition(":")[2].strip()
        return None

    async def send(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def answer(self, status: str, body: bytes = b"{}", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def ok(self) -> None:
        await self.answer("200 OK")

    def reset(self) -> None:
        self.writer.transport.abort()


@dataclass
class RawServer:
    """Plays `script` for every connection, once its first request is read, and keeps what was asked."""

    script: Script
    reads: bool = True
    url: str = ""
    seen: list[Connection] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        try:
            if self.reads:
                await connection.read_request()
                self.seen.append(connection)
            await self.script(connection)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the caller left; that is what some of these tests are about
        finally:
            writer.close()


@asynccontextmanager
async def neighbour(
    script: Script, *, reads: bool = True, tls: ssl.SSLContext | None = None
) -> AsyncIterator[RawServer]:
    raw = RawServer(script, reads)
    listening = await asyncio.start_server(raw.serve, "127.0.0.1", 0, ssl=tls)
    raw.url = f"{'https' if tls else 'http'}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield raw
    finally:
        listening.close()
        await listening.wait_closed()
