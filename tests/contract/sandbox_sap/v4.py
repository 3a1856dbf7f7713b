"""CE_SALESORDER_0001 by hand: addresses, bodies and batches as OData V4 has them."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx

from tests.contract.sandbox_sap.conftest import after

V4 = "/sap/opu/odata4/sap/api_salesorder/srvd_a2x/sap/salesorder/0001"
ALL = "_Partner,_Item($expand=_ScheduleLine)"
TEXTS = {"Accept": "application/json;IEEE754Compatible=true"}
BATCH = "multipart/mixed; boundary=batch_1"


def header(number: str) -> str:
    return f"{V4}/SalesOrder('{number}')"


def item_path(number: str, position: str = "10") -> str:
    return f"SalesOrderItem(SalesOrder='{number}',SalesOrderItem='{position}')"


def item(product: str, quantity: float, **more: Any) -> dict[str, Any]:
    return {"Product": product, "RequestedQuantity": quantity, **more}


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
        "RequestedDeliveryDate": (requested or after(5)).isoformat(),
        "_Item": list(items),
        **more,
    }


def create(writer: httpx.Client, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = writer.post(f"{V4}/SalesOrder", json=order(*items, **more))
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def read(reader: httpx.Client, number: str) -> dict[str, Any]:
    answer = reader.get(header(number), params={"$expand": ALL})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def version(reader: httpx.Client, number: str) -> str:
    etag: str = reader.get(header(number), params={"$select": "SalesOrder"}).headers["etag"]
    return etag


def pieces(found: dict[str, Any]) -> list[tuple[float, str | None]]:
    """What the schedule lines of an item confirm: quantity and day."""
    return [(line["ConfdOrderQtyByMatlAvailCheck"], line["ConfirmedDeliveryDate"]) for line in found["_ScheduleLine"]]


def told(answer: httpx.Response) -> list[str]:
    """The texts of an error, the one on top first."""
    error = answer.json()["error"]
    return [error["message"], *(detail["message"] for detail in error.get("details", []))]


def part(line: str, *headers: str, body: str = "") -> str:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary", "", f"{line} HTTP/1.1"]
    return "\r\n".join([*lines, *headers, "", body])


def change(line: str, body: str, *headers: str) -> str:
    return part(line, "Content-Type: application/json", *headers, body=body)


def changeset(*parts: str) -> str:
    inner = "".join(f"--set_1\r\n{each}\r\n" for each in parts)
    return f"Content-Type: multipart/mixed; boundary=set_1\r\n\r\n{inner}--set_1--\r\n"


def send(writer: httpx.Client, *parts: str, **headers: str) -> httpx.Response:
    body = "".join(f"--batch_1\r\n{each}\r\n" for each in parts) + "--batch_1--\r\n"
    return writer.post(f"{V4}/$batch", content=body.encode(), headers={"Content-Type": BATCH, **headers})


def patch_of(number: str, position: str, quantity: int, tag: str = "*") -> str:
    """A part of a batch that changes the quantity of an item."""
    return change(f"PATCH {item_path(number, position)}", f'{{"RequestedQuantity":{quantity}}}', f"If-Match: {tag}")
