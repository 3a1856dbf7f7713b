"""Patience with our own store: an operation outlasts its restart, as it outlasts a neighbour's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from policies.store import passes

T = TypeVar("T")
log = logging.getLogger("ordergate.operations")

LONGEST_PAUSE_S = 10.0


async def through_outages(work: Callable[[], Awaitable[T]]) -> T:
    """Do `work` again and again until the store answers. `work` must be harmless when it runs twice.

    Not the engine's sleep: that one is kept in the very store that does not answer.
    """
    pause_s = 0.2
    while True:
        try:
            return await work()
        except (OperationalError, InterfaceError, InternalError, PoolTimeout) as trouble:
            if isinstance(trouble, InternalError) and not passes(trouble):
                raise
            cause = trouble if isinstance(trouble, PoolTimeout) else trouble.orig
            log.warning("the operation store does not answer, once more in %.1f s: %s", pause_s, cause)
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
