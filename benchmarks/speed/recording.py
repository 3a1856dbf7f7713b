"""A neighbour's answers, kept on their way to the gateway, so that they can be given again without the neighbour."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp
from aiohttp import web

from app.cli.processes import some_port
from benchmarks.upstream.static import Told

_OF_THE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding"})


@dataclass
class Recorder:
    """Stands before one neighbour and hands everything on, both ways."""

    neighbour: str
    session: aiohttp.ClientSession
    url: str = ""
    told: dict[tuple[str, str, bytes], Told] = field(default_factory=dict)

    async def hand_on(self, request: web.Request) -> web.Response:
        asked = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THE_CONNECTION}
        target = request.raw_path
        async with self.session.request(
            request.method, self.neighbour + target, headers=headers, data=asked, allow_redirects=False
        ) as answer:
            body = await answer.read()
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in _OF_THE_CONNECTION]
        whole = _on_the_wire(answer.status, kept, body)
        self.told[request.method, target, asked] = Told(request.method, target, asked, whole)
        back = web.Response(status=answer.status, body=body)
        back.headers.clear()
        for name, value in kept:
            back.headers.add(name, value)
        return back


def _on_the_wire(status: int, headers: list[tuple[str, str]], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers)]
    if status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@asynccontextmanager
async def recording(neighbour: str) -> AsyncIterator[Recorder]:
    port = some_port()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        recorder = Recorder(neighbour, session, f"http://127.0.0.1:{port}")
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", recorder.hand_on)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield recorder
        finally:
            await runner.cleanup()
