"""What tests of the version 4 order book share: a client on a player, versions, answers to changes."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec

from system_apis.sap.client import SapErp
from tests.contract.sap.answers import erp as erp_v2
from tests.contract.tape import Player, tape

ROOT = "/sap/opu/odata4/sap/api_salesorder/srvd_a2x/sap/salesorder/0001"
EXACT = "application/json;IEEE754Compatible=true"
ETAG = 'W/"SADL-202611201536521234560C~20261120153652.1234560"'


def erp(player: Player, **more: Any) -> SapErp:
    return erp_v2(player, sales_orders="v4", **more)


def order(**changes: Any) -> dict[str, Any]:
    """The order of the tape, with other members at its header."""
    return {**msgspec.json.decode(tape("sap_v4_order")), **changes}


def answer(body: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


def version(etag: str, *items: str, own: dict[str, str] | None = None) -> httpx.Response:
    """What a look at versions brings: `own` are those of items that differ from their order's."""
    listed = [{"@odata.etag": (own or {}).get(item, etag), "SalesOrderItem": item} for item in items]
    return answer({"@odata.etag": etag, "SalesOrder": "4711", "_Item": listed})


def changed(etag: str | None = None, *messages: dict[str, Any]) -> httpx.Response:
    """A change that was made: without a version it is a 204."""
    if etag is None:
        return httpx.Response(204)
    return answer({"@odata.etag": etag, "SalesOrder": "4711", "SAP__Messages": list(messages)})


def refused(status: int, code: str, text: str) -> httpx.Response:
    said = {"code": code, "message": text, "@SAP__common.ExceptionCategory": "Client_Error"}
    return answer({"error": {**said, "innererror": {"ErrorDetails": {}}}}, status)


def warning(code: str, text: str, severity: int = 3) -> dict[str, Any]:
    return {"code": code, "message": text, "target": "", "numericSeverity": severity, "longtextUrl": None}
