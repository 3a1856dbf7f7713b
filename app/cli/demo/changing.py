"""The order changes: simulated, proposed, accepted, and seen in all three systems."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from app.cli.demo.converting import PATIENCE_S, Converted
from app.cli.demo.promising import ASKED, TO_MAKE_FG126
from app.cli.demo.stage import Stage

MORE_FG126 = 70
"""Twenty more than ordered: the plant has to make them too."""
EARLIER_IN_DAYS = 3
"""When TG11 is wanted now; it was five days."""
MOVING = ("received", "simulating", "accepted", "committing")


def change(stage: Stage, token: str, made: Converted) -> None:
    """More of one material and another one earlier: nothing moves before the proposal is accepted."""
    path = f"/v1/orders/{made.order_id}"
    claim = stage.narrator.claim
    order = stage.door.call("GET", path, token=token)
    claim("the order is shown with a version across all systems", bool(order.headers.get("etag")), found=order.text)
    proposed = stage.door.call(
        "POST",
        f"{path}/change-requests",
        token=token,
        body=_wish(stage, order.json()),
        if_match=order.headers["etag"],
        idempotency_key=str(uuid.uuid4()),
    )
    claim("the change is proposed, not made", proposed.json().get("state") == "proposed", found=proposed.text)
    wish: dict[str, Any] = proposed.json()
    _tell_proposal(stage, wish)
    _check_nothing_moved(stage, made)
    stage.door.call(
        "POST",
        f"{wish['href']}/decision",
        token=token,
        body={"decision": "accept"},
        if_match=wish["etag"],
        idempotency_key=str(uuid.uuid4()),
        prefer="wait=20",
    )
    ended = _settled(stage, token, wish["href"])
    claim("accepted, it is committed", ended["state"] == "committed", found=f"{ended['state']} {ended['exceptions']}")
    _check_erp(stage, made)
    _check_plan(stage, made)
    _check_crm(stage, made)


def _wish(stage: Stage, order: dict[str, Any]) -> dict[str, Any]:
    item = {each["product"]: each["itemId"] for each in order["items"]}
    return {
        "reason": "the customer's project starts sooner and grows",
        "operations": [
            {
                "type": "increaseQuantity",
                "lineId": item["FG126"],
                "newQuantity": {"value": str(MORE_FG126), "unit": "C62"},
            },
            {"type": "changeDate", "lineId": item["TG11"], "newDate": _sooner(stage)},
        ],
    }


def _sooner(stage: Stage) -> str:
    return (stage.today + timedelta(days=EARLIER_IN_DAYS)).isoformat()


def _tell_proposal(stage: Stage, wish: dict[str, Any]) -> None:
    rows = []
    for line in wish["proposal"]["lines"]:
        now, then = line["currentWish"], line["requested"]
        lost = ", ".join(f"{each['quantity']['value']} on {each['deliveryDate']}" for each in line["lost"])
        rows.append(
            (
                line["product"],
                f"{now['quantity']['value']} on {now['requestedDate']}",
                f"{then['quantity']['value']} on {then['requestedDate']}",
                line["proposed"]["status"],
                lost or "nothing",
            )
        )
    stage.narrator.table(("line", "now", "wanted", "would be", "given up"), rows)


def _check_nothing_moved(stage: Stage, made: Converted) -> None:
    quantity = stage.witness.orders(made.operation_id)[0].item_of("FG126").quantity
    stage.narrator.claim("until then SAP still has 50 FG126", quantity == ASKED["FG126"], found=quantity)


def _settled(stage: Stage, token: str, href: str) -> dict[str, Any]:
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        found: dict[str, Any] = stage.door.call("GET", href, token=token).json()
        if found["state"] not in MOVING or time.monotonic() > give_up_at:
            return found
        time.sleep(found["retryAfterSeconds"] or 1)


def _check_erp(stage: Stage, made: Converted) -> None:
    orders = stage.witness.orders(made.operation_id)
    quantity, requested = orders[0].item_of("FG126").quantity, orders[0].item_of("TG11").requested
    claim = stage.narrator.claim
    claim(f"SAP: {MORE_FG126} FG126 in the same, only order", quantity == MORE_FG126 and len(orders) == 1, found=orders)
    claim(f"SAP: TG11 is wanted on {_sooner(stage)}", str(requested) == _sooner(stage), found=requested)


def _check_plan(stage: Stage, made: Converted) -> None:
    held = stage.witness.commitments(made.number)
    planned = sum(Decimal(line["quantity"]) for line in held if line["material"] == "FG126")
    wanted = TO_MAKE_FG126 + MORE_FG126 - ASKED["FG126"]
    stage.narrator.claim(f"scheduler: capacity for {wanted} FG126 is held", planned == wanted, found=held)


def _check_crm(stage: Stage, made: Converted) -> None:
    order = stage.witness.orders(made.operation_id)[0]
    lines = {line["ERP_Item__c"]: line for line in stage.witness.quote_lines(made.quote_id)}
    grown, sooner = (lines.get(order.item_of(material).item, {}) for material in ("FG126", "TG11"))
    claim = stage.narrator.claim
    confirmed = grown.get("Confirmed_Quantity__c")
    claim(f"CRM: {MORE_FG126} FG126 confirmed on the quote", confirmed == MORE_FG126, found=confirmed)
    day = sooner.get("Confirmed_Date__c")
    claim(f"CRM: TG11 confirmed for {_sooner(stage)}", day == _sooner(stage), found=day)
