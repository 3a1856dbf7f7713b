"""The durable engine behind a port of our own: start once, step, sleep, wait. DBOS stays inside this file.

What a workflow must know: a finished step is never run again, the step in flight at a crash runs once more. The
engine keeps the results of steps as JSON; the truth about an operation is in our own tables, not in here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, Any, TypeVar

import msgspec
from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID, error
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from process_apis.durable_store import engine_for, hold_alone, quieten
from process_apis.words import new_id

T = TypeVar("T")
Workflow = Callable[[str], Awaitable[None]]
Chore = Callable[[], Awaitable[None]]

APPLICATION = "ordergate"
APPLICATION_VERSION = "1"
"""Which running operations this code can go on with. Raised only by a change that cannot replay the older ones."""
RECOVERIES = 100
"""So many restarts in the middle of one operation mean that the operation brings the process down."""
LOOK_EVERY_S = 2.0
_STOPPED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]

log = logging.getLogger("ordergate.durable")


class WorkflowBroken(Exception):
    """What the engine remembers of an error that no rule foresaw."""


class _Json(Serializer):
    """Checkpoints as JSON: readable, and nothing in the store can make us run code (pickle could)."""

    def serialize(self, data: Any) -> str:
        if isinstance(data, BaseException):
            data = {"$error": f"{type(data).__name__}: {data}"}
        return msgspec.json.encode(data).decode()

    def deserialize(self, serialized_data: str) -> Any:
        data = msgspec.json.decode(serialized_data)
        if isinstance(data, dict) and "$error" in data:
            return WorkflowBroken(data["$error"])
        return data

    def name(self) -> str:
        return "ordergate-json"


class Durable:
    """The engine of one process. Register workflows and chores, then `launch` on the running loop, `close` at the end.

    `alone` says that no other process works on this store: then whatever is unfinished at the start is ours to
    finish. It is always so with SQLite.
    """

    def __init__(self, url: str, *, threads: int = 16, alone: bool | None = None) -> None:
        self._url = url
        self._threads = threads
        self._alone = url.startswith("sqlite") if alone is None else alone
        self.executor_id = new_id("exe")
        self._bodies: dict[str, Workflow] = {}
        self._entries: dict[str, Callable[[str], Coroutine[Any, Any, None]]] = {}
        self._chores: list[tuple[float, Chore]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._bells: dict[str, asyncio.Event] = {}
        self._engine: Engine | None = None
        self._alone_with: IO[str] | None = None
        self._closing = False

    def workflow(self, name: str, body: Workflow) -> None:
        """`body` gets the operation id. It must do the same steps in the same order when it is run again."""
        self._bodies[name] = body

    def every(self, seconds: float, chore: Chore) -> None:
        """Do `chore` at launch and then every so often, for as long as the engine runs."""
        self._chores.append((seconds, chore))

    async def launch(self) -> None:
        """Start, and go on with what an earlier process left behind. Raises StoreTaken if that one still runs."""
        self._alone_with = hold_alone(self._url)
        try:
            await self._launch()
        except BaseException:
            self._let_go()
            raise

    async def _launch(self) -> None:
        quieten("dbos")
        self._closing = False
        self._engine = await asyncio.to_thread(engine_for, self._url, threads=self._threads)
        config: DBOSConfig = {
            "name": APPLICATION,
            "application_version": APPLICATION_VERSION,
            "executor_id": self.executor_id,
            "system_database_engine": self._engine,
            "serializer": _Json(),
            "max_executor_threads": self._threads,
            "notification_listener_polling_interval_sec": 0.25,
            "enable_otlp": False,
            "log_level": "WARNING",
        }
        DBOS(config=config)
        for name, body in self._bodies.items():
            self._entries[name] = _registered(name, self._entry(body))
        DBOS.launch()  # on this thread: it adopts the running loop, so that steps share it with their clients
        if self._alone:
            await self._adopt_orphans()
        for seconds, chore in self._chores:
            task = asyncio.create_task(_repeat(seconds, chore))
            task.add_done_callback(_tell_end)
            self._keep(task)

    async def close(self) -> None:
        """Stop without finishing: what is unfinished goes on at the next launch, from its last finished step."""
        self._closing = True
        running = tuple(self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        with ThreadPoolExecutor(1, thread_name_prefix="durable-close") as aside:
            await asyncio.get_running_loop().run_in_executor(aside, lambda: DBOS.destroy(destroy_registry=True))
        # The engine had put its own pool under asyncio.to_thread; that pool is gone now.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))
        self._let_go()

    def _let_go(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
        if self._alone_with is not None:
            self._alone_with.close()

    async def start_once(self, workflow: str, operation_id: str) -> None:
        """Start it unless it was started before. A failure here loses nothing: the sweep starts it later."""
        try:
            with SetWorkflowID(operation_id):
                await DBOS.start_workflow_async(self._entries[workflow], operation_id)
        except (error.DBOSException, SQLAlchemyError) as trouble:
            log.warning("operation %s is not started yet, the sweep will: %s", operation_id, trouble)

    async def step(self, name: str, body: Callable[[], Awaitable[T]], shape: Any) -> T:
        """Run `body` and remember its result; on a replay the remembered result. `shape` is the type of both."""

        async def remembered() -> Any:
            return msgspec.to_builtins(await body(), str_keys=True)

        # Converted the first time too: whatever a replay could not read back shows at once.
        return msgspec.convert(await DBOS.run_step_async({"name": name}, remembered), shape)  # type: ignore[no-any-return]

    async def sleep(self, seconds: float) -> None:
        """Sleep through restarts: the time that passed while nobody ran counts."""
        await DBOS.sleep_async(seconds)

    async def wait_for_decision(
        self, operation_id: str, look: Callable[[], Awaitable[T | None]], shape: Any, until: datetime
    ) -> T | None:
        """What `look` finds in our tables as soon as it finds something, None at `until`.

        The tables hold the decision, so a lost wake-up costs a moment and no decision.
        """

        async def watch() -> T | None:
            bell = self._bells.setdefault(operation_id, asyncio.Event())
            try:
                while True:
                    bell.clear()
                    found = await look()
                    left = (until - datetime.now(UTC)).total_seconds()
                    if found is not None or left <= 0:
                        return found
                    with suppress(TimeoutError):
                        await asyncio.wait_for(bell.wait(), min(left, LOOK_EVERY_S))
            finally:
                self._bells.pop(operation_id, None)

        return await self.step("awaitDecision", watch, shape)

    def deliver_decision(self, operation_id: str) -> None:
        """Ring: a decision for this operation is in the tables."""
        if bell := self._bells.get(operation_id):
            bell.set()

    async def stopped_among(self, operation_ids: Sequence[str]) -> frozenset[str]:
        """Those whose workflow will do nothing more, whatever the reason."""
        if not operation_ids:
            return frozenset()
        stopped = await DBOS.list_workflows_async(
            workflow_ids=list(operation_ids), status=_STOPPED, load_input=False, load_output=False
        )
        return frozenset(one.workflow_id for one in stopped)

    def _entry(self, body: Workflow) -> Callable[[str], Coroutine[Any, Any, None]]:
        async def enter(operation_id: str) -> None:
            if self._closing:
                raise asyncio.CancelledError
            task = asyncio.current_task()
            if task is not None:
                self._keep(task)
            await body(operation_id)

        return enter

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _adopt_orphans(self) -> None:
        pending = await DBOS.list_workflows_async(
            status="PENDING", app_version=APPLICATION_VERSION, load_input=False, load_output=False
        )
        gone = sorted({one.executor_id for one in pending if one.executor_id} - {self.executor_id})
        if gone:
            log.info("going on with %d operation(s) of %d earlier process(es)", len(pending), len(gone))
            await asyncio.to_thread(DBOS._recover_pending_workflows, gone)


def _registered(
    name: str, entry: Callable[[str], Coroutine[Any, Any, None]]
) -> Callable[[str], Coroutine[Any, Any, None]]:
    return DBOS.workflow(name=name, max_recovery_attempts=RECOVERIES)(entry)


async def _repeat(seconds: float, chore: Chore) -> None:
    while True:
        try:
            await chore()
        except (error.DBOSException, SQLAlchemyError) as trouble:
            log.warning("a chore will be tried again in %s s: %s", seconds, trouble)
        await asyncio.sleep(seconds)


def _tell_end(chore: asyncio.Task[None]) -> None:
    """A chore ends with its engine and never before."""
    if not chore.cancelled() and (broken := chore.exception()):
        log.error("a chore broke and is not done any more", exc_info=broken)
