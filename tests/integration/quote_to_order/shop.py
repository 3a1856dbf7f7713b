"""Everything a conversion needs, put together as the composition root does, against a real sandbox and a real file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import make_engine
from policies.answer import Answer
from policies.clients import Client
from policies.idempotency import Claim, Ledger
from policies.tables import metadata as policy_tables
from process_apis.caller import Caller
from process_apis.durable import Durable
from process_apis.landscape import Landscape, Plant
from process_apis.operation_views import OperationView
from process_apis.operations import ENDED
from process_apis.quote_to_order import workflow
from process_apis.quote_to_order.job import DECISION_TTL
from process_apis.quote_to_order.models import ConversionRequest
from process_apis.quote_to_order.process import convert_quote, get_operation
from process_apis.seals import Seals
from process_apis.tables import metadata as process_tables
from process_apis.words import new_id
from system_apis.deadline import Deadline
from system_apis.maintenance import Rests
from system_apis.salesforce.client import connect as connect_crm
from system_apis.sap.books import SalesOrderApi
from system_apis.sap.client import connect as connect_erp
from system_apis.sap.models import SalesArea
from system_apis.scheduler.http_adapter import connect as connect_scheduler

CRM = Client("crm", "CRM", "crm", frozenset({"orders:write"}), ("*",), ("*",), "internal")
SEALS = Seals(["a key of these tests alone, 32 bytes or more"])
NORTH = Client("dealer-north", "North", "partner", frozenset({"orders:write"}), ("17100001",), ("1710", "1720"))
SOUTH = Client("dealer-south", "South", "partner", frozenset({"orders:write"}), ("17100002",), ("1710",))
ERP = "s4-1710"


def answer_of(view: OperationView) -> Answer:
    return Answer(202, {}, msgspec.json.encode(view))


@dataclass
class Shop:
    """A gateway without its edge."""

    store: AsyncEngine
    landscape: Landscape
    durable: Durable

    async def claim(self, client: Client = CRM, key: str | None = None) -> Claim:
        wanted = key or new_id("key")
        claim = await Ledger(self.store).claim(client.client_id, "convertQuote", wanted, "fp", encode=answer_of)
        assert isinstance(claim, Claim)
        return claim

    async def caller(self, client: Client = CRM, *, wait_s: float | None = None, if_match: str | None = None) -> Caller:
        claim = await self.claim(client)
        return Caller(client, new_id("corr"), Deadline.after(60), claim, if_match, wait_s)

    @staticmethod
    def request(**members: object) -> ConversionRequest:
        return msgspec.convert({"customerPo": "PO-1", "onLate": "accept", **members}, ConversionRequest)

    async def convert(
        self, quote_id: str, *, client: Client = CRM, wait_s: float | None = 30, **request: object
    ) -> OperationView:
        wanted = self.request(**request)
        caller = await self.caller(client, wait_s=wait_s)
        return await convert_quote(
            caller,
            wanted,
            quote_id=quote_id,
            store=self.store,
            landscape=self.landscape,
            seals=SEALS,
            durable=self.durable,
        )

    async def until(
        self, operation_id: str, holds: Callable[[OperationView], bool], within_s: float = 30
    ) -> OperationView:
        """The operation as soon as `holds` is true of it."""
        async with asyncio.timeout(within_s):
            while True:
                seen = await self.look(operation_id)
                if holds(seen):
                    return seen
                await asyncio.sleep(0.03)

    async def ended(self, operation_id: str, within_s: float = 30) -> OperationView:
        return await self.until(operation_id, lambda seen: seen.state in ENDED, within_s)

    async def look(self, operation_id: str, client: Client = CRM) -> OperationView:
        caller = Caller(client, "corr-look", Deadline.after(10))
        return await get_operation(caller, None, operation_id=operation_id, store=self.store, landscape=self.landscape)


def landscape_of(
    urls: dict[str, str],
    settle_s: float,
    rests: Mapping[str, Rests] | None = None,
    sales_orders: SalesOrderApi = "v2",
) -> Landscape:
    """`rests` are the maintenance windows, by system."""
    windows = rests or {}
    erp = connect_erp(
        instance=ERP,
        base_url=urls["sap"],
        user="SANDBOX",
        password="Welcome1",
        sap_client="100",
        settle_s=settle_s,
        timeout_s=5,
        rests=windows.get("sap"),
        sales_orders=sales_orders,
    )
    crm = connect_crm(
        instance="crm-main",
        base_url=urls["salesforce"],
        client_id="ordergate",
        client_secret="salesforce-sandbox-secret",
        rests=windows.get("salesforce"),
    )
    plan = connect_scheduler(
        instance="aps-1710",
        base_url=urls["scheduler"],
        api_key="scheduler-sandbox-key",
        rests=windows.get("scheduler"),
    )
    plants = {
        "1710": Plant("1710", "Palo Alto", ZoneInfo("America/Los_Angeles"), ERP, "aps-1710"),
        "1720": Plant("1720", "Denver", ZoneInfo("America/Denver"), ERP, "aps-1710"),
    }
    return Landscape({ERP: erp}, crm, {"aps-1710": plan}, plants, "1710", SalesArea("1710", "10", "00"))


@asynccontextmanager
async def open_shop(
    database: Path | str,
    urls: dict[str, str],
    *,
    settle_s: float = 3.0,
    decision_ttl: timedelta = DECISION_TTL,
    rests: Mapping[str, Rests] | None = None,
    sales_orders: SalesOrderApi = "v2",
    **arranged: object,
) -> AsyncIterator[Shop]:
    """`database` is a SQLite file or the URL of a server, `arranged` what of the landscape is otherwise."""
    url = database if isinstance(database, str) else f"sqlite+aiosqlite:///{database}"
    store = make_engine(url)
    async with store.begin() as connection:
        for tables in (policy_tables, process_tables):
            await connection.run_sync(tables.create_all)
    landscape = replace(landscape_of(urls, settle_s, rests, sales_orders), **arranged)  # type: ignore[arg-type]
    durable = Durable(url)
    workflow.register(durable, store=store, landscape=landscape, decision_ttl=decision_ttl)
    await durable.launch()
    try:
        yield Shop(store, landscape, durable)
    finally:
        await durable.close()
        for neighbour in (*landscape.erps.values(), landscape.crm, *landscape.schedulers.values()):
            await neighbour.aclose()
        await store.dispose()
