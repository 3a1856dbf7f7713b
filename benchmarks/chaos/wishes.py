"""One client and its quote: convert it, repeat the call, try a second key, watch the operation until it rests."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any
from uuid import UUID

import httpx

from benchmarks.chaos.asked import AT_REST, Asked
from benchmarks.chaos.portal import Portal, client_for, code_of

LINES_TAKEN = "lines-already-converted"
_REPEATS, _SECOND_KEYS, _WAITS = 0.25, 0.2, 0.2
"""Shares of clients: who send the same call once more on the other replica, who send a second key for the same quote,
who wait for the outcome in the call itself."""
_LOOK_S, _LONGEST_LOOK_S = 0.4, 2.0


async def convert(asked: Asked, portal: Portal, chance: Random) -> None:
    """Until the client knows how it ended. It is cancelled when the campaign's patience is over."""
    first, second = _key(chance), _key(chance)
    tried = [_start(asked, portal, first, waits=chance.random() < _WAITS)]
    if chance.random() < _SECOND_KEYS:
        tried.append(_start(asked, portal, second, waits=False))
    await asyncio.gather(*tried)
    if chance.random() < _REPEATS and first in asked.keys:
        await _start(asked, portal, first, waits=False)
    await asyncio.gather(*(_watch(asked, portal, operation_id) for operation_id in tuple(asked.told)))


async def _start(asked: Asked, portal: Portal, key: str, *, waits: bool) -> None:
    answer = await portal.send(
        client_for(asked.quote.customer),
        "POST",
        f"/v1/quotes/{asked.quote.quote_id}/order-conversions",
        asked.troubles,
        json={"customerPo": asked.quote.po, "onLate": "accept"},
        headers={"Idempotency-Key": key, "Prefer": "wait=4" if waits else "respond-async"},
    )
    if answer.is_success:
        asked.answered(key, answer.json())
    elif key in asked.keys:
        asked.broken.append(f"a repeat of the key of operation {asked.keys[key]} was answered {code_of(answer)}")
    elif code_of(answer) == LINES_TAKEN:
        asked.refused_second(answer.json().get("operationId"))
    else:
        asked.refused = code_of(answer)


async def _watch(asked: Asked, portal: Portal, operation_id: str) -> None:
    pause_s = _LOOK_S
    while True:
        view = await _look(asked, portal, operation_id)
        if view is not None:
            asked.told[operation_id] = view
            if view["state"] in AT_REST:
                return
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 1.3, _LONGEST_LOOK_S)


async def _look(asked: Asked, portal: Portal, operation_id: str) -> dict[str, Any] | None:
    """An operation that was promised and is not known any more is lost, unless it comes back."""
    client = client_for(asked.quote.customer)
    answer = await portal.send(client, "GET", f"/v1/operations/{operation_id}", asked.troubles)
    if answer.is_success:
        view: dict[str, Any] = answer.json()
        return view
    asked.troubles[f"monitor: {code_of(answer)}"] += 1
    if answer.status_code == httpx.codes.NOT_FOUND:
        asked.told[operation_id] = {**asked.told[operation_id], "state": "unknown"}
    return None


def _key(chance: Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))
