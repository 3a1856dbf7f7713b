"""Upstreams that are closed again, and the two ways to use one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from system_apis.deadline import Deadline
from system_apis.http import Upstream

READ, WRITE = "read an order", "create an order"


@asynccontextmanager
async def upstream_to(url: str, **more: object) -> AsyncIterator[Upstream]:
    upstream = Upstream(system="sap", instance="s4", base_url=url, **more)  # type: ignore[arg-type]
    try:
        yield upstream
    finally:
        await upstream.aclose()


async def read(upstream: Upstream, seconds: float = 3, operation: str = READ) -> httpx.Response:
    return await upstream.read("GET", "/x", operation=operation, deadline=Deadline.after(seconds))


async def write(upstream: Upstream, seconds: float = 3, operation: str = WRITE) -> httpx.Response:
    deadline = Deadline.after(seconds)
    return await upstream.write("POST", "/x", operation=operation, deadline=deadline, content=b"{}")
