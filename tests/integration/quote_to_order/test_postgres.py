"""The same on a server: engine, operations and claims in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from process_apis.errors import LinesAlreadyConverted, QueueFull
from process_apis.landscape import Queues
from process_apis.operation_views import InternalOperation, OperationView
from process_apis.outbox import list_events
from tests.integration.quote_to_order import witness
from tests.integration.quote_to_order.shop import open_shop
from tests.postgres import postgres
from tests.sandbox import RunningSandbox

__all__ = ["postgres"]


@pytest.mark.timeout(90)
async def test_conversions_on_postgres_are_exactly_once_too(postgres: str, fresh_sandbox: RunningSandbox) -> None:
    async with open_shop(postgres, fresh_sandbox.urls) as shop:
        fresh_sandbox.fault("sap", "dropAfterCommit", method="POST", path="/A_SalesOrder$", count=1)
        quotes = [fresh_sandbox.quote_id(f"Q-101{n}") for n in (0, 1, 2, 0, 1, 2)]
        answers = await asyncio.gather(*(shop.convert(one) for one in quotes), return_exceptions=True)
        made = [one for one in answers if isinstance(one, OperationView)]
        assert [one.state for one in made] == ["completed"] * 3
        assert sum(isinstance(one, LinesAlreadyConverted) for one in answers) == 3
        assert [len(witness.orders_of(fresh_sandbox, one.operation_id)) for one in made] == [1, 1, 1]
        page = await list_events(await shop.caller(), None, store=shop.store)
        told = Counter(one.type for one in page.events)
        assert {told[f"quote.conversion.{name}"] for name in ("started", "orderCreated", "completed")} == {3}
        assert told["operation.waiting"] == 1


@pytest.mark.timeout(90)
async def test_a_queue_on_postgres_is_bounded_and_lines_are_claimed_at_any_version(
    postgres: str, fresh_sandbox: RunningSandbox
) -> None:
    fresh_sandbox.fault("sap", "unavailable")
    async with open_shop(postgres, fresh_sandbox.urls, queues=Queues(most_waiting=1)) as shop:
        quote_id = fresh_sandbox.quote_id("Q-1015")
        first = await shop.convert(quote_id, wait_s=None)
        await shop.until(
            first.operation_id, lambda seen: isinstance(seen, InternalOperation) and bool(seen.waiting_for)
        )
        with pytest.raises(QueueFull):
            await shop.convert(fresh_sandbox.quote_id("Q-1016"))
    fresh_sandbox.lift()
    async with open_shop(postgres, fresh_sandbox.urls) as shop:
        witness.change_quote(fresh_sandbox, quote_id, {"Revision__c": "2"})
        with pytest.raises(LinesAlreadyConverted) as held:
            await shop.convert(quote_id)
        assert held.value.operation_id == first.operation_id
        assert (await shop.ended(first.operation_id)).state == "completed"
