"""The V4 sales order service as an OData client sees it that others wrote: python-odata, over requests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests
from odata import ODataService
from odata.exceptions import ODataError
from odata.flags import ODataServerFlags

from system_apis.sandbox.sap.server import ApplicationServer
from tests.contract.sandbox_sap.conftest import LOGON, after
from tests.contract.sandbox_sap.v4 import V4, item, order


@pytest.fixture
def session(url: str) -> Iterator[requests.Session]:
    with requests.Session() as held:
        held.auth = LOGON
        fetched = held.head(f"{url}{V4}/", headers={"X-CSRF-Token": "Fetch"}, timeout=10)
        held.headers["X-CSRF-Token"] = fetched.headers["x-csrf-token"]
        yield held


@pytest.fixture
def service(url: str, session: requests.Session) -> Any:
    """Its classes are made of the metadata. It would send null for all that is unset, which the metadata forbids."""
    flags = ODataServerFlags(skip_null_properties=True)
    return ODataService(f"{url}{V4}/", session=session, reflect_entities=True, server_flags=flags, quiet_progress=True)


@pytest.fixture
def number(url: str, session: requests.Session) -> str:
    sent = order(item("TG11", 40), item("TG12", 100), PurchaseOrderByShipToParty="op_4")
    return str(session.post(f"{url}{V4}/SalesOrder", json=sent, timeout=10).json()["SalesOrder"])


def test_python_odata_reads_the_metadata(service: Any) -> None:
    assert set(service.entities) == {
        "SalesOrder",
        "SalesOrderItem",
        "SalesOrderPartner",
        "SalesOrderScheduleLine",
    }


def test_python_odata_reads_an_order_and_follows_its_navigations(service: Any, number: str) -> None:
    found = service.query(service.entities["SalesOrder"]).get(number)
    assert (found.SoldToParty, found.RequestedDeliveryDate) == ("17100001", after(5).isoformat())
    assert [line.Product for line in found._Item] == ["TG11", "TG12"]  # SAP's names of navigations begin so
    items = service.entities["SalesOrderItem"]
    (line,) = service.query(items).filter(items.SalesOrder == number).filter(items.Product == "TG12")
    assert line.RequestedQuantity == Decimal(100)
    assert [piece.ConfdOrderQtyByMatlAvailCheck for piece in line._ScheduleLine] == [Decimal(60), Decimal(40)]


def test_python_odata_finds_orders(service: Any, number: str) -> None:
    orders = service.entities["SalesOrder"]
    query = (
        service.query(orders).filter(orders.PurchaseOrderByShipToParty == "op_4").filter(orders.SalesOrderType == "OR")
    )
    assert [found.SalesOrder for found in query] == [number]
    early = service.query(orders).filter(orders.LastChangeDateTime < datetime(2030, 2, 10, tzinfo=UTC))
    assert number in [found.SalesOrder for found in early]
    begun = (
        service.query(orders).filter(orders.SalesOrder.startswith("9000")).order_by(orders.SalesOrder.desc()).limit(1)
    )
    assert [found.SalesOrder for found in begun] == ["90000018"]


def test_python_odata_follows_the_pages_of_a_long_collection(service: Any, number: str, erp: ApplicationServer) -> None:
    erp.configure(page_size=2)
    items = service.entities["SalesOrderItem"]
    found = [(line.SalesOrder, line.SalesOrderItem) for line in service.query(items)]
    assert (len(found), len(set(found))) == (6, 6)


def test_python_odata_creates_and_changes_an_order(service: Any, session: requests.Session) -> None:
    made = service.entities["SalesOrder"]()
    made.SalesOrderType, made.SoldToParty = "OR", "17100001"
    made.SalesOrganization, made.DistributionChannel, made.OrganizationDivision = "1710", "10", "00"
    service.save(made)
    assert made.SalesOrder
    made.DeliveryBlockReason = "01"
    with pytest.raises(ODataError) as unconditional:
        service.save(made)  # it knows nothing of versions
    assert unconditional.value.status_code == "HTTP 428"
    session.headers["If-Match"] = "*"
    service.save(made)
    assert service.query(service.entities["SalesOrder"]).get(made.SalesOrder).DeliveryBlockReason == "01"
