"""A portal without a CRM, over HTTP: one order, whatever it repeats."""

from __future__ import annotations

import uuid
from typing import Any

from app.cli.pair import Gateway, Sandbox
from tests.e2e.portal import Portal

QUOTE: dict[str, Any] = {
    "soldTo": {"id": "17100001"},
    "currency": "USD",
    "customerPo": "PO-WEB",
    "onLate": "accept",
    "lines": [{"lineId": "1", "product": {"id": "TG11"}, "quantity": {"value": "5", "unit": "C62"}}],
}


def test_a_portals_own_quote_becomes_one_order(pair: tuple[Sandbox, Gateway]) -> None:
    sandbox, gateway = pair
    portal, key, number = Portal(gateway, sandbox), str(uuid.uuid4()), f"WEB-{uuid.uuid4()}"
    wanted = {**QUOTE, "quoteNumber": number}
    headers = {"Idempotency-Key": key, "Prefer": "wait=20"}
    made = portal.call("POST", "/v1/order-conversions", wanted, **headers)
    assert made.status_code == 201, made.text
    operation = made.json()
    assert (operation["state"], operation["quote"]) == (
        "completed",
        {"quoteId": number, "version": "1", "source": "inline"},
    )
    again = portal.call("POST", "/v1/order-conversions", wanted, **headers)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.json()["orderId"] == operation["orderId"]
    other = portal.call("POST", "/v1/order-conversions", wanted, **{**headers, "Idempotency-Key": str(uuid.uuid4())})
    problem = other.json()
    assert (other.status_code, problem["code"]) == (409, "lines-already-converted")
    assert portal.call("GET", problem["href"]).json()["orderId"] == operation["orderId"]
    order = portal.call("GET", f"/v1/orders/{operation['orderId']}")
    assert order.status_code == 200, order.text


def test_a_foreign_customer_and_a_missing_key_are_refused(pair: tuple[Sandbox, Gateway]) -> None:
    sandbox, gateway = pair
    portal = Portal(gateway, sandbox)
    foreign = {**QUOTE, "soldTo": {"id": "17100002"}}
    unseen = portal.call("POST", "/v1/order-conversions", foreign, **{"Idempotency-Key": str(uuid.uuid4())})
    assert (unseen.status_code, unseen.json()["code"]) == (404, "not-found")
    assert portal.call("POST", "/v1/order-conversions", QUOTE).status_code == 400
