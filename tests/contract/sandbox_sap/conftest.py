"""The sandbox's SAP on a real socket, its world new for every test, and clients that speak OData by hand."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import uvicorn

from system_apis.sandbox import sap
from system_apis.sandbox.sap.server import ApplicationServer
from system_apis.sandbox.world import World
from system_apis.sandbox.world.orders import Order

TODAY = date(2030, 3, 4)
ORDERS = "/sap/opu/odata/sap/API_SALES_ORDER_SRV"
SIMULATION = "/sap/opu/odata/sap/API_SALES_ORDER_SIMULATION_SRV"
LOGON = ("SANDBOX", "Welcome1")
JSON = {"Accept": "application/json"}


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[str, World, ApplicationServer]]:
    world = World.seed(TODAY)
    erp = sap.app(world)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(erp, lifespan="off", ws="none", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}", world, erp
    server.should_exit = True
    thread.join(timeout=10)
    listening.close()


@pytest.fixture
def world(served: tuple[str, World, ApplicationServer]) -> World:
    served[1].reset()
    return served[1]


@pytest.fixture
def erp(served: tuple[str, World, ApplicationServer]) -> Iterator[ApplicationServer]:
    """The application server itself, for a test that configures it."""
    yield served[2]
    served[2].configure(sales_order="both")


@pytest.fixture
def url(served: tuple[str, World, ApplicationServer], world: World) -> str:
    return served[0]


@pytest.fixture
def reader(url: str) -> Iterator[httpx.Client]:
    """Logged on, asking for JSON, without a CSRF token."""
    with httpx.Client(base_url=url, auth=LOGON, headers=JSON) as client:
        yield client


@pytest.fixture
def writer(reader: httpx.Client) -> httpx.Client:
    """The same client once it holds a token and its session's cookies."""
    fetched = reader.head(f"{ORDERS}/", headers={"X-CSRF-Token": "Fetch"})
    reader.headers["X-CSRF-Token"] = fetched.headers["x-csrf-token"]
    return reader


def stamp(day: date) -> str:
    """A day as SAP writes it in JSON."""
    return f"/Date({int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000})/"


def day_of(text: str) -> date:
    found = re.fullmatch(r"/Date\((\d+)\)/", text)
    assert found is not None, text
    return datetime.fromtimestamp(int(found.group(1)) / 1000, UTC).date()


def after(days: int) -> date:
    return TODAY + timedelta(days)


def item(material: str, quantity: str, **more: Any) -> dict[str, Any]:
    return {"Material": material, "RequestedQuantity": quantity, **more}


def order(
    *items: dict[str, Any], customer: str = "17100001", requested: date | None = None, **more: Any
) -> dict[str, Any]:
    """An order's body as a client sends it; asked for in five days unless said otherwise."""
    return {
        "SalesOrderType": "OR",
        "SalesOrganization": "1710",
        "DistributionChannel": "10",
        "OrganizationDivision": "00",
        "SoldToParty": customer,
        "RequestedDeliveryDate": stamp(requested or after(5)),
        "to_Item": list(items),
        **more,
    }


def create(writer: httpx.Client, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = writer.post(f"{ORDERS}/A_SalesOrder", json=order(*items, **more))
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()["d"]
    return created


def read(reader: httpx.Client, number: str) -> dict[str, Any]:
    answer = reader.get(f"{ORDERS}/A_SalesOrder('{number}')", params={"$expand": "to_Item,to_Item/to_ScheduleLine"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["d"]
    return found


def pieces(item_or_line: dict[str, Any]) -> list[tuple[Decimal, date | None]]:
    """What the schedule lines confirm: quantity and day."""
    lines = item_or_line["to_ScheduleLine"]["results"]
    days = [line["ConfirmedDeliveryDate"] for line in lines]
    quantities = [Decimal(line["ConfdOrderQtyByMatlAvailCheck"]) for line in lines]
    return [(quantity, day_of(day) if day else None) for quantity, day in zip(quantities, days, strict=True)]


def entered(world: World) -> list[Order]:
    """The orders that came in by the API, not those that the ERP held before."""
    return [order for order in world.orders.values() if order.created_by == LOGON[0]]


def text_of(answer: httpx.Response) -> str:
    value: str = answer.json()["error"]["message"]["value"]
    return value
