"""What an earlier release left in the middle of everything, this code finishes.

Each file beside this page is a store as a version of the engine's application left it (`record.py`). Where this test is
red, the change at hand cannot go on with running operations: docs/decisions says what it takes to make such a change.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.database import make_engine, migrate
from process_apis.durable_engine import APPLICATION_VERSION
from process_apis.quote_to_order.models import DecisionRequest
from process_apis.quote_to_order.process import decide_operation
from tests.integration.quote_to_order import witness
from tests.integration.quote_to_order.shop import Shop, open_shop
from tests.sandbox import RunningSandbox

HERE = Path(__file__).parent
PLANT = ZoneInfo("America/Los_Angeles")
DAY_OR_MOMENT = re.compile(r"\b20\d\d-\d\d-\d\d(?:[ T]\d\d:\d\d:\d\d(?:\.\d+)?)?")


def left_behind(file: Path, database: Path) -> None:
    """The store as if it had been left just now: what was due in a moment still is, and days to come are to come. They
    move by whole weeks, and a working day stays one: else the plan could not keep what was proposed."""
    text = file.read_text()
    left, now = last_event(text), datetime.now(PLANT)
    days, time = now.date() - left.astimezone(PLANT).date(), now - left
    days += -days % timedelta(weeks=1)

    def moved(found: re.Match[str]) -> str:
        if len(found[0]) == len("2026-11-20"):
            return (date.fromisoformat(found[0]) + days).isoformat()
        return (datetime.fromisoformat(found[0]) + time).isoformat(found[0][10])

    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(DAY_OR_MOMENT.sub(moved, text))


def last_event(text: str) -> datetime:
    """When the last thing happened of which the store knows; what waits for its time lies after it."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(text)
        ((last,),) = connection.execute("SELECT max(time) FROM events").fetchall()
    return datetime.fromisoformat(last).replace(tzinfo=UTC)


async def decide(shop: Shop, operation_id: str) -> None:
    seen = await shop.look(operation_id)
    await decide_operation(
        await shop.caller(if_match=seen.etag),
        DecisionRequest("accept"),
        operation_id=operation_id,
        store=shop.store,
        landscape=shop.landscape,
        durable=shop.durable,
    )


def parked(database: Path) -> dict[str, tuple[str, str]]:
    """State and id of each operation, by quote."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT quote_id, state, operation_id FROM operations").fetchall()
    return {quote_id: (state, operation_id) for quote_id, state, operation_id in rows}


@pytest.mark.parametrize("file", sorted(HERE.glob("parked-*.sql")), ids=lambda file: file.stem)
async def test_operations_parked_by_an_earlier_release_finish(
    tmp_path: Path, fresh_sandbox: RunningSandbox, file: Path
) -> None:
    left_behind(file, tmp_path / "o.db")
    before = parked(tmp_path / "o.db")
    assert sorted(state for state, _ in before.values()) == ["awaitingDecision", "creatingOrder", "validating"]
    store = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'o.db'}")
    await migrate(store)
    await store.dispose()
    async with open_shop(tmp_path / "o.db", fresh_sandbox.urls) as shop:
        await decide(shop, before[fresh_sandbox.quote_id("Q-1001")][1])
        for _, operation_id in before.values():
            assert (await shop.ended(operation_id, within_s=40)).state == "completed"
            assert len(witness.orders_of(fresh_sandbox, operation_id)) == 1


def test_the_version_at_hand_has_its_recording() -> None:
    assert (HERE / f"parked-{APPLICATION_VERSION}.sql").exists()
