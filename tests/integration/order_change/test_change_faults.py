"""A change survives what neighbours and this process do to it: nothing is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis.errors import NoSourceAnswered
from process_apis.order_change import commit, rows
from process_apis.order_change.models import State
from process_apis.takeover import MOST_TAKEOVERS
from tests.integration.landscape import NOBODY_LISTENS, open_landscape, urls_of
from tests.integration.order_change.counter import Counter, open_counter
from tests.integration.order_change.test_changes import changed_elsewhere, item_of, quantity
from tests.integration.quote_to_order import witness
from tests.sandbox import RunningSandbox


def batches(sandbox: RunningSandbox) -> int:
    return sum(one["path"].endswith("/$batch") for one in sandbox.journal("sap"))


@pytest.mark.parametrize("kind", ["dropAfterCommit", "dropBeforeCommit", "unavailableAfterCommit", "commitLate"])
async def test_a_lost_answer_of_the_erp_is_looked_up(counter: Counter, kind: str) -> None:
    order_id = await counter.convert("Q-1010")
    change = await counter.ask(order_id, quantity("increase", "10", "9"))
    counter.sandbox.fault("sap", kind, path=r"\$batch", count=1, seconds=0.3 if kind == "commitLate" else 0)
    done = await counter.decide(change)
    assert (done.state, done.revision) == ("committed", 1)
    assert item_of(await counter.order(order_id), "TG11").requested.value == 9


async def test_an_applied_change_is_not_sent_again(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    change = await counter.ask(order_id, quantity("increase", "10", "9"))
    before = batches(counter.sandbox)
    counter.sandbox.fault("sap", "dropAfterCommit", path=r"\$batch", count=1)
    assert (await counter.decide(change)).state == "committed"
    assert batches(counter.sandbox) == before + 1


async def test_who_is_overtaken_at_the_last_moment_proposes_anew(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    change = await counter.ask(order_id, quantity("increase", "10", "9"))
    counter.sandbox.fault("sap", "unavailable", path=r"\$batch", count=1)
    accepted = await counter.decide(change, wait_s=None)
    await counter.until(accepted, lambda seen: seen.waiting_for is not None)
    await changed_elsewhere(counter, order_id, "10", 7)
    renewed = await counter.ended(accepted)
    assert (renewed.state, renewed.revision) == ("proposed", 2)
    assert [conflict.system for conflict in renewed.conflicts] == ["erp"]
    assert item_of(await counter.order(order_id), "TG11").requested.value == 7


@pytest.mark.parametrize(
    ("system", "path"), [("sap", r"\$batch"), ("scheduler", "commitments"), ("salesforce", "composite")]
)
async def test_a_neighbour_that_is_down_is_waited_for(counter: Counter, system: str, path: str) -> None:
    order_id = await counter.convert("Q-1001")
    made = item_of(await counter.order(order_id), "FG126")
    change = await counter.ask(order_id, quantity("increase", made.line_id, "60"))
    method = {"scheduler": "PUT"}.get(system, "POST")
    fault = counter.sandbox.fault(system, "unavailable", path=path, method=method)
    accepted = await counter.decide(change, wait_s=None)
    assert accepted.state == "committing"
    waiting = await counter.until(accepted, lambda seen: seen.waiting_for is not None)
    assert (waiting.state, waiting.retry_after_seconds is not None) == ("committing", True)
    counter.sandbox.lift(fault)
    done = await counter.ended(accepted)
    assert (done.state, done.waiting_for) == ("committed", None)
    held = witness.commitments(counter.sandbox, order_id.partition(".")[2])
    assert sum(Decimal(one["quantity"]) for one in held if one["material"] == "FG126") == 50


@pytest.mark.parametrize(("system", "path"), [("sap", r"\$batch"), ("scheduler", "PUT"), ("salesforce", "composite")])
async def test_a_commit_goes_on_after_a_restart(
    tmp_path: Path, fresh_sandbox: RunningSandbox, system: str, path: str
) -> None:
    async with open_counter(tmp_path / "operations.db", fresh_sandbox) as counter:
        order_id = await counter.convert("Q-1001")
        made = item_of(await counter.order(order_id), "FG126")
        change = await counter.ask(order_id, quantity("increase", made.line_id, "60"))
        where = {"method": "PUT"} if path == "PUT" else {"path": path}
        fault = fresh_sandbox.fault(system, "unavailableAfterCommit", **where)
        accepted = await counter.decide(change, wait_s=None)
        await counter.until(accepted, lambda seen: seen.waiting_for is not None)
    fresh_sandbox.lift(fault)
    async with open_counter(tmp_path / "operations.db", fresh_sandbox) as counter:
        assert (await counter.ended(accepted)).state == "committed"
        assert item_of(await counter.order(order_id), "FG126").requested.value == 60
        held = witness.commitments(fresh_sandbox, order_id.partition(".")[2])
        assert sum(Decimal(one["quantity"]) for one in held if one["material"] == "FG126") == 50


async def test_half_a_view_is_not_proposed(counter: Counter) -> None:
    order_id = await counter.convert("Q-1001")
    made = item_of(await counter.order(order_id), "FG126")
    etag = (await counter.order(order_id)).etag
    async with open_landscape(replace(urls_of(counter.sandbox), scheduler=NOBODY_LISTENS)) as landscape:
        counter.landscape = landscape
        with pytest.raises(NoSourceAnswered):
            await counter.ask(order_id, quantity("increase", made.line_id, "60"), etag=etag)


async def test_an_accepted_change_that_never_started_is_started_by_the_sweep(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    change = await counter.ask(order_id, quantity("increase", "10", "9"))
    async with counter.store.begin() as connection:  # as if the process had died right after the decision
        assert await rows.move(connection, change.change_request_id, "committing", change.created_at)
    await commit.sweep(counter.store, counter.durable)
    assert (await counter.ended(change)).state == "committed"


async def test_a_commit_that_breaks_is_brought_to_light(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    change = await counter.ask(order_id, quantity("increase", "10", "9"))
    erp = counter.landscape.erps.pop("s4-1710")  # what no rule foresees: the system is not configured any more
    accepted = await counter.decide(change, wait_s=None)
    async with asyncio.timeout(10):
        while True:
            await commit.sweep(counter.store, counter.durable)
            broken = await counter.look(accepted)
            if broken.state != "committing":
                break
            await asyncio.sleep(0.03)
    counter.landscape.erps["s4-1710"] = erp
    assert (broken.state, [one.code for one in broken.exceptions]) == ("actionRequired", ["operation-broken"])


async def test_a_commit_outlasts_an_outage_of_our_own_store(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody holds the file for longer than a writer waits, when all that is left is to say that it is done."""
    order_id = await counter.convert("Q-1010")
    change = await counter.ask(order_id, quantity("increase", "10", "9"))
    outages = iter([True, True, False])
    move = rows.move

    async def interrupted(connection: AsyncConnection, ident: str, state: State, *more: Any, **changes: Any) -> bool:
        if state == "committed" and next(outages):
            raise OperationalError("UPDATE", {}, Exception("database is locked"))
        return await move(connection, ident, state, *more, **changes)

    monkeypatch.setattr(rows, "move", interrupted)
    done = await counter.decide(change)
    assert (done.state, done.exceptions) == ("committed", ())
    assert caplog.text.count("the operation store does not answer") == 2


