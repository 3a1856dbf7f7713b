"""What every HTTP server owes: HEAD wherever there is GET, OPTIONS, and headers that keep browsers from guessing."""

from __future__ import annotations

from collections.abc import Callable

from app.shell.asgi import Asgi, Message, Receive, Scope, Send, answer

Methods = Callable[[str], tuple[str, ...]]
"""The methods that a path knows, none if nothing is served there."""

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000"),  # browsers heed it over TLS only (RFC 6797 §8.1)
)


class Manners:
    def __init__(self, app: Asgi, methods: Methods) -> None:
        self._app = app
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS" and (known := self._methods(scope["path"])):
            await answer(_secured(send), 204, {"allow": ", ".join(known)}, b"")
        elif scope["method"] == "HEAD":
            await self._app({**scope, "method": "GET"}, receive, _secured(_bodiless(send)))
        else:
            await self._app(scope, receive, _secured(send))


def _secured(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *SECURITY_HEADERS]
        await send(message)

    return with_headers


def _bodiless(send: Send) -> Send:
    """The same head, no body (RFC 9110 §9.3.2)."""

    async def head_only(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return head_only
