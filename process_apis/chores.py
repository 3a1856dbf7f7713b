"""What is done every so often beside the operations, for as long as the engine runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError

from process_apis.durable_engine import EngineTrouble

Chore = Callable[[], Awaitable[None]]
log = logging.getLogger("ordergate.durable")


def started(seconds: float, chore: Chore) -> asyncio.Task[None]:
    """Do `chore` now and then every so often, over any outage of the store. It ends by being cancelled, only."""
    task = asyncio.create_task(_repeat(seconds, chore))
    task.add_done_callback(_tell_end)
    return task


async def _repeat(seconds: float, chore: Chore) -> None:
    while True:
        try:
            await chore()
        except (EngineTrouble, SQLAlchemyError) as trouble:
            log.warning("a chore will be tried again in %s s: %s", seconds, trouble)
        await asyncio.sleep(seconds)


def _tell_end(chore: asyncio.Task[None]) -> None:
    if not chore.cancelled() and (broken := chore.exception()):
        log.error("a chore broke and is not done any more", exc_info=broken)
