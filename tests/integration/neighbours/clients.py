"""The three clients, turned to the running sandbox."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from system_apis.deadline import Deadline
from system_apis.salesforce import client as salesforce
from system_apis.salesforce.client import Salesforce
from system_apis.salesforce.logon import PRODUCTION_AUDIENCE, SignedLogon
from system_apis.sap import client as sap
from system_apis.sap.books import SalesOrderApi
from system_apis.sap.client import SapErp
from system_apis.sap.models import Demand, NewOrder, SalesArea
from system_apis.scheduler import http_adapter
from system_apis.scheduler.http_adapter import HttpScheduler
from tests.sandbox import RunningSandbox

AREA = SalesArea("1710", "10", "00")
CUSTOMER = "17100001"
CRM_USER = "ordergate@sandbox.example"


def soon(seconds: float = 10) -> Deadline:
    return Deadline.after(seconds)


def erp_of(
    sandbox: RunningSandbox,
    password: str = "Welcome1",
    *,
    repeatable: bool = False,
    sales_orders: SalesOrderApi = "v2",
    transport: httpx.AsyncBaseTransport | None = None,
) -> SapErp:
    return sap.connect(
        instance="s4-1710",
        base_url=sandbox.urls["sap"],
        user="SANDBOX",
        password=password,
        sap_client="100",
        settle_s=1,
        repeatable=repeatable,
        sales_orders=sales_orders,
        transport=transport,
    )


def crm_of(sandbox: RunningSandbox, secret: str = "salesforce-sandbox-secret", **more: Any) -> Salesforce:
    return salesforce.connect(
        instance="crm-main", base_url=sandbox.urls["salesforce"], client_id="ordergate", client_secret=secret, **more
    )


def signed_crm_of(
    sandbox: RunningSandbox,
    *,
    key_file: Path | None = None,
    audience: str = PRODUCTION_AUDIENCE,
    username: str = CRM_USER,
) -> Salesforce:
    """The CRM entered by an assertion of the user who approved the app."""
    signed = SignedLogon(username, key_file or Path(sandbox.jwt_key), audience)
    return salesforce.connect(
        instance="crm-main", base_url=sandbox.urls["salesforce"], client_id="ordergate", signed=signed
    )


def scheduler_of(sandbox: RunningSandbox, key: str = "scheduler-sandbox-key") -> HttpScheduler:
    return http_adapter.connect(instance="aps-1710", base_url=sandbox.urls["scheduler"], api_key=key)


def today(sandbox: RunningSandbox) -> date:
    return date.fromisoformat(sandbox.world()["today"])


def demand(line: str, material: str, quantity: str, day: date, unit: str = "C62") -> Demand:
    return Demand(line, material, Decimal(quantity), unit, day, "1710")


def new_order(sandbox: RunningSandbox, reference: str, *lines: Demand, sold_to: str = CUSTOMER) -> NewOrder:
    wanted = lines or (demand("1", "TG11", "5", today(sandbox) + timedelta(days=5)),)
    return NewOrder(reference, "PO-1", AREA, sold_to, sold_to, wanted[0].requested_date, wanted)
