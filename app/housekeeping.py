"""What is kept only for a while, and what is written in batches: the chores of a process beside its calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from policies.audit_seals import Notary, checkpoint
from policies.errors import StoreUnavailable
from policies.idempotency import Ledger
from policies.kept import Kept
from policies.usage import Usage
from process_apis.retention.process import forget

SEAL_EVERY_S = 600.0
FORGET_EVERY_S = 60.0
COUNT_EVERY_S = 30.0
GIVE_BACK_EVERY_S = 1.0

log = logging.getLogger("ordergate.housekeeping")


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """Every replica does all of it: each chore is harmless when another did it a moment ago. Forgetting (`kinds`) is
    done by one of them at a time."""

    engine: AsyncEngine
    ledger: Ledger
    usage: Usage
    notary: Notary
    kinds: Sequence[Kept]
    now: Callable[[], datetime]

    async def seal_now_and_then(self) -> None:
        while True:
            await self._bravely("sealing the audit", self.seal)
            await asyncio.sleep(SEAL_EVERY_S)

    async def forget_now_and_then(self) -> None:
        while True:
            await self._bravely("forgetting what is over", self.forget)
            await asyncio.sleep(FORGET_EVERY_S)

    async def give_back_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(GIVE_BACK_EVERY_S)
            with suppress(StoreUnavailable):  # said when they could not be given back the first time
                await self.ledger.give_back()

    async def count_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(COUNT_EVERY_S)
            await self.write_counts()

    async def write_counts(self) -> None:
        """What was counted, written down; what cannot be written now is kept for the next time."""
        await self._bravely("writing who calls what", self.usage.write)

    async def forget(self) -> None:
        await forget(self.engine, self.kinds, self.now)

    async def seal(self) -> None:
        if mark := await checkpoint(self.engine, self.notary, self.now()):
            # outside the database: whoever keeps the logs can prove that the audit was cut
            log.info("the audit is sealed", extra={"audit_mark": str(mark)})

    async def _bravely(self, what: str, chore: Callable[[], object]) -> None:
        """A chore that fails is one for the next time: it must not end those that come after it."""
        try:
            await chore()  # type: ignore[misc]  # every chore is a coroutine function
        except (StoreUnavailable, SQLAlchemyError) as trouble:
            log.warning("%s has to wait: %s", what, trouble)
