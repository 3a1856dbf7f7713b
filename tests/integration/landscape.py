"""The gateway's side of the sandbox for tests of processes: real clients on real sockets, no HTTP edge."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec

from policies.clients import Client
from policies.idempotency import Claim
from process_apis.caller import Caller
from process_apis.landscape import Landscape, Plant
from system_apis.deadline import Deadline
from system_apis.salesforce.client import connect as connect_crm
from system_apis.sap.books import SalesOrderApi
from system_apis.sap.client import connect as connect_erp
from system_apis.sap.models import SalesArea
from system_apis.scheduler.http_adapter import connect as connect_scheduler
from tests.sandbox import RunningSandbox

CRM = Client("crm", "Salesforce", "crm", frozenset(), ("*",), ("*",), "internal")
NORTH = Client("dealer-north", "Northwind Tooling", "partner", frozenset(), ("17100001",), ("1710", "1720"))
SOUTH = Client("dealer-south", "Southgate Supply", "partner", frozenset(), ("17100002",), ("1710", "1720"))
NOBODY_LISTENS = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Urls:
    sap: str
    salesforce: str
    scheduler: str


def urls_of(sandbox: RunningSandbox) -> Urls:
    return Urls(*(sandbox.urls[system] for system in ("sap", "salesforce", "scheduler")))


class Overheard(httpx.AsyncHTTPTransport):
    """The real transport, with a memory of what was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        return await super().handle_async_request(request)

    def bodies(self, path: str) -> list[Any]:
        """The JSON of what was posted to `path`, in order."""
        return [msgspec.json.decode(one.content) for one in self.sent if one.url.path == path]


@asynccontextmanager
async def open_landscape(
    urls: Urls, overheard: Overheard | None = None, sales_orders: SalesOrderApi = "v2"
) -> AsyncIterator[Landscape]:
    erp = connect_erp(
        instance="s4-1710",
        base_url=urls.sap,
        user="SANDBOX",
        password="Welcome1",
        sap_client="100",
        settle_s=1,
        sales_orders=sales_orders,
    )
    crm = connect_crm(
        instance="crm-main",
        base_url=urls.salesforce,
        client_id="ordergate",
        client_secret="salesforce-sandbox-secret",
    )
    aps = connect_scheduler(
        instance="aps-1710", base_url=urls.scheduler, api_key="scheduler-sandbox-key", transport=overheard
    )
    plants = {
        name: Plant(name, public, ZoneInfo(zone), "s4-1710", "aps-1710")
        for name, public, zone in (
            ("1710", "Palo Alto", "America/Los_Angeles"),
            ("1720", "Denver", "America/Denver"),
        )
    }
    try:
        yield Landscape({"s4-1710": erp}, crm, {"aps-1710": aps}, plants, "1710", SalesArea("1710", "10", "00"))
    finally:
        for system in (erp, crm, aps):
            await system.aclose()


def caller(
    client: Client = CRM,
    *,
    seconds: float = 10,
    if_match: str | None = None,
    claim: Claim | None = None,
    wait_s: float | None = None,
) -> Caller:
    return Caller(client, "corr-test", Deadline.after(seconds), claim, if_match, wait_s)
