"""What tests of the SAP client share: a client on a player, a session, an order, the parts of a `$batch`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import httpx

from system_apis.deadline import Deadline
from system_apis.sap.client import SapErp, connect
from system_apis.sap.models import Demand, NewOrder, SalesArea, SourceMessage
from tests.contract.tape import Answer, Player, tape

ROOT = "/sap/opu/odata/sap"
ORDERS = f"{ROOT}/API_SALES_ORDER_SRV"
AREA = SalesArea("1710", "10", "00")
DAY = date(2026, 11, 26)
NO_CONTENT = "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
ETAG = "W/\"datetimeoffset'2026-11-20T15%3A36%3A52.1234560Z'\""
LINE = Demand("a", "TG11", Decimal("40"), "C62", DAY, "1710")
NEW = NewOrder("op_01", "PO-9", AREA, "17100001", "17100001", DAY, (LINE,))
WARNING = (
    '{"code":"SLS_LORD/033","message":"The document is incomplete","severity":"warning","details":'
    '[{"code":"V1/263","message":"Item 000010 can not be invoiced","severity":"info"},'
    '{"code":"V4/081","message":"Payment terms are missing","severity":"warning"}]}'
)
SAID = (
    SourceMessage("SLS_LORD/033", "The document is incomplete"),
    SourceMessage("V4/081", "Payment terms are missing"),
)


def soon() -> Deadline:
    return Deadline.after(5)


def erp(player: Player, **more: Any) -> SapErp:
    entered = {} if "access" in more else {"user": "SANDBOX", "password": "Welcome1"}
    return connect(
        instance="s4-1710",
        base_url="https://sap.example",
        sap_client="100",
        settle_s=60,
        transport=player.transport,
        **entered,
        **more,
    )


def token(value: str = "T1", session: str = "S1") -> tuple[str, Answer]:
    headers = [
        ("x-csrf-token", value),
        ("set-cookie", f"SAP_SESSIONID_S4H_100={session}; path=/; secure; HttpOnly"),
        ("set-cookie", "sap-usercontext=sap-client=100; path=/"),
    ]
    return "HEAD", httpx.Response(200, headers=headers)


def batch(*parts: str, failed: bool = False, **headers: str) -> httpx.Response:
    """A changeset's answer; one that failed is a single part without a multipart of its own."""
    http = "Content-Type: application/http\r\ncontent-transfer-encoding: binary\r\n\r\n{}\r\n"
    if failed:
        body = f"--o\r\n{http.format(parts[0])}--o--\r\n"
    else:
        inner = "".join(f"--i\r\n{http.format(part)}" for part in parts)
        body = f"--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n{inner}--i--\r\n\r\n--o--\r\n"
    return httpx.Response(
        202, content=body.encode(), headers={"Content-Type": "multipart/mixed; boundary=o", **headers}
    )


def looked_up(*parts: str) -> httpx.Response:
    """The answer to a batch of reads: every part for itself."""
    http = "Content-Type: application/http\r\nContent-Length: 1\r\ncontent-transfer-encoding: binary\r\n\r\n{}\r\n"
    body = "".join(f"--o\r\n{http.format(part)}" for part in parts) + "--o--\r\n"
    return httpx.Response(202, content=body.encode(), headers={"Content-Type": "multipart/mixed; boundary=o"})


def found(body: bytes | str) -> str:
    text = body if isinstance(body, str) else body.decode()
    return f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{text}"


def taped(name: str) -> str:
    return found(tape(name))


def refused_part(status: str, code: str, text: str, **more: str) -> str:
    detail = "".join(f',"{name}":"{value}"' for name, value in more.items())
    entry = f'{{"code":"{code}","message":"{text}","severity":"error"{detail}}}'
    error = f'{{"error":{{"code":"{code}","message":{{"lang":"en","value":"{text}"}},"innererror":'
    return f'HTTP/1.1 {status}\r\nContent-Type: application/json\r\n\r\n{error}{{"errordetails":[{entry}]}}}}}}'


def asked_parts(request: httpx.Request) -> list[str]:
    """The request lines inside a batch."""
    return [line for line in request.content.decode().split("\r\n") if line.endswith(" HTTP/1.1")]
