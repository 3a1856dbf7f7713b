"""An order in one view, its gaps named, its version held across three systems."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from policies.errors import NotVisible
from process_apis.errors import NoSourceAnswered, NoSuchThing
from process_apis.orders.models import InternalOrder, PartnerOrder
from process_apis.orders.process import get_order
from process_apis.orders.versions import version_in
from system_apis.deadline import Deadline
from system_apis.sap.models import ItemChange, OrderPatch
from tests.integration.landscape import CRM, NOBODY_LISTENS, NORTH, SOUTH, caller, open_landscape, urls_of
from tests.integration.order_change.counter import SEALS, Counter, open_counter
from tests.integration.quote_to_order import witness
from tests.sandbox import RunningSandbox


@pytest_asyncio.fixture
async def counter(tmp_path: Path, fresh_sandbox: RunningSandbox) -> AsyncIterator[Counter]:
    async with open_counter(tmp_path / "operations.db", fresh_sandbox) as opened:
        yield opened


async def test_an_order_is_one_view_over_three_systems(counter: Counter) -> None:
    order = await counter.order(await counter.convert("Q-1001"))
    assert isinstance(order, InternalOrder)
    assert (order.status, order.sold_to, order.customer_po, order.holds) == ("confirmedLate", "17100001", "PO-1", ())
    assert [(item.product, item.status) for item in order.items] == [
        ("TG11", "confirmed"),
        ("TG12", "confirmedLate"),
        ("FG126", "confirmedLate"),
    ]
    made = order.items[2]
    assert made.unconfirmed_quantity is not None and made.unconfirmed_quantity.value == 0
    assert {piece.work_centre for piece in made.schedule if piece.supply == "production"} == {"WC-ASSY-1"}
    assert order.quote is not None and order.quote.quote_id == counter.sandbox.quote_id("Q-1001")
    assert [(source.system, source.outcome) for source in order.sources] == [
        ("erp", "ok"),
        ("scheduler", "ok"),
        ("crm", "ok"),
    ]


async def test_an_order_is_the_same_view_where_the_erp_serves_orders_by_version_4_only(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    async with open_counter(tmp_path / "operations.db", fresh_sandbox, sales_orders="v4") as counter:
        order_id = await counter.convert("Q-1001")
        seen = await counter.order(order_id)
    assert {one["path"].split("/")[3] for one in fresh_sandbox.journal("sap") if "alesorder" in one["path"]} == {
        "odata4"
    }
    async with open_counter(tmp_path / "operations.db", fresh_sandbox) as counter:
        other = await counter.order(order_id)
    assert isinstance(seen, InternalOrder) and isinstance(other, InternalOrder)
    told_apart_by = {"etag": None, "sources": (), "fetched_at": None, "changed_at": None}
    same = [
        msgspec.structs.replace(one, **{n: v for n, v in told_apart_by.items() if hasattr(one, n)})
        for one in (seen, other)
    ]
    assert same[0] == same[1]
    assert seen.etag != other.etag, "a version of one dialect is none of the other"


async def test_a_partner_reads_its_order_without_our_insides(counter: Counter) -> None:
    order = await counter.order(await counter.convert("Q-1001"), NORTH)
    assert isinstance(order, PartnerOrder) and order.etag is not None
    shown = msgspec.json.encode(msgspec.structs.replace(order, etag=None)).decode()
    shown += base64.urlsafe_b64decode(order.etag.strip('"').split(".")[1] + "==").decode()
    assert "Palo Alto" in shown and "datetimeoffset" in shown
    assert not re.search(r'aps-1710|WC-ASSY|"1710"|"instance"', shown)


async def test_foreign_unknown_and_impossible_orders_are_all_no_orders(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    for client, ident in ((SOUTH, order_id), (CRM, "s4-1710.4711"), (CRM, "nowhere.1"), (CRM, "s4-1710"), (CRM, ".")):
        with pytest.raises((NoSuchThing, NotVisible)) as refused:
            await counter.order(ident, client)
        assert (refused.value.kind, refused.value.ident) == ("order", ident)


@pytest.mark.parametrize("number", ["..", ".", "1?a=b", "1#a", "1' or '1'='1", "1 ", "x" * 36])
async def test_a_number_that_no_erp_gives_is_asked_of_nobody(counter: Counter, number: str) -> None:
    """`..` for one would climb out of the scheduler's /v1/orders/{number}/commitments, with our key in hand."""
    before = len(counter.sandbox.journal())
    with pytest.raises(NoSuchThing):
        await counter.order(f"s4-1710.{number}")
    assert counter.sandbox.journal()[before:] == []


