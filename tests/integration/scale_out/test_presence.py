"""Presences alone, without an engine: who is taken for dead, and by whom."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from policies.punctual import ANSWER_S, CANCEL_S
from process_apis.executors import LEAVING_S, SETTLED_S, SILENT_S, Presence
from process_apis.words import new_id
from tests.integration.scale_out.toys import Toyshop


class Watcher:
    """A presence that tells whom it took over."""

    def __init__(self, shop: Toyshop, *, nothing_left: bool = True) -> None:
        self.executor_id = new_id("exe")
        self.took: list[tuple[str, bool]] = []
        self.back = asyncio.Event()
        self.presence = Presence(
            shop.server.url, self.executor_id, take_over=self._take, heard=lambda _said: None, back=self.back.set
        )
        self._nothing_left = nothing_left
        self._watching: asyncio.Task[None] | None = None

    async def _take(self, executor_id: str, died: bool) -> bool:
        self.took.append((executor_id, died))
        return self._nothing_left

    async def begin(self) -> None:
        await self.presence.open()
        self.go_on()

    def go_on(self) -> None:
        self._watching = asyncio.create_task(self.presence.watch())

    async def pause(self) -> None:
        """It lives and does nothing for now."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def end(self) -> None:
        await self.pause()
        await self.presence.leave()


@asynccontextmanager
async def watchers(shop: Toyshop, most: int) -> AsyncIterator[list[Watcher]]:
    shop.watchers(1)  # the engine's own tables are there
    ones = [Watcher(shop) for _ in range(most)]
    for one in ones:
        await one.begin()
    try:
        yield ones
    finally:
        for one in ones:
            await one.end()


async def test_who_comes_back_later_than_the_others_after_a_restart_of_the_server_is_not_dead(toyshop: Toyshop) -> None:
    async with watchers(toyshop, 3) as (late, *prompt):
        known = "SELECT executor_id, started_at FROM executors ORDER BY 1"
        before = await asyncio.to_thread(toyshop.rows, known)
        await late.pause()
        for one in prompt:
            one.back.clear()
        await asyncio.to_thread(toyshop.server.stop, "fast")
        await asyncio.to_thread(toyshop.server.start)
        for one in prompt:
            await asyncio.wait_for(one.back.wait(), 10)
        await asyncio.sleep(2 * SILENT_S)  # nothing comes to pass: for so long it is silent, and without its lock
        late.go_on()
        await asyncio.sleep(SETTLED_S)  # nor later
        assert [one.took for one in (late, *prompt)] == [[], [], []]
        assert await asyncio.to_thread(toyshop.rows, known) == before  # nor did the toy take anybody


async def test_a_server_that_is_frozen_is_noticed_and_makes_nobody_dead_when_it_goes_on(
    toyshop: Toyshop, caplog: pytest.LogCaptureFixture
) -> None:
    async with watchers(toyshop, 5) as ones:
        await asyncio.sleep(SETTLED_S + 1)  # from then on they take the silent for dead
        for one in ones:
            one.took.clear()
            one.back.clear()
        toyshop.server.signal(signal.SIGSTOP)
        try:
            async with asyncio.timeout(ANSWER_S + 2):
                while "lost its session" not in caplog.text:  # noqa: ASYNC110  what it says is all that it shows
                    await asyncio.sleep(0.05)
        finally:
            toyshop.server.signal(signal.SIGCONT)
        await asyncio.wait_for(asyncio.gather(*(one.back.wait() for one in ones)), 10)
        await asyncio.sleep(2 * SILENT_S)  # nothing comes to pass
        living = {one.executor_id for one in ones} | {toy.executor_id for toy in toyshop.old}
        assert [who for one in ones for who, _ in one.took if who in living] == []


async def test_a_server_that_is_frozen_holds_nobody_who_leaves(toyshop: Toyshop) -> None:
    async with watchers(toyshop, 1) as (alone,):
        toyshop.server.signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            await alone.end()
            took = time.monotonic() - began
        finally:
            toyshop.server.signal(signal.SIGCONT)
        assert took < LEAVING_S + 2 * CANCEL_S + 1


async def test_who_left_in_peace_is_taken_over_at_once_by_exactly_one(toyshop: Toyshop) -> None:
    async with watchers(toyshop, 3) as (leaving, *others):
        await leaving.end()
        gone = "SELECT 1 FROM executors WHERE executor_id = %s"
        async with asyncio.timeout(5):
            while await asyncio.to_thread(toyshop.rows, gone, leaving.executor_id):  # noqa: ASYNC110  others' news
                await asyncio.sleep(0.01)
        assert (
            sum(who == leaving.executor_id for one in others for who, _ in one.took) <= 1
        )  # the toy may have been faster
