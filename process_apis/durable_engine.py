"""The durable engine itself: how DBOS is set up, and the little that we need of it beyond what it publishes.

The version of DBOS is pinned exactly, because of `hand_on`; a test says so when that is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID, error
from dbos._dbos import _get_dbos_instance
from sqlalchemy import Engine

from process_apis.durable_store import quieten

EngineTrouble = error.DBOSException
Entry = Callable[..., Coroutine[Any, Any, None]]

APPLICATION = "ordergate"
APPLICATION_VERSION = "1"
"""Which running operations this code can go on with. Raised only by a change that cannot replay the older ones:
docs/decisions/0009-operations-across-versions.md."""
HANDED_ON = "ordergate-handed-on"
"""The engine's queue of operations that another process began."""
HANDED_ON_EVERY_S = 0.25
_INTERNAL_QUEUE = "_dbos_internal_queue"  # read once a second, on SQLite too
_STOPPED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


class WorkflowBroken(Exception):
    """What the engine remembers of an error that no rule foresaw."""


class Pending(NamedTuple):
    """A workflow that some executor has begun and not ended."""

    engine_id: str
    workflow: str
    operation_id: str
    run: int
    executor_id: str
    version: str


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


def configure(store: Engine, executor_id: str, threads: int) -> None:
    """Make the one engine of this process. Nothing runs yet."""
    quieten("dbos")
    config: DBOSConfig = {
        "name": APPLICATION,
        "application_version": APPLICATION_VERSION,
        "executor_id": executor_id,
        "system_database_engine": store,
        "serializer": _Json(),
        "max_executor_threads": threads,
        "notification_listener_polling_interval_sec": 0.25,
        "enable_otlp": False,
        "log_level": "WARNING",
    }
    DBOS(config=config)


def registered(name: str, entry: Entry) -> Entry:
    """The engine's own count of recoveries is off: it knows neither whose fault a restart was nor what came of it."""
    return DBOS.workflow(name=name, max_recovery_attempts=None)(entry)


async def launch(*, handing_on: bool) -> None:
    """On this thread: the engine adopts the running loop, so that steps share it with their clients."""
    DBOS.launch()
    if handing_on:
        # Without a limit: what waits for people or neighbours would take up the places of what could go on.
        await DBOS.register_queue_async(HANDED_ON, polling_interval_sec=HANDED_ON_EVERY_S)


def destroy() -> None:
    """Not on the loop: it waits for its threads. Those that wait for a store that is away stop waiting for it, or the
    process would not end before the store is back."""
    if (store := _get_dbos_instance()._sys_db_field) is not None:
        store._retry_connection_errors = False
    DBOS.destroy(destroy_registry=True)


async def start(entry: Entry, engine_id: str, operation_id: str, run: int) -> None:
    """Unless it was started before, by whomever."""
    with SetWorkflowID(engine_id):
        await DBOS.start_workflow_async(entry, operation_id, run)


async def step(name: str, body: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """What `body` gives, as JSON has it, or what it gave the first time."""
    return await DBOS.run_step_async({"name": name}, body)


def step_number() -> int:
    """Of the step at work."""
    number = DBOS.step_id
    if number is None:
        raise LookupError("no step is at work")
    return number


async def sleep(seconds: float) -> None:
    """Until that long after the first time it was asked."""
    await DBOS.sleep_async(seconds)


async def pending_of(executor_ids: Sequence[str] | None = None) -> list[Pending]:
    """What these executors (all, for None) have begun and not ended, the oldest first."""
    found = await DBOS.list_workflows_async(
        status="PENDING",
        executor_id=None if executor_ids is None else list(executor_ids),
        load_output=False,
    )
    return [
        Pending(one.workflow_id, one.name, *_arguments(one.input), one.executor_id or "", one.app_version or "")
        for one in found
        if one.input is not None
    ]


async def stopped_among(engine_ids: Sequence[str]) -> frozenset[str]:
    """Those whose workflow will do nothing more, whatever the reason."""
    if not engine_ids:
        return frozenset()
    stopped = await DBOS.list_workflows_async(
        workflow_ids=list(engine_ids), status=_STOPPED, load_input=False, load_output=False
    )
    return frozenset(one.workflow_id for one in stopped)


async def hand_on(pending: Pending, *, promptly: bool) -> None:
    """Let any executor go on with it, unless somebody does already: exactly one will, and the one who had it can
    write no checkpoint any more.

    Not the published `resume`: that would also take a workflow away from an executor that has just begun it.
    """
    queue = HANDED_ON if promptly else _INTERNAL_QUEUE
    engine = _get_dbos_instance()._sys_db
    await asyncio.to_thread(engine.reenqueue_for_recovery, pending.engine_id, [pending.executor_id], queue)


async def give_up(pending: Pending) -> None:
    """It is not run again."""
    await DBOS.cancel_workflow_async(pending.engine_id)


async def forget(before: datetime, most: int = 500) -> int:
    """Drop what the engine remembers of workflows that ended before then; how many. Our own tables keep theirs."""
    ended = await DBOS.list_workflows_async(
        status=_STOPPED, completed_before=before.isoformat(), limit=most, load_input=False, load_output=False
    )
    if ended:
        await DBOS.delete_workflows_async([one.workflow_id for one in ended])
    return len(ended)


def _arguments(given: Any) -> tuple[str, int]:
    """Operation id and run. Workflows begun before there were runs name none."""
    operation_id, *run = given["args"]
    return str(operation_id), int(run[0]) if run else 1
