"""One line of five that cannot be ordered: four are, and the fifth is somebody's to look after. Holds, and promises."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from policies.audit_tables import audit_entries
from process_apis import errors
from process_apis.atp.token import PROMISE, PromisedLine, PromisedPiece, PromiseFact
from process_apis.operation_views import InternalOperation, OperationView, PartnerOperation
from process_apis.tables import events
from system_apis.deadline import Deadline
from system_apis.sap.models import Demand, ItemChange, NewOrder, OrderPatch
from tests.integration.quote_to_order import witness
from tests.integration.quote_to_order.shop import CRM, NORTH, SEALS, Shop
from tests.sandbox import RunningSandbox

VALID = {"mode": "validLines"}


async def told(shop: Shop, *types: str) -> list[tuple[str, str, dict[str, Any]]]:
    """The events of these types: type, subject, data."""
    async with shop.store.connect() as connection:
        rows = (await connection.execute(select(events).order_by(events.c.sequence))).all()
    return [(row.type, row.subject, msgspec.json.decode(row.data)) for row in rows if row.type in types]


async def audited(shop: Shop, act: str) -> list[Any]:
    async with shop.store.connect() as connection:
        return list((await connection.execute(select(audit_entries).where(audit_entries.c.act == act))).all())


def insider(done: OperationView) -> InternalOperation:
    assert isinstance(done, InternalOperation)
    return done


async def test_four_of_five_lines_are_ordered_and_the_fifth_is_told_everywhere(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1006")
    done = insider(await shop.convert(quote_id, acceptance=VALID))
    assert done.state == "completedWithExceptions"
    (order,) = witness.orders_of(fresh_sandbox, done.operation_id)
    assert len(order["to_Item"]["results"]) == 4
    (refused,) = [line for line in done.lines if line.state == "rejected"]
    # in the answer
    (met,) = done.exceptions
    assert (met.code, met.line_id, met.owner.role, met.state) == ("item-discontinued", refused.line_id, "sales", "open")
    conversions = f"/v1/quotes/{quote_id}/order-conversions"
    assert [(each.action, each.href, each.method) for each in met.remediation] == [
        ("convertAgain", conversions, "POST")
    ]
    # in the CRM
    (record,) = witness.exceptions_of(fresh_sandbox, done.operation_id)
    assert (record["Exception_Id__c"], record["Code__c"]) == (met.exception_id, met.code)
    assert record["Quote_Line_Id__c"] == refused.line_id
    assert conversions in record["Remediation__c"]
    # as an event, and in the audit
    ((_, subject, data),) = await told(shop, "order.line.rejected")
    assert subject == done.order_id
    assert (data["lineId"], data["codes"], data["product"]) == (refused.line_id, ["item-discontinued"], "TG14")
    (entry,) = await audited(shop, "order.line.rejected")
    assert (entry.order_id, entry.credential) == (done.order_id, "system")
    assert {"lineId": refused.line_id, "state": "rejected", "item": None} in msgspec.json.decode(entry.after)["lines"]


async def test_the_rest_of_a_quote_follows_later(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    """The sales person puts another product in the place of the discontinued one."""
    quote_id = fresh_sandbox.quote_id("Q-1006")
    done = insider(await shop.convert(quote_id, acceptance=VALID))
    instead = witness.add_line(fresh_sandbox, quote_id, like=done.lines[0].line_id, Quantity=3)
    later = insider(await shop.convert(quote_id, lines=[{"lineId": instead}]))
    assert later.state == "completed"
    assert later.order_id != done.order_id
    with pytest.raises(errors.LinesAlreadyConverted):
        await shop.convert(quote_id, lines=[{"lineId": done.lines[0].line_id}])


async def test_all_or_nothing_leaves_nothing_anywhere(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    done = insider(await shop.convert(fresh_sandbox.quote_id("Q-1006")))
    assert (done.state, done.order_id) == ("rejected", None)
    assert witness.posts(fresh_sandbox) == 0
    assert not [one for one in fresh_sandbox.journal("scheduler") if one["method"] == "PUT"]
    assert await told(shop, "order.created", "order.line.rejected", "order.confirmed") == []
    assert [each.action for each in done.exceptions[0].remediation] == ["convertAgain"]


async def test_an_ordered_line_is_not_ordered_again_by_raising_the_quotes_revision(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1010")
    first = await shop.convert(quote_id)
    witness.change_quote(fresh_sandbox, quote_id, {"Revision__c": "2"})
    with pytest.raises(errors.LinesAlreadyConverted) as held:
        await shop.convert(quote_id)
    assert held.value.operation_id == first.operation_id
    assert witness.posts(fresh_sandbox) == 1


async def test_a_revision_that_is_raised_while_the_line_is_on_its_way_changes_nothing(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    """The CRM does not know of an item yet: only we know that the line is taken."""
    quote_id = fresh_sandbox.quote_id("Q-1010")
    down = fresh_sandbox.fault("sap", "unavailable", path="SIMULATION")
    first = await shop.convert(quote_id, wait_s=None)
    witness.change_quote(fresh_sandbox, quote_id, {"Revision__c": "2"})
    with pytest.raises(errors.LinesAlreadyConverted) as held:
        await shop.convert(quote_id)
    assert held.value.operation_id == first.operation_id
    fresh_sandbox.lift(down)
    assert (await shop.ended(first.operation_id)).state == "completed"


async def test_a_line_that_the_crm_calls_an_item_is_refused_with_its_order(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    """Ordered by somebody else, or before our store was made anew."""
    quote_id = fresh_sandbox.quote_id("Q-1010")
    quote = await shop.landscape.crm.read_quote(quote_id, deadline=Deadline.after(5))
    witness.change_quote(fresh_sandbox, quote_id, {"ERP_Order_Number__c": "4711", "ERP_Instance__c": "s4-1710"})
    witness.change_line(fresh_sandbox, quote.lines[0].line_id, {"ERP_Item__c": "10"})
    with pytest.raises(errors.QuoteLinesOrdered) as refused:
        await shop.convert(quote_id)
    assert (refused.value.line_ids, refused.value.order_id) == ((quote.lines[0].line_id,), "s4-1710.4711")


async def test_an_order_on_hold_is_held_and_never_confirmed(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    done = insider(await shop.convert(fresh_sandbox.quote_id("Q-1007"), creditPolicy="createOnHold"))
    assert {(line.state, line.confirmed_quantity.value) for line in done.lines} == {("hold", Decimal(0))}
    ((_, subject, data),) = await told(shop, "order.held")
    assert (subject, data["holds"]) == (done.order_id, ["credit-hold"])
    assert await told(shop, "order.confirmed") == []
    (met,) = done.exceptions
    assert [(each.action, each.method) for each in met.remediation] == [("readOrder", "GET")]
    assert witness.quote(fresh_sandbox, done.quote.quote_id)["Confirmed_Date__c"] is None


async def test_what_partners_read_of_an_order_names_no_instance_and_no_plant(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    done = await shop.convert(fresh_sandbox.quote_id("Q-1006"), client=NORTH, acceptance=VALID)
    assert isinstance(done, PartnerOperation)
    found = await told(shop, "order.created", "order.confirmed", "order.line.rejected")
    assert [type_ for type_, _, _ in found] == ["order.created", "order.line.rejected", "order.confirmed"]
    for _, _, data in found:
        text = msgspec.json.encode({**data, "orderId": None}).decode()
        for secret in ("1710", "s4-", "aps-", "WC-", "Palo Alto"):
            assert secret not in text, (secret, text)


def promise_of(quote_line: str, day: date, *pieces: tuple[int, date], product: str = "TG12") -> str:
    line = PromisedLine(
        quote_line, product, Decimal(100), "C62", tuple(PromisedPiece(Decimal(n), on) for n, on in pieces)
    )
    valid = datetime.combine(day, datetime.min.time(), UTC)
    return SEALS.seal(PROMISE, PromiseFact("atp_1", CRM.client_id, "17100001", valid, (line,)))


@pytest.mark.parametrize("named", ["by the quote's line", "by another name"])
async def test_a_promise_that_came_out_worse_is_shown_line_by_line_and_told(
    shop: Shop, fresh_sandbox: RunningSandbox, named: str
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1001")
    quote = await shop.landscape.crm.read_quote(quote_id, deadline=Deadline.after(5))
    line = next(one for one in quote.lines if one.material == "TG12")
    wanted = line.requested_date or date.today()  # noqa: DTZ011  every line of the sandbox has a day
    token = promise_of(line.line_id if named.startswith("by the") else "a", wanted, (100, wanted))
    done = insider(await shop.convert(quote_id, promiseToken=token))
    assert done.promise is not None
    assert (done.promise.check_id, done.promise.outcome) == ("atp_1", "worse")
    (drift,) = done.promise.lines
    late = max(piece.delivery_date for one in done.lines if one.product == "TG12" for piece in one.schedule)
    assert (drift.line_id, drift.outcome, drift.short_by.value) == (line.line_id, "worse", Decimal(0))
    assert drift.days_later == (late - wanted).days > 0
    ((_, subject, data),) = await told(shop, "order.promise.changed")
    assert (subject, data["checkId"], data["outcome"]) == (done.order_id, "atp_1", "worse")
    assert [each["lineId"] for each in data["lines"]] == [line.line_id]


async def test_a_promise_that_was_kept_is_shown_and_no_news(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1001")
    quote = await shop.landscape.crm.read_quote(quote_id, deadline=Deadline.after(5))
    line = next(one for one in quote.lines if one.material == "TG12")
    wanted = line.requested_date or date.today()  # noqa: DTZ011  every line of the sandbox has a day
    token = promise_of(line.line_id, wanted, (60, wanted), (40, wanted + timedelta(days=60)))
    done = insider(await shop.convert(quote_id, promiseToken=token))
    assert done.promise is not None
    assert done.promise.outcome in ("kept", "better")
    kept = promise_of(line.line_id, wanted, (60, wanted))
    assert kept != token
    assert bool(await told(shop, "order.promise.changed")) == (done.promise.outcome != "kept")


async def test_a_hold_that_was_lifted_before_the_order_was_made_is_no_exception_any_more(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    """Another order has used up the credit, and is given up while this one is on its way."""
    erp, today = shop.landscape.erps["s4-1710"], shop.landscape.today
    demand = Demand("x", "FG300", Decimal(290), "C62", today + timedelta(days=5), "1710")
    greedy = NewOrder("another", "PO-9", shop.landscape.sales_area, "17100001", "17100001", today, (demand,))
    other = await erp.create_order(greedy, deadline=Deadline.after(10))
    fresh_sandbox.fault("sap", "delay", method="POST", path="/A_SalesOrder$", seconds=3, count=1)
    started = await shop.convert(fresh_sandbox.quote_id("Q-1010"), creditPolicy="createOnHold", wait_s=None)
    foreseen = await shop.until(started.operation_id, lambda seen: seen.state == "creatingOrder")
    assert [(one.code, one.state) for one in insider(foreseen).exceptions] == [("credit-hold", "open")]
    given_up = OrderPatch(other.number, other.etag, (ItemChange("10", reject="00"),))
    await erp.change_order(given_up, deadline=Deadline.after(10))
    done = insider(await shop.ended(started.operation_id))
    assert done.state == "completed"
    assert [(one.code, one.state) for one in done.exceptions] == [("credit-hold", "resolved")]
    assert await told(shop, "order.held") == []
    assert len(await told(shop, "order.confirmed")) == 1
    assert [data["state"] for _, _, data in await told(shop, "exception.resolved")] == ["resolved"]


async def test_a_quote_of_which_a_part_has_no_day_has_none_in_the_crm(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    """Its lines say what comes when; the day of the quote is the one on which all of it is there."""
    quote_id = fresh_sandbox.quote_id("Q-1010")
    quote = await shop.landscape.crm.read_quote(quote_id, deadline=Deadline.after(5))
    witness.change_line(fresh_sandbox, quote.lines[0].line_id, {"Quantity": "700"})
    done = insider(await shop.convert(quote_id, creditPolicy="createOnHold"))
    assert {line.state for line in done.lines} == {"partiallyConfirmed"}
    assert witness.quote_line(fresh_sandbox, quote.lines[0].line_id)["Confirmed_Date__c"] is not None
    assert witness.quote(fresh_sandbox, quote_id)["Confirmed_Date__c"] is None
