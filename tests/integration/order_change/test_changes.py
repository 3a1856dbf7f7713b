"""A change is simulated, proposed, decided, and then seen in all three systems."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from policies.errors import NotVisible
from process_apis.errors import (
    ChangeRequestOpen,
    DecisionNotPossible,
    OrderInTheMaking,
    RequestFaulty,
    VersionStale,
)
from process_apis.operation_views import OperationView
from process_apis.order_change.models import ChangeRequestView
from process_apis.order_change.tables import change_requests
from process_apis.orders.models import ItemView, OrderView
from process_apis.outbox import list_events
from process_apis.quote_to_order.models import ConversionRequest
from process_apis.quote_to_order.process import convert_quote, get_operation
from system_apis.deadline import Deadline
from system_apis.sap.models import ItemChange, OrderPatch
from tests.integration.landscape import NORTH, SOUTH, caller
from tests.integration.order_change.counter import SEALS, Counter
from tests.integration.quote_to_order import witness


def quantity(kind: str, line: str | None, value: str, unit: str = "C62") -> dict[str, Any]:
    return {"type": f"{kind}Quantity", "lineId": line, "newQuantity": {"value": value, "unit": unit}}


def item_of(order: OrderView, product: str) -> ItemView:
    return next(item for item in order.items if item.product == product)


async def changed_elsewhere(counter: Counter, order_id: str, item: str, value: int) -> None:
    """As a clerk would, in SAP."""
    erp, number = counter.landscape.erps["s4-1710"], order_id.partition(".")[2]
    held = await erp.read_order(number, deadline=Deadline.after(5))
    change = ItemChange(item, quantity=Decimal(value), unit="C62")
    await erp.change_order(OrderPatch(number, held.etag, (change,)), deadline=Deadline.after(5))


async def test_more_of_a_made_item_is_seen_in_all_three_systems(counter: Counter) -> None:
    order_id = await counter.convert("Q-1001")
    number = order_id.partition(".")[2]
    before = await counter.order(order_id)
    made = item_of(before, "FG126")
    change = await counter.ask(order_id, quantity("increase", made.line_id, "60"))
    assert change.state == "proposed"
    (line,) = change.proposal.lines
    assert (line.current.confirmed_quantity.value, line.proposed.confirmed_quantity.value) == (50, 60)
    assert (line.lost, change.proposal.acceptable) == ((), True)
    assert item_of(await counter.order(order_id), "FG126") == made, "a proposal changes nothing"

    done = await counter.decide(change)
    assert (done.state, done.exceptions) == ("committed", ())
    reference = (await counter.landscape.erps["s4-1710"].read_order(number, deadline=Deadline.after(5))).reference
    (order,) = witness.orders_of(counter.sandbox, reference)
    assert {item["Material"]: item["RequestedQuantity"] for item in order["to_Item"]["results"]}["FG126"] == "60"
    held = witness.commitments(counter.sandbox, number)
    assert sum(Decimal(one["quantity"]) for one in held if one["material"] == "FG126") == 50
    after = await counter.order(order_id)
    assert (item_of(after, "FG126").status, item_of(after, "FG126").confirmed_quantity.value) == ("confirmedLate", 60)
    told = witness.quote_line(counter.sandbox, str(made.line_id))
    assert (told["Confirmed_Quantity__c"], told["Confirmed_Date__c"]) == (
        60,
        str(line.proposed.schedule[-1].delivery_date),
    )


async def test_an_earlier_date_and_more_quantity_in_one_change(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    item = item_of(await counter.order(order_id), "TG11")
    assert item.requested_date is not None
    sooner = item.requested_date - timedelta(days=2)
    wish = (
        quantity("increase", item.item_id, "8"),
        {"type": "changeDate", "lineId": item.item_id, "newDate": sooner.isoformat()},
    )
    change = await counter.ask(order_id, *wish, mode="commitIfClean")
    assert (change.state, change.proposal.clean, change.decision) == ("committed", True, "accept")
    after = item_of(await counter.order(order_id), "TG11")
    assert (after.requested.value, after.requested_date, after.status) == (8, sooner, "confirmed")


async def test_a_later_date_shows_the_confirmation_that_would_be_given_up(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    item = item_of(await counter.order(order_id), "TG11")
    assert item.requested_date is not None
    later = item.requested_date + timedelta(days=20)
    change = await counter.ask(order_id, {"type": "changeDate", "lineId": item.item_id, "newDate": later.isoformat()})
    (line,) = change.proposal.lines
    assert [(one.quantity.value, one.delivery_date) for one in line.lost] == [(5, item.requested_date)]
    assert line.days_later == 20
    assert change.proposal.clean, "it was asked for"


async def test_a_cancelled_line_is_rejected_in_the_erp_and_gives_its_capacity_back(counter: Counter) -> None:
    order_id = await counter.convert("Q-1001")
    made = item_of(await counter.order(order_id), "FG126")
    change = await counter.ask(order_id, {"type": "cancelLine", "lineId": made.line_id})
    assert change.proposal.lines[0].proposed.status == "cancelled"
    assert (await counter.decide(change)).state == "committed"
    assert item_of(await counter.order(order_id), "FG126").status == "cancelled"
    held = witness.commitments(counter.sandbox, order_id.partition(".")[2])
    assert [one for one in held if one["material"] == "FG126" and Decimal(one["quantity"]) > 0] == []
    assert witness.quote_line(counter.sandbox, str(made.line_id))["Ordergate_State__c"] == "cancelled"


async def test_a_rejected_or_withdrawn_proposal_makes_room_and_changes_nothing(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    etag = (await counter.order(order_id)).etag
    for decision, state in (("reject", "rejected"), ("withdraw", "withdrawn")):
        change = await counter.ask(order_id, quantity("increase", "10", "9"))
        decided = await counter.decide(change, decision)
        assert (decided.state, decided.retry_after_seconds) == (state, None)
        with pytest.raises(VersionStale):
            await counter.decide(change)
        with pytest.raises(DecisionNotPossible):
            await counter.decide(decided)
    assert (await counter.order(order_id)).etag == etag


async def test_one_open_change_per_order(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    first = await counter.ask(order_id, quantity("increase", "10", "9"))
    with pytest.raises(ChangeRequestOpen) as refused:
        await counter.ask(order_id, quantity("increase", "10", "7"))
    assert refused.value.change_request_id == first.change_request_id


async def test_of_many_wishes_at_the_same_time_one_is_opened(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    padded = order_id.replace(".", ".00")
    etag = (await counter.order(padded)).etag
    asked = [counter.ask(one, quantity("increase", "10", "9"), etag=etag) for one in (order_id, padded) * 3]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    opened = [one for one in answers if isinstance(one, ChangeRequestView)]
    assert len(opened) == 1
    refused = [one for one in answers if isinstance(one, ChangeRequestOpen)]
    assert [one.change_request_id for one in refused] == [opened[0].change_request_id] * 5


async def test_an_expired_proposal_makes_room(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    first = await counter.ask(order_id, quantity("increase", "10", "9"))
    async with counter.store.begin() as connection:
        await connection.execute(update(change_requests).values(expires_at=first.created_at))
    with pytest.raises(VersionStale):
        await counter.decide(first)
    assert (await counter.look(first)).state == "expired"
    assert (await counter.ask(order_id, quantity("increase", "10", "9"))).state == "proposed"


async def test_a_change_on_an_old_view_is_refused_with_the_new_version(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    seen = (await counter.order(order_id)).etag
    await changed_elsewhere(counter, order_id, "10", 6)
    with pytest.raises(VersionStale) as refused:
        await counter.ask(order_id, quantity("increase", "10", "9"), etag=seen)
    assert refused.value.current_etag == (await counter.order(order_id)).etag
    for foreign in ("*", '"made-up"', str((await counter.order(order_id, NORTH)).etag)):
        with pytest.raises(VersionStale):
            await counter.ask(order_id, quantity("increase", "10", "9"), etag=foreign)


async def test_what_moved_after_the_proposal_makes_a_new_one_and_never_a_silent_commit(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    first = await counter.ask(order_id, quantity("increase", "10", "9"))
    await changed_elsewhere(counter, order_id, "10", 6)
    second = await counter.decide(first)
    assert (second.state, second.revision, second.decision) == ("proposed", 2, None)
    assert [conflict.system for conflict in second.conflicts] == ["erp"]
    assert second.proposal.lines[0].current_wish.quantity.value == 6
    assert item_of(await counter.order(order_id), "TG11").requested.value == 6
    done = await counter.decide(second)
    assert (done.state, done.conflicts) == ("committed", ())
    assert item_of(await counter.order(order_id), "TG11").requested.value == 9


async def test_a_promise_that_got_worse_meanwhile_is_asked_again(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    first = await counter.ask(order_id, quantity("increase", "10", "300"))
    assert first.proposal.lines[0].proposed.status == "confirmed"
    other = await counter.convert("Q-1011")
    await changed_elsewhere(counter, other, "10", 400)
    second = await counter.decide(first)
    assert (second.state, [conflict.system for conflict in second.conflicts]) == ("proposed", ["promise"])
    assert second.proposal.lines[0].proposed.status == "partiallyConfirmed"


async def test_what_the_erp_would_refuse_cannot_be_accepted(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    change = await counter.ask(order_id, quantity("increase", "10", "7.5"))
    assert not change.proposal.acceptable
    assert [(one.code, one.blocking) for one in change.exceptions] == [("item-refused", True)]
    with pytest.raises(DecisionNotPossible):
        await counter.decide(change)
    assert (await counter.decide(change, "withdraw")).state == "withdrawn"


async def test_every_fault_of_a_wish_is_named_at_once(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    wrong = (
        {"type": "addLine"},
        quantity("increase", "10", "5"),
        quantity("decrease", "10", "9"),
        quantity("increase", "999", "9"),
        {"type": "changeDate", "lineId": "10", "newDate": "2020-01-01"},
        {"type": "changeDate", "lineId": "10"},
        quantity("increase", None, "9"),
        quantity("decrease", "10", "1", "KGM"),
    )
    with pytest.raises(RequestFaulty) as refused:
        await counter.ask(order_id, *wrong)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [
        ("#/operations/0/type", "operation-not-supported-yet"),
        ("#/operations/1/newQuantity/value", "not-an-increase"),
        ("#/operations/2/newQuantity/value", "not-a-decrease"),
        ("#/operations/2", "operations-clash"),
        ("#/operations/3/lineId", "line-unknown"),
        ("#/operations/4/newDate", "date-in-the-past"),
        ("#/operations/5/newDate", "operation-malformed"),
        ("#/operations/5", "operations-clash"),
        ("#/operations/6/lineId", "line-unknown"),
        ("#/operations/7/newQuantity/unit", "uom-invalid"),
        ("#/operations/7", "operations-clash"),
    ]


async def test_another_dealers_change_does_not_exist(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    change = await counter.ask(order_id, quantity("increase", "10", "9"), client=NORTH)
    with pytest.raises(NotVisible):
        await counter.look(change, SOUTH)
    with pytest.raises(NotVisible):
        await counter.decide(change, client=SOUTH)
    with pytest.raises(NotVisible):
        await counter.ask(order_id, quantity("increase", "10", "9"), etag=change.based_on, client=SOUTH)
    assert (await counter.look(change, NORTH)).state == "proposed"


async def test_the_story_of_a_change_is_told_in_events(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    change = await counter.decide(await counter.ask(order_id, quantity("increase", "10", "9")))
    page = await list_events(caller(NORTH), None, store=counter.store)
    told = [event.type for event in page.events if event.subject == change.change_request_id]
    assert told == ["order.change.proposed", "order.change.accepted", "order.change.committed"]


async def test_a_quote_that_became_two_orders_hears_of_the_change_of_either(counter: Counter) -> None:
    """The quote's header names one order, the last one made of it."""
    quote_id = counter.sandbox.quote_id("Q-1001")
    quoted = await counter.landscape.crm.read_quote(quote_id, deadline=Deadline.after(5))
    first, second = [await counter.convert("Q-1001", lines=[{"lineId": line.line_id}]) for line in quoted.lines[:2]]
    for order_id, line, wanted in ((first, quoted.lines[0], 44), (second, quoted.lines[1], 50)):
        seen = await counter.order(order_id)
        assert seen.quote is not None
        kind = "increase" if wanted > line.quantity else "decrease"
        done = await counter.decide(await counter.ask(order_id, quantity(kind, line.line_id, str(wanted))))
        assert done.state == "committed"
        assert witness.quote_line(counter.sandbox, line.line_id)["Confirmed_Quantity__c"] == wanted


