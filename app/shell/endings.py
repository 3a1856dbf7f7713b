"""Deprecation, Sunset and Link on every answer of a route that ends: its refusals, and what never reached it too."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.shell.asgi import Asgi, Message, Receive, Scope, Send

Fields = Callable[[str, str], Mapping[str, str]]
"""The fields that belong on an answer, by the method and path of its call."""


class Endings:
    def __init__(self, app: Asgi, fields: Fields) -> None:
        self._app = app
        self._fields = fields

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fields = self._fields(scope["method"], scope["path"]) if scope["type"] == "http" else {}
        if not fields:
            await self._app(scope, receive, send)
            return
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()]

        async def announcing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *raw]
            await send(message)

        await self._app(scope, receive, announcing)
