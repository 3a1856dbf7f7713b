"""Drift of SAP: what we use against metadata, over the wire and one change at a time."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest

from system_apis.drift import Finding
from system_apis.errors import SystemUnavailable, UnreadableAnswer
from system_apis.sap.models import Demand, ItemChange, NewOrder, OrderPatch, Predecessor, ScheduleChange
from system_apis.sap.used import used
from system_apis.sap.wire import DEFAULT_REFERENCE_FIELD
from system_apis.sap.writing import change, new_order, numbered, simulation
from tests.contract.sap.answers import AREA, DAY, ROOT, erp, soon
from tests.contract.sap.edmx import Change, edmx
from tests.contract.tape import Player

SERVICES = {each.service: each for each in used(DEFAULT_REFERENCE_FIELD)}
ORDER = "API_SALES_ORDER_SRV"
FIELD = DEFAULT_REFERENCE_FIELD


class Live:
    """An instance that serves what we use, but for changes, other names and services it has not."""

    def __init__(
        self,
        changes: dict[str, Change] | None = None,
        *,
        without: frozenset[str] = frozenset(),
        renamed: dict[str, str] | None = None,
    ) -> None:
        self.changes = changes or {}
        self.without = without
        self.renamed = renamed or {}
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        service = request.url.path.removeprefix(f"{ROOT}/").removesuffix("/$metadata")
        if service in self.without:
            return httpx.Response(403, json={"error": {"code": "/IWFND/CM/1", "message": {"value": "No service"}}})
        document = edmx(SERVICES[service], self.changes.get(service))
        for old, new in self.renamed.items():
            document = document.replace(f'"{old}"'.encode(), f'"{new}"'.encode())
        return httpx.Response(200, content=document)

    async def findings(self, reference_field: str = DEFAULT_REFERENCE_FIELD) -> tuple[Finding, ...]:
        player = Player([("GET", self)] * len(SERVICES))
        return await erp(player, reference_field=reference_field).drift(deadline=soon())


async def test_an_instance_that_has_all_we_use_has_not_drifted() -> None:
    live = Live()
    assert await live.findings() == ()
    assert {request.headers["accept"] for request in live.seen} == {"application/xml"}
    assert len(live.seen) == len(SERVICES) == 10


@pytest.mark.parametrize(
    ("change", "kind", "entity", "field"),
    [
        ({"A_SalesOrder.SoldToParty": None}, "missing", "A_SalesOrder", "SoldToParty"),
        ({"A_SalesOrder.SoldToParty": 'sap:creatable="false"'}, "notCreatable", "A_SalesOrder", "SoldToParty"),
        ({"A_SalesOrder.SoldToParty": 'sap:filterable="false"'}, "notFilterable", "A_SalesOrder", "SoldToParty"),
        (
            {"A_SalesOrder/to_Item.RequestedQuantity": 'sap:updatable="false"'},
            "notUpdatable",
            "A_SalesOrder/to_Item",
            "RequestedQuantity",
        ),
        ({"A_SalesOrder/to_Partner": None}, "missing", "A_SalesOrder/to_Partner", None),
        ({"A_SalesOrder": 'sap:creatable="false"'}, "notCreatable", "A_SalesOrder", None),
        (
            {"A_SalesOrder/to_Item/to_ScheduleLine": 'sap:updatable="false"'},
            "notUpdatable",
            "A_SalesOrder/to_Item/to_ScheduleLine",
            None,
        ),
        (
            {"A_SalesOrder.PurchaseOrderByShipToParty": 'MaxLength="20"'},
            "tooShort",
            "A_SalesOrder",
            "PurchaseOrderByShipToParty",
        ),
    ],
)
async def test_each_difference_is_told_with_its_place(
    change: Change, kind: str, entity: str, field: str | None
) -> None:
    (finding,) = await Live({ORDER: change}).findings()
    assert (finding.kind, finding.entity, finding.field) == (kind, f"{ORDER}/{entity}", field)
    assert (finding.system, finding.instance) == ("sap", "s4-1710")
    assert finding.detail.endswith(".")


async def test_what_may_be_the_new_name_is_told() -> None:
    (finding,) = await Live(renamed={"MaterialBaseUnit": "MaterialBaseUnits"}).findings()
    assert (finding.kind, finding.field) == ("renamed", "MaterialBaseUnit")
    assert "MaterialBaseUnits may be what it is called now" in finding.detail


async def test_a_function_that_is_gone_is_told() -> None:
    (finding,) = await Live({"API_PRODUCT_AVAILY_INFO_BASIC": {"CalculateAvailabilityTimeseries": None}}).findings()
    assert finding.entity == "API_PRODUCT_AVAILY_INFO_BASIC/CalculateAvailabilityTimeseries"


async def test_a_service_that_is_not_served_is_a_finding_and_the_others_are_checked() -> None:
    (finding,) = await Live(without=frozenset({"API_PRODUCTION_ORDER_2_SRV"})).findings()
    assert (finding.kind, finding.entity) == ("missing", "API_PRODUCTION_ORDER_2_SRV")
    assert "/IWFND/CM/1" in finding.detail


async def test_a_reference_field_that_can_not_do_its_work_is_told() -> None:
    """The metadata of this instance has no such field at all."""
    kinds = {(one.kind, one.field) for one in await Live().findings("YY1_Ordergate_SDH")}
    assert kinds == {("missing", "YY1_Ordergate_SDH")}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(200, text="<html>Logon</html>"), UnreadableAnswer),
        (httpx.Response(200, text='<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'), UnreadableAnswer),
        (httpx.Response(200, text="no xml"), UnreadableAnswer),
        (httpx.Response(500, text="dump"), SystemUnavailable),
    ],
)
async def test_what_says_nothing_about_drift_is_no_finding(answer: httpx.Response, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        await erp(Player([("GET", answer)] * 40)).drift(deadline=soon())


LINE = Demand("a", "TG11", Decimal(1), "C62", DAY, "1710", Predecessor("20000001", "10"))
LATER = msgspec.structs.replace(LINE, requested_date=date(2026, 12, 3))
EVERYTHING = OrderPatch(
    "4711",
    "W/x",
    (
        ItemChange("10", Decimal(2), "C62", DAY, "1", "61", "1720"),
        ItemChange(
            "20", schedule=(ScheduleChange("1", DAY, Decimal(1), "01"), ScheduleChange(None, DAY, Decimal(1), "01"))
        ),
    ),
    (LINE,),
    DAY,
    "01",
    "02",
    "PO-10",
)


def sent(path: str, body: dict[str, Any]) -> set[tuple[str, str]]:
    """Every property of a deep insert with the path it stands at."""
    found: set[tuple[str, str]] = set()
    for name, value in body.items():
        if not name.startswith("to_"):
            found.add((path, name))
        for each in value if isinstance(value, list) else [value] if isinstance(value, dict) else []:
            found |= sent(f"{path}/{name}", each)
    return found


def declared(what: str) -> set[tuple[str, str]]:
    return {(use.path, name) for each in SERVICES.values() for use in each.uses for name in getattr(use, what)}


def test_what_an_order_and_a_simulation_are_made_with_is_declared() -> None:
    new = NewOrder("op_1", "PO", AREA, "17100001", "17100004", DAY, (LINE,))
    assert sent("A_SalesOrder", new_order(new, "OR", DEFAULT_REFERENCE_FIELD)) <= declared("create")
    asked = simulation("1", AREA, numbered((LINE, LATER)), "OR", "4711", with_elements=True)
    assert sent("A_SalesOrderSimulation", asked) <= declared("create")


def test_what_a_change_sends_is_declared() -> None:
    lines, items = "A_SalesOrder/to_Item/to_ScheduleLine", "A_SalesOrder/to_Item"
    at = {"A_SalesOrderScheduleLine": lines, "A_SalesOrderItem": items, "to_Item": items, "to_ScheduleLine": lines}
    for part in change(EVERYTHING, ""):
        last = part.path.split("/")[-1].partition("(")[0]
        fields = sent(at.get(last, last), msgspec.json.decode(part.body))
        assert fields, "a part that changes nothing would prove nothing"
        assert fields <= declared("create" if part.method == "POST" else "update")