async def test_an_order_that_is_still_being_made_takes_no_change(counter: Counter) -> None:
    """Both would write days and quantities to the quote, and the older news might come last."""
    counter.sandbox.fault("salesforce", "unavailable", method="POST", path="/composite")
    wish = msgspec.convert({"customerPo": "PO-1", "onLate": "accept"}, ConversionRequest)
    operation = await convert_quote(
        await counter.caller(),
        wish,
        quote_id=counter.sandbox.quote_id("Q-1010"),
        store=counter.store,
        landscape=counter.landscape,
        seals=SEALS,
        durable=counter.durable,
    )
    operation = await reached(counter, operation.operation_id, "writingBack")
    assert operation.order_id is not None
    with pytest.raises(OrderInTheMaking) as refused:
        await counter.ask(operation.order_id, quantity("increase", "10", "9"))
    assert refused.value.operation_id == operation.operation_id
    counter.sandbox.lift()
    await reached(counter, operation.operation_id, "completed")
    assert (await counter.ask(operation.order_id, quantity("increase", "10", "9"))).state == "proposed"


async def reached(counter: Counter, operation_id: str, state: str) -> OperationView:
    async with asyncio.timeout(20):
        while True:
            seen = await get_operation(
                await counter.caller(),
                None,
                operation_id=operation_id,
                store=counter.store,
                landscape=counter.landscape,
            )
            if seen.state == state:
                return seen
            await asyncio.sleep(0.03)


async def test_what_the_erp_holds_back_stays_no_promise_after_a_change(counter: Counter) -> None:
    order_id = await counter.convert("Q-1007", creditPolicy="createOnHold")
    (item,) = (await counter.order(order_id)).items
    await counter.decide(await counter.ask(order_id, quantity("decrease", item.item_id, "15")))
    seen = witness.quote_line(counter.sandbox, item.line_id or "")
    assert (seen["Ordergate_State__c"], seen["Confirmed_Quantity__c"], seen["Confirmed_Date__c"]) == (
        "hold",
        None,
        None,
    )
