"""A process that is about to go says so on every answer: who keeps connections open moves over before they close."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from app.shell.asgi import Asgi, Message, Receive, Scope, Send

CLOSE = (b"connection", b"close")
QUIET_S = 0.5


class Leaving:
    """Whether the process is on its way out, and when somebody last called all the same."""

    def __init__(self, begun: Callable[[], bool]) -> None:
        self.begun = begun
        self._last_call_at = 0.0

    def called(self) -> None:
        self._last_call_at = time.monotonic()

    async def quiet(self, at_most_s: float) -> None:
        """Return once nobody has called for a while: whoever still calls has not looked away yet, and would find a
        closed door. `at_most_s` is for those who never look."""
        ends_at = time.monotonic() + at_most_s
        while True:
            left_s = min(ends_at, self._last_call_at + QUIET_S) - time.monotonic()
            if left_s <= 0:
                return
            await asyncio.sleep(left_s)


class Farewell:
    """`Connection: close` (RFC 9112 §9.6) on every answer while the process drains; the server then closes it.

    A connection that is closed while it is idle may be just about to carry a call; one that is closed with an answer
    never is.
    """

    def __init__(self, app: Asgi, leaving: Leaving) -> None:
        self._app = app
        self._leaving = leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def parting(message: Message) -> None:
            if message["type"] == "http.response.start" and self._leaving.begun():
                others = [each for each in message.get("headers", ()) if each[0] != CLOSE[0]]
                message["headers"] = [*others, CLOSE]
            await send(message)

        if scope["type"] == "http" and self._leaving.begun():
            self._leaving.called()
        await self._app(scope, receive, parting)
