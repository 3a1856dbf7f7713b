"""What an executor leaves behind goes on elsewhere: counted where it died over it, given up where too many did.

The engine's checkpoints say how far an operation came; the step that was under way runs again.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping

from process_apis import durable_engine as engine
from process_apis.durable_engine import APPLICATION_VERSION, Pending

log = logging.getLogger("ordergate.durable")

MOST_TAKEOVERS = 5
"""So many processes in a row that died over one and the same step of an operation: it is what kills them."""
_AT_ONCE = 8

AfterDeath = Callable[[str, int], Awaitable[bool]]
"""Told that a process died with this run of an operation in its hands; counts that. False: it is not to be run again,
and has been brought to light."""


Gone = Callable[[str | None], Awaitable[int]]
"""Told that an executor is gone, or (None) that every other one is: lets go what it held beside its operations. Returns
how much of that cannot be let go yet."""
ONCE_MORE_S = 0.25


def rest_s(deaths: int) -> float:
    """How long an operation rests before it runs where `deaths` processes in a row died over its step: longer each
    time, and never as long as another one. So what died along with the one that kills gets on without it."""
    return random.uniform(0, deaths**2) if deaths > 1 else 0.0  # noqa: S311  no secret hangs on it


async def let_go(executor_id: str, gone: Gone) -> None:
    """What it held beside its operations, as soon as that can be."""
    while await gone(executor_id):  # noqa: ASYNC110  the end of a transaction is told to nobody
        await asyncio.sleep(ONCE_MORE_S)


async def take_over(executor_id: str, *, died: bool, hooks: Mapping[str, AfterDeath], promptly: bool) -> bool:
    """Let the operations of an executor go on. True once it has none left.

    May run twice, even at the same time: an operation is handed on by whoever comes first. What other versions of the
    software have begun stays where it is: `docs/operating/durability.md`.
    """
    left = await engine.pending_of([executor_id])
    ours = [one for one in left if one.workflow in hooks and one.version == APPLICATION_VERSION]
    if ours:
        how = "died with" if died else "left"
        log.warning("executor %s %s %d operation(s): they go on elsewhere", executor_id, how, len(ours))
    limit = asyncio.Semaphore(_AT_ONCE)

    async def one_of_them(pending: Pending) -> None:
        async with limit:
            if died and not await hooks[pending.workflow](pending.operation_id, pending.run):
                await engine.give_up(pending)
            else:
                await engine.hand_on(pending, promptly=promptly)

    async with asyncio.TaskGroup() as all_of_them:
        for pending in ours:
            all_of_them.create_task(one_of_them(pending))
    if len(left) > len(ours):
        log.warning("%d operation(s) of %s wait for other software than this", len(left) - len(ours), executor_id)
    return len(left) == len(ours)
