"""How much of a call is taken at all: address, headers, body, and the time a body may take to arrive.

The body is read here, whole and bounded, before anything else sees the call; so a slow sender holds no policy and no
process up, and everything behind reads from memory.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from app.errors import BodyTooLarge, BodyTooSlow, FramingUnclear, HeadersTooLarge, ParameterMalformed, TargetTooLong
from app.shell.asgi import REFUSED, Asgi, Message, Receive, Scope, Send, header

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes, counts and seconds. The defaults are those published in the contract."""

    body: int = MIB
    headers: int = 32 * 1024
    header_count: int = 100
    target: int = 8 * 1024
    slow_body_s: float = 10.0


class Caps:
    def __init__(self, app: Asgi, bounds: Bounds) -> None:
        self._app = app
        self._bounds = bounds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        _raise_refusal(scope)
        self._check_head(scope)
        body = await self._body(scope, receive)
        _raise_refusal(scope)  # of a body that turned out to be none
        handed_out = False

        async def from_memory() -> Message:
            nonlocal handed_out
            if handed_out:
                return await receive()  # what comes after the body is only the caller's going away
            handed_out = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, from_memory, send)

    def _check_head(self, scope: Scope) -> None:
        bounds = self._bounds
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > bounds.target:
            raise TargetTooLong(f"an address has at most {bounds.target} bytes")
        headers = scope["headers"]
        if len(headers) > bounds.header_count:
            raise HeadersTooLarge(f"a call has at most {bounds.header_count} headers")
        if sum(len(name) + len(value) for name, value in headers) > bounds.headers:
            raise HeadersTooLarge(f"headers have at most {bounds.headers} bytes together")
        codings = [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
        if codings and codings != [b"chunked"]:
            # whatever else the server let through, somebody in front of us may read the body's end somewhere else
            raise FramingUnclear("Transfer-Encoding", "nothing but chunked is taken, and once")
        if codings and any(name == b"content-length" for name, _ in headers):
            raise FramingUnclear("Content-Length", "a chunked body has none")
        hosts = sum(1 for name, _ in headers if name == b"host")
        if hosts > 1:
            raise ParameterMalformed("header", "Host", "there is more than one")
        if not hosts and scope.get("http_version") == "1.1":  # RFC 9112 §3.2
            raise ParameterMalformed("header", "Host", "there is none")

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        announced = header(scope, b"content-length")
        if announced.isdigit() and int(announced) > self._bounds.body:
            raise BodyTooLarge(self._bounds.body)
        if not announced and not header(scope, b"transfer-encoding"):
            return b""
        try:
            async with asyncio.timeout(self._bounds.slow_body_s):
                return await self._collect(receive)
        except TimeoutError:
            raise BodyTooSlow(self._bounds.slow_body_s) from None

    async def _collect(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise BodyTooSlow(self._bounds.slow_body_s)  # nobody will read it; the log still says why
            part = message.get("body", b"")
            size += len(part)
            if size > self._bounds.body:
                raise BodyTooLarge(self._bounds.body)
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)


def _raise_refusal(scope: Scope) -> None:
    if (refused := scope.get(REFUSED)) is not None:
        raise refused
