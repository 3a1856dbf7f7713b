"""What a dealer's portal would do, in few lines: get a token, call, look again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx

from app.cli.pair import Gateway, Sandbox, access_token

Found = TypeVar("Found")
MOVING = ("received", "validating", "creatingOrder", "scheduling", "writingBack")


class Portal:
    """The dealer north of the sandbox."""

    def __init__(self, gateway: Gateway, sandbox: Sandbox) -> None:
        self._url = gateway.url
        self._token = access_token(sandbox.issuer, "dealer-north", "north-sandbox-secret")

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return httpx.request(
            method,
            f"{self._url}{path}",
            json=body,
            headers={"Authorization": f"Bearer {self._token}", **headers},
            timeout=40,
            trust_env=False,
        )

    def check(self, *materials: str, quantity: int = 5) -> httpx.Response:
        return self.call("POST", "/v1/atp-checks", question(*materials, quantity=quantity))

    def convert(self, quote_id: str, *, key: str | None = None, **body: Any) -> httpx.Response:
        return self.call(
            "POST",
            f"/v1/quotes/{quote_id}/order-conversions",
            {"customerPo": "PO-1", **body},
            **{"Idempotency-Key": key or str(uuid.uuid4()), "Prefer": "respond-async"},
        )

    def operation(self, operation_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.call("GET", f"/v1/operations/{operation_id}").raise_for_status().json()
        return answer

    def settled(self, operation_id: str, within_s: float) -> dict[str, Any]:
        """The operation once it moves no more."""
        return until(lambda: self.operation(operation_id), lambda found: found["state"] not in MOVING, within_s)


def question(*materials: str, quantity: int = 5) -> dict[str, Any]:
    requested = (datetime.now(UTC).date() + timedelta(days=5)).isoformat()
    return {
        "soldTo": {"id": "17100001"},
        "lines": [
            {
                "lineId": material,
                "product": {"id": material},
                "quantity": {"value": str(quantity), "unit": "C62"},
                "requestedDate": requested,
            }
            for material in materials
        ],
    }


def until(look: Callable[[], Found], good: Callable[[Found], bool], within_s: float) -> Found:
    """Look again and again until it is good; fail with what was seen last."""
    give_up_at = time.monotonic() + within_s
    while not good(found := look()):
        assert time.monotonic() < give_up_at, f"not within {within_s} s; last seen: {found}"
        time.sleep(0.05)
    return found


def arm(sandbox: Sandbox, system: str, kind: str, **more: Any) -> str:
    """Order a fault; answers its id."""
    fault = httpx.post(f"{sandbox.control}/faults", json={"system": system, "kind": kind, **more}, trust_env=False)
    return str(fault.raise_for_status().json()["id"])


def lift(sandbox: Sandbox) -> None:
    httpx.delete(f"{sandbox.control}/faults", trust_env=False).raise_for_status()


def journal(sandbox: Sandbox, system: str) -> list[dict[str, Any]]:
    """What reached a system, in order."""
    answer = httpx.get(f"{sandbox.control}/journal", params={"system": system}, trust_env=False)
    entries: list[dict[str, Any]] = answer.raise_for_status().json()["entries"]
    return entries
