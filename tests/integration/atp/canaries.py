"""A wire that carries every call to the sandbox and plants canaries in every answer on its way back."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

MARK = "CANARY"
NAMED = re.compile(rb'"(BaseUnit|Product|PeriodStartTimeZone)":')
"""Members that every part of a batch answer has: a canary goes before them."""


class Planting(httpx.AsyncHTTPTransport):
    """Everything the neighbours tell beyond what was asked, and whatever of it names things, becomes a canary."""

    def __init__(self, keeping: frozenset[str] = frozenset()) -> None:
        """`keeping`: members that have to go back to where they came from, and stay what they are."""
        super().__init__()
        self.planted = 0
        self._names = NAMES - keeping

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        content = await answer.aread()
        await answer.aclose()
        kind = answer.headers.get("content-type", "")
        if "multipart" in kind:
            content = NAMED.sub(rb'"Stock":"CANARY-STOCK","\1":', content)
            self.planted += content.count(MARK.encode())
        elif "json" in kind and content and "jwks" not in request.url.path:
            content = json.dumps(self._planted(json.loads(content))).encode()
        headers = [
            (name, value)
            for name, value in answer.headers.raw
            if name.lower() not in (b"content-length", b"content-encoding", b"transfer-encoding")
        ]
        return httpx.Response(
            answer.status_code, headers=[*headers, (b"X-Neighbour", b"CANARY-HEADER")], content=content, request=request
        )

    def _planted(self, value: Any, member: str = "") -> Any:
        if isinstance(value, list):
            return [self._planted(one, member) for one in value]
        if isinstance(value, dict):
            self.planted += 1
            more = {"Stock": "CANARY-STOCK", "CostPrice": "CANARY-COST", "OtherCustomer": "CANARY-CUSTOMER"}
            return {name: self._planted(one, name) for name, one in value.items()} | more
        if isinstance(value, str) and member in self._names:
            self.planted += 1
            return f"CANARY-{member}-{value}"
        return value


NAMES = frozenset(
    {"workCentre", "planVersion", "scenarioId", "SalesOrderItemText", "ProductDescription", "message", "value", "text"}
)
"""Members whose words are nobody's business outside: work centres, plans, texts, and what errors say."""
