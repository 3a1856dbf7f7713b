"""The few lines of ASGI that the sandbox's doors share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class ClientGone(Exception):
    """The connection ended before the request had arrived in full."""


async def read_body(receive: Receive) -> bytes:
    """The whole request body, however it was framed (Content-Length or chunked)."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def until_gone(receive: Receive) -> None:
    """Waits until the connection has ended, however long that takes."""
    while (await receive())["type"] != "http.disconnect":
        pass


def header(scope: Scope, name: str) -> str | None:
    """The first header of that name (lower case), or nothing."""
    wanted = name.encode()
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == wanted), None)


async def reply(
    send: Send,
    status: int,
    body: bytes = b"",
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> None:
    """One complete answer; an empty body goes out without a content type."""
    fields = {"content-type": content_type} if body else {}
    if status not in (204, 304):
        fields["content-length"] = str(len(body))
    fields |= headers or {}
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
