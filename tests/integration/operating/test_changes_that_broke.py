"""A change request whose commit broke: it goes on without doing anything twice, or an operator says how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from process_apis.errors import DecisionNotPossible, RequestFaulty
from process_apis.order_change import commit, rows, writing
from process_apis.order_change.models import ChangeRequestView
from tests.integration.operating.desk import Desk
from tests.integration.order_change.counter import Counter, open_counter
from tests.integration.order_change.test_changes import item_of, quantity
from tests.sandbox import RunningSandbox


@pytest_asyncio.fixture
async def counter(tmp_path: Path, fresh_sandbox: RunningSandbox) -> AsyncIterator[Counter]:
    async with open_counter(tmp_path / "operations.db", fresh_sandbox) as opened:
        yield opened


def desk_of(counter: Counter) -> Desk:
    return Desk(counter.store, counter.landscape, counter.durable)


def batches(sandbox: RunningSandbox) -> int:
    return sum(one["path"].endswith("/$batch") for one in sandbox.journal("sap"))


async def ordered(counter: Counter) -> ChangeRequestView:
    """A proposal to accept: ten more of what is made in-house."""
    order_id = await counter.convert("Q-1001")
    made = item_of(await counter.order(order_id), "FG126")
    return await counter.ask(order_id, quantity("increase", made.line_id, "60"))


async def broken(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, change: ChangeRequestView, *, after_the_erp: bool
) -> ChangeRequestView:
    """Its commit met what no rule foresaw, before or after the ERP was changed."""

    async def unforeseen(*_: object, **__: object) -> None:
        raise RuntimeError("nobody foresaw this")

    with monkeypatch.context() as patched:
        if after_the_erp:
            patched.setattr(writing, "change_schedule", unforeseen)
        else:
            patched.setattr(commit, "recheck", unforeseen)
        accepted = await counter.decide(change, wait_s=None)
        async with asyncio.timeout(30):
            while await counter_look(counter, accepted) == "committing":
                await commit.sweep(counter.store, counter.durable)
                await asyncio.sleep(0.05)
    assert await counter_look(counter, accepted) == "actionRequired"
    return accepted


async def counter_look(counter: Counter, change: ChangeRequestView) -> str:
    return (await desk_of(counter).show(change.change_request_id)).state


@pytest.mark.parametrize("after_the_erp", [False, True])
async def test_a_retry_commits_it_once(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, *, after_the_erp: bool
) -> None:
    proposed = await ordered(counter)
    before = batches(counter.sandbox)
    change = await broken(counter, monkeypatch, proposed, after_the_erp=after_the_erp)
    desk, ident = desk_of(counter), change.change_request_id
    (stuck,) = await desk.listed(state="actionRequired")
    assert (stuck.operation_id, stuck.kind, stuck.owner, stuck.open_exceptions) == (
        ident,
        "orderChange",
        "operations",
        1,
    )
    resumed = await desk.retry(ident)
    assert (resumed.state, resumed.run) == ("committing", 2)
    done = await counter.ended(change)
    assert (done.state, done.revision) == ("committed", 1)
    assert batches(counter.sandbox) == before + 1
    assert item_of(await counter.order(change.order_id), "FG126").requested.value == 60
    assert [one.state for one in done.exceptions] == ["resolved"]
    assert await desk.audited(ident) == [("operation.retry", "operator", "token:desk", "it was tried again")]
    with pytest.raises(DecisionNotPossible):
        await desk.retry(ident)


async def test_nobody_says_that_nothing_was_done_while_the_erp_shows_that_it_was(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = await broken(counter, monkeypatch, await ordered(counter), after_the_erp=True)
    desk = desk_of(counter)
    with pytest.raises(RequestFaulty, match="is what the change wanted"):
        await desk.resolve(change.change_request_id, "notDone")
    with pytest.raises(RequestFaulty, match="one of doneByHand, notDone"):
        await desk.resolve(change.change_request_id, "noOrder")
    closed = await desk.resolve(change.change_request_id, "doneByHand")
    assert (closed.state, [one.state for one in closed.exceptions]) == ("committed", ["resolved"])
    assert [one.subject for one in await desk.events("order.change.committed")] == [change.change_request_id]


async def test_a_change_of_which_nothing_was_done_is_ended_and_makes_room_for_the_next(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = await broken(counter, monkeypatch, await ordered(counter), after_the_erp=False)
    ended = await desk_of(counter).resolve(change.change_request_id, "notDone")
    assert ended.state == "failed"
    made = item_of(await counter.order(change.order_id), "FG126")
    assert made.requested.value == 50
    again = await counter.ask(change.order_id, quantity("increase", made.line_id, "55"))
    assert (await counter.decide(again)).state == "committed"


async def test_a_proposal_that_is_turned_down_takes_its_exceptions_along(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    made = item_of(await counter.order(order_id), "TG11")
    change = await counter.ask(order_id, quantity("increase", made.line_id, "7.5"))
    desk = desk_of(counter)
    (shown,) = change.exceptions
    assert [one.plant for one in await desk.exceptions()] == ["1710"]
    assert [one.action for one in shown.remediation] == ["decide", "readChangeRequest"]
    await counter.decide(change, "reject")
    assert {one.state for one in await desk.exceptions(state="any", subject_id=change.change_request_id)} == {"waived"}


async def test_a_proposal_that_nobody_took_expires_with_its_exceptions(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    made = item_of(await counter.order(order_id), "TG11")
    change = await counter.ask(order_id, quantity("increase", made.line_id, "7.5"))
    desk = desk_of(counter)
    async with counter.store.begin() as connection:
        await rows.expire_due(connection, order_id, change.expires_at + timedelta(seconds=1))
    assert {one.state for one in await desk.exceptions(state="any", subject_id=change.change_request_id)} == {"expired"}
