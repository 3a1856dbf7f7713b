"""Calls as the edge would hand them to the policies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from policies.call import Call


def call_of(
    method: str = "POST",
    route: str = "/v1/quotes/{quoteId}/order-conversions",
    *,
    headers: list[tuple[str, str]] | dict[str, str] | None = None,
    token: str | None = None,
    body: bytes = b"{}",
    **changes: Any,
) -> Call:
    sent = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    if token is not None:
        sent.append(("Authorization", f"Bearer {token}"))
    first: dict[str, str] = {}
    for name, value in sent:
        first.setdefault(name.lower(), value)
    return Call(
        **{
            "id": f"urn:uuid:{uuid4()}",
            "correlation_id": "corr-1",
            "method": method,
            "route": route,
            "path_params": {},
            "query": {},
            "headers": first,
            "header_list": tuple(sent),
            "client_address": "192.0.2.1",
            "body": body,
            "received_at": datetime.now(UTC),
            **changes,
        }
    )
