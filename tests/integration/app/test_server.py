"""Starting and stopping: what cannot be served is said, what is in flight is finished, readiness fails first."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.main import Gateway, create_app
from app.outside import Outside
from app.prompt_heads import PromptHeads
from app.server import Listener, StartFailed, address, listener, opened, run
from app.settings import Settings
from app.shell.asgi import Receive, Scope, Send
from tests.integration.app.conftest import settings_in, silent_neighbours


def gateway_for(settings: Settings) -> Gateway:
    return create_app(settings, Outside(transport=httpx.MockTransport(silent_neighbours().async_handler)))


async def refuses(url: str) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.get(url)
    except httpx.ConnectError:
        return True
    return False


def two_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


async def ready(url: str) -> httpx.Response:
    """The first answer of a door that is about to open."""
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                return await client.get(url)
            except httpx.ConnectError:
                await asyncio.sleep(0.01)


async def test_readiness_fails_before_connections_are_refused(tmp_path: Path) -> None:
    outer, inner = two_ports()
    delay = {"ORDERGATE_SHUTDOWN_DELAY_S": "1"}
    settings = settings_in(tmp_path, ORDERGATE_PORT=str(outer), ORDERGATE_INTERNAL_PORT=str(inner), **delay)
    stop = asyncio.Event()
    serving = asyncio.create_task(run(settings, gateway_for(settings), stop))
    await ready(f"http://127.0.0.1:{outer}/livez")
    stop.set()
    async with httpx.AsyncClient(trust_env=False) as client:
        readiness = await client.get(f"http://127.0.0.1:{inner}/readyz")
        alive = await client.get(f"http://127.0.0.1:{outer}/livez")
    assert (readiness.status_code, readiness.json()["status"]) == (503, "notReady")
    assert alive.status_code == 200
    await asyncio.wait_for(serving, 20)
    assert await refuses(f"http://127.0.0.1:{outer}/livez")
    assert await refuses(f"http://127.0.0.1:{inner}/livez")


async def test_a_worker_opens_only_the_internal_door(tmp_path: Path) -> None:
    outer, inner = two_ports()
    ports = {"ORDERGATE_PORT": str(outer), "ORDERGATE_INTERNAL_PORT": str(inner)}
    settings = settings_in(tmp_path, ORDERGATE_ROLE="worker", **ports)
    stop = asyncio.Event()
    serving = asyncio.create_task(run(settings, gateway_for(settings), stop))
    assert (await ready(f"http://127.0.0.1:{inner}/readyz")).status_code == 200
    assert await refuses(f"http://127.0.0.1:{outer}/livez")
    stop.set()
    await asyncio.wait_for(serving, 20)


async def test_a_taken_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = settings_in(tmp_path, ORDERGATE_INTERNAL_PORT=str(port))
        with pytest.raises(StartFailed, match=f"127.0.0.1:{port} cannot be served: address already in use"):
            await run(settings, gateway_for(settings), asyncio.Event())


async def test_a_call_in_flight_is_finished(tmp_path: Path) -> None:
    entered, may_go = asyncio.Event(), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            entered.set()
            await may_go.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"done"})

    server: Listener = listener(slow, "127.0.0.1", 0, 10)
    async with httpx.AsyncClient(trust_env=False) as client:
        async with opened(server):
            call = asyncio.create_task(client.get(address(server)))
            await entered.wait()
            server.should_exit = True
            asyncio.get_running_loop().call_later(0.3, may_go.set)
        assert (await call).text == "done"


class Hasty(PromptHeads):
    head_s = 0.3
    most_bytes = 4096


async def alive(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await asyncio.sleep(0.6)  # longer than a head may take: an answer is nobody's head
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


CALL = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nhost", CALL, CALL + b"GET /"])
async def test_a_caller_that_never_ends_its_head_is_given_up(said: bytes) -> None:
    """Or some thousands of them would be all that the server takes, and nobody else would get in."""
    server = listener(alive, "127.0.0.1", 0, 1, protocol=Hasty)
    async with opened(server):
        port = httpx.URL(address(server)).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        if said.startswith(CALL):
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
            writer.write(b"" if said != CALL else b"GET /")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_a_head_that_never_stops_growing_is_given_up() -> None:
    server = listener(alive, "127.0.0.1", 0, 1, protocol=type("Patient", (Hasty,), {"head_s": 60}))
    async with opened(server):
        port = httpx.URL(address(server)).port
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n")
        with pytest.raises(ConnectionError):
            while True:
                writer.write(b"x: " + b"x" * 1024 + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()


async def test_a_body_may_take_longer_than_a_head_and_be_larger() -> None:
    server = listener(alive, "127.0.0.1", 0, 1, protocol=Hasty)
    async with opened(server), httpx.AsyncClient(trust_env=False) as client:

        async def body() -> AsyncIterator[bytes]:
            for _ in range(5):
                await asyncio.sleep(0.1)
                yield b"x" * 2048

        assert (await client.post(address(server), content=body())).text == "ok"
        assert (await client.post(address(server), content=b"x" * 100_000)).text == "ok"


async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"no"})


async def test_the_rest_of_a_refused_body_is_neither_kept_nor_waited_for_without_end() -> None:
    """A caller that is still sending gets its refusal; one that never ends loses its connection."""
    quick = {"rest_s": 0.3}
    server = listener(refusing, "127.0.0.1", 0, 1, protocol=type("Quick", (PromptHeads,), quick))
    async with opened(server):
        port = httpx.URL(address(server)).port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n" + b"x" * 1000)
        assert (await reader.readuntil(b"no")).startswith(b"HTTP/1.1 413")
        with pytest.raises(ConnectionError):
            async with asyncio.timeout(5):
                while True:
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(0.01)
        writer.close()
        async with httpx.AsyncClient(trust_env=False) as client:
            for _ in range(2):  # a body that ends is thrown away, and the connection serves the next call
                assert (await client.post(address(server), content=b"x" * 2_000_000)).status_code == 413
