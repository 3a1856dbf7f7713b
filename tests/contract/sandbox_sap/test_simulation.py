"""API_SALES_ORDER_SIMULATION_SRV: price, availability and credit without an order."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx

from system_apis.sandbox.world import World
from tests.contract.sandbox_sap.conftest import SIMULATION, after, create, entered, item, order, pieces, stamp, text_of


def simulated(writer: httpx.Client, *items: dict[str, Any], **more: Any) -> httpx.Response:
    asked: dict[str, Any] = {"to_Pricing": {}, "to_Credit": {}} | more
    return writer.post(f"{SIMULATION}/A_SalesOrderSimulation", json=order(*items, **asked))


def asking(material: str, quantity: str, **more: Any) -> dict[str, Any]:
    return item(material, quantity, **({"to_ScheduleLine": []} | more))


def test_a_simulation_answers_price_credit_and_schedule_and_stores_nothing(writer: httpx.Client, world: World) -> None:
    answer = simulated(writer, asking("TG11", "40"), asking("TG12", "100"), asking("FG126", "50"))
    assert answer.status_code == 201
    found = answer.json()["d"]
    assert found["SalesOrder"] == ""
    assert answer.headers["location"].endswith("A_SalesOrderSimulation('')")
    assert (found["to_Pricing"]["TotalNetAmount"], found["to_Pricing"]["TransactionCurrency"]) == ("8924.00", "USD")
    assert found["to_Credit"]["TotalCreditCheckStatus"] == "A"
    on_time, late, short = found["to_Item"]["results"]
    assert pieces(on_time) == [(Decimal(40), after(5))]
    assert pieces(late) == [(Decimal(60), after(5)), (Decimal(40), after(12))]
    assert pieces(short) == [(Decimal(10), after(5))]
    assert (on_time["Plant"], on_time["NetAmount"], on_time["TaxAmount"]) == ("1710", "679.00", "54.32")
    assert (on_time["RequestedQuantitySAPUnit"], on_time["RequestedQuantityISOUnit"]) == ("ST", "PCE")
    assert entered(world) == []


def test_a_simulation_always_warns_that_it_does_not_save(writer: httpx.Client) -> None:
    warning = json.loads(simulated(writer, asking("TG11", "1")).headers["sap-message"])
    assert (warning["code"], warning["severity"]) == ("SLS_LORD/098", "warning")


def test_only_what_was_asked_for_is_answered(writer: httpx.Client) -> None:
    answer = writer.post(f"{SIMULATION}/A_SalesOrderSimulation", json=order(item("TG11", "1"), asking("TG11", "1")))
    found = answer.json()["d"]
    assert "__deferred" in found["to_Credit"]
    assert "__deferred" in found["to_Pricing"]
    silent, asked = found["to_Item"]["results"]
    assert "__deferred" in silent["to_ScheduleLine"]
    assert len(asked["to_ScheduleLine"]["results"]) == 1


def test_confirmed_orders_are_taken_into_account(writer: httpx.Client) -> None:
    create(writer, item("FG126", "7"))
    found = simulated(writer, asking("FG126", "50")).json()["d"]["to_Item"]["results"][0]
    assert pieces(found) == [(Decimal(3), after(5))]


def test_a_line_may_ask_for_a_day_of_its_own(writer: httpx.Client) -> None:
    own_day = asking("TG12", "100", to_ScheduleLine=[{"RequestedDeliveryDate": stamp(after(14))}])
    found = simulated(writer, own_day).json()["d"]["to_Item"]["results"][0]
    assert pieces(found) == [(Decimal(100), after(14))]


def test_another_plant_has_a_stock_of_its_own(writer: httpx.Client) -> None:
    found = simulated(writer, asking("TG12", "100", Plant="1720")).json()["d"]["to_Item"]["results"][0]
    assert pieces(found) == [(Decimal(40), after(5))]
    assert found["Plant"] == "1720"


def test_an_exhausted_credit_limit_shows(writer: httpx.Client) -> None:
    found = simulated(writer, asking("TG11", "1"), customer="17100003").json()["d"]
    assert found["to_Credit"]["TotalCreditCheckStatus"] == "B"


def test_pricing_elements_explain_the_price(writer: httpx.Client) -> None:
    answer = simulated(writer, asking("TG11", "40", to_PricingElement=[]), asking("TG12", "4"), to_PricingElement=[])
    found = answer.json()["d"]

    def amounts(of: dict[str, Any]) -> dict[str, str]:
        return {row["ConditionType"]: row["ConditionAmount"] for row in of["to_PricingElement"]["results"]}

    assert amounts(found["to_Item"]["results"][0]) == {"PPR0": "700.00", "K007": "-21.00", "TTX1": "54.32"}
    assert amounts(found) == {"PPR0": "800.00", "K007": "-24.00", "TTX1": "62.08"}
    rate = found["to_Item"]["results"][0]["to_PricingElement"]["results"][1]["ConditionRateValue"]
    assert rate == "-3.000000000"


def test_refused_lines_are_named_in_a_simulation_too(writer: httpx.Client) -> None:
    answer = simulated(writer, asking("TG11", "1"), asking("TG14", "1"))
    assert (answer.status_code, text_of(answer)) == (400, "Item 000020: Material TG14 has status: Discontinued")


def test_not_creatable_fields_are_refused(writer: httpx.Client) -> None:
    answer = simulated(writer, asking("TG11", "1", TaxAmount="1"))
    assert (answer.status_code, "TaxAmount" in text_of(answer)) == (400, True)
    order_field = simulated(writer, asking("TG11", "1", ProductionPlant="1710"))
    assert (order_field.status_code, "ProductionPlant" in text_of(order_field)) == (400, True)


def test_a_simulation_cannot_be_read(reader: httpx.Client) -> None:
    assert reader.get(f"{SIMULATION}/A_SalesOrderSimulation").status_code == 501
    assert reader.get(f"{SIMULATION}/A_SalesOrderSimulation('')").status_code == 501


def test_both_services_share_one_session(writer: httpx.Client, world: World) -> None:
    assert simulated(writer, asking("TG11", "1")).status_code == 201
    assert create(writer, item("TG11", "1"))["SalesOrder"]
    assert len(entered(world)) == 1
