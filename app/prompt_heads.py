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
    A body that was refused before it ended is read on for a while and thrown away: whoever closes at once takes the
    refusal away from a caller that is still sending.
    """

    head_s: ClassVar[float] = 10.0
    most_bytes: ClassVar[int] = 256 * KIB
    rest_s: ClassVar[float] = 10.0
    most_rest: ClassVar[int] = 16 * 1024 * KIB

    _waiting: asyncio.TimerHandle | None = None
    _received = 0
    _in_head = True
    _throwing_away: asyncio.TimerHandle | None = None
    _thrown_away = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        self._rest_is_over()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._waiting is not None and self._received > self.most_bytes:
            self._give_up()
            return
        super().data_received(data)
        self._received += len(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Fields behind a chunked body are no headers (RFC 9110 §6.5.1): nobody in front of us has looked at them."""
        if self._in_head:
            super().on_header(name, value)
        else:
            self._throw_away_if_answered(len(name) + len(value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_is_there()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._throw_away_if_answered(len(body))

    def on_message_complete(self) -> None:
        self._rest_is_over()
        super().on_message_complete()

    def _throw_away_if_answered(self, received: int) -> None:
        if self.cycle.response_complete:
            if self._throwing_away is None:
                self._throwing_away = self.loop.call_later(self.rest_s, self.transport.close)
            self._thrown_away += received
            if self._thrown_away > self.most_rest:
                self.transport.close()

    def _rest_is_over(self) -> None:
        self._thrown_away = 0
        if self._throwing_away is not None:
            self._throwing_away.cancel()
            self._throwing_away = None

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
