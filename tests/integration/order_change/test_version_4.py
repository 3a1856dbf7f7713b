"""Order changes where the ERP serves its orders by OData version 4 only: there a change of several items is no longer
one request, and what gets half way is finished, or told as what it is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
import pytest_asyncio

from process_apis.order_change.models import ChangeRequestView
from tests.integration.neighbours.clients import erp_of
from tests.integration.order_change.counter import Counter, open_counter
from tests.integration.order_change.test_changes import changed_elsewhere, item_of, quantity
from tests.integration.quote_to_order import witness
from tests.sandbox import RunningSandbox

FIRST_ITEM, SECOND_ITEM, MADE_ITEM = (rf"SalesOrderItem\(.*'{item}'" for item in ("10", "20", "30"))


@pytest_asyncio.fixture
async def counter(tmp_path: Path, fresh_sandbox: RunningSandbox) -> AsyncIterator[Counter]:
    async with open_counter(tmp_path / "operations.db", fresh_sandbox, sales_orders="v4") as opened:
        yield opened


def patches(sandbox: RunningSandbox) -> int:
    return sum(one["method"] == "PATCH" and "/odata4/" in one["path"] for one in sandbox.journal("sap"))


async def two_items(counter: Counter) -> tuple[str, ChangeRequestView]:
    """An order with a change of its first two items proposed."""
    order_id = await counter.convert("Q-1001")
    wishes: list[dict[str, Any]] = [quantity("decrease", "10", "39"), quantity("decrease", "20", "99")]
    return order_id, await counter.ask(order_id, *wishes)


async def quantities(counter: Counter, order_id: str) -> list[Decimal]:
    order = await counter.order(order_id)
    return [item.requested.value for item in order.items[:2]]


async def test_a_date_and_a_quantity_are_one_step_and_committed_in_all_three_systems(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    item = item_of(await counter.order(order_id), "TG11")
    assert item.requested_date is not None
    sooner = item.requested_date - timedelta(days=2)
    before = patches(counter.sandbox)
    change = await counter.ask(
        order_id,
        quantity("increase", item.item_id, "8"),
        {"type": "changeDate", "lineId": item.item_id, "newDate": sooner.isoformat()},
    )
    done = await counter.decide(change)
    assert (done.state, done.exceptions) == ("committed", ())
    assert patches(counter.sandbox) == before + 1
    after = item_of(await counter.order(order_id), "TG11")
    assert (after.requested.value, after.requested_date, after.status) == (8, sooner, "confirmed")


async def test_a_cancelled_line_gives_its_capacity_back(counter: Counter) -> None:
    order_id = await counter.convert("Q-1001")
    made = item_of(await counter.order(order_id), "FG126")
    change = await counter.ask(order_id, {"type": "cancelLine", "lineId": made.line_id})
    assert (await counter.decide(change)).state == "committed"
    assert item_of(await counter.order(order_id), "FG126").status == "cancelled"
    held = witness.commitments(counter.sandbox, order_id.partition(".")[2])
    assert [one for one in held if one["material"] == "FG126" and Decimal(one["quantity"]) > 0] == []


@pytest.mark.parametrize(
    "kind", ["dropAfterCommit", "dropBeforeCommit", "unavailableAfterCommit", "commitLate", "locked"]
)
async def test_a_change_that_stops_half_way_is_finished_and_each_item_changed_once(counter: Counter, kind: str) -> None:
    order_id, change = await two_items(counter)
    before = patches(counter.sandbox)
    late = {"seconds": 0.3} if kind == "commitLate" else {}
    counter.sandbox.fault("sap", kind, method="PATCH", path=SECOND_ITEM, count=1, **late)
    done = await counter.decide(change)
    assert (done.state, done.revision, done.exceptions) == ("committed", 1, ())
    assert await quantities(counter, order_id) == [39, 99]
    again = 0 if kind in {"dropAfterCommit", "unavailableAfterCommit"} else 1
    assert before + 2 <= patches(counter.sandbox) <= before + 2 + again


async def test_a_change_that_stops_half_way_goes_on_after_a_restart(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    async with open_counter(tmp_path / "operations.db", fresh_sandbox, sales_orders="v4") as counter:
        order_id, change = await two_items(counter)
        fault = fresh_sandbox.fault("sap", "unavailable", method="PATCH", path=SECOND_ITEM)
        accepted = await counter.decide(change, wait_s=None)
        await counter.until(accepted, lambda seen: seen.waiting_for is not None)
        assert await quantities(counter, order_id) == [39, 100], "half of it"
    fresh_sandbox.lift(fault)
    async with open_counter(tmp_path / "operations.db", fresh_sandbox, sales_orders="v4") as counter:
        done = await counter.ended(accepted)
        assert (done.state, done.revision) == ("committed", 1)
        assert await quantities(counter, order_id) == [39, 99]


async def test_who_changes_the_order_while_a_change_is_half_done_is_not_overwritten(counter: Counter) -> None:
    order_id, change = await two_items(counter)
    fault = counter.sandbox.fault("sap", "unavailable", method="PATCH", path=SECOND_ITEM)
    accepted = await counter.decide(change, wait_s=None)
    await counter.until(accepted, lambda seen: seen.waiting_for is not None)
    await changed_elsewhere(counter, order_id, "30", 49)
    counter.sandbox.lift(fault)
    renewed = await counter.ended(accepted)
    assert (renewed.state, renewed.revision) == ("partiallyCommitted", 1), "the way back ended with the first step"
    assert [(one.code, one.line_id) for one in renewed.exceptions] == [("version-conflict", "20")]
    assert await quantities(counter, order_id) == [39, 100], "what was done stands, and the rest may be asked for anew"
    assert item_of(await counter.order(order_id), "FG126").requested.value == 49


class Unwilling(httpx.AsyncHTTPTransport):
    """The real wire to an ERP that takes no change of the made item."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH" and re.search(MADE_ITEM, unquote(str(request.url))):
            no = {"code": "V1/520", "message": "Quantity is fixed", "@SAP__common.ExceptionCategory": "Client_Error"}
            return httpx.Response(400, json={"error": {**no, "details": []}}, request=request)
        return await super().handle_async_request(request)


