"""An OAuth issuer on a real socket that publishes metadata and keys, and misbehaves on request."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.tokens import Key, jwks

METADATA = "/.well-known/oauth-authorization-server"

Misdeed = Callable[[asyncio.StreamWriter], Awaitable[None]]


class LiveIssuer:
    """`asked` counts requests by path. `misdeed`, when set, answers instead."""

    def __init__(self) -> None:
        self.keys: tuple[Key, ...] = ()
        self.asked: Counter[str] = Counter()
        self.misdeed: Misdeed | None = None
        self.metadata: dict[str, Any] = {}
        self.url = ""
        self.at_work: set[asyncio.Task[None]] = set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.at_work.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            self.asked[path] += 1
            if self.misdeed:
                await self.misdeed(writer)
            else:
                self.publish(path, writer)
        finally:
            self.at_work.discard(task)
            writer.close()

    def publish(self, path: str, writer: asyncio.StreamWriter) -> None:
        documents = {"/jwks": jwks(*self.keys) if self.keys else {"keys": []}, METADATA: self.metadata}
        found = path in documents
        send(writer, json.dumps(documents.get(path, {})).encode(), status="200 OK" if found else "404 Not Found")

    async def stop(self) -> None:
        for task in self.at_work:
            task.cancel()
        await asyncio.gather(*self.at_work, return_exceptions=True)


def send(writer: asyncio.StreamWriter, body: bytes, *, status: str = "200 OK", extra: str = "") -> None:
    fields = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{extra}"
    head = f"HTTP/1.1 {status}\r\n{fields}\r\n"
    writer.write(head.encode() + body)


@asynccontextmanager
async def live_issuer(*keys: Key) -> AsyncIterator[LiveIssuer]:
    issuer = LiveIssuer()
    issuer.keys = keys
    server = await asyncio.start_server(issuer.answer, "127.0.0.1", 0)
    issuer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    issuer.metadata = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/jwks"}
    async with server:
        yield issuer
        await issuer.stop()
