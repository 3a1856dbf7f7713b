"""What the server itself cannot read, or has no room for, is told like every other refusal, on the wire."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import httpx
import pytest

from app.main import create_app
from app.outside import Outside
from app.server import address, listener, opened
from app.shell.asgi import Asgi
from tests.integration.app.conftest import Served, settings_in, silent_neighbours
from tests.integration.app.problems import problem
from tests.integration.app.wire import answers_in, said_to

CALL = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"
SENDS = b"POST /v1/atp-checks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    "said",
    [
        b"NONSENSE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # somebody speaks TLS
        b"GET /livez HTTP/9.9\r\nhost: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nho st: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nhost: x\r\nx: \x00\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        SENDS + b"zz\r\n",
    ],
)
async def test_what_is_no_http_is_told_so_once_and_nothing_behind_it_is_read(served: Served, said: bytes) -> None:
    (answer,) = answers_in(await said_to(served.external, said + b"\r\n\r\n" + CALL))
    problem(answer, 400, "call-unreadable")
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.asyncio(loop_scope="session")
async def test_calls_before_it_on_the_connection_are_answered_first(served: Served) -> None:
    *before, last = answers_in(await said_to(served.external, CALL + CALL + b"NONSENSE\r\n\r\n"))
    assert [each.json() for each in before] == [{"status": "alive"}] * 2
    problem(last, 400, "call-unreadable")


@pytest.mark.asyncio(loop_scope="session")
async def test_it_stands_in_the_access_log(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="ordergate.access"):
        (answer,) = answers_in(await said_to(served.external, b"NONSENSE\r\n\r\n"))
    (line,) = [each for each in caplog.records if getattr(each, "request_id", "") == answer.headers["x-request-id"]]
    assert (line.__dict__["status"], line.__dict__["path"]) == (400, "")


def a_door(directory: Path) -> Asgi:
    transport = httpx.MockTransport(silent_neighbours().async_handler)
    chosen = settings_in(directory, ORDERGATE_ROLE="api")  # one engine per process, and another gateway has it here
    return create_app(chosen, Outside(transport=transport)).internal


async def test_a_connection_too_many_is_told_to_come_again_and_let_in_when_others_left(tmp_path: Path) -> None:
    server = listener(a_door(tmp_path), "127.0.0.1", 0, 1)
    server.config.limit_concurrency = 2
    async with opened(server):
        at = httpx.URL(address(server))
        reader, writer = await asyncio.open_connection(at.host, at.port)
        writer.write(CALL)
        assert (await reader.readuntil(b"alive")).startswith(b"HTTP/1.1 200")
        (answer,) = answers_in(await said_to(address(server), CALL))
        body = problem(answer, 503, "server-full")
        assert answer.headers["retry-after"] == str(body["retryAfterSeconds"]) == "1"
        assert answer.headers["connection"] == "close"
        writer.write(CALL)
        assert (await reader.readuntil(b"alive")).rpartition(b"HTTP/1.1")[2].startswith(b" 200"), "who is in stays in"
        writer.close()
        await writer.wait_closed()
        ends = b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        assert (await said_to(address(server), ends)).startswith("HTTP/1.1 200")