async def changed_by(
    wire: Unwilling, tmp_path: Path, sandbox: RunningSandbox
) -> tuple[ChangeRequestView, list[Decimal], list[dict[str, Any]]]:
    """Fewer of the first item and more of the made one, over this wire: the request at its end, what the order wants
    of each item then, and what the plan holds for it."""
    erp = erp_of(sandbox, sales_orders="v4", transport=wire)
    database = tmp_path / "operations.db"
    async with open_counter(
        database, sandbox, lambda usual: replace(usual, erps={"s4-1710": erp}), sales_orders="v4"
    ) as counter:
        order_id = await counter.convert("Q-1001")
        change = await counter.ask(order_id, quantity("decrease", "10", "39"), quantity("increase", "30", "60"))
        done = await counter.decide(change)
        after = [item.requested.value for item in (await counter.order(order_id)).items]
    await erp.aclose()
    return done, after, witness.commitments(sandbox, order_id.partition(".")[2])


async def test_what_the_erp_takes_of_a_change_stands_the_plan_follows_that_and_the_rest_is_told(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    done, after, held = await changed_by(Unwilling(), tmp_path, fresh_sandbox)
    assert sum(Decimal(one["quantity"]) for one in held if one["material"] == "FG126") == 40, "not for 60"
    assert done.state == "partiallyCommitted"
    (told,) = done.exceptions
    assert (told.code, told.line_id, told.blocking) == ("order-refused", "30", True)
    assert told.source_message is not None and told.source_message.code == "V1/520"
    assert after == [39, 100, 50]


class InDozens(Unwilling):
    """An ERP that also makes whole dozens of what is wanted of the first item."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH" and re.search(FIRST_ITEM, unquote(str(request.url))):
            kept = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
            content = request.content.replace(b'"39"', b'"36"')
            request = httpx.Request("PATCH", request.url, headers=kept, content=content)
        return await super().handle_async_request(request)


async def test_a_step_that_the_erp_made_something_else_of_is_not_told_as_nothing_done(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    done, after, held = await changed_by(InDozens(), tmp_path, fresh_sandbox)
    assert after == [36, 100, 50]
    assert done.state == "partiallyCommitted", "an order that is not what it was"
    assert [(one.code, one.line_id) for one in done.exceptions] == [("order-refused", "10"), ("order-refused", "30")]
    assert sum(Decimal(one["quantity"]) for one in held if one["material"] == "FG126") == 40, "not for 60"


async def test_who_stopped_before_it_heard_of_the_first_step_does_not_say_that_nothing_was_changed(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    async with open_counter(tmp_path / "operations.db", fresh_sandbox, sales_orders="v4") as counter:
        order_id, change = await two_items(counter)
        fresh_sandbox.fault("sap", "delay", method="PATCH", path=FIRST_ITEM, count=1, seconds=1.0)
        accepted = await counter.decide(change, wait_s=None)
        await counter.asleep()
    async with open_counter(tmp_path / "operations.db", fresh_sandbox, sales_orders="v4") as counter:
        done = await counter.ended(accepted)
        assert (done.state, done.revision) == ("partiallyCommitted", 1)
        assert [(one.code, one.line_id) for one in done.exceptions] == [("version-conflict", "20")]
        assert await quantities(counter, order_id) == [39, 100]
