"""The SAP client against payloads of the published contract: how materials are sold, and by which revisions made."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import httpx
import msgspec
import pytest

from system_apis.errors import NotFoundInSystem, UnreadableAnswer
from system_apis.sap.goods import BillOfMaterial, Routing, SoldAs
from tests.contract.sap.answers import AREA, ROOT, erp, looked_up, refused_part, soon, taped, token
from tests.contract.tape import Player

FOREVER = "/Date(253402214400000)/"
MISSING = refused_part("404 Not Found", "/IWBEP/CM_MGW_RT/020", "Resource not found")
NEW_YEAR = "/Date(1798761600000)/"  # 2027-01-01


def rows(*found: dict[str, Any], following: str | None = None) -> httpx.Response:
    body = {"results": list(found)} | ({"__next": following} if following else {})
    return httpx.Response(200, json={"d": body})


def part(body: dict[str, Any]) -> str:
    content = msgspec.json.encode({"d": body}).decode()
    return f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n{content}\r\n"


def query(request: httpx.Request) -> str:
    return unquote(request.url.query.decode())


async def test_how_materials_are_sold_is_asked_once_for_all_and_remembered() -> None:
    sales = part({"Product": "TG17", "SalesMeasureUnit": "CAR", "MinimumOrderQuantity": "24.000"})
    player = Player([token(), ("POST", looked_up(taped("sap_product"))), ("POST", looked_up(sales))])
    client = erp(player)
    for _ in range(2):
        found = await client.sold(["TG17", "TG17"], AREA, deadline=soon())
        assert isinstance(found["TG17"], SoldAs)
        assert (found["TG17"].unit, found["TG17"].minimum, found["TG17"].product.base_unit) == (
            "CT",
            Decimal(24),
            "C62",
        )
    assert len(player.asked("POST")) == 2
    path = "A_ProductSalesDelivery(Product='TG17',ProductSalesOrg='1710',ProductDistributionChnl='10')"
    assert path in unquote(player.asked("POST")[1].content.decode())


async def test_a_material_without_sales_data_is_counted_in_its_base_unit() -> None:
    player = Player([token(), ("POST", looked_up(taped("sap_product"))), ("POST", looked_up(MISSING))])
    found = await erp(player).sold(["TG17"], AREA, deadline=soon())
    assert isinstance(found["TG17"], SoldAs)
    assert (found["TG17"].unit, found["TG17"].minimum) == ("C62", Decimal(0))


async def test_a_material_that_sap_does_not_know_is_told_by_its_no() -> None:
    player = Player([token(), ("POST", looked_up(MISSING))])
    found = await erp(player).sold(["NO-SUCH"], AREA, deadline=soon())
    assert isinstance(found["NO-SUCH"], NotFoundInSystem)
    assert len(player.asked("POST")) == 1, "of what is not there nothing more is asked"


async def test_bills_of_material_are_read_with_usage_revision_and_time() -> None:
    common = {"BillOfMaterialStatus": "1", "IsMarkedForDeletion": False, "BillOfMaterialVersion": ""}
    first = {
        **common,
        "BillOfMaterialVariantUsage": "1",
        "EngineeringChangeDocument": "C300-3",
        "HeaderValidityStartDate": NEW_YEAR,
        "HeaderValidityEndDate": FOREVER,
    }
    versioned = {**first, "BillOfMaterialVersion": "0002", "BillOfMaterialStatus": "2"}
    sold = {**common, "BillOfMaterialVariantUsage": "5", "EngineeringChangeDocument": "B1"}
    unknown = {**common, "BillOfMaterialVariantUsage": "Z", "IsMarkedForDeletion": True}
    page = f"https://sap.example{ROOT}/API_BILL_OF_MATERIAL_SRV;v=0002/MaterialBOM?$skiptoken=1"
    player = Player([("GET", rows(first, versioned, following=page)), ("GET", rows(sold, unknown))])
    found = await erp(player).bills_of_material("FG'300", "1710", deadline=soon())
    assert found == (
        BillOfMaterial("production", "C300-3", True, date(2027, 1, 1), date(9999, 12, 31)),
        BillOfMaterial("production", "0002", False, date(2027, 1, 1), date(9999, 12, 31)),
        BillOfMaterial("sales", "B1", True, date.min, date.max),
        BillOfMaterial("other", "", False, date.min, date.max),
    )
    request = player.seen[0]
    assert request.url.path == f"{ROOT}/API_BILL_OF_MATERIAL_SRV;v=0002/MaterialBOM"
    assert "$filter=Material eq 'FG''300' and Plant eq '1710'" in query(request)


async def test_routings_are_read_by_assignment_and_hold_only_while_both_do() -> None:
    assigned = {"ProductionRoutingGroup": "50000300", "ProductionRouting": "1", "IsDeleted": False}
    early = {**assigned, "ValidityStartDate": NEW_YEAR, "ValidityEndDate": FOREVER}
    gone = {**assigned, "ProductionRouting": "2", "IsDeleted": True}
    header = {
        "ProductionRoutingGroup": "50000300",
        "ProductionRouting": "1",
        "ProductionRoutingInternalVers": "3",
        "ChangeNumber": "R300-4",
        "BillOfOperationsStatus": "4",
        "IsMarkedForDeletion": False,
        "ValidityStartDate": "/Date(0)/",
        "ValidityEndDate": "/Date(1830211200000)/",  # 2027-12-31
    }
    plain = {**header, "ChangeNumber": "", "BillOfOperationsStatus": "1"}
    player = Player([("GET", rows(early, gone)), ("GET", rows(header, plain))])
    found = await erp(player).routings("FG300", "1710", deadline=soon())
    assert found == (
        Routing("R300-4", True, date(2027, 1, 1), date(2027, 12, 31)),
        Routing("3", False, date(2027, 1, 1), date(2027, 12, 31)),
    )
    assert "ProductionRoutingGroup eq '50000300' and ProductionRouting eq '1'" in query(player.seen[1])
    assert "'2'" not in query(player.seen[1]), "a deleted assignment leads nowhere"


async def test_without_an_assignment_no_routing_is_asked_for() -> None:
    player = Player([("GET", rows())])
    assert await erp(player).routings("TG11", "1710", deadline=soon()) == ()


async def test_a_date_that_is_none_is_not_guessed() -> None:
    row = {"BillOfMaterialVariantUsage": "1", "HeaderValidityStartDate": "2027-01-01"}
    with pytest.raises(UnreadableAnswer):
        await erp(Player([("GET", rows(row))])).bills_of_material("FG300", "1710", deadline=soon())
