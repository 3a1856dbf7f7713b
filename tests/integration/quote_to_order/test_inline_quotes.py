"""A quote that comes with the call goes the way of any other, and no CRM hears of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from policies.clients import Client
from policies.errors import NotVisible
from process_apis import errors
from process_apis.operation_views import InternalOperation, OperationView, PartnerOperation
from process_apis.quote_to_order.models import InlineConversionRequest
from process_apis.quote_to_order.process import convert_inline_quote
from process_apis.reference_maps import CustomerName, ProductName, ReferenceMaps
from system_apis.sap.units import DeclaredUnit, Units
from tests.integration.quote_to_order import witness
from tests.integration.quote_to_order.shop import CRM, NORTH, SEALS, SOUTH, Shop
from tests.sandbox import RunningSandbox


def line(line_id: str, product: str, value: str, **more: Any) -> dict[str, Any]:
    return {"lineId": line_id, "product": {"id": product}, "quantity": {"value": value, "unit": "C62"}, **more}


async def convert(
    shop: Shop, *lines: dict[str, Any], client: Client = CRM, wait_s: float | None = 30, **members: Any
) -> OperationView:
    body = {"soldTo": {"id": "17100001"}, "currency": "USD", "customerPo": "PO-9", "onLate": "accept", "lines": lines}
    request = msgspec.convert({**body, **members}, InlineConversionRequest)
    caller = await shop.caller(client, wait_s=wait_s)
    return await convert_inline_quote(
        caller, request, store=shop.store, landscape=shop.landscape, seals=SEALS, durable=shop.durable
    )


def faults_of(refused: errors.RequestFaulty) -> list[tuple[str, str]]:
    return [(one.pointer, one.code) for one in refused.faults]


async def test_an_inline_quote_becomes_one_order_planned_and_unknown_to_the_crm(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    day = str(shop.landscape.today + timedelta(days=5))
    done = await convert(
        shop,
        line("a", "TG11", "40", requestedDate=day, unitPrice="17.50"),
        line("b", "FG126", "50", requestedDate=day),
        client=NORTH,
        quoteNumber="WEB-1",
        shipTo={"id": "17100011"},
    )
    assert isinstance(done, PartnerOperation)
    assert done.state == "completed"
    assert (done.quote.source, done.quote.quote_id) == ("inline", "WEB-1")
    (order,) = witness.orders_of(fresh_sandbox, done.operation_id)
    assert order["PurchaseOrderByCustomer"] == "PO-9"
    assert [item["Material"] for item in order["to_Item"]["results"]] == ["TG11", "FG126"]
    assert witness.partners_of(fresh_sandbox, order["SalesOrder"])["SH"] == "17100011"
    assert sum(int(one["quantity"]) for one in witness.commitments(fresh_sandbox, order["SalesOrder"])) == 40
    assert [one.quoted for one in done.lines][1] is None, "no price was agreed on"
    assert done.lines[1].priced is not None
    written = next(step for step in done.steps if step.name == "writeBack")
    assert (written.outcome, written.system) == ("skipped", None)
    assert fresh_sandbox.journal("salesforce") == []


async def test_a_line_of_an_own_quote_number_is_ordered_once_whatever_the_key(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    first = await convert(shop, line("a", "TG11", "5"), line("b", "TG12", "5"), client=NORTH, quoteNumber="WEB-1")
    with pytest.raises(errors.LinesAlreadyConverted) as held:
        await convert(shop, line("b", "TG12", "5"), client=NORTH, quoteNumber="WEB-1")
    assert (held.value.operation_id, held.value.quote_id) == (first.operation_id, "WEB-1")
    other = await convert(shop, line("c", "TG12", "5"), client=NORTH, quoteNumber="WEB-1")
    assert other.order_id != first.order_id, "the rest of a quote may follow"
    same_number = await convert(
        shop, line("a", "TG11", "5"), client=SOUTH, quoteNumber="WEB-1", soldTo={"id": "17100002"}
    )
    assert same_number.state == "completed", "another client's numbers are its own"


async def test_many_at_once_make_one_order(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    calls = (convert(shop, line("a", "TG11", "5"), quoteNumber="WEB-1") for _ in range(6))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    made = [one for one in answers if isinstance(one, OperationView)]
    assert len(made) == 1
    assert all(isinstance(one, errors.LinesAlreadyConverted) for one in answers if one is not made[0])
    assert witness.posts(fresh_sandbox) == 1


async def test_without_a_number_the_operation_itself_is_the_quote(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    first = await convert(shop, line("a", "TG11", "5"))
    second = await convert(shop, line("a", "TG11", "5"))
    assert (first.quote.quote_id, second.quote.quote_id) == (first.operation_id, second.operation_id)
    assert witness.posts(fresh_sandbox) == 2


@pytest.mark.parametrize("customer", ["17100002", "99999999"])
async def test_a_foreign_and_an_unknown_customer_are_the_same_to_a_dealer(
    shop: Shop, fresh_sandbox: RunningSandbox, customer: str
) -> None:
    with pytest.raises((NotVisible, errors.NoSuchThing)) as unseen:
        await convert(shop, line("a", "TG11", "5"), client=NORTH, soldTo={"id": customer})
    assert (unseen.value.kind, unseen.value.ident) == ("customer", customer)
    with pytest.raises((NotVisible, errors.NoSuchThing)):
        await convert(shop, line("a", "TG11", "5", plant="1720"), client=SOUTH, soldTo={"id": "17100002"})
    assert fresh_sandbox.journal("sap") == []


async def test_an_operation_of_another_customer_is_not_there(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    done = await convert(shop, line("a", "TG11", "5"), client=NORTH)
    with pytest.raises((NotVisible, errors.NoSuchThing)):
        await shop.look(done.operation_id, SOUTH)


async def test_every_fault_is_told_at_once(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    past = str(shop.landscape.today - timedelta(days=3))
    with pytest.raises(errors.RequestFaulty) as refused:
        await convert(
            shop,
            line("a", "TG11", "0"),
            line("a", "TG11", "1", requestedDate=past),
            {"lineId": "b", "product": {"id": "X-1", "scheme": "sku"}, "quantity": {"value": "1", "unit": "ZZ"}},
            line("c", "TG11", "1", plant="9999"),
            shipTo={"id": "001xx", "scheme": "crm"},
            acceptance={"mode": "validLinesMin"},
            promiseToken="made-up",
        )
    assert set(faults_of(refused.value)) == {
        ("#/lines/0/quantity/value", "quantity-not-positive"),
        ("#/lines/1/lineId", "duplicate-line-id"),
        ("#/lines/1/requestedDate", "date-in-the-past"),
        ("#/lines/2/quantity/unit", "uom-invalid"),
        ("#/lines/2/product/id", "reference-unknown"),
        ("#/lines/3/plant", "plant-unknown"),
        ("#/shipTo/id", "reference-unknown"),
        ("#/acceptance/minimumPercent", "acceptance"),
        ("#/promiseToken", "promise-token-invalid"),
    }


async def test_names_of_others_are_found_in_the_maps_a_part_number_only_by_its_own_customer(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    maps = ReferenceMaps.of(
        [ProductName("customerPart", "NT-7", "TG11", "17100001"), ProductName("gtin", "4006381333931", "TG12")],
        [CustomerName("001Hp00000Northwnd", "17100001"), CustomerName("001Hp00000Southgte", "17100002")],
    )
    named = Shop(shop.store, replace(shop.landscape, references=maps), shop.durable)
    part = {"product": {"id": "NT-7", "scheme": "customerPart"}}
    gtin = {"product": {"id": "04006381333931", "scheme": "gtin"}}
    crm = {"id": "001Hp00000Northwnd", "scheme": "crm"}
    done = await convert(named, {**line("a", "", "5"), **part}, {**line("b", "", "5"), **gtin}, soldTo=crm)
    assert isinstance(done, InternalOperation)
    assert [(one.product, one.item) for one in done.lines] == [("TG11", "10"), ("TG12", "20")]
    with pytest.raises(errors.RequestFaulty) as refused:
        await convert(named, {**line("a", "", "5"), **part}, soldTo={"id": "001Hp00000Southgte", "scheme": "crm"})
    assert faults_of(refused.value) == [("#/lines/0/product/id", "reference-unknown")]


async def test_the_same_policies_hold(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    dear = line("a", "TG11", "5", unitPrice="10.00")
    rejected = await convert(shop, dear, pricePolicy={"tolerancePercent": "1", "onMismatch": "reject"})
    assert isinstance(rejected, InternalOperation)
    assert (rejected.state, [one.code for one in rejected.exceptions]) == ("rejected", ["price-mismatch"])
    assert [(each.action, each.href) for each in rejected.exceptions[0].remediation] == [
        ("convertAgain", "/v1/order-conversions")
    ]
    part = await convert(
        shop, line("a", "TG11", "5"), line("b", "TG14", "5"), acceptance={"mode": "validLines"}, quoteNumber="WEB-2"
    )
    assert isinstance(part, InternalOperation)
    assert (part.state, [one.code for one in part.exceptions]) == ("completedWithExceptions", ["item-discontinued"])
    again = await convert(shop, line("b", "TG15", "5"), quoteNumber="WEB-2")
    assert again.state == "completed", "what was left behind is free, with another product in its place"


async def test_a_configured_line_is_checked_as_any_other(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    current = {"bundleRevision": "B300-1", "bomRevision": "C300-3", "routingRevision": "R300-4"}
    done = await convert(shop, line("a", "FG300", "1", configuration={"id": "CFG-1", **current}))
    assert done.state == "completed"
    stale = await convert(shop, line("a", "FG300", "1", configuration={**current, "bomRevision": "C300-2"}))
    assert isinstance(stale, InternalOperation)
    assert (stale.state, [one.code for one in stale.exceptions]) == ("rejected", ["bom-revision-outdated"])


async def test_a_crm_that_is_down_is_no_concern_of_an_inline_quote(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.fault("salesforce", "unavailable")
    done = await convert(shop, line("a", "TG11", "5"))
    assert isinstance(done, InternalOperation)
    assert (done.state, done.lines[0].confirmed_quantity.value) == ("completed", Decimal(5))


@pytest.mark.parametrize("policy", [{"tolerancePercent": "100"}, {"tolerancePercent": "0", "onMismatch": "useErp"}])
async def test_whatever_price_a_partner_names_the_order_has_the_erps(
    shop: Shop, fresh_sandbox: RunningSandbox, policy: dict[str, str]
) -> None:
    plain = await convert(shop, line("a", "TG11", "5"), client=NORTH)
    cheap = await convert(shop, line("a", "TG11", "5", unitPrice="10.00"), client=NORTH, pricePolicy=policy)
    none = await convert(shop, line("a", "TG11", "5", unitPrice="0"), client=NORTH, pricePolicy={**policy})
    (first,), (second,) = (witness.orders_of(fresh_sandbox, one.operation_id) for one in (plain, cheap))
    assert first["TotalNetAmount"] == second["TotalNetAmount"]
    assert none.state == ("completedWithExceptions" if policy.get("onMismatch") == "useErp" else "rejected")


async def test_a_unit_of_one_installation_is_unknown_to_another_in_the_same_process(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    ours = replace(shop.landscape, units=Units([DeclaredUnit("PF", "PAL", whole=True)]))
    pallet = {**line("a", "TG11", "1"), "quantity": {"value": "1", "unit": "PF"}}
    known = await convert(Shop(shop.store, ours, shop.durable), pallet)
    assert isinstance(known, InternalOperation)
    assert [one.code for one in known.exceptions] == ["uom-invalid"], "a unit that this material is not kept in"
    with pytest.raises(errors.RequestFaulty) as refused:
        await convert(shop, pallet)
    assert faults_of(refused.value) == [("#/lines/0/quantity/unit", "uom-invalid")]
