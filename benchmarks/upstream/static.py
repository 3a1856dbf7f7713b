"""Neighbours that answer at once, or after a fixed time, and cost little: so that the caller's cost is what shows.

They answer what was recorded of real ones, each question with the answer to that very question (nginx knows a question
by its address only), or the same to everybody where nothing was recorded.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import uvloop

_LINES = b",".join(b'{"Material":"TG%d","Quantity":"40.000","Date":"/Date(1790000000000)/"}' % n for n in range(50))
_BODY = b'{"d":{"results":[' + _LINES + b"]}}"
_ANYTHING = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=utf-8\r\nServer: static\r\n"
    b'Date: Fri, 20 Nov 2026 10:00:00 GMT\r\nETag: W/"1"\r\nContent-Length: %d\r\n\r\n' % len(_BODY) + _BODY
)
_DONE = b"HTTP/1.1 204 No Content\r\n\r\n"
_UNKNOWN = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_HEAD_ENDS = b"\r\n\r\n"
_LENGTH = b"content-length:"
SLOWNESS = "/slowness/"
"""`PUT /slowness/20`: from now on every answer takes 20 ms."""


class Asked(NamedTuple):
    method: bytes
    target: bytes
    body: bytes


class Told(msgspec.Struct, frozen=True):
    """A question and the bytes that were its answer, head and body."""

    method: str
    target: str
    asked: bytes
    answer: bytes


class Answers:
    """Everything that may be said, and how long each answer takes (ms)."""

    def __init__(self, told: list[Told] | None) -> None:
        self.after_ms = 0.0
        self._anything = told is None
        self._exact: Mapping[Asked, bytes] = {
            Asked(one.method.encode(), one.target.encode(), _unbound(one.asked)): one.answer for one in told or ()
        }

    def to(self, asked: Asked) -> bytes:
        if asked.target.startswith(SLOWNESS.encode()):
            self.after_ms = float(asked.target[len(SLOWNESS) :])
            return _DONE
        if self._anything:
            return _ANYTHING
        if asked.method == b"DELETE":  # what is thrown away has a name of its own each time
            return _DONE
        return self._exact.get(asked, _UNKNOWN)


class Static(asyncio.Protocol):
    """Reads requests to their end, so that it works for every method."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.unread = b""

    def data_received(self, data: bytes) -> None:
        self.unread += data
        while (end := self.unread.find(_HEAD_ENDS)) >= 0:
            head = self.unread[:end]
            at = head.lower().find(_LENGTH)
            length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            whole = end + len(_HEAD_ENDS) + length
            if len(self.unread) < whole:
                return
            body, self.unread = self.unread[end + len(_HEAD_ENDS) : whole], self.unread[whole:]
            method, target, _ = head.split(b" ", 2)
            self._tell(self._answers.to(Asked(method, target, _unbound(body))))

    def _tell(self, answer: bytes) -> None:
        if self._answers.after_ms:
            asyncio.get_running_loop().call_later(self._answers.after_ms / 1000, self.transport.write, answer)
        else:
            self.transport.write(answer)


def _unbound(body: bytes) -> bytes:
    """A batch without its boundary, which is another one each time."""
    return body.replace(body.split(b"\r\n", 1)[0], b"--") if body.startswith(b"--") else body


async def _serve(answers: Answers) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Static(answers), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@contextmanager
def running(recorded: Path | None = None) -> Iterator[str]:
    """Its address, in a process of its own; `recorded` is a file of a list of `Told` (msgpack)."""
    command = [sys.executable, "-m", "benchmarks.upstream.static", *([str(recorded)] if recorded else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own module
    try:
        said = process.stdout.readline() if process.stdout else ""
        yield f"http://127.0.0.1:{said.strip()}"
    finally:
        process.terminate()
        process.wait(5)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recorded", type=Path, nargs="?")
    file = parser.parse_args().recorded
    uvloop.run(_serve(Answers(msgspec.msgpack.decode(file.read_bytes(), type=list[Told]) if file else None)))
