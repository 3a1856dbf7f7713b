"""Bills of material, routings, units of sale and further places of a customer, as the services show them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.contract.sandbox_sap.conftest import SIMULATION, TODAY, create, day_of, item, order, text_of

ROOT = "/sap/opu/odata/sap"
BILLS = f"{ROOT}/API_BILL_OF_MATERIAL_SRV;v=0002/MaterialBOM"
ROUTINGS = f"{ROOT}/API_PRODUCTION_ROUTING"


def rows(reader: httpx.Client, path: str, **query: str) -> list[dict[str, Any]]:
    answer = reader.get(path, params={f"${name}": value for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["d"]["results"])


def test_the_configured_product_has_an_old_bill_a_current_one_and_a_bundle(reader: httpx.Client) -> None:
    wanted = "Material eq 'FG300' and Plant eq '1710'"
    found = rows(reader, BILLS, filter=wanted)
    told = {
        each["EngineeringChangeDocument"]: (
            each["BillOfMaterialVariantUsage"],
            day_of(each["HeaderValidityStartDate"]),
            day_of(each["HeaderValidityEndDate"]).year,
        )
        for each in found
    }
    changed = TODAY - timedelta(30)
    assert (told["C300-2"][0], told["C300-2"][2]) == ("1", TODAY.year)
    assert told["C300-3"] == ("1", changed, 9999)
    assert (told["B300-1"][0], told["B300-1"][2]) == ("5", 9999)
    today = f"datetime'{TODAY.isoformat()}T00:00:00'"
    valid = f"{wanted} and HeaderValidityStartDate le {today} and HeaderValidityEndDate ge {today}"
    assert [each["EngineeringChangeDocument"] for each in rows(reader, BILLS, filter=valid)] == ["C300-3", "B300-1"]


def test_the_routing_of_a_material_is_found_through_its_assignment(reader: httpx.Client) -> None:
    (group, counter), *_ = {
        (each["ProductionRoutingGroup"], each["ProductionRouting"])
        for each in rows(reader, f"{ROUTINGS}/ProductionRoutingMatlAssgmt", filter="Product eq 'FG300'")
    }
    assert (group, counter) == ("50000300", "1")
    headers = rows(reader, f"{ROUTINGS}/ProductionRoutingHeader", filter=f"ProductionRoutingGroup eq '{group}'")
    assert [(each["ChangeNumber"], each["BillOfOperationsStatus"]) for each in headers] == [
        ("R300-3", "4"),
        ("R300-4", "4"),
    ]
    assert day_of(headers[1]["ValidityStartDate"]) == TODAY - timedelta(60)


def test_what_is_sold_by_the_box_or_not_below_a_quantity_says_so(reader: httpx.Client) -> None:
    sold = rows(
        reader, f"{ROOT}/API_PRODUCT_SRV/A_ProductSalesDelivery", filter="Product eq 'TG18' or Product eq 'TG19'"
    )
    assert {each["Product"]: (each["SalesMeasureUnit"], each["MinimumOrderQuantity"]) for each in sold} == {
        "TG18": ("CAR", "0"),
        "TG19": ("", "10"),
    }
    units = rows(reader, f"{ROOT}/API_PRODUCT_SRV/A_ProductUnitsOfMeasure", filter="Product eq 'TG18'")
    assert {each["AlternativeUnit"]: each["QuantityNumerator"] for each in units} == {"PC": "1", "CAR": "6"}


def test_an_order_without_a_unit_is_in_the_unit_of_sale(writer: httpx.Client) -> None:
    made = create(writer, item("TG18", "2"))
    (line,) = made["to_Item"]["results"]
    assert (line["RequestedQuantityUnit"], line["NetAmount"]) == ("CAR", "512.16")


def test_goods_may_go_to_a_further_place_of_the_customer(writer: httpx.Client) -> None:
    area = f"{ROOT}/API_BUSINESS_PARTNER/A_CustSalesPartnerFunc"
    functions = rows(writer, area, filter="Customer eq '17100001' and PartnerFunction eq 'SH'")
    assert [each["BPCustomerNumber"] for each in functions] == ["17100001", "17100011"]
    made = create(writer, item("TG11", "1"), to_Partner=[{"PartnerFunction": "SH", "Customer": "17100011"}])
    partners = made["to_Partner"]["results"]
    assert {each["PartnerFunction"]: each["Customer"] for each in partners} == {
        "SP": "17100001",
        "SH": "17100011",
        "BP": "17100001",
        "PY": "17100001",
    }


@pytest.mark.parametrize("path", ["/A_SalesOrder", "/A_SalesOrderSimulation"])
def test_a_place_that_nobody_has_is_refused(writer: httpx.Client, path: str) -> None:
    root = SIMULATION if "Simulation" in path else f"{ROOT}/API_SALES_ORDER_SRV"
    body = order(item("TG11", "1"), to_Partner=[{"PartnerFunction": "SH", "Customer": "17109999"}])
    answer = writer.post(f"{root}{path}", json=body)
    assert (answer.status_code, "17109999" in text_of(answer)) == (400, True)
