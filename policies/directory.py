"""Who may call, as this process knows it: the clients of the file, and a copy of the store's clients and keys.

The copy follows the store by a number that every change moves: one small question per second, in every process and
with nobody in between, so a key revoked anywhere is refused everywhere within two seconds. While the store is silent
the copy goes on for a stated time; nobody can revoke anything in that time either, except towards a replica that is
cut off alone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from policies.client_rows import ApiKey, clients_since, count_keys, keys_since, revision_of
from policies.clients import Client, ClientRegistry
from policies.errors import StoreUnavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds. `look_every_s`: how often the store is asked. `answer_s`: a slower answer is none. `gap_s`: an
    unknown key leads to one question in this time, however many name one. `usable_s`: the copy serves this long while
    the store is silent."""

    look_every_s: float = 1.0
    answer_s: float = 0.9
    gap_s: float = 0.1
    usable_s: float = 300.0


class Directory:
    """Clients by id, keys by id. The file's clients come first: what it names, the store cannot change."""

    def __init__(
        self,
        of_file: ClientRegistry,
        store: AsyncEngine,
        *,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._of_file = of_file
        self._of_store: dict[str, Client] = {}
        self._keys: dict[str, ApiKey] = {}
        self._store = store
        self._pace = pace or Pace()
        self._clock = clock
        self._looking = asyncio.Lock()
        self._heard_at = self._looked_at = self._failed_at = float("-inf")
        self._silent = False
        self._reading: asyncio.Task[None] | None = None
        self.revision = -1

    def find(self, client_id: str) -> Client | None:
        """The client, enabled or not. One of the store is not vouched for once the copy is too old."""
        if client := self._of_file.find(client_id):
            return client
        if client := self._of_store.get(client_id):
            self._refuse_if_stale()
        return client

    def is_of_file(self, client_id: str) -> bool:
        return self._of_file.find(client_id) is not None

    def all(self) -> list[Client]:
        """Every client by id, the file's before a namesake of the store."""
        known = self._of_store | {client.client_id: client for client in self._of_file}
        return [known[client_id] for client_id in sorted(known)]

    def key(self, key_id: str) -> ApiKey | None:
        """The key, alive or not; None if the copy has none."""
        if key := self._keys.get(key_id):
            self._refuse_if_stale()
        return key

    async def follow(self) -> None:
        """Look as long as the process lives. Trouble is told once, and its end."""
        while True:
            try:
                await self._look_in_turn()
            except StoreUnavailable:
                if not self._silent:
                    log.warning("clients and keys cannot be followed: the store does not answer")
                self._silent = True
            else:
                if self._silent:
                    log.info("clients and keys are followed again")
                self._silent = False
            await asyncio.sleep(self._pace.look_every_s)

    async def aclose(self) -> None:
        """Give up a look that is under way: its connection is to be closed next."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading}, timeout=self._pace.answer_s)

    async def look_again(self) -> None:
        """What the store says now: a look that began after this call, shared by all who ask meanwhile.

        While the store is silent nobody waits for it here: it is looked at once a second all the same.
        """
        if self._silent:
            raise StoreUnavailable
        await self._look_in_turn()

    async def _look_in_turn(self) -> None:
        asked_at = self._clock()
        async with self._looking:
            if self._looked_at > asked_at:
                return
            if self._failed_at > asked_at:
                raise StoreUnavailable
            await asyncio.sleep(max(0.0, self._looked_at + self._pace.gap_s - self._clock()))
            await self._look()

    async def _look(self) -> None:
        await self._over(self._reading)  # of a caller that went away, or given up before
        began = self._clock()
        self._reading = asyncio.create_task(self._read())
        self._reading.add_done_callback(_seen)
        try:
            await self._over(self._reading)
            self._reading.result()
        except (SQLAlchemyError, OSError):
            self._failed_at = self._clock()
            raise StoreUnavailable from None
        self._looked_at = self._heard_at = began  # what an answer says is as old as the question

    async def _over(self, reading: asyncio.Task[None] | None) -> None:
        """Returns when the reading has ended, well or not; not by a time-out around it, because a driver that is told
        to stop may itself wait for a server that is frozen."""
        if reading is None or reading.done():
            return
        done, _ = await asyncio.wait({reading}, timeout=self._pace.answer_s)
        if not done:
            reading.cancel()
            self._failed_at = self._clock()
            raise StoreUnavailable

    async def _read(self) -> None:
        async with self._store.connect() as connection:
            revision = await revision_of(connection)
            if revision == self.revision:
                return
            # a store restored from yesterday counts anew: then nothing of the copy holds
            since = self.revision if revision > self.revision else -1
            clients, keys = await clients_since(connection, since), await keys_since(connection, since)
            if since >= 0:
                clients, keys = self._of_store | clients, self._keys | keys
                if len(keys) != await count_keys(connection):  # long ended ones were deleted
                    keys = await keys_since(connection, -1)
        self._of_store, self._keys = clients, keys
        self.revision = revision

    def _refuse_if_stale(self) -> None:
        if self._clock() - self._heard_at >= self._pace.usable_s:
            raise StoreUnavailable


def _seen(reading: asyncio.Task[None]) -> None:
    """What went wrong is looked at, also where everybody who waited for it has gone."""
    if not reading.cancelled():
        reading.exception()
