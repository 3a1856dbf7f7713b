"""What the server refuses by itself is refused as everything else is: by the shell, with ids, a log line and a problem.

uvicorn alone would write a line of plain text for a call that it cannot read, and for one too many. Here it hands the
call on and says in its scope what is wrong with it. Nothing is parsed again: of a call without a readable head nothing
is believed, and a stand-in takes its place in the order of answers.
"""

from __future__ import annotations

from typing import Any, Final

import httptools

from app.errors import CallUnreadable, ServerFull
from app.prompt_heads import PromptHeads
from app.shell.asgi import REFUSED

STAND_IN: Final = b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n"


class ToldRefusals(PromptHeads):
    """Leaves `limit_concurrency` of uvicorn's settings to the shell, and 400s too."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._most, self.limit_concurrency = self.limit_concurrency, None
        self._unreadable = False

    def data_received(self, data: bytes) -> None:
        if not self._unreadable:  # what follows on this connection is not read any more
            super().data_received(data)

    def on_headers_complete(self) -> None:
        if self._most is not None and max(len(self.connections), len(self.tasks)) >= self._most:
            _mark(self.scope, ServerFull())
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self._unreadable = True
        cycle = self.cycle
        if cycle is None or not cycle.more_body or cycle.response_complete:
            self._refuse_head()
        elif cycle.response_started:
            self.transport.close()
        else:  # its head was read, so it is at work, and waits for the rest of its body
            _mark(cycle.scope, CallUnreadable(msg))
            cycle.keep_alive = cycle.more_body = False
            cycle.message_event.set()

    def _refuse_head(self) -> None:
        """Behind the answers to calls that came before it on this connection."""
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(STAND_IN)
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]  # the same dict, typed by uvicorn
        scope.update(method="", path="", raw_path=b"", headers=[])
        _mark(scope, CallUnreadable("no head of a call"))


def _mark(scope: Any, refusal: Exception) -> None:
    """ASGI lets a server put words of its own into a scope."""
    scope[REFUSED] = refusal
