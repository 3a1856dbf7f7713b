"""CPU of this process per call to a neighbour, in one run, side by side: `python -m benchmarks.upstream.cpu`.

Binding are the ratios; the microseconds belong to the machine. Rounds are interleaved, so that a busy neighbour on
the same machine hurts all ways alike, and the median of them is taken.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp
import httpx
import uvloop

from benchmarks.upstream import static
from system_apis.deadline import Deadline
from system_apis.engine import open_engine
from system_apis.http import Upstream

Call = Callable[[], Awaitable[int]]
PATH = "/sap/opu/odata/sap/API_SALES_ORDER_SIMULATION_SRV/A_SalesOrderSimulation"
BODY = b'{"SalesOrderType":"OR","to_Item":[' + b",".join([b'{"Material":"TG11","RequestedQuantity":"40"}'] * 10) + b"]}"
HEADERS = {
    "Content-Type": "application/json",
    "sap-client": "100",
    "sap-language": "EN",
    "X-CSRF-Token": "x" * 24,
    "Cookie": "SAP_SESSIONID_S4H_100=abcdefghijklmnop",
}
BEFORE = "the door on httpx's engine"


def a_door(url: str, transport: httpx.AsyncBaseTransport | None, stack: AsyncExitStack) -> Call:
    upstream = Upstream(
        system="sap",
        instance="s4",
        base_url=url,
        transport=transport,
        auth=httpx.BasicAuth("user", "password"),
        observe=lambda _exchange: None,
    )
    stack.push_async_callback(upstream.aclose)

    async def call() -> int:
        deadline = Deadline.after(10)
        answer = await upstream.read("POST", PATH, operation="ask", deadline=deadline, headers=HEADERS, content=BODY)
        return len(answer.content)

    return call


def an_engine(url: str, stack: AsyncExitStack) -> Call:
    """httpx's types straight to the engine: no discipline."""
    engine = open_engine()
    stack.push_async_callback(engine.aclose)

    async def call() -> int:
        answer = await engine.handle_async_request(httpx.Request("POST", url + PATH, headers=HEADERS, content=BODY))
        await answer.aread()
        await answer.aclose()
        return len(answer.content)

    return call


def bare_aiohttp(url: str, stack: AsyncExitStack) -> Call:
    session = aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())
    stack.push_async_callback(session.close)

    async def call() -> int:
        async with session.post(url + PATH, headers=HEADERS, data=BODY, allow_redirects=False) as answer:
            return len(await answer.read())

    return call


def a_client(url: str, stack: AsyncExitStack) -> Call:
    """httpx as most would use it."""
    client = httpx.AsyncClient(trust_env=False)
    stack.push_async_callback(client.aclose)

    async def call() -> int:
        return len((await client.post(url + PATH, headers=HEADERS, content=BODY)).content)

    return call


async def cost_us(call: Call, calls: int, side_by_side: int) -> float:
    """CPU of this process (all its threads, user and system) per call."""

    async def several() -> None:
        for _ in range(calls // side_by_side):
            if not await call():
                raise RuntimeError("an empty answer")

    await asyncio.gather(*(call() for _ in range(side_by_side)))
    before = time.process_time()
    await asyncio.gather(*(several() for _ in range(side_by_side)))
    return (time.process_time() - before) / (calls // side_by_side * side_by_side) * 1e6


async def measured(url: str, calls: int, rounds: int, side_by_side: int) -> dict[str, float]:
    async with AsyncExitStack() as stack:
        ways = {
            "httpx.AsyncClient": a_client(url, stack),
            BEFORE: a_door(url, httpx.AsyncHTTPTransport(), stack),
            "the door": a_door(url, None, stack),
            "the engine with httpx's types": an_engine(url, stack),
            "aiohttp alone": bare_aiohttp(url, stack),
        }
        costs: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, call in ways.items():
                costs[name].append(await cost_us(call, calls, side_by_side))
    return {name: statistics.median(each) for name, each in costs.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help="calls per round and way")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with static.running() as url:
        for side_by_side in (1, 16):
            costs = uvloop.run(measured(url, given.calls, given.rounds, side_by_side))
            sys.stdout.write(f"\n{side_by_side} at a time{'CPU per call':>36}{'ratio':>8}\n")
            for name, cost in costs.items():
                sys.stdout.write(f"  {name:32}{cost:9.0f} µs{cost / costs[BEFORE]:8.2f}\n")


if __name__ == "__main__":
    main()