@pytest.mark.parametrize(("system", "path", "method"), [("sap", "$batch", "POST"), ("scheduler", "commitments", "PUT")])
async def test_a_commit_that_is_taken_over_writes_nothing_more(
    counter: Counter, system: str, path: str, method: str
) -> None:
    """Another process took the commit while this one was asleep between reading and writing."""
    order_id = await counter.convert("Q-1001")
    made = item_of(await counter.order(order_id), "FG126")
    change = await counter.ask(order_id, quantity("increase", made.line_id, "60"))
    before = counter.writes(system, path, method)
    if system == "scheduler":  # asleep while the plan is asked for the second time, after the new simulation
        counter.sandbox.fault("scheduler", "delay", path="scenarios", seconds=1, skip=1, count=1)
    else:  # asleep while the order is read once more, right before it is changed
        counter.sandbox.fault("sap", "delay", path="A_SalesOrder", method="GET", seconds=1, skip=1, count=1)
    accepted = await counter.decide(change, wait_s=None)
    await counter.asleep()
    async with counter.store.begin() as connection:
        await rows.take_over(connection, change.change_request_id, "exe_another", revision=1, run=1)
    run_id = f"{change.change_request_id}.{accepted.revision}"
    async with asyncio.timeout(20):
        while run_id not in await counter.durable.stopped_among([run_id]):
            await counter.look(change)
    assert counter.writes(system, path, method) == before
    assert (await counter.look(change)).state == "committing"


async def test_a_commit_over_which_too_many_processes_died_is_not_tried_again_and_comes_to_light(
    counter: Counter,
) -> None:
    order_id = await counter.convert("Q-1010")
    change = await counter.ask(order_id, quantity("increase", "10", "9"))
    counter.sandbox.fault("sap", "delay", path="A_SalesOrder", method="GET", seconds=2, count=1)
    before = batches(counter.sandbox)
    accepted = await counter.decide(change, wait_s=None)
    await counter.asleep()
    run_id = f"{change.change_request_id}.1"
    verdicts = [await commit.after_death(counter.store, run_id, 1) for _ in range(MOST_TAKEOVERS + 2)]
    assert verdicts == [True] * MOST_TAKEOVERS + [False, False]
    seen = await counter.look(accepted)
    assert seen.state == "actionRequired"
    assert [one.code for one in seen.exceptions if one.blocking] == ["dead-letter"]
    async with asyncio.timeout(20):
        while run_id not in await counter.durable.stopped_among([run_id]):  # noqa: ASYNC110  another thread's news
            await asyncio.sleep(0.05)
    assert batches(counter.sandbox) == before  # the one that slept found out before it wrote
