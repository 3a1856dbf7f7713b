"""What befalls one order happens one after the other: first the conversion that makes it, then what changes it."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from process_apis.errors import OrderInTheMaking
from process_apis.operation_views import OperationView
from process_apis.quote_to_order.models import ConversionRequest
from process_apis.quote_to_order.process import convert_quote, get_operation
from tests.integration.order_change.counter import SEALS, Counter
from tests.integration.quote_to_order import witness

MORE = {"type": "increaseQuantity", "lineId": "10", "newQuantity": {"value": "9", "unit": "C62"}}


async def begun(counter: Counter, quote: str) -> str:
    wish = msgspec.convert({"customerPo": "PO-1", "onLate": "accept"}, ConversionRequest)
    operation = await convert_quote(
        await counter.caller(),
        wish,
        quote_id=counter.sandbox.quote_id(quote),
        store=counter.store,
        landscape=counter.landscape,
        seals=SEALS,
        durable=counter.durable,
    )
    return operation.operation_id


async def seen(counter: Counter, operation_id: str) -> OperationView:
    return await get_operation(
        await counter.caller(), None, operation_id=operation_id, store=counter.store, landscape=counter.landscape
    )


async def reached(counter: Counter, operation_id: str, *states: str) -> OperationView:
    async with asyncio.timeout(30):
        while True:
            now = await seen(counter, operation_id)
            if now.state in states:
                return now
            await asyncio.sleep(0.03)


async def test_an_order_whose_number_its_conversion_has_not_heard_yet_takes_no_change(counter: Counter) -> None:
    """The order exists, its answer was lost, and nobody can look it up: only its reference says whose it is."""
    counter.sandbox.fault("sap", "dropAfterCommit", method="POST", path="/A_SalesOrder$", count=1)
    blind = counter.sandbox.fault("sap", "unavailable", method="GET", path="PurchaseOrderByShipToParty%20eq")
    operation_id = await begun(counter, "Q-1010")
    async with asyncio.timeout(20):
        while not (made := counter.sandbox.world()["orders"]):  # noqa: ASYNC110  the sandbox has no bell to ring
            await asyncio.sleep(0.05)
    order_id = f"s4-1710.{made[0]['number']}"
    assert (await seen(counter, operation_id)).order_id is None
    with pytest.raises(OrderInTheMaking) as refused:
        await counter.ask(order_id, MORE)
    assert refused.value.operation_id == operation_id
    counter.sandbox.lift(blind)
    assert (await reached(counter, operation_id, "completed")).order_id == order_id
    assert (await counter.ask(order_id, MORE)).state == "proposed"


async def test_a_conversion_that_waits_for_an_operator_still_comes_first(counter: Counter) -> None:
    """Its news may yet be written: written after the change's, they would be the older ones and the last."""
    counter.sandbox.fault("sap", "delay", path="SIMULATION", seconds=1, count=1)
    operation_id = await begun(counter, "Q-1010")
    witness.delete_quote(counter.sandbox, counter.sandbox.quote_id("Q-1010"))
    stuck = await reached(counter, operation_id, "actionRequired")
    assert stuck.order_id is not None
    with pytest.raises(OrderInTheMaking) as refused:
        await counter.ask(stuck.order_id, MORE)
    assert refused.value.operation_id == operation_id


async def test_while_the_plan_is_down_the_days_of_the_conversion_come_before_the_change(counter: Counter) -> None:
    down = counter.sandbox.fault("scheduler", "unavailable", path="/commitments")
    operation_id = await begun(counter, "Q-1001")
    made = await reached(counter, operation_id, "scheduling")
    assert made.order_id is not None
    with pytest.raises(OrderInTheMaking):
        await counter.ask(made.order_id, MORE)
    counter.sandbox.lift(down)
    await reached(counter, operation_id, "completed")
    change = await counter.decide(
        await counter.ask(made.order_id, {**MORE, "newQuantity": {"value": "45", "unit": "C62"}})
    )
    assert change.state == "committed"
    told = [one for one in counter.sandbox.journal("salesforce") if "/composite" in one["path"]]
    by_whom = [one["correlationId"] == made.correlation_id for one in told]
    assert by_whom == sorted(by_whom, reverse=True), "all of the conversion's news, and then the change's"
    assert set(by_whom) == {True, False}
