"""The executor of this process: its store, its place among the others, and how it comes and goes.

A SQLite file is in the hands of one process; on PostgreSQL there may be many.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import Engine, make_url

from policies.punctual_sessions import bound_answers
from process_apis import durable_engine as engine
from process_apis.bells import Ring, ring_elsewhere
from process_apis.durable_store import OneFile, engine_for
from process_apis.executors import Presence
from process_apis.takeover import AfterDeath, Gone, let_go, take_over

ANSWER_S = 10.0
"""The longest that the engine waits for the store; then it asks again on another connection, for as long as it takes.
A thread of it that waited for ever for a server that froze, or was unplugged, would never come back."""


class Executor:
    """Opened before anything runs, closed when nothing does any more."""

    def __init__(self, url: str, executor_id: str, threads: int) -> None:
        self._url = url
        self._executor_id = executor_id
        self._threads = threads
        self._store: Engine | None = None
        self._file: OneFile | None = None
        self._presence: Presence | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def hears_others(self) -> bool:
        """Whether other processes can ring in this one."""
        return self._presence is not None

    async def attend(self, *, answer_s: float) -> None:
        """Be seen by the others without running anything: what this process holds when it dies is let go."""
        await self.open_store(answer_s=answer_s)
        if make_url(self._url).get_backend_name() == "postgresql":
            self._presence = Presence(self._url, self._executor_id)
            await self._presence.open()
            self._watching = asyncio.create_task(self._presence.watch())

    async def open_store(self, answer_s: float | None = None) -> None:
        """`answer_s`: the longest that it is waited for, if somebody waits."""
        self._store = await asyncio.to_thread(engine_for, self._url, threads=self._threads)
        if answer_s is not None:
            bound_answers(self._store, answer_s)

    async def open(
        self,
        entries: Mapping[str, engine.Entry],
        after_death: Mapping[str, AfterDeath],
        *,
        heard: Callable[[str], None],
        back: Callable[[], None],
        gone: Gone,
    ) -> dict[str, engine.Entry]:
        """Start, and go on with what others left behind; the entries as the engine takes them. Raises StoreTaken if
        another process works on the file."""
        self._file = OneFile.held(self._url)
        try:
            return await self._open(entries, after_death, heard, back, gone)
        except BaseException:
            await self.leave()
            raise

    async def _open(
        self,
        entries: Mapping[str, engine.Entry],
        after_death: Mapping[str, AfterDeath],
        heard: Callable[[str], None],
        back: Callable[[], None],
        gone: Gone,
    ) -> dict[str, engine.Entry]:
        async def taken_over(executor_id: str, died: bool) -> bool:  # noqa: FBT001  called with what the row says
            nothing_left = await take_over(executor_id, died=died, hooks=after_death, promptly=self.hears_others)
            await let_go(executor_id, gone)
            return nothing_left

        await self.open_store()
        if self._store is None:
            raise LookupError("the store is open by now")
        if self._file is None:
            self._presence = Presence(self._url, self._executor_id, take_over=taken_over, heard=heard, back=back)
            await self._presence.open()
        engine.configure(self._store, self._executor_id, self._threads)
        registered = {name: engine.registered(name, entry) for name, entry in entries.items()}
        await engine.launch(handing_on=self.hears_others)
        bound_answers(self._store, ANSWER_S)  # not before: what the engine does to its tables may take its time
        if self._presence is not None:
            self._watching = asyncio.create_task(self._presence.watch())
        elif self._file is not None:
            await gone(None)  # the file is ours alone
            for executor_id in sorted({one.executor_id for one in await engine.pending_of()} - {self._executor_id}):
                await taken_over(executor_id, not self._file.left_in_peace)
        return registered

    async def close(self) -> None:
        """What is unfinished is free from now on."""
        with ThreadPoolExecutor(1, thread_name_prefix="durable-close") as aside:
            await asyncio.get_running_loop().run_in_executor(aside, engine.destroy)
        # The engine had put its own pool under asyncio.to_thread; that pool is gone now.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))
        if self._file is not None:
            self._file.leave_in_peace()
        await self.leave()

    async def leave(self) -> None:
        if self._watching is not None:  # not earlier: others would take us for dead while the last steps end
            await cancelled({self._watching})
        if self._presence is not None:
            await self._presence.leave()
        self.close_store()
        if self._file is not None:
            self._file.release()

    def close_store(self) -> None:
        if self._store is not None:
            self._store.dispose()

    async def ring_elsewhere(self, ring: Ring) -> None:
        """In every other process that runs operations."""
        if self._store is not None:
            await ring_elsewhere(self._store, ring)


async def cancelled(tasks: set[asyncio.Task[Any]]) -> None:
    """Once all of them are."""
    going = tuple(tasks)
    for task in going:
        task.cancel()
    await asyncio.gather(*going, return_exceptions=True)
