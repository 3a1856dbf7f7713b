"""In a maintenance window nothing is begun at the door; what had begun is left to end."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from system_apis.errors import SystemUnavailable
from system_apis.exchange import Exchange
from tests.integration.upstream.doors import read, upstream_to, write

URL = "http://sap.example"


class Window:
    """Open or shut by hand."""

    def __init__(self) -> None:
        self.left_s: float | None = None

    def __call__(self) -> float | None:
        return self.left_s


async def test_reads_and_writes_are_not_begun_and_say_when_to_come_back() -> None:
    asked, heard, window = [], [], Window()

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=b"{}")

    wire = httpx.MockTransport(answer)
    async with upstream_to(URL, transport=wire, rests=window, observe=heard.append) as upstream:
        window.left_s = 90.0
        for call in (read, write):
            with pytest.raises(SystemUnavailable) as refused:
                await call(upstream)
            failure = refused.value
            assert (failure.held_by, failure.sent, failure.retry_after_s) == ("maintenance", False, 90.0)
            assert failure.attempt == 1, "nobody argues with a window"
        assert asked == []
        window.left_s = None
        assert (await read(upstream)).status_code == 200
    outcomes = [each.outcome for each in heard if isinstance(each, Exchange)]
    assert outcomes == ["inMaintenance", "inMaintenance", "answered"]


async def test_what_had_begun_before_the_window_is_left_to_end() -> None:
    begun, gate, window = asyncio.Event(), asyncio.Event(), Window()

    async def answer(_request: httpx.Request) -> httpx.Response:
        begun.set()
        await gate.wait()
        return httpx.Response(200, content=b"{}")

    async with upstream_to(URL, transport=httpx.MockTransport(answer), rests=window) as upstream:
        writing = asyncio.create_task(write(upstream))
        await begun.wait()
        window.left_s = 90.0
        gate.set()
        assert (await writing).status_code == 200