async def test_a_credit_hold_never_reads_confirmed(counter: Counter) -> None:
    order = await counter.order(await counter.convert("Q-1007", creditPolicy="createOnHold"))
    assert (order.status, {item.status for item in order.items}) == ("hold", {"hold"})
    assert [hold.code for hold in order.holds] == ["credit-hold"]


async def test_the_version_stands_still_until_a_part_of_the_order_moves(counter: Counter) -> None:
    order_id = await counter.convert("Q-1001")
    number = order_id.partition(".")[2]
    first = (await counter.order(order_id)).etag
    assert first == (await counter.order(order_id)).etag
    assert first != (await counter.order(order_id, NORTH)).etag, "another reader saw another view"

    erp = counter.landscape.erps["s4-1710"]
    held = await erp.read_order(number, deadline=Deadline.after(5))
    change = OrderPatch(number, held.etag, (ItemChange("10", quantity=Decimal(41), unit="C62"),))
    await erp.change_order(change, deadline=Deadline.after(5))
    second = (await counter.order(order_id)).etag
    await counter.landscape.schedulers["aps-1710"].release(number, deadline=Deadline.after(5))
    third = (await counter.order(order_id)).etag
    assert len({first, second, third}) == 3


async def test_the_version_carries_the_erps_own_tag_byte_for_byte(counter: Counter) -> None:
    order_id = await counter.convert("Q-1010")
    version = version_in(str((await counter.order(order_id)).etag), order_id, "internal", SEALS)
    erp = counter.landscape.erps["s4-1710"]
    assert version is not None
    assert version.erp == await erp.read_version(order_id.partition(".")[2], deadline=Deadline.after(5))


async def test_a_silent_scheduler_is_a_named_gap_and_not_a_zero(counter: Counter) -> None:
    order_id = await counter.convert("Q-1001")
    async with open_landscape(replace(urls_of(counter.sandbox), scheduler=NOBODY_LISTENS)) as landscape:
        order = await get_order(
            caller(), None, order_id=order_id, landscape=landscape, seals=SEALS, store=counter.store
        )
    assert [(item.status, item.confirmed_quantity is None) for item in order.items] == [
        ("confirmed", False),
        ("confirmedLate", False),
        ("unknown", True),
    ]
    assert (order.status, [warning.source for warning in order.warnings]) == ("unknown", ["s2"])
    assert order.etag is not None


async def test_without_the_erp_there_is_a_view_but_no_version(counter: Counter) -> None:
    order_id = await counter.convert("Q-1001")
    urls = urls_of(counter.sandbox)
    async with open_landscape(replace(urls, sap=NOBODY_LISTENS)) as landscape:
        order = await get_order(
            caller(NORTH), None, order_id=order_id, landscape=landscape, seals=SEALS, store=counter.store
        )
        assert (order.status, order.etag, order.items, order.sold_to) == ("unknown", None, (), "17100001")
        for client, ident in ((SOUTH, order_id), (SOUTH, "s4-1710.4711"), (NORTH, "s4-1710.4711")):
            with pytest.raises(NoSourceAnswered):  # a 404 would tell who asks that the order exists, and is another's
                await get_order(
                    caller(client), None, order_id=ident, landscape=landscape, seals=SEALS, store=counter.store
                )
    async with open_landscape(replace(urls, sap=NOBODY_LISTENS, salesforce=NOBODY_LISTENS)) as landscape:
        with pytest.raises(NoSourceAnswered):
            await get_order(
                caller(NORTH), None, order_id=order_id, landscape=landscape, seals=SEALS, store=counter.store
            )


async def test_reading_changes_nothing(counter: Counter) -> None:
    order_id = await counter.convert("Q-1001")
    held = witness.commitments(counter.sandbox, order_id.partition(".")[2])
    mark = counter.sandbox.journal()[-1]["seq"]
    await counter.order(order_id)
    assert {one["method"] for one in counter.sandbox.journal(after=mark)} == {"GET"}
    assert witness.commitments(counter.sandbox, order_id.partition(".")[2]) == held
