"""A gateway that dies at a named point of a conversion: SIGKILL to itself, at one statement of one store.

The product knows nothing of it. Every statement of both stores (our tables and the engine's checkpoints) passes by a
listener of SQLAlchemy; those that begin, end or remember a step name the operation and the step.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, event

from tests.integration.quote_to_order.shop import open_shop

Moment = Literal["before its row", "begun", "about to send", "done, not recorded", "recorded", "remembered"]
"""Before a step's row is written; after that; after "it is about to be sent" was committed; after the neighbour has
answered and before anything of it is written; after our row says so, and before the engine's does; after both."""

EVERYWHERE: tuple[Moment, ...] = ("before its row", "begun", "done, not recorded", "recorded", "remembered")
"""The moments that every step has."""

SETTLE_S = 3.0


@dataclass
class Fatal:
    """Where to die: at this moment of this step, of the conversion that this process starts itself. `told` is the file
    that gets the operation's id."""

    step: str
    moment: Moment
    told: Path
    own: str | None = field(default=None, init=False)

    def watch(self) -> None:
        """From now on every statement of this process is looked at."""
        event.listen(Engine, "before_cursor_execute", self._executes)

    def _executes(
        self, connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool
    ) -> None:
        values = set(_values(parameters))
        if statement.startswith("INSERT INTO operations ") and self.own is None:
            self.own = next(value for value in values if str(value).startswith("op_"))
            self.told.write_text(self.own)
        if self.own is None or not {self.own, self.step} <= values:
            return
        met = _met(statement, values)
        if met == self.moment:
            _die()
        if met is not None and _AFTER.get(met) == self.moment:
            _die_when_given_back(connection)


_AFTER: dict[str, Moment] = {
    "before its row": "begun",
    "attempt": "about to send",
    "done, not recorded": "recorded",
    "checkpoint": "remembered",
}
"""What a statement is, and the moment that has come once its transaction is committed."""


def _met(statement: str, values: set[Any]) -> str | None:
    if statement.startswith("INSERT INTO") and "operation_outputs" in statement.partition("(")[0]:
        return "checkpoint"
    if not statement.startswith(("INSERT INTO operation_steps", "UPDATE operation_steps")):
        return None
    if "attempted_at=" in statement:
        return "attempt"
    if "ok" in values:
        return "done, not recorded"
    return "before its row" if "attempts" in statement else None


def _values(parameters: Any) -> Iterable[Any]:
    for one in parameters if isinstance(parameters, list) else [parameters]:
        yield from one.values() if isinstance(one, dict) else one


def _die_when_given_back(connection: Connection) -> None:
    """A connection goes back to its pool once its transaction is over."""
    held = connection.connection.dbapi_connection

    def given_back(returned: Any, _record: Any) -> None:
        if returned is held:
            _die()

    event.listen(connection.engine.pool, "checkin", given_back)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def convert_and_die(database: Path, urls: dict[str, str], quote_id: str, po: str, fatal: Fatal) -> None:
    """Goes on with what it finds, starts one conversion more, and dies of it."""
    fatal.watch()

    async def convert() -> None:
        async with open_shop(database, urls, settle_s=SETTLE_S) as shop:
            await shop.convert(quote_id, wait_s=None, customerPo=po)
            await asyncio.Event().wait()

    asyncio.run(convert())
