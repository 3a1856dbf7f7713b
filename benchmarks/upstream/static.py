"""A neighbour that always answers the same, as fast as one process can: so that the caller's cost is what shows."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop

_LINES = b",".join(b'{"Material":"TG%d","Quantity":"40.000","Date":"/Date(1790000000000)/"}' % n for n in range(50))
_BODY = b'{"d":{"results":[' + _LINES + b"]}}"
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=utf-8\r\nServer: static\r\n"
    b'Date: Fri, 20 Nov 2026 10:00:00 GMT\r\nETag: W/"1"\r\nContent-Length: %d\r\n\r\n' % len(_BODY) + _BODY
)
_HEAD_ENDS = b"\r\n\r\n"
_LENGTH = b"content-length:"


class Static(asyncio.Protocol):
    """Reads requests to their end, so that it works for every method."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.unread = b""

    def data_received(self, data: bytes) -> None:
        self.unread += data
        while (end := self.unread.find(_HEAD_ENDS)) >= 0:
            head = self.unread[:end].lower()
            at = head.find(_LENGTH)
            length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            whole = end + len(_HEAD_ENDS) + length
            if len(self.unread) < whole:
                return
            self.unread = self.unread[whole:]
            self.transport.write(_ANSWER)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Static, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@contextmanager
def running() -> Iterator[str]:
    """Its address, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.upstream.static"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own module
    try:
        said = process.stdout.readline() if process.stdout else ""
        yield f"http://127.0.0.1:{said.strip()}"
    finally:
        process.terminate()
        process.wait(5)


if __name__ == "__main__":
    uvloop.run(_serve())
