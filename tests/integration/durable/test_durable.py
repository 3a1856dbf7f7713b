"""The engine port on a real file: remembered steps, restarts, wake-ups. One engine per process, so one at a time."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.exc import ArgumentError

from process_apis.durable import Durable
from process_apis.durable_store import StoreTaken, engine_for


class Weighed(Struct, frozen=True):
    amount: Decimal
    day: date
    parts: tuple[str, ...] = ()


WEIGHED = Weighed(Decimal("12.50"), date(2026, 3, 2), ("a",))


@asynccontextmanager
async def launched(
    database: Path, body: Callable[[Durable, str], Awaitable[None]], **bounds: Any
) -> AsyncIterator[Durable]:
    durable = Durable(f"sqlite+aiosqlite:///{database}", **bounds)
    durable.workflow("weigh", lambda operation_id: body(durable, operation_id))
    await durable.launch()
    try:
        yield durable
    finally:
        await durable.close()


async def until(durable: Durable, *operation_ids: str) -> None:
    async with asyncio.timeout(20):
        while await durable.stopped_among(operation_ids) != set(operation_ids):  # noqa: ASYNC110  another thread's news
            await asyncio.sleep(0.02)


async def holds(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not what():  # noqa: ASYNC110  another thread's news
            await asyncio.sleep(0.01)


def kept(database: Path, query: str) -> list[Any]:
    """What the engine has written down."""
    with closing(sqlite3.connect(database, timeout=20)) as connection:
        return connection.execute(query).fetchall()


async def test_a_workflow_runs_once_however_often_it_is_started(tmp_path: Path) -> None:
    runs: list[str] = []

    async def body(durable: Durable, operation_id: str) -> None:
        runs.append(operation_id)

    async with launched(tmp_path / "d.db", body) as durable:
        await asyncio.gather(*(durable.start_once("weigh", "op_1") for _ in range(5)))
        await durable.start_once("weigh", "op_1")
        await until(durable, "op_1")
        await durable.start_once("weigh", "op_1")
    assert runs == ["op_1"]


async def test_after_a_restart_finished_steps_are_remembered_and_the_interrupted_one_runs_again(tmp_path: Path) -> None:
    begun: list[str] = []
    seen: list[Weighed] = []
    hold = asyncio.Event()
    arrived = asyncio.Event()

    async def body(durable: Durable, _operation_id: str) -> None:
        async def first() -> Weighed:
            begun.append("first")
            return WEIGHED

        async def second() -> str:
            begun.append("second")
            arrived.set()
            await hold.wait()
            return "done"

        seen.append(await durable.step("first", first, Weighed))
        await durable.step("second", second, str)

    async with launched(tmp_path / "d.db", body) as durable:
        await durable.start_once("weigh", "op_1")
        await asyncio.wait_for(arrived.wait(), 10)
    hold.set()
    async with launched(tmp_path / "d.db", body) as durable:
        await until(durable, "op_1")
    assert begun == ["first", "second", "second"]
    assert seen == [WEIGHED, WEIGHED]


async def test_time_passes_for_a_sleeper_while_nobody_runs(tmp_path: Path) -> None:
    asleep = asyncio.Event()
    woken: list[datetime] = []

    async def body(durable: Durable, _operation_id: str) -> None:
        asleep.set()
        await durable.sleep(1.5)
        woken.append(datetime.now(UTC))

    async with launched(tmp_path / "d.db", body) as durable:
        await durable.start_once("weigh", "op_1")
        await asyncio.wait_for(asleep.wait(), 10)
        began = datetime.now(UTC)
        await holds(lambda: bool(kept(tmp_path / "d.db", "SELECT 1 FROM operation_outputs")))  # the sleep is recorded
    async with launched(tmp_path / "d.db", body) as durable:
        await until(durable, "op_1")
    assert len(woken) == 1
    assert timedelta(seconds=1.3) < woken[0] - began < timedelta(seconds=5)


async def test_a_decision_is_heard_at_once_and_a_missed_bell_costs_nothing_but_time(tmp_path: Path) -> None:
    table: dict[str, str] = {}
    heard: dict[str, tuple[str | None, datetime]] = {}
    looked: set[str] = set()

    async def body(durable: Durable, operation_id: str) -> None:
        async def look() -> str | None:
            looked.add(operation_id)
            return table.get(operation_id)

        until_when = datetime.now(UTC) + timedelta(seconds=1 if operation_id == "op_late" else 60)
        answer = await durable.wait_for_decision(operation_id, look, str | None, until_when)
        heard[operation_id] = (answer, datetime.now(UTC))

    async with launched(tmp_path / "d.db", body) as durable:
        for operation_id in ("op_rung", "op_silent", "op_late"):
            await durable.start_once("weigh", operation_id)
        await holds(lambda: len(looked) == 3)
        table |= {"op_rung": "accept", "op_silent": "reject"}
        began = datetime.now(UTC)
        durable.deliver_decision("op_rung")
        durable.deliver_decision("op_nobody")
        await until(durable, "op_rung", "op_silent", "op_late")
    assert {name: answer for name, (answer, _) in heard.items()} == {
        "op_rung": "accept",
        "op_silent": "reject",
        "op_late": None,
    }
    assert heard["op_rung"][1] - began < timedelta(seconds=0.5)


async def test_what_no_rule_foresaw_ends_the_workflow_and_is_seen(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def body(durable: Durable, _operation_id: str) -> None:
        async def break_() -> str:
            raise KeyError("nobody thought of this")

        await durable.step("break", break_, str)

    with caplog.at_level(logging.ERROR):
        async with launched(tmp_path / "d.db", body) as durable:
            await durable.start_once("weigh", "op_1")
            await until(durable, "op_1")
    assert "nobody thought of this" in caplog.text


async def test_a_shutdown_is_no_failure(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    arrived = asyncio.Event()

    async def body(durable: Durable, _operation_id: str) -> None:
        async def forever() -> str:
            arrived.set()
            await asyncio.Event().wait()
            return "never"

        await durable.step("forever", forever, str)

    with caplog.at_level(logging.WARNING):
        async with launched(tmp_path / "d.db", body) as durable:
            await durable.start_once("weigh", "op_1")
            await asyncio.wait_for(arrived.wait(), 10)
        assert await asyncio.to_thread(lambda: "the pool of the loop works again") != ""
    assert caplog.text == ""
    engine = engine_for(f"sqlite:///{tmp_path / 'd.db'}", threads=1)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT status FROM workflow_status")) == "PENDING"
    engine.dispose()


async def test_checkpoints_are_json_and_not_pickle(tmp_path: Path) -> None:
    async def body(durable: Durable, _operation_id: str) -> None:
        async def weigh() -> Weighed:
            return WEIGHED

        await durable.step("weigh", weigh, Weighed)

    async with launched(tmp_path / "d.db", body) as durable:
        await durable.start_once("weigh", "op_1")
        await until(durable, "op_1")
    engine = engine_for(f"sqlite:///{tmp_path / 'd.db'}", threads=1)
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT output, serialization FROM operation_outputs")).all()
    engine.dispose()
    assert kept == [('{"amount":"12.50","day":"2026-03-02","parts":["a"]}', "ordergate-json")]


def test_the_clock_of_the_store_counts_milliseconds(tmp_path: Path) -> None:
    engine = engine_for(f"sqlite+aiosqlite:///{tmp_path / 'd.db'}", threads=1)
    with engine.connect() as connection:
        exact = connection.scalar(text("SELECT CAST(unixepoch('subsec') * 1000 AS BIGINT)"))
        counted = connection.scalar(text("SELECT CAST(strftime('%s', 'now') * 1000 AS BIGINT)"))
        fractions = {connection.scalar(text("SELECT strftime('%s', 'now') * 1000")) % 1000 for _ in range(50)}
        builtin = connection.execute(
            text("SELECT strftime('%Y', '2026-03-02'), unixepoch('1970-01-02'), strftime('%s', '1970-01-02')")
        ).one()
        mode = connection.scalar(text("PRAGMA journal_mode"))
    engine.dispose()
    now = datetime.now(UTC).timestamp() * 1000
    assert abs(now - exact) < 2000
    assert abs(now - counted) < 2000
    assert fractions != {0.0}
    assert tuple(builtin) == ("2026", 86400, "86400")
    assert mode == "wal"


@pytest.mark.parametrize("url", ["sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:", "mysql://somewhere/db"])
def test_a_store_that_would_forget_or_is_not_known_is_refused(url: str) -> None:
    with pytest.raises(ArgumentError):
        engine_for(url, threads=1)


async def test_the_engine_speaks_through_our_logger(tmp_path: Path) -> None:
    async def body(durable: Durable, _operation_id: str) -> None: ...

    async with launched(tmp_path / "d.db", body):
        logger = logging.getLogger("dbos")
        assert logger.propagate
        assert [type(handler) for handler in logger.handlers] == [logging.NullHandler]
        assert DBOS.application_version == "1"


async def test_one_file_serves_one_engine(tmp_path: Path) -> None:
    async def body(_durable: Durable, _operation_id: str) -> None: ...

    url = f"sqlite+aiosqlite:///{tmp_path / 'd.db'}"
    async with launched(tmp_path / "d.db", body):
        with pytest.raises(StoreTaken):
            await Durable(url).launch()
    async with launched(tmp_path / "d.db", body):
        """The lock went with its holder."""
