"""The pull feed on both stores: where to go on from is the caller's to say, whatever it says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from process_apis.caller import Caller
from process_apis.errors import RequestFaulty
from process_apis.outbox import list_events
from process_apis.tables import metadata
from system_apis.deadline import Deadline
from tests.integration.landscape import NORTH
from tests.postgres import postgres  # noqa: F401  a fixture


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    on_file = request.param == "sqlite"
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{tmp_path / 'events.db'}" if on_file else request.getfixturevalue("postgres")
    )
    async with engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


@pytest.mark.parametrize("after", ["evt_01KAJ0000000000000000000000", "x", "\x00", "evt_\x00", "\ufffd", "🙂"])
async def test_an_event_that_nobody_knows_is_a_fault_of_the_call(store: AsyncEngine, after: str) -> None:
    with pytest.raises(RequestFaulty) as refused:
        await list_events(Caller(NORTH, "corr", Deadline.after(5)), None, store=store, after=after)
    assert [fault.code for fault in refused.value.faults] == ["unknown-event"]
