"""The sandbox's SAP as an OData client sees it that others wrote: pyodata, over requests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pyodata
import pytest
import requests
from pyodata.exceptions import HttpError

from tests.contract.sandbox_sap.conftest import LOGON, ORDERS, SIMULATION, after, item, order


@pytest.fixture
def session(url: str) -> Iterator[requests.Session]:
    with requests.Session() as held:
        held.auth = LOGON
        fetched = held.head(f"{url}{ORDERS}/", headers={"X-CSRF-Token": "Fetch"}, timeout=10)
        held.headers["X-CSRF-Token"] = fetched.headers["x-csrf-token"]
        yield held


@pytest.fixture
def orders(url: str, session: requests.Session) -> pyodata.Client:
    return pyodata.Client(f"{url}{ORDERS}", session)


def body(*items: dict[str, str]) -> dict[str, object]:
    day = after(5)
    wanted = order(*items, PurchaseOrderByShipToParty="op_py")
    return wanted | {"RequestedDeliveryDate": datetime(day.year, day.month, day.day, tzinfo=UTC)}


def test_pyodata_reads_the_metadata(orders: pyodata.Client) -> None:
    header = orders.schema.entity_type("A_SalesOrderType")
    assert {nav.name for nav in header.nav_proprties} == {"to_Item", "to_Partner"}
    assert not header.proprty("TotalNetAmount").creatable
    assert header.proprty("PurchaseOrderByShipToParty").creatable


def test_pyodata_creates_reads_and_finds_an_order(orders: pyodata.Client) -> None:
    made = orders.entity_sets.A_SalesOrder.create_entity().set(**body(item("TG11", "40"), item("TG12", "5"))).execute()
    assert made.etag.startswith("W/")
    found = (
        orders.entity_sets.A_SalesOrder.get_entity(made.SalesOrder).expand("to_Item,to_Item/to_ScheduleLine").execute()
    )
    assert [line.Material for line in found.to_Item] == ["TG11", "TG12"]
    assert [line.ConfdOrderQtyByMatlAvailCheck for line in found.to_Item[1].to_ScheduleLine] == ["5"]
    assert found.RequestedDeliveryDate.date() == after(5)
    query = orders.entity_sets.A_SalesOrder.get_entities().count(inline=True)
    hits = query.filter("PurchaseOrderByShipToParty eq 'op_py' and SoldToParty eq '17100001'").execute()
    assert (hits.total_count, hits[0].SalesOrder) == (1, made.SalesOrder)


def test_pyodata_changes_an_order_with_its_version(orders: pyodata.Client) -> None:
    made = orders.entity_sets.A_SalesOrder.create_entity().set(**body(item("TG11", "40"))).execute()
    change = orders.entity_sets.A_SalesOrder.update_entity(made.SalesOrder).set(DeliveryBlockReason="01")
    with pytest.raises(HttpError) as unconditional:
        change.execute()
    assert unconditional.value.response.status_code == 428
    change.add_headers({"If-Match": made.etag})
    change.execute()
    with pytest.raises(HttpError) as stale:
        change.execute()
    assert stale.value.response.status_code == 412


def test_pyodata_sends_a_changeset(orders: pyodata.Client) -> None:
    made = orders.entity_sets.A_SalesOrder.create_entity().set(**body(item("TG11", "40"))).execute()
    number = made.SalesOrder
    batch, changeset = orders.create_batch(), orders.create_changeset()
    changed = orders.entity_sets.A_SalesOrderItem.update_entity(SalesOrder=number, SalesOrderItem="10")
    changeset.add_request(changed.set(RequestedQuantity="41"))
    batch.add_request(changeset)
    batch.add_request(orders.entity_sets.A_SalesOrder.get_entity(number))
    _, after_it = batch.execute()
    assert after_it.SalesOrder == number
    line = orders.entity_sets.A_SalesOrderItem.get_entity(SalesOrder=number, SalesOrderItem="10").execute()
    assert line.RequestedQuantity == "41"


def test_pyodata_simulates(url: str, session: requests.Session) -> None:
    service = pyodata.Client(f"{url}{SIMULATION}", session)
    wanted = body(item("TG11", "40")) | {"to_Pricing": {}, "to_Credit": {}}
    wanted.pop("PurchaseOrderByShipToParty")
    answer = service.entity_sets.A_SalesOrderSimulation.create_entity().set(**wanted).execute()
    assert answer.to_Pricing.TotalNetAmount == "679.00"
    assert answer.to_Credit.TotalCreditCheckStatus == "A"


def test_pyodata_calls_the_availability_functions(url: str, session: requests.Session) -> None:
    service = pyodata.Client(f"{url}/sap/opu/odata/sap/API_PRODUCT_AVAILY_INFO_BASIC", session)

    def asking(function: str) -> Any:
        made = getattr(service.functions, function).parameter("Material", "TG12").parameter("SupplyingPlant", "1710")
        return made.parameter("ATPCheckingRule", "A")

    at = asking("DetermineAvailabilityAt").parameter("RequestedUTCDateTime", datetime(2030, 3, 20, tzinfo=UTC))
    assert at.execute()["DetermineAvailabilityAt"]["AvailableQuantityInBaseUnit"] == "260.000"
    of = asking("DetermineAvailabilityOf").parameter("RequestedQuantityInBaseUnit", 61)
    assert of.execute()["DetermineAvailabilityOf"]["AvailableQuantityInBaseUnit"] == "260.000"


def test_pyodata_follows_the_pages_of_a_long_collection(url: str, session: requests.Session) -> None:
    service = pyodata.Client(f"{url}/sap/opu/odata/sap/API_PRODUCT_SRV", session)
    request = service.entity_sets.A_ProductPlant.get_entities().select("Product,Plant")
    page = request.execute()
    seen = [(row.Product, row.Plant) for row in page]
    while page.next_url:
        page = service.entity_sets.A_ProductPlant.get_entities().next_url(page.next_url).execute()
        seen += [(row.Product, row.Plant) for row in page]
    assert (len(seen), len(set(seen))) == (36, 36)


@pytest.mark.parametrize("service", ["API_BUSINESS_PARTNER", "API_MATERIAL_STOCK_SRV", "API_OUTBOUND_DELIVERY_SRV"])
def test_pyodata_reads_every_set_of_the_other_services(url: str, session: requests.Session, service: str) -> None:
    client = pyodata.Client(f"{url}/sap/opu/odata/sap/{service}", session)
    for entity in client.schema.entity_sets:
        assert getattr(client.entity_sets, entity.name).get_entities().execute()


def test_pyodata_follows_a_production_order_to_its_statuses(url: str, session: requests.Session) -> None:
    client = pyodata.Client(f"{url}/sap/opu/odata/sap/API_PRODUCTION_ORDER_2_SRV", session)
    orders = client.entity_sets.A_ProductionOrder_2.get_entities().filter("Material eq 'FG128'").execute()
    assert (orders[0].OrderIsReleased, orders[0].etag) == ("X", "W/\"'20300302093000'\"")
    statuses = orders[0].nav("to_ProductionOrderStatus").get_entities().execute()
    assert [status.StatusShortName for status in statuses] == ["REL", "PCNF"]
