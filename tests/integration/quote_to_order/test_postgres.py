"""The same on a server: engine, operations and claims in PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest

from process_apis.errors import LinesAlreadyConverted
from process_apis.operation_views import OperationView
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
        assert len(page.events) == 9
