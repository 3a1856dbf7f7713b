"""The words of ASGI 3 that the shell speaks, and the two small things it does with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

REFUSED = "ordergate.refused"
"""Where in the scope the server leaves the error with which it refuses a call itself. The shell raises it, so that such
a call gets ids, a line in the log and a problem as every other does."""


def header(scope: Scope, name: bytes) -> str:
    """The first value of a header, or nothing. `name` is lower-case."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return ""


async def answer(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """A whole answer at once."""
    raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    if status not in (204, 304):
        raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
