"""What every refusal must look like."""

from __future__ import annotations

from typing import Any

import httpx


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal, after everything that holds for all of them was checked."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] in ("application/problem+json", "application/json")
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["code"] == code
    assert body["type"].startswith("https://")
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == answer.headers["x-request-id"]
    assert body["correlationId"] == answer.headers["x-correlation-id"]
    assert len(body["traceId"]) == 32
    assert answer.headers["cache-control"] == "no-store"
    assert "server" not in answer.headers
    return body


def pointers(body: dict[str, Any]) -> list[str]:
    return [fault["pointer"] for fault in body["errors"]]
