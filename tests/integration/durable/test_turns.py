"""Who may act for an operation, how much is done at once, and what an execution that may not act leaves behind."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from app.database import make_engine
from process_apis import durable_engine as engine
from process_apis.durable import Durable
from process_apis.retention.checkpoints import purge_checkpoints
from process_apis.takeover import rest_s
from process_apis.turns import Superseded, engine_id
from tests.integration.durable.test_durable import holds, kept, launched, until
from tests.purging import purged

NEVER = datetime.max.replace(tzinfo=UTC)


async def test_an_execution_that_was_superseded_leaves_no_trace_of_the_step(tmp_path: Path) -> None:
    async def body(durable: Durable, _operation_id: str) -> None:
        async def first() -> str:
            return "done"

        async def second() -> str:
            raise Superseded("another one acts")

        await durable.step("first", first, str)
        await durable.step("second", second, str)

    async with launched(tmp_path / "d.db", body) as durable:
        await durable.start_once("weigh", "op_1")
        await until(durable, "op_1")
    assert kept(tmp_path / "d.db", "SELECT function_name FROM operation_outputs") == [("first",)]


async def test_two_executions_of_one_operation_in_one_process_are_told_apart_and_the_first_writes_nothing_more(
    tmp_path: Path,
) -> None:
    """As after a freeze: another process took it over and died, and this one took it back."""
    tokens: list[str] = []
    go, done = asyncio.Event(), asyncio.Event()

    async def body(durable: Durable, _operation_id: str) -> None:
        token = durable.turn().token
        tokens.append(token)

        async def work() -> str:
            if token == tokens[0]:
                await go.wait()
                return "of the first"
            await done.wait()
            return "of the second"

        await durable.step("work", work, str)

    async with launched(tmp_path / "d.db", body) as durable:
        await durable.start_once("weigh", "op_1")
        await holds(lambda: len(tokens) == 1)
        (pending,) = await engine.pending_of([durable.executor_id])
        await engine.hand_on(pending, promptly=False)
        await holds(lambda: len(tokens) == 2)
        go.set()  # the first one wakes up, while the second is at work
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(until(durable, "op_1"), 1)
        assert kept(tmp_path / "d.db", "SELECT output FROM operation_outputs") == []
        done.set()
        await until(durable, "op_1")
    assert len(set(tokens)) == 2
    assert all(token.startswith(f"{durable.executor_id}.") for token in tokens)
    assert kept(tmp_path / "d.db", "SELECT output FROM operation_outputs") == [('"of the second"',)]


async def test_a_later_run_is_another_one_for_the_engine_and_the_same_operation_for_its_body(tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []

    async def body(durable: Durable, operation_id: str) -> None:
        seen.append((operation_id, durable.turn().run))

    async with launched(tmp_path / "d.db", body) as durable:
        await durable.start_once("weigh", "op_1")
        await durable.start_once("weigh", "op_1", run=2)
        await durable.start_once("weigh", "op_1", run=2)
        await until(durable, "op_1", engine_id("op_1", 2))
    assert sorted(seen) == [("op_1", 1), ("op_1", 2)]
    assert engine_id("op_1", 2) == "op_1.2"


async def test_no_more_steps_are_done_at_once_than_there_are_hands_and_who_waits_for_people_needs_none(
    tmp_path: Path,
) -> None:
    at_it: set[str] = set()
    most = 0
    waiting: set[str] = set()

    async def body(durable: Durable, operation_id: str) -> None:
        async def ask() -> str | None:
            waiting.add(operation_id)
            return "accept" if len(waiting) == 4 else None

        async def work() -> None:
            nonlocal most
            at_it.add(operation_id)
            most = max(most, len(at_it))
            await asyncio.sleep(0.05)
            at_it.remove(operation_id)

        if operation_id.startswith("asks"):
            await durable.wait_for_decision(operation_id, ask, str | None, NEVER)
        await durable.step("work", work, None)

    async with launched(tmp_path / "d.db", body, at_once=2) as durable:
        asking = [f"asks_{n}" for n in range(3)]
        working = [f"op_{n}" for n in range(8)]
        for operation_id in (*asking, *working):
            await durable.start_once("weigh", operation_id)
        await until(durable, *working)  # though three others wait, and there are two hands
        waiting.add("somebody decided")
        for operation_id in asking:
            durable.deliver_decision(operation_id)
        await until(durable, *asking)
    assert most == 2


async def test_a_process_begins_no_more_operations_than_it_has_room_for(tmp_path: Path) -> None:
    go = asyncio.Event()
    begun: list[str] = []

    async def body(_durable: Durable, operation_id: str) -> None:
        begun.append(operation_id)
        await go.wait()

    async with launched(tmp_path / "d.db", body, most_held=2) as durable:
        for n in range(3):
            await durable.start_once("weigh", f"op_{n}")
            await holds(lambda n=n: len(begun) == min(n + 1, 2))  # type: ignore[misc]  # bound on purpose
        assert durable.room == 0
        go.set()
        await until(durable, "op_0", "op_1")
        await holds(lambda: durable.room == 2)
        await durable.start_once("weigh", "op_2")  # as the sweep does
        await until(durable, "op_2")


async def test_a_process_that_begins_nothing_goes_on_with_what_was_begun(tmp_path: Path) -> None:
    seen: list[str] = []

    async def body(durable: Durable, operation_id: str) -> None:
        seen.append(operation_id)
        await durable.step("forever", asyncio.Event().wait, bool)

    async with launched(tmp_path / "d.db", body) as durable:
        await durable.start_once("weigh", "op_begun")
        await holds(lambda: seen == ["op_begun"])
    async with launched(tmp_path / "d.db", body, most_held=0) as durable:
        await durable.start_once("weigh", "op_new")
        await holds(lambda: seen == ["op_begun", "op_begun"])
        assert [one.operation_id for one in await engine.pending_of()] == ["op_begun"]


async def test_a_step_in_flight_may_end_when_the_process_goes_and_the_next_one_is_not_begun(tmp_path: Path) -> None:
    arrived = asyncio.Event()
    done: list[str] = []

    async def body(durable: Durable, _operation_id: str) -> None:
        async def slow() -> None:
            arrived.set()
            await asyncio.sleep(0.3)
            done.append("slow")

        async def after() -> None:
            done.append("after")

        await durable.step("slow", slow, None)
        await durable.step("after", after, None)

    async with launched(tmp_path / "d.db", body, drain_s=10) as durable:
        await durable.start_once("weigh", "op_1")
        await asyncio.wait_for(arrived.wait(), 10)
    assert done == ["slow"]
    async with launched(tmp_path / "d.db", body) as durable:
        await until(durable, "op_1")
    assert done == ["slow", "after"]


async def test_only_a_process_that_dies_is_counted_and_one_that_goes_in_peace_is_not(tmp_path: Path) -> None:
    database = tmp_path / "d.db"
    deaths: list[str] = []

    async def body(durable: Durable, _operation_id: str) -> None:
        await durable.step("forever", asyncio.Event().wait, bool)

    async def died(operation_id: str, _run: int) -> bool:
        deaths.append(operation_id)
        return len(deaths) < 2

    def fresh() -> Durable:
        durable = Durable(f"sqlite+aiosqlite:///{database}")
        durable.workflow("weigh", lambda operation_id: body(durable, operation_id), after_death=died)
        return durable

    async with launched(database, body) as durable:
        await durable.start_once("weigh", "op_1")
        await holds(lambda: durable.room < 500)
    for expected in (0, 1, 2):
        if expected:  # as kill -9 leaves it
            (tmp_path / "d.db.lock").write_text("at work\n")
        durable = fresh()
        await durable.launch()
        assert len(deaths) == expected
        if expected < 2:
            await holds(lambda: durable.room < 500)  # noqa: B023  looked at right here
        else:
            assert await durable.stopped_among(["op_1"]) == {"op_1"}  # given up: it is not run again
        await durable.close()


def test_what_died_along_with_the_one_that_kills_is_not_run_again_at_the_same_moment() -> None:
    assert [rest_s(deaths) for deaths in (0, 1)] == [0, 0]
    assert len({rest_s(3) for _ in range(20)}) > 10
    assert all(0 <= rest_s(deaths) <= deaths**2 for deaths in range(2, 6) for _ in range(50))


async def test_the_engine_has_few_threads_and_phones_nobody(tmp_path: Path) -> None:
    async def body(_durable: Durable, _operation_id: str) -> None: ...

    async with launched(tmp_path / "d.db", body, threads=3):
        dbos = engine._get_dbos_instance()
        assert dbos._executor._max_workers == 3
        assert dbos.conductor_websocket is None
        assert not any("CONDUCTOR" in name for name in os.environ)


async def test_the_engine_forgets_what_ended_long_ago(tmp_path: Path) -> None:
    async def quick(durable: Durable, operation_id: str) -> None:
        async def work() -> str:
            return operation_id

        await durable.step("work", work, str)
        if operation_id == "op_on":
            await durable.step("forever", asyncio.Event().wait, bool)

    database = tmp_path / "d.db"
    async with launched(database, quick) as durable:
        for operation_id in ("op_1", "op_2", "op_on"):
            await durable.start_once("weigh", operation_id)
        await until(durable, "op_1", "op_2")
        store, forget = make_engine(f"sqlite+aiosqlite:///{database}"), partial(purge_checkpoints, None)
        assert await purged(store, forget, datetime.now(UTC) - timedelta(days=7)) == 0
        assert await durable.stopped_among(["op_1", "op_2"]) == {"op_1", "op_2"}
        assert await purged(store, forget, datetime.now(UTC) + timedelta(days=1)) == 2
        await store.dispose()
        assert await durable.stopped_among(["op_1", "op_2"]) == frozenset()
        assert kept(database, "SELECT workflow_uuid FROM workflow_status") == [("op_on",)]


async def test_what_another_version_of_the_software_began_is_left_to_that_version(tmp_path: Path) -> None:
    seen: list[str] = []

    async def body(durable: Durable, operation_id: str) -> None:
        seen.append(operation_id)
        await durable.step("forever", asyncio.Event().wait, bool)

    async with launched(tmp_path / "d.db", body) as durable:
        for operation_id in ("op_old", "op_ours"):
            await durable.start_once("weigh", operation_id)
        await holds(lambda: len(seen) == 2)
    with closing(sqlite3.connect(tmp_path / "d.db")) as connection, connection:
        connection.execute("UPDATE workflow_status SET application_version = '0' WHERE workflow_uuid = 'op_old'")
    seen.clear()
    async with launched(tmp_path / "d.db", body) as durable:
        await holds(lambda: seen == ["op_ours"])
        assert {(one.operation_id, one.version) for one in await engine.pending_of()} == {
            ("op_old", "0"),
            ("op_ours", "1"),
        }
