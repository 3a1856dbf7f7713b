"""Asking for promises in tests: requests as callers write them, to a SAP and a scheduler that really answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from process_apis.atp.inquiries import Inquiries
from process_apis.atp.models import AtpCheckRequest
from process_apis.atp.process import check_availability
from process_apis.landscape import Landscape
from process_apis.seals import Seals
from tests.integration.landscape import CRM, caller

SEALS = Seals(["a-key-of-the-house-for-the-tests-1"])


def line(line_id: str, product: str, quantity: str, /, *, days: int = 5, **more: Any) -> dict[str, Any]:
    today = datetime.now(ZoneInfo("America/Los_Angeles")).date()  # as the plants count, and the sandbox's world
    return {
        "lineId": line_id,
        "product": {"id": product},
        "quantity": {"value": quantity, "unit": "C62"},
        "requestedDate": (today + timedelta(days=days)).isoformat(),
    } | more


def request(*lines: dict[str, Any], sold_to: str = "17100001", **more: Any) -> AtpCheckRequest:
    body = {"soldTo": {"id": sold_to}, "lines": lines} | more
    return msgspec.json.decode(msgspec.json.encode(body), type=AtpCheckRequest)


THREE = (line("1", "TG11", "40"), line("2", "TG12", "100"), line("3", "FG126", "50"))


async def check(
    landscape: Landscape,
    asked: AtpCheckRequest,
    client: Any = CRM,
    seconds: float = 10,
    inquiries: Inquiries | None = None,
) -> Any:
    """One check; without `inquiries` nothing is shared with any other."""
    own = inquiries or Inquiries()
    try:
        return await check_availability(
            caller(client, seconds=seconds), asked, landscape=landscape, seals=SEALS, inquiries=own
        )
    finally:
        if inquiries is None:
            await own.settle()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that comes by itself, for five seconds at most."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.01)
