"""What is planted in a system's answers stands in every object of them, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.sandbox import RunningSandbox

COST = {"MaterialCostOfCanary": "17.03", "StockOfCanary": 4711}
ORDERS = "/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder('90000017')"
STOCK = "/sap/opu/odata/sap/API_MATERIAL_STOCK_SRV/A_MatlStkInAcctMod"


@pytest.fixture
def sap(fresh_sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fresh_sandbox.urls["sap"], auth=("SANDBOX", "Welcome1")) as client:
        client.headers["Accept"] = "application/json"
        yield client
    plant(fresh_sandbox, "DELETE")


def plant(sandbox: RunningSandbox, method: str = "POST", **wanted: Any) -> None:
    httpx.request(method, f"{sandbox.urls['control']}/canaries", json=wanted).raise_for_status()


def objects(told: Any) -> Iterator[dict[str, Any]]:
    if isinstance(told, dict):
        yield told
    for inner in told.values() if isinstance(told, dict) else told if isinstance(told, list) else ():
        yield from objects(inner)


def test_every_object_of_an_answer_tells_more_than_it_should(sap: httpx.Client, fresh_sandbox: RunningSandbox) -> None:
    plant(fresh_sandbox, system="sap", fields=COST)
    found = sap.get(ORDERS, params={"$expand": "to_Item"}).json()
    assert len(list(objects(found))) > 4
    assert all(COST.items() <= one.items() for one in objects(found))
    assert found["d"]["SalesOrder"] == "90000017"


def test_what_the_system_says_itself_stands(sap: httpx.Client, fresh_sandbox: RunningSandbox) -> None:
    plant(fresh_sandbox, system="sap", fields={"SalesOrder": "canary"})
    assert sap.get(ORDERS).json()["d"]["SalesOrder"] == "90000017"


def test_other_paths_other_systems_and_metadata_are_left_alone(
    sap: httpx.Client, fresh_sandbox: RunningSandbox
) -> None:
    plant(fresh_sandbox, system="sap", path="A_MatlStkInAcctMod", fields=COST)
    plant(fresh_sandbox, system="scheduler", fields={"elsewhere": True})
    assert "Canary" in sap.get(STOCK).text
    assert "Canary" not in sap.get(ORDERS).text
    assert "elsewhere" not in sap.get(STOCK).text
    assert sap.get("/sap/opu/odata/sap/API_MATERIAL_STOCK_SRV/$metadata").content.endswith(b"</edmx:Edmx>\n")


def test_a_new_world_has_none(sap: httpx.Client, fresh_sandbox: RunningSandbox) -> None:
    plant(fresh_sandbox, system="sap", fields=COST)
    fresh_sandbox.reset()
    assert "Canary" not in sap.get(ORDERS).text
