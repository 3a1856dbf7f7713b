"""The control door: faults, journal, a look at the world, and a new one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta, Struct

from system_apis.sandbox.asgi import App, Receive, Scope, Send, read_body, reply
from system_apis.sandbox.faults import FaultWanted
from system_apis.sandbox.faults.canaries import CanaryWanted
from system_apis.sandbox.sap.installed import SalesOrderService
from system_apis.sandbox.sap.logon import USER

if TYPE_CHECKING:
    from system_apis.sandbox.run import Sandbox

Made = tuple[int, Any]


class SapSettings(Struct, rename="camel", forbid_unknown_fields=True):
    """Until the next reset: how many rows an answer holds, whether a repeated RequestID is honoured, and which sales
    order services there are; of these, nothing said leaves them as they are."""

    page_size: Annotated[int, Meta(ge=1)] | None = None
    repeatability: bool = False
    sales_order: SalesOrderService | None = None


class SchedulerSettings(Struct, rename="camel", forbid_unknown_fields=True):
    """Until the next reset: materials that the scheduler plans with another revision of their routing."""

    routing_revision: dict[str, str] = {}


def app(sandbox: Sandbox) -> App:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        query = dict(parse_qsl(scope["query_string"].decode("ascii")))
        try:
            status, made = await _route(sandbox, scope["method"], scope["path"], query, body)
        except (msgspec.DecodeError, ValueError) as wrong:
            status, made = 400, {"code": "badRequest", "message": str(wrong)}
        await reply(send, status, b"" if made is None else msgspec.json.encode(made))

    return answer


async def _route(sandbox: Sandbox, method: str, path: str, query: dict[str, str], body: bytes) -> Made:
    if (method, path) == ("POST", "/faults"):
        return 201, await sandbox.faults.arm(msgspec.json.decode(body, type=FaultWanted))
    if method == "GET" and path in _LOOKS:
        return 200, _LOOKS[path](sandbox, query)
    found = re.fullmatch(r"DELETE /faults(?:/([\w-]+))?", f"{method} {path}")
    if found:
        await sandbox.faults.lift(found[1])
    elif (method, path) == ("POST", "/reset"):
        await sandbox.reset()
    elif (method, path) == ("POST", "/salesforce/expire-sessions"):
        sandbox.sessions.end_all()
    elif (method, path) == ("POST", "/sap/settings"):
        sandbox.erp.configure(**msgspec.structs.asdict(msgspec.json.decode(body, type=SapSettings)))
    elif (method, path) == ("POST", "/canaries"):
        sandbox.canaries.plant(msgspec.json.decode(body, type=CanaryWanted))
    elif (method, path) == ("DELETE", "/canaries"):
        sandbox.canaries.lift()
    elif (method, path) == ("POST", "/scheduler/settings"):
        sandbox.shopfloor.configure(**msgspec.structs.asdict(msgspec.json.decode(body, type=SchedulerSettings)))
    else:
        return 404, {"code": "notFound", "message": f"{method} {path} is not served here."}
    return 204, None


def world(sandbox: Sandbox) -> dict[str, Any]:
    """What a person wants to see at a glance: the quotes, the orders, the plan."""
    accounts, lines = sandbox.crm.tables["Account"], sandbox.crm.tables["QuoteLineItem"].values()
    codes = {key: product["ProductCode"] for key, product in sandbox.crm.tables["Product2"].items()}
    quotes = [
        {
            "name": quote["Name"],
            "id": quote["Id"],
            "status": quote["Status"],
            "customer": accounts[quote["AccountId"]]["ERP_Customer__c"],
            "expires": quote["ExpirationDate"],
            "order": quote["ERP_Order_Number__c"],
            "state": quote["Ordergate_State__c"],
            "lines": [
                f"{codes[n['Product2Id']]} x {n['Quantity']:g} {n['Unit__c']}" for n in lines if n["QuoteId"] == key
            ],
        }
        for key, quote in sandbox.crm.tables["Quote"].items()
    ]
    return {
        "today": sandbox.world.today,
        "quotes": quotes,
        "orders": [_order(order) for order in sandbox.world.orders.values() if order.created_by == USER],
        "ordersBefore": [_order(order) for order in sandbox.world.orders.values() if order.created_by != USER],
        "planVersion": str(sandbox.shopfloor.plan),
        "commitments": list(sandbox.shopfloor.orders.values()),
    }


def _order(order: Any) -> dict[str, Any]:
    items = [
        f"{item.number} {item.material} x {item.quantity:f} {item.unit}, {item.confirmed:f} confirmed"
        for item in order.items.values()
    ]
    return {
        "number": order.number,
        "customer": order.customer,
        "credit": order.credit,
        "other": order.other,
        "items": items,
    }


_LOOKS: dict[str, Callable[[Sandbox, dict[str, str]], Any]] = {
    "/health": lambda sandbox, _: {"status": "up", "urls": sandbox.urls},
    "/faults": lambda sandbox, _: {"faults": sandbox.faults.listed()},
    "/journal": lambda sandbox, asked: {
        "entries": sandbox.journal.read(asked.get("system"), int(asked.get("after", 0)))
    },
    "/world": lambda sandbox, _: world(sandbox),
}
