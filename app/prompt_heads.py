"""A caller says what it wants, and soon: uvicorn by itself waits for the head of a call for ever, however long it gets.

Without this a few thousand silent connections are all that the server takes, and nobody else gets in.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

KIB = 1 << 10


class PromptHeads(HttpToolsProtocol):
    """Closes a connection whose next call has no whole head in time, or one that never ends.

    Between two calls uvicorn's own keep-alive clock runs. What a *complete* head may hold is for the shell to say.
    """

    head_s: ClassVar[float] = 10.0
    most_bytes: ClassVar[int] = 256 * KIB

    _waiting: asyncio.TimerHandle | None = None
    _received = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._waiting is not None and self._received > self.most_bytes:
            self._give_up()
            return
        super().data_received(data)
        self._received += len(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        self._head_is_there()
        super().on_headers_complete()

    def _await_head(self) -> None:
        if self._waiting is None:
            self._received = 0
            self._waiting = self.loop.call_later(self.head_s, self._give_up)

    def _head_is_there(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._head_is_there()
        if self.cycle is not None and not self.cycle.response_complete:
            self._await_head()  # the call before this one is still being answered
        else:
            self.transport.close()
