"""What is kept only for a while, and what is written in batches: the chores of a process beside its calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from policies.audit_seals import Notary, checkpoint, purge
from policies.errors import StoreUnavailable
from policies.idempotency import Ledger
from policies.key_purge import purge_keys
from policies.usage import Usage

TIDY_EVERY_S = 600.0
COUNT_EVERY_S = 30.0

log = logging.getLogger("ordergate.housekeeping")


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """Every replica does all of it: each chore is harmless when another did it a moment ago."""

    engine: AsyncEngine
    ledger: Ledger
    usage: Usage
    notary: Notary
    audit_kept: timedelta
    ended_keys_kept: timedelta
    now: Callable[[], datetime]

    async def tidy_now_and_then(self) -> None:
        while True:
            await self._bravely("tidying up", self.tidy)
            await asyncio.sleep(TIDY_EVERY_S)

    async def count_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(COUNT_EVERY_S)
            await self.write_counts()

    async def write_counts(self) -> None:
        """What was counted, written down; what cannot be written now is kept for the next time."""
        await self._bravely("writing who calls what", self.usage.write)

    async def tidy(self) -> None:
        now = self.now()
        await self.ledger.purge()
        await self.usage.purge(now.date())
        await purge_keys(self.engine, now - self.ended_keys_kept)
        if mark := await checkpoint(self.engine, self.notary, now):
            # outside the database: whoever keeps the logs can prove that the audit was cut
            log.info("the audit is sealed", extra={"audit_mark": str(mark)})
        await purge(self.engine, self.notary, now - self.audit_kept, now)  # a part of it; the rest another time

    async def _bravely(self, what: str, chore: Callable[[], object]) -> None:
        """A chore that fails is one for the next time: it must not end those that come after it."""
        try:
            await chore()  # type: ignore[misc]  # every chore is a coroutine function
        except (StoreUnavailable, SQLAlchemyError) as trouble:
            log.warning("%s has to wait: %s", what, trouble)
