"""The load: conversions with so many under way at once, and looks at what is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from app.cli.pair import access_token
from benchmarks.chaos.asked import AT_REST, Quote

UNDER_WAY = 12
_LOOKS = 30
_LOOK_EVERY_S = 0.4


@dataclass
class Heard:
    """Milliseconds, one value per call: until the 202, and from there until the CRM was written (says the monitor)."""

    acks: list[float] = field(default_factory=list)
    written: list[float] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Client:
    """The CRM, which may see everything, at the door of one gateway."""

    def __init__(self, url: str, issuer: str) -> None:
        token = access_token(issuer, "crm", "crm-sandbox-secret")
        self.http = httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
        )

    async def convert(self, quotes: Sequence[Quote], under_way: int = UNDER_WAY) -> Heard:
        """All of them, so many at a time, each until it rests."""
        heard, waiting, began = Heard(), list(reversed(quotes)), time.monotonic()

        async def work() -> None:
            while waiting:
                await self._one(waiting.pop(), heard)

        async with asyncio.TaskGroup() as crew:
            for _ in range(under_way):
                crew.create_task(work())
        heard.seconds = time.monotonic() - began
        return heard

    async def _one(self, quote: Quote, heard: Heard) -> None:
        sent = time.perf_counter()
        answer = await self.http.post(
            f"/v1/quotes/{quote.quote_id}/order-conversions",
            json={"customerPo": quote.po, "onLate": "accept"},
            headers={"Idempotency-Key": f"bench-{quote.name}", "Prefer": "respond-async"},
        )
        heard.acks.append((time.perf_counter() - sent) * 1000)
        view = answer.raise_for_status().json()
        while view["state"] not in AT_REST:
            await asyncio.sleep(_LOOK_EVERY_S)
            view = (await self.http.get(view["href"])).raise_for_status().json()
        if not view["state"].startswith("completed"):
            raise ValueError(f"{quote.name} ended {view['state']}: {view['exceptions']}")
        heard.operations.append(view["operationId"])
        heard.written.append(_written_ms(view))

    async def looks(self, path: str) -> list[float]:
        """How long a GET takes, one after the other."""
        taken = []
        for _ in range(_LOOKS):
            sent = time.perf_counter()
            (await self.http.get(path)).raise_for_status()
            taken.append((time.perf_counter() - sent) * 1000)
        return taken


def _written_ms(view: dict[str, Any]) -> float:
    step = next(step for step in view["steps"] if step["name"] == "writeBack")
    taken = datetime.fromisoformat(step["endedAt"]) - datetime.fromisoformat(view["createdAt"])
    return taken.total_seconds() * 1000
