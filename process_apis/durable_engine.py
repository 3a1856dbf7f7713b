"""The durable engine itself: how DBOS is set up, and the little that we need of it beyond what it publishes.

The version of DBOS is pinned exactly, because of `hand_on` and of the steps; tests say so when those are gone. Its own
way through a step takes two transactions and two threads more than a step needs that is remembered with our rows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

import msgspec
from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID, error
from dbos._context import assert_current_dbos_context, current_owner_xid
from dbos._dbos import _get_dbos_instance
from dbos._sys_db import OperationResultInternal
from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncConnection

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


class Place(NamedTuple):
    """Where a step stands: in which workflow, and as which of its steps."""

    engine_id: str
    number: int
    name: str
    begun_ms: int


def next_place(name: str) -> Place:
    """Of the workflow at work. Drawn once for each step, so that a replay counts the same."""
    here = assert_current_dbos_context().snapshot_step_ctx()
    return Place(here.workflow_id, here.function_id, name, _now_ms())


async def remembered(place: Place) -> str | None:
    """What the step gave before, as JSON. Raises WorkflowBroken where it broke, EngineTrouble where it was given up."""
    looking = _get_dbos_instance()._sys_db.check_operation_execution
    found = await asyncio.to_thread(looking, *place[:3])
    if found is not None and found["error"] is not None:
        raise _Json().deserialize(found["error"])
    return found["output"] if found is not None else None


async def remembered_after_all(place: Place) -> str | None:
    """The same, once it is certain: a commit of ours whose answer was lost may still be under way, for as long as it
    holds the workflow's row. Raises EngineTrouble where somebody else is at the workflow by now."""
    store, owner = _get_dbos_instance()._sys_db, current_owner_xid(place.engine_id)

    def waited() -> None:
        with store.engine.begin() as connection:
            if owner is not None:
                store._check_owner_txn(connection, place.engine_id, owner)

    await asyncio.to_thread(waited)
    return await remembered(place)


async def remember(place: Place, result: str) -> None:
    """From now on a replay gets `result`, as JSON, instead of doing the step. Raises EngineTrouble where somebody else
    is at the workflow by now."""
    await asyncio.to_thread(_get_dbos_instance()._sys_db.record_operation_result, _row(place, result))


async def remember_with(connection: AsyncConnection, place: Place, result: str) -> None:
    """The same in a transaction of ours: the step is remembered if that is committed, and not otherwise."""
    store = _get_dbos_instance()._sys_db
    there = {name: store.engine.get_execution_options().get(name) for name in ("schema_translate_map",)}

    def remembered_there(ours: Connection) -> None:
        ours.execution_options(**there)
        store._record_operation_result_txn(_row(place, result), _now_ms(), ours)
        ours.execution_options(**dict.fromkeys(there))

    await connection.run_sync(remembered_there)


def _row(place: Place, result: str) -> OperationResultInternal:
    return {
        "workflow_uuid": place.engine_id,
        "function_id": place.number,
        "function_name": place.name,
        "started_at_epoch_ms": place.begun_ms,
        "output": result,
        "error": None,
        "serialization": _Json().name(),
        "child_workflow_id": None,
    }


def _now_ms() -> int:
    return int(time.time() * 1000)


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


def _arguments(given: Any) -> tuple[str, int]:
    """Operation id and run. Workflows begun before there were runs name none."""
    operation_id, *run = given["args"]
    return str(operation_id), int(run[0]) if run else 1
