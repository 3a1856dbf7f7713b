"""The sandbox's SAP as an OData client sees it that others wrote: pyodata, over requests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

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
