"""One way through all that the public door offers, as a dealer's portal and the CRM take it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from app.cli.demo.neighbours import Witness
from app.cli.pair import Gateway, Sandbox
from tests.e2e.examples.notebook import Notebook, Speaker, speaker

WAIT = {"prefer": "wait=20"}
ASYNC = {"prefer": "respond-async"}
NORTH = {"id": "17100001"}


def travelled(sandbox: Sandbox, gateway: Gateway) -> Notebook:
    """What was said on the way, all of it against the sandbox's world as it starts."""
    book = Notebook()
    crm = speaker("crm", "crm-sandbox-secret", book, sandbox, gateway)
    north = speaker("dealer-north", "north-sandbox-secret", book, sandbox, gateway)
    witness = Witness(sandbox)
    try:
        promise = promises(crm, north)
        order_id = conversions(crm, north, witness, promise["promiseToken"])
        decisions(north)
        changes(crm, north, order_id)
        lists(crm, north)
    finally:
        witness.close()
        for each in (crm, north):
            each.http.close()
    return book


def in_days(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


def line(number: str, product: str, quantity: str, days: int) -> dict[str, Any]:
    return {
        "lineId": number,
        "product": {"id": product},
        "quantity": {"value": quantity, "unit": "C62"},
        "requestedDate": in_days(days),
    }


def promises(crm: Speaker, north: Speaker) -> Any:
    asked = {
        "soldTo": NORTH,
        "lines": [line("1", "TG11", "40", 5), line("2", "TG12", "100", 5), line("3", "FG126", "50", 5)],
    }
    north.say("checkAvailability", ("partner", "What a dealer is told: no stock, plants by their names"), body=asked)
    return crm.say(
        "checkAvailability",
        ("internal", "What insiders are told: with instances, plants and work centres"),
        asking=("threeLines", "Three lines for a customer: on hand, on its way, and to be made"),
        body=asked,
    )


def conversions(crm: Speaker, north: Speaker, witness: Witness, token: str) -> str:
    """The quote Q-1001 becomes an order; the dealer's own quotes go each another way."""
    made = crm.say(
        "convertQuote",
        ("ordered", "Within Prefer: wait=20 there is an order"),
        asking=("promised", "All lines, as they were promised; what comes late is taken"),
        body={"customerPo": "NW-4711", "quoteVersion": "1", "onLate": "accept", "promiseToken": token},
        status=201,
        headers=WAIT,
        quoteId=witness.quote_id("Q-1001"),
    )
    crm.say(
        "getOperation", ("internal", "It has come to its end, as insiders read it"), operationId=made["operationId"]
    )
    seen = north.say(
        "convertQuote",
        ("started", "It is on its way; href tells how far"),
        asking=("strict", "Only as quoted: nothing late, no other price"),
        body={
            "customerPo": "NW-4712",
            "onLate": "reject",
            "acceptance": {"mode": "allOrNothing"},
            "pricePolicy": {"tolerancePercent": "2.5", "onMismatch": "reject"},
        },
        status=202,
        headers=ASYNC,
        quoteId=witness.quote_id("Q-1010"),
    )
    settled(north, seen["operationId"])
    north.say(
        "getOperation", ("partner", "It has come to its end, as a dealer reads it"), operationId=seen["operationId"]
    )
    north.say(
        "convertQuote",
        ("rejected", "It ended without an order, and says why"),
        body={"customerPo": "NW-4713", "onLate": "reject", "acceptance": {"mode": "allOrNothing"}},
        status=200,
        headers=WAIT,
        quoteId=witness.quote_id("Q-1006"),
    )
    north.say(
        "convertInlineQuote",
        ("ordered", "Within Prefer: wait=20 there is an order"),
        asking=("portal", "A portal's own quote; what comes late is taken"),
        body=portal_quote("WEB-0042", line("1", "TG11", "5", 5) | {"unitPrice": "17.50"}, "accept"),
        status=201,
        headers=WAIT,
    )
    body = portal_quote("WEB-0043", line("1", "TG11", "5", 5), "accept")
    begun = north.say("convertInlineQuote", ("started", "It is on its way"), body=body, status=202, headers=ASYNC)
    settled(north, begun["operationId"])
    body = portal_quote("WEB-0044", line("1", "FG126", "500", 1), "reject")
    north.say(
        "convertInlineQuote", ("rejected", "It would come late, and was not to"), body=body, status=200, headers=WAIT
    )
    return str(made["orderId"])


def portal_quote(number: str, asked: dict[str, Any], on_late: str) -> dict[str, Any]:
    return {
        "soldTo": NORTH,
        "quoteNumber": number,
        "customerPo": f"PO-{number}",
        "currency": "USD",
        "onLate": on_late,
        "lines": [asked],
    }


def proposed(north: Speaker) -> Iterator[dict[str, Any]]:
    """Conversions that are late and wait for somebody to take them as they are."""
    for number in range(45, 49):
        body = portal_quote(f"WEB-00{number}", line("1", "FG126", "5", 1), "propose")
        begun = north.say("convertInlineQuote", body=body, status=202, headers=WAIT)
        found = settled(north, begun["operationId"])
        assert found["state"] == "awaitingDecision", found
        yield found


def decisions(north: Speaker) -> None:
    one, two, three, four = proposed(north)

    def decide(found: dict[str, Any], decision: str, **said: Any) -> Any:
        headers = {"if-match": found["etag"], **said.pop("headers")}
        return north.say(
            "decideOperation", body={"decision": decision}, headers=headers, operationId=found["operationId"], **said
        )

    north.say(
        "getOperation", ("awaitingDecision", "It would come late: take it or leave it"), operationId=one["operationId"]
    )
    decide(
        one,
        "accept",
        title=("ordered", "Taken, and there is an order"),
        asking=("accept", "Take it as shown"),
        status=201,
        headers=WAIT,
    )
    decide(two, "accept", title=("goesOn", "Taken, and on its way"), status=202, headers=ASYNC)
    decide(
        three,
        "reject",
        title=("rejected", "Left, so there is no order"),
        asking=("reject", "Leave it"),
        status=200,
        headers=WAIT,
    )
    north.say(
        "cancelOperation",
        ("cancelled", "It has ended; its lines may be converted again"),
        asking=("why", "Say why"),
        body={"reason": "The customer took it back."},
        operationId=four["operationId"],
    )
    settled(north, two["operationId"])


def changes(crm: Speaker, north: Speaker, order_id: str) -> None:
    order = crm.say("getOrder", ("internal", "As insiders read it"), orderId=order_id)
    north.say("getOrder", ("partner", "As a dealer reads it"), orderId=order_id)
    item = {each["product"]: each["itemId"] for each in order["items"]}
    wish = {
        "reason": "The customer's own order grew.",
        "operations": [
            {"type": "increaseQuantity", "lineId": item["FG126"], "newQuantity": {"value": "70", "unit": "C62"}},
            {"type": "changeDate", "lineId": item["TG11"], "newDate": in_days(3)},
        ],
    }
    change = crm.say(
        "requestChange",
        ("proposed", "What would come of it; nothing has changed yet"),
        asking=("moreAndEarlier", "More of a line, and another one earlier"),
        body=wish,
        headers={"if-match": order["etag"]},
        orderId=order_id,
    )
    place = {"orderId": order_id, "changeRequestId": change["changeRequestId"]}
    north.say("getChangeRequest", ("partner", "As a dealer reads it"), **place)
    crm.say("getChangeRequest", ("internal", "As insiders read it"), **place)
    crm.say(
        "decideChange",
        ("committed", "Done, in all systems"),
        asking=("accept", "Commit it as proposed"),
        body={"decision": "accept"},
        headers={"if-match": change["etag"], **WAIT},
        **place,
    )
    order = crm.say("getOrder", orderId=order_id)
    less = {
        "operations": [
            {"type": "decreaseQuantity", "lineId": item["FG126"], "newQuantity": {"value": "60", "unit": "C62"}}
        ]
    }
    change = crm.say("requestChange", body=less, headers={"if-match": order["etag"]}, orderId=order_id)
    crm.say(
        "decideChange",
        ("goesOn", "It is being committed"),
        body={"decision": "accept"},
        status=202,
        headers={"if-match": change["etag"], **ASYNC},
        orderId=order_id,
        changeRequestId=change["changeRequestId"],
    )


def lists(crm: Speaker, north: Speaker) -> None:
    north.say("listOperations", ("partner", "The newest one of several"), query={"limit": 1})
    north.say("listEvents", ("first", "From the beginning, so many at a time"), query={"limit": 3})
    crm.say("listEvents", ("internal", "The same as insiders read it"), query={"limit": 1})


def settled(who: Speaker, operation_id: str) -> dict[str, Any]:
    """The operation once it moves no more by itself."""
    give_up_at = time.monotonic() + 30
    while True:
        found: dict[str, Any] = who.say("getOperation", operationId=operation_id)
        if found["retryAfterSeconds"] is None:
            return found
        assert time.monotonic() < give_up_at, found
        time.sleep(0.1)
