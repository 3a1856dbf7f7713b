"""The client before a neighbour that plays tapes, and what it is asked to write."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import httpx
import msgspec

from system_apis.deadline import Deadline
from system_apis.salesforce.client import Salesforce, connect
from system_apis.salesforce.models import ExceptionOutcome, LineOutcome, QuoteOutcome
from tests.contract.tape import Answer, Player, json_answer, tape

QUOTE = "0Q0Dn0000004CqIKAU"
LINE = "0QLDn000000Ab01OAC"
TOKEN_PATH = "/services/oauth2/token"
EMPTY = {"totalSize": 0, "done": True, "records": []}

OUTCOME = QuoteOutcome(
    quote_id=QUOTE,
    operation_id="op_01",
    state="completed",
    order_number="4711",
    order_instance="s4-1710",
    confirmed_date=date(2026, 12, 3),
    message="x" * 300,
    lines=(LineOutcome(LINE, "confirmed", "10", Decimal("40.5"), date(2026, 11, 26)),),
)
MET = ExceptionOutcome(
    exception_id="exc_01/a?b",
    code="shortage",
    category="availability",
    severity="warning",
    state="open",
    step="schedule",
    owner="planning",
    blocking=False,
    retryable=False,
    detail="40 C62 find no capacity",
    source_system="scheduler",
    source_instance="aps-1710",
    opened_at=datetime(2026, 11, 20, 17, 0, 0, 123456, UTC),
    due_at=datetime(2026, 11, 21, 18, tzinfo=timezone(timedelta(hours=1))),
    correlation_id="corr-1",
    line_id=LINE,
    source_text="y" * 400,
)


def soon(seconds: float = 5) -> Deadline:
    return Deadline.after(seconds)


def crm(player: Player, **more: Any) -> Salesforce:
    known: dict[str, Any] = {} if "signed" in more else {"client_secret": "s3cret"}
    return connect(
        instance="crm-main",
        base_url="https://crm.example",
        client_id="ordergate",
        transport=player.transport,
        **known | more,
    )


def token(value: str = "first") -> tuple[str, Answer]:
    body = tape("salesforce_token").replace(b"first", value.encode())
    return "POST", httpx.Response(200, content=body)


def versions() -> tuple[str, Answer]:
    return "GET", json_answer("salesforce_versions")


def said(code: str, message: str, status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=[{"message": message, "errorCode": code}], headers=headers)


def written(count: int) -> httpx.Response:
    """A composite of `count` records that went through."""
    return composite(*[(204, None)] * count)


def composite(*parts: tuple[int, Any]) -> httpx.Response:
    return httpx.Response(200, json={"compositeResponse": _parts(parts)})


def graph(*parts: tuple[int, Any]) -> httpx.Response:
    good = all(status < 300 for status, _ in parts)
    one = {"graphId": "outcome", "graphResponse": {"compositeResponse": _parts(parts)}, "isSuccessful": good}
    return httpx.Response(200, json={"graphs": [one]})


def halted() -> tuple[int, Any]:
    text = "The transaction was rolled back since another operation in the same transaction failed."
    return 400, [{"errorCode": "PROCESSING_HALTED", "message": text}]


def guilty(code: str, message: str = "text", status: int = 400) -> tuple[int, Any]:
    return status, [{"errorCode": code, "message": message, "fields": []}]


def body_of(request: httpx.Request) -> Any:
    return msgspec.json.decode(request.content)


def soql(request: httpx.Request) -> str:
    return parse_qs(request.url.query.decode())["q"][0]


def _parts(parts: tuple[tuple[int, Any], ...]) -> list[dict[str, Any]]:
    return [
        {"body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": f"record{place}"}
        for place, (status, body) in enumerate(parts)
    ]
