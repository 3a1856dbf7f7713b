"""The last resort: whatever was raised behind, by a cap, a missing route or a fault of ours, leaves as a problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.shell.asgi import Asgi, Message, Receive, Scope, Send, answer, header
from app.shell.trace import Trail, trail_of

ToAnswer = Callable[[BaseException, Trail, str], tuple[int, Mapping[str, str], bytes]]
"""Turns an error, the call's trail and its Accept header into status, headers and body."""


class Rim:
    def __init__(self, app: Asgi, to_answer: ToAnswer) -> None:
        self._app = app
        self._to_answer = to_answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except (
            Exception
        ) as error:  # the one place where any error becomes an answer; `problems` logs what it can't name
            if begun:
                raise
            status, headers, body = self._to_answer(error, trail_of(scope), header(scope, b"accept"))
            await answer(send, status, headers, body)
