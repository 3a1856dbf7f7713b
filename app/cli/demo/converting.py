"""The quote becomes an order: exactly one, planned, and known to the CRM; and saying it twice changes nothing."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from app.cli.demo.promising import ASKED, TO_MAKE_FG126
from app.cli.demo.stage import CUSTOMER, Stage

QUOTE = "Q-1001"
CUSTOMER_PO = "NW-4711"
PATIENCE_S = 60
SETTLED = ("completed", "completedWithExceptions", "rejected", "cancelled", "expired", "actionRequired", "failed")


@dataclass(frozen=True, slots=True)
class Converted:
    """The call as it was sent, its answer, and the order that came of it."""

    quote_id: str
    key: str
    body: dict[str, Any]
    answer: httpx.Response
    operation_id: str
    order_id: str
    number: str
    orders_in_all: int


def convert(stage: Stage, token: str, promise: dict[str, Any]) -> Converted:
    """Send the quote's conversion, follow its operation, and ask all three systems what became of it."""
    quote_id = stage.witness.quote_id(QUOTE)
    stage.narrator.say(f"{QUOTE} of customer {CUSTOMER} is {quote_id} in the CRM")
    orders_before = stage.witness.orders_in_all()
    key = str(uuid.uuid4())
    body = {"customerPo": CUSTOMER_PO, "onLate": "accept", "promiseToken": promise["promiseToken"]}
    answer = _send(stage, token, quote_id, key, body)
    claim = stage.narrator.claim
    claim("the conversion is taken", answer.status_code in (201, 202), found=answer.text)
    operation = _settled(stage, token, answer.json()["operationId"])
    claim("its operation is completed", operation["state"] == "completed", found=_state_of(operation))
    _tell_steps(stage, operation)
    order_id = operation["orderId"]
    made = Converted(
        quote_id=quote_id,
        key=key,
        body=body,
        answer=answer,
        operation_id=operation["operationId"],
        order_id=order_id,
        number=order_id.partition(".")[2],
        orders_in_all=stage.witness.orders_in_all(),
    )
    claim("SAP has one order more than before", made.orders_in_all == orders_before + 1, found=made.orders_in_all)
    _check_erp(stage, made)
    _check_plan(stage, made)
    _check_crm(stage, made)
    return made


def repeat(stage: Stage, token: str, made: Converted) -> None:
    """A portal that lost the answer sends the same call again."""
    again = _send(stage, token, made.quote_id, made.key, made.body)
    claim = stage.narrator.claim
    same = (again.status_code, again.content) == (made.answer.status_code, made.answer.content)
    claim("the same key brings the same answer, byte for byte", same, found=again.text)
    replayed = again.headers.get("idempotency-replayed")
    claim("marked Idempotency-Replayed: true", replayed == "true", found=replayed)
    orders = stage.witness.orders(made.operation_id)
    only = len(orders) == 1 and stage.witness.orders_in_all() == made.orders_in_all
    claim("still one order in SAP, whoever counts", only, found=[order.number for order in orders])
    other = _send(stage, token, made.quote_id, made.key, {**made.body, "customerPo": "NW-4712"})
    claim(
        "the same key with another content is refused: 422",
        other.status_code == httpx.codes.UNPROCESSABLE_ENTITY,
        found=other.text,
    )


def _send(stage: Stage, token: str, quote_id: str, key: str, body: dict[str, Any]) -> httpx.Response:
    return stage.door.call(
        "POST",
        f"/v1/quotes/{quote_id}/order-conversions",
        token=token,
        body=body,
        idempotency_key=key,
        prefer="wait=20",
    )


def _settled(stage: Stage, token: str, operation_id: str) -> dict[str, Any]:
    """The operation once it moves no more; `retryAfterSeconds` says when to look again."""
    give_up_at = time.monotonic() + PATIENCE_S
    while True:
        answer = stage.door.call("GET", f"/v1/operations/{operation_id}", token=token)
        operation: dict[str, Any] = answer.json()
        if operation["state"] in SETTLED or time.monotonic() > give_up_at:
            return operation
        time.sleep(operation["retryAfterSeconds"] or 1)


def _state_of(operation: dict[str, Any]) -> str:
    told = "; ".join(f"{each['code']}: {each['detail']}" for each in operation["exceptions"])
    return f"{operation['state']} {told}".strip()


def _tell_steps(stage: Stage, operation: dict[str, Any]) -> None:
    rows = [
        (step["name"], step["system"] or "", str(step["attempts"]), step["outcome"] or "")
        for step in operation["steps"]
    ]
    stage.narrator.table(("step", "system", "attempts", "outcome"), rows)


def _check_erp(stage: Stage, made: Converted) -> None:
    orders = stage.witness.orders(made.operation_id)
    found = [order.number for order in orders]
    stage.narrator.claim(
        f"SAP holds exactly one order with our reference: {made.number}", found == [made.number], found=found
    )
    quantities = {item.material: item.quantity for item in orders[0].items.values()}
    stage.narrator.claim("with the quote's three lines", quantities == ASKED, found=quantities)


def _check_plan(stage: Stage, made: Converted) -> None:
    held = stage.witness.commitments(made.number)
    planned = sum(Decimal(line["quantity"]) for line in held if line["material"] == "FG126")
    stage.narrator.claim("the scheduler holds capacity for the missing 40 FG126", planned == TO_MAKE_FG126, found=held)


def _check_crm(stage: Stage, made: Converted) -> None:
    quote = stage.witness.quote(made.quote_id)
    number, day = quote["ERP_Order_Number__c"], quote["Confirmed_Date__c"]
    stage.narrator.claim(f"the CRM quote shows the order {made.number}", number == made.number, found=number)
    stage.narrator.claim(f"and its confirmed date, {day}", bool(day), found=day)
    lines = stage.witness.quote_lines(made.quote_id)
    dated = [line for line in lines if line["Confirmed_Date__c"] and line["ERP_Item__c"]]
    stage.narrator.claim("each of its lines shows item and date", len(dated) == len(lines) == len(ASKED), found=lines)
