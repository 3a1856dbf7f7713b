"""A gateway that freezes itself at the worst moments of an order: SIGSTOP, between "it is about to be sent" and the
first byte of it. Or one whose clock is slow.

`python -m tests.integration.scale_out.sleeper serve …` with `SLEEPER_AT` naming the moment. It freezes once.
`SLEEPER_BEHIND_S` is how far its clock is behind.
"""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from aiohttp import ClientRequest
from sqlalchemy import Connection, Engine, event

from app.cli import main
from process_apis.quote_to_order import create, workflow
from process_apis.stepping import Run

RECORDED, BEFORE_THE_BYTES, SETTLING = "recorded", "before the bytes", "settling"
"""Once our row says that the order is about to be sent; with a connection in hand and nothing written to it. With the
quote read and all refusals behind it, about to settle its key."""
SEND_S = 2.0
"""Instead of 15 s: nobody who looks on has to wait for so long."""


class Sleeper:
    """`sleep` once, whatever comes twice."""

    def __init__(self) -> None:
        self._slept = False

    def sleep(self) -> None:
        if not self._slept:
            self._slept = True
            os.kill(os.getpid(), signal.SIGSTOP)

    def after_the_row(self) -> None:
        """When the connection that wrote it goes back to its pool."""

        def executes(connection: Connection, _cursor: Any, statement: str, *_more: Any) -> None:
            if statement.startswith("UPDATE operation_steps") and "attempted_at=" in statement:
                event.listen(connection.engine.pool, "checkin", lambda *_: self.sleep())

        event.listen(Engine, "before_cursor_execute", executes)

    def before_it_settles(self) -> None:
        def executes(_connection: Connection, _cursor: Any, statement: str, *_more: Any) -> None:
            if statement.startswith("UPDATE idempotency_claims SET state="):
                self.sleep()

        event.listen(Engine, "before_cursor_execute", executes)

    def before_the_bytes(self) -> None:
        write = ClientRequest.write_bytes

        async def writes(request: ClientRequest, *arguments: Any) -> None:
            if request.method == "POST" and request.url.path.endswith("/A_SalesOrder"):
                self.sleep()
            await write(request, *arguments)

        ClientRequest.write_bytes = writes  # type: ignore[assignment]


def never() -> None:
    """It stays awake."""


def be_behind(seconds: float) -> None:
    """The clock by which conversions go."""

    def clock() -> datetime:
        return datetime.now(UTC) - timedelta(seconds=seconds)

    workflow.Run = partial(Run, clock=clock)  # type: ignore[assignment, misc]


if __name__ == "__main__":
    create.SEND_S = SEND_S
    sleeper = Sleeper()
    moments = {
        RECORDED: sleeper.after_the_row,
        BEFORE_THE_BYTES: sleeper.before_the_bytes,
        SETTLING: sleeper.before_it_settles,
    }
    moments.get(os.environ.get("SLEEPER_AT", ""), never)()
    be_behind(float(os.environ.get("SLEEPER_BEHIND_S", "0")))
    main()
