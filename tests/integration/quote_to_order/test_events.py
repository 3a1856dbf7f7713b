from __future__ import annotations

import msgspec
import pytest

from policies.clients import Client
from process_apis.caller import Caller
from process_apis.errors import RequestFaulty
from process_apis.outbox import EventPage, list_events
from system_apis.deadline import Deadline
from tests.integration.quote_to_order.shop import CRM, NORTH, Shop
from tests.sandbox import RunningSandbox


async def feed(shop: Shop, client: Client, after: str | None = None, limit: int = 100) -> EventPage:
    return await list_events(
        Caller(client, "corr", Deadline.after(5)), None, store=shop.store, after=after, limit=limit
    )


async def test_the_feed_is_read_on_from_the_last_event_without_gap_or_repeat(
    shop: Shop, fresh_sandbox: RunningSandbox
) -> None:
    for name in ("Q-1010", "Q-1002", "Q-1011"):
        await shop.convert(fresh_sandbox.quote_id(name))
    whole = await feed(shop, CRM)
    read, after = [], None
    while (page := await feed(shop, CRM, after, 2)).events:
        assert len(page.events) <= 2
        read += page.events
        after = page.next
    assert tuple(read) == whole.events
    assert page.next == whole.events[-1].id
    numbers = [one.sequence or "" for one in read]
    assert all(numbers) and numbers == sorted(numbers)


async def test_a_dealer_reads_of_its_own_customers_only(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    own = await shop.convert(fresh_sandbox.quote_id("Q-1010"))
    foreign = await shop.convert(fresh_sandbox.quote_id("Q-1002"))
    heard = (await feed(shop, NORTH)).events
    assert {one.subject for one in heard} == {own.operation_id, own.order_id}
    assert {one.sequence for one in heard} == {None}, "a gap between two numbers would count what others do"
    told = next(one.id for one in (await feed(shop, CRM)).events if one.subject == foreign.operation_id)
    for unknown in (told, "evt_never"):
        with pytest.raises(RequestFaulty):
            await feed(shop, NORTH, after=unknown)


async def test_an_event_is_a_cloud_event(shop: Shop, fresh_sandbox: RunningSandbox) -> None:
    done = await shop.convert(fresh_sandbox.quote_id("Q-1010"))
    last = msgspec.to_builtins((await feed(shop, CRM)).events[-1])
    assert last.keys() >= {"specversion", "id", "source", "type", "time", "subject", "datacontenttype", "data"}
    assert (last["specversion"], last["type"]) == ("1.0", "quote.conversion.completed")
    assert last["data"]["orderId"] == done.order_id
    assert all(name.isalnum() and name.islower() for name in last)
