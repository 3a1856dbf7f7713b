"""Executors on PostgreSQL: each says that it lives, and all watch for one that does not any more.

An executor lives as long as it holds its advisory lock. The lock belongs to a session, and the server ends a session
that says nothing for a while: so the lock goes with a process that is killed at once, and with one that is frozen, cut
off or on a host that lost its power soon after. Only who gets the lock of a dead executor takes over what it had.

Nobody is taken for dead by its lock alone. When the server restarts, all locks go at once; and a session may break at
any time. So the executor must also have been silent for a while, and whoever looks must have had a session of its own
for long enough that all who live are back.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Literal

import psycopg
from sqlalchemy import make_url

from policies.punctual import PunctualConnection
from process_apis.bells import CHANNEL

log = logging.getLogger("ordergate.durable")

BEAT_S = 0.4
SILENT_S = 1.2
"""Three beats missed."""
SESSION_IDLE_MS = 2000
"""After so much silence the server ends a session, and with it the lock."""
SETTLED_S = 4.0
"""How long after a restart of the server, or after our own start, the living have to come back."""
STRAYS_EVERY_S = 10.0
OTHER_SOFTWARE_S = 30.0
ONCE_MORE_S = 1.0
LEAVING_S = 3.0
"""So long a process that ends tries to say so; who says nothing is taken for dead a little later."""
_CONNECT_S = 3
_AGAIN_S = 0.2

TakeOver = Callable[[str, bool], Awaitable[bool]]
"""Hands on what an executor (by id) had; whether it died over it. True if nothing of it is left."""


class Presence:
    """This executor among the others. `opened` before anything runs, `watch` while it does, `leave` afterwards.

    One that runs no operations has nothing to hear and takes nothing over: it only says that it lives.
    """

    def __init__(
        self,
        url: str,
        executor_id: str,
        *,
        take_over: TakeOver | None = None,
        heard: Callable[[str], None] = lambda _said: None,
        back: Callable[[], None] = lambda: None,
    ) -> None:
        self._server = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._executor_id = executor_id
        self._take_over = take_over
        self._heard = heard
        self._back = back
        self._session: psycopg.AsyncConnection[Any] | None = None
        self._settled_at = 0.0
        self._strays_at = 0.0
        self._busy: dict[str, asyncio.Task[bool]] = {}
        self._not_before: dict[str, float] = {}

    async def open(self) -> None:
        """From now on others see us. Raises where the server does not answer."""
        session = await PunctualConnection.connect(
            self._server, autocommit=True, connect_timeout=_CONNECT_S, application_name="ordergate executor"
        )
        try:
            await session.execute("SET synchronous_commit = off")  # a beat that is lost in a crash is not missed
            await session.execute("SELECT pg_advisory_lock(%s)", [lock_key(self._executor_id)])
            if self._take_over is not None:
                await session.execute(f"LISTEN {CHANNEL}")
            await self._enter(session)
        except BaseException:
            await session.close()
            raise
        now = asyncio.get_running_loop().time()
        self._session, self._settled_at, self._strays_at = session, now + SETTLED_S, now + SETTLED_S

    async def watch(self) -> None:
        """Beat, listen, and look after the others, until cancelled. Comes back by itself from any outage."""
        try:
            while True:
                try:
                    await self._live()
                except (psycopg.Error, OSError) as trouble:
                    if self._session is not None:  # said once, not at every attempt to come back
                        log.warning("executor %s lost its session and comes back: %s", self._executor_id, _why(trouble))
                    await self._drop()
                    await asyncio.sleep(_AGAIN_S)
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def leave(self) -> None:
        """What we had is free from now on; nothing of ours runs any more."""
        with suppress(psycopg.Error, OSError, TimeoutError):
            async with asyncio.timeout(LEAVING_S):
                if self._session is None:
                    await self.open()
                if self._session is not None:
                    await self._session.execute(
                        "UPDATE executors SET left_at = clock_timestamp() WHERE executor_id = %s", [self._executor_id]
                    )
        await self._drop()

    async def _live(self) -> None:
        if self._session is None:
            await self.open()
        session = self._session
        if session is None:
            return
        await session.execute(f"SET idle_session_timeout = {SESSION_IDLE_MS}")
        self._back()
        while True:
            async for note in session.notifies(timeout=BEAT_S):
                self._heard(note.payload)
            await self._beat(session)
            if self._take_over is not None:
                await self._end_takeovers(session)
                await self._enter_strays(session)
                await self._look_around(session, self._take_over)

    async def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(psycopg.Error, OSError):
                await session.close()

    async def _enter(self, session: psycopg.AsyncConnection[Any]) -> None:
        await session.execute(
            "INSERT INTO executors (executor_id, lock_key, host, process_id, started_at, seen_at)"
            " VALUES (%s, %s, %s, %s, clock_timestamp(), clock_timestamp())"
            " ON CONFLICT (executor_id) DO UPDATE SET seen_at = excluded.seen_at",
            [self._executor_id, lock_key(self._executor_id), socket.gethostname()[:255], os.getpid()],
        )

    async def _beat(self, session: psycopg.AsyncConnection[Any]) -> None:
        beat = await session.execute(
            "UPDATE executors SET seen_at = clock_timestamp() WHERE executor_id = %s", [self._executor_id]
        )
        if beat.rowcount == 0:  # we were taken for dead, wrongly: what we begin from now on is ours again
            log.warning("executor %s was taken for dead and is back", self._executor_id)
            await self._enter(session)

    async def _look_around(self, session: psycopg.AsyncConnection[Any], take_over: TakeOver) -> None:
        now = asyncio.get_running_loop().time()
        found = await session.execute(
            "SELECT executor_id, lock_key, left_at IS NULL FROM executors WHERE executor_id <> %s"
            " AND (left_at IS NOT NULL OR seen_at < clock_timestamp() - make_interval(secs => %s))",
            [self._executor_id, SILENT_S],
        )
        for executor_id, key, died in await found.fetchall():
            too_early = died and now < self._settled_at
            if too_early or executor_id in self._busy or now < self._not_before.get(executor_id, 0.0):
                continue
            if await _locked(session, key):
                if await _is_still_gone(session, executor_id):
                    self._busy[executor_id] = asyncio.create_task(_run(take_over(executor_id, died)))
                else:
                    await _unlock(session, key)

    async def _end_takeovers(self, session: psycopg.AsyncConnection[Any]) -> None:
        for executor_id in [each for each, task in self._busy.items() if task.done()]:
            went = _outcome(self._busy.pop(executor_id), executor_id)
            if went == "nothing left":
                await session.execute("DELETE FROM executors WHERE executor_id = %s", [executor_id])
            pause_s = 0.0 if went == "nothing left" else ONCE_MORE_S if went == "broke" else OTHER_SOFTWARE_S
            self._not_before[executor_id] = asyncio.get_running_loop().time() + pause_s
            await _unlock(session, lock_key(executor_id))

    async def _enter_strays(self, session: psycopg.AsyncConnection[Any]) -> None:
        """Executors of which only the engine knows: of older software, or back from the dead and dead again. With a row
        they are treated as everybody."""
        now = asyncio.get_running_loop().time()
        if now < self._strays_at:
            return
        self._strays_at = now + STRAYS_EVERY_S
        strays = await session.execute(
            "SELECT DISTINCT executor_id FROM dbos.workflow_status WHERE status = 'PENDING'"
            " AND executor_id NOT IN (SELECT executor_id FROM executors)"
        )
        for (executor_id,) in await strays.fetchall():
            await session.execute(
                "INSERT INTO executors (executor_id, lock_key, host, process_id, started_at, seen_at)"
                " VALUES (%s, %s, 'unknown', 0, clock_timestamp(), clock_timestamp()) ON CONFLICT DO NOTHING",
                [executor_id, lock_key(executor_id)],
            )


def lock_key(executor_id: str) -> int:
    """Of the advisory lock that this executor holds: a 64-bit number, as the server wants it."""
    return int.from_bytes(hashlib.sha256(f"ordergate {executor_id}".encode()).digest()[:8], "big", signed=True)


async def _locked(session: psycopg.AsyncConnection[Any], key: int) -> bool:
    found = await (await session.execute("SELECT pg_try_advisory_lock(%s)", [key])).fetchone()
    return bool(found and found[0])


async def _is_still_gone(session: psycopg.AsyncConnection[Any], executor_id: str) -> bool:
    """Somebody may have been faster, or it may be back: only with its lock in our hands does its row count."""
    still = await session.execute(
        "SELECT 1 FROM executors WHERE executor_id = %s"
        " AND (left_at IS NOT NULL OR seen_at < clock_timestamp() - make_interval(secs => %s))",
        [executor_id, SILENT_S],
    )
    return await still.fetchone() is not None


async def _unlock(session: psycopg.AsyncConnection[Any], key: int) -> None:
    await session.execute("SELECT pg_advisory_unlock(%s)", [key])


async def _run(takeover: Awaitable[bool]) -> bool:
    return await takeover


def _outcome(task: asyncio.Task[bool], executor_id: str) -> Literal["nothing left", "something left", "broke"]:
    if broken := task.exception():
        log.error("what executor %s had is not handed on yet", executor_id, exc_info=broken)
        return "broke"
    return "nothing left" if task.result() else "something left"


def _why(trouble: BaseException) -> str:
    return str(trouble).partition("\n")[0]
