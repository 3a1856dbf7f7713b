"""Everything an order change needs, as the composition root puts it together, on a real sandbox and a real file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import make_engine, migrate
from policies.answer import Answer
from policies.clients import Client
from policies.idempotency import Claim, Ledger
from process_apis.caller import Caller
from process_apis.durable import Durable
from process_apis.landscape import Landscape
from process_apis.order_change import commit
from process_apis.order_change.models import ChangeDecision, ChangeRequestBody, ChangeRequestView
from process_apis.order_change.process import decide_change, get_change_request, request_change
from process_apis.orders.models import OrderView
from process_apis.orders.process import get_order
from process_apis.quote_to_order import workflow
from process_apis.quote_to_order.models import ConversionRequest
from process_apis.quote_to_order.process import convert_quote
from process_apis.seals import Seals
from system_apis.deadline import Deadline
from system_apis.sap.books import SalesOrderApi
from tests.integration.landscape import CRM, open_landscape, urls_of
from tests.sandbox import RunningSandbox

SEALS = Seals(["a-key-of-the-house-for-the-tests-1"])
MOVING = {"received", "simulating", "accepted", "committing"}


@dataclass
class Counter:
    """A gateway without its edge, for orders that exist and are to be changed."""

    sandbox: RunningSandbox
    store: AsyncEngine
    landscape: Landscape
    durable: Durable
    keys: count[int] = field(default_factory=lambda: count(1))

    async def caller(self, client: Client = CRM, *, if_match: str | None = None, wait_s: float | None = None) -> Caller:
        ledger, key = Ledger(self.store), f"key-{next(self.keys)}"
        encode: Callable[[Any], Answer] = lambda view: Answer(202, {}, msgspec.json.encode(view))  # noqa: E731
        claim = await ledger.claim(client.client_id, "a test", key, "fp", encode=encode)
        assert isinstance(claim, Claim)
        return Caller(client, f"corr-{key}", Deadline.after(15), claim, if_match, wait_s)

    async def convert(self, quote: str, **request: Any) -> str:
        """The id of the order that the sandbox's quote became."""
        wish = msgspec.convert({"customerPo": "PO-1", "onLate": "accept", **request}, ConversionRequest)
        caller = await self.caller(wait_s=30)
        operation = await convert_quote(
            caller,
            wish,
            quote_id=self.sandbox.quote_id(quote),
            store=self.store,
            landscape=self.landscape,
            seals=SEALS,
            durable=self.durable,
        )
        assert operation.order_id is not None, operation
        return operation.order_id

    async def order(self, order_id: str, client: Client = CRM) -> OrderView:
        caller = Caller(client, "corr-look", Deadline.after(10))
        return await get_order(caller, None, order_id=order_id, landscape=self.landscape, seals=SEALS, store=self.store)

    async def ask(
        self, order_id: str, *operations: dict[str, Any], etag: str | None = None, client: Client = CRM, **more: Any
    ) -> ChangeRequestView:
        """A change request on the order as it stands, or as it stood at `etag`."""
        seen = etag or (await self.order(order_id, client)).etag
        body = msgspec.convert({"operations": list(operations), **more}, ChangeRequestBody)
        caller = await self.caller(client, if_match=seen, wait_s=20)
        async with caller.claim:
            return await request_change(
                caller,
                body,
                order_id=order_id,
                landscape=self.landscape,
                seals=SEALS,
                store=self.store,
                durable=self.durable,
            )

    async def decide(
        self, change: ChangeRequestView, decision: str = "accept", *, client: Client = CRM, wait_s: float | None = 20
    ) -> ChangeRequestView:
        caller = await self.caller(client, if_match=change.etag, wait_s=wait_s)
        async with caller.claim:
            return await decide_change(
                caller,
                msgspec.convert({"decision": decision}, ChangeDecision),
                order_id=change.order_id,
                change_request_id=change.change_request_id,
                seals=SEALS,
                store=self.store,
                durable=self.durable,
            )

    async def look(self, change: ChangeRequestView, client: Client = CRM) -> ChangeRequestView:
        return await get_change_request(
            Caller(client, "corr-look", Deadline.after(10)),
            None,
            order_id=change.order_id,
            change_request_id=change.change_request_id,
            seals=SEALS,
            store=self.store,
        )

    async def until(
        self, change: ChangeRequestView, holds: Callable[[ChangeRequestView], bool], within_s: float = 30
    ) -> ChangeRequestView:
        async with asyncio.timeout(within_s):
            while True:
                seen = await self.look(change)
                if holds(seen):
                    return seen
                await asyncio.sleep(0.03)

    def writes(self, system: str, path: str, method: str) -> int:
        """So many writes of this kind have reached the system."""
        seen = self.sandbox.journal(system)
        return len([one for one in seen if one["method"] == method and path in one["path"]])

    async def asleep(self) -> None:
        """Until the armed fault has a request in its hands."""
        async with asyncio.timeout(10):
            while True:
                if any(fault["fired"] for fault in self.sandbox.faults()):
                    return
                await asyncio.sleep(0.02)

    async def ended(self, change: ChangeRequestView) -> ChangeRequestView:
        return await self.until(change, lambda seen: seen.state not in MOVING)


@asynccontextmanager
async def open_counter(
    database: Path,
    sandbox: RunningSandbox,
    arranged: Callable[[Landscape], Landscape] = lambda landscape: landscape,
    sales_orders: SalesOrderApi = "v2",
) -> AsyncIterator[Counter]:
    """`arranged` says what of the landscape is otherwise. The ERP serves its orders in the one dialect only."""
    sandbox.sap_settings(sales_order=sales_orders)
    url = f"sqlite+aiosqlite:///{database}"
    store = make_engine(url)
    await migrate(store)
    durable = Durable(url)
    async with open_landscape(urls_of(sandbox), sales_orders=sales_orders) as usual:
        landscape = arranged(usual)
        workflow.register(durable, store=store, landscape=landscape)
        commit.register(durable, store=store, landscape=landscape)
        await durable.launch()
        try:
            yield Counter(sandbox, store, landscape, durable)
        finally:
            await durable.close()
            await store.dispose()
