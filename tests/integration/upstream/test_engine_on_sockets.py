"""What the engine may not do, and how exactly it tells whether a request has left: each shown on a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing

import httpx
import pytest

from system_apis.engine import NEVER_SENT, Engine, open_engine
from tests.integration.upstream.raw_server import Connection, Script, neighbour

SECONDS = 3.0
KEEP = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
async def engine() -> AsyncIterator[httpx.AsyncBaseTransport]:
    engine = open_engine()
    yield engine
    await engine.aclose()


def request(url: str, method: str = "POST", path: str = "/x", seconds: float = SECONDS) -> httpx.Request:
    content = b"{}" if method in ("POST", "PUT", "PATCH") else None
    timeout = {"connect": seconds, "read": SECONDS}
    return httpx.Request(method, url + path, content=content, extensions={"timeout": timeout})


async def ask(engine: httpx.AsyncBaseTransport, one: httpx.Request) -> httpx.Response:
    answer = await engine.handle_async_request(one)
    try:
        await answer.aread()
    finally:
        await answer.aclose()
    return answer


async def failure_of(engine: httpx.AsyncBaseTransport, one: httpx.Request) -> httpx.TransportError:
    with pytest.raises(httpx.TransportError) as met:
        await ask(engine, one)
    return met.value


@pytest.fixture
def silent_port() -> Iterator[str]:
    """A port whose queue of connections is full: the kernel answers nothing, as behind a firewall that drops."""
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        crowd = [socket.socket() for _ in range(4)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        for one in crowd:
            one.close()


def test_production_runs_on_the_engine_that_is_tested_here() -> None:
    assert isinstance(open_engine(), Engine)


async def test_a_refused_connection_was_never_sent(engine: Engine) -> None:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(await failure_of(engine, request(f"http://127.0.0.1:{port}")), NEVER_SENT)


async def test_a_connection_that_does_not_come_about_in_time_was_never_sent(engine: Engine, silent_port: str) -> None:
    failure = await failure_of(engine, request(silent_port, seconds=0.2))
    assert type(failure) is httpx.ConnectTimeout


async def test_a_handshake_that_stalls_was_never_sent(engine: Engine) -> None:
    async def mute(connection: Connection) -> None:
        await connection.reader.read()

    async with neighbour(mute, reads=False) as raw:
        failure = await failure_of(engine, request(raw.url.replace("http:", "https:"), seconds=0.2))
    assert type(failure) is httpx.ConnectTimeout


async def test_what_is_no_tls_was_never_sent(engine: Engine) -> None:
    async def plain(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with neighbour(plain, reads=False) as raw:
        failure = await failure_of(engine, request(raw.url.replace("http:", "https:")))
    assert isinstance(failure, NEVER_SENT)


async def test_an_unknown_name_was_never_sent(engine: Engine) -> None:
    assert isinstance(await failure_of(engine, request("http://nowhere.invalid")), NEVER_SENT)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://"])
async def test_an_address_that_is_none_was_never_sent(engine: Engine, url: str) -> None:
    assert isinstance(await failure_of(engine, request(url)), NEVER_SENT)


async def test_a_header_that_would_begin_another_is_not_sent(engine: Engine) -> None:
    async with neighbour(Connection.read_request) as raw:
        one = request(raw.url)
        one.headers["If-Match"] = "x\r\nX-Evil: canary"
        failure = await failure_of(engine, one)
        assert isinstance(failure, NEVER_SENT)
        assert "canary" not in str(failure)
        assert raw.seen == []


async def reset(connection: Connection) -> None:
    connection.reset()


async def half_a_head(connection: Connection) -> None:
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Len")


async def half_a_body(connection: Connection) -> None:
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")


async def bad_chunk(connection: Connection) -> None:
    await connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n")


async def unfinished_chunks(connection: Connection) -> None:
    await connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")


async def two_lengths(connection: Connection) -> None:
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}")


async def noise(connection: Connection) -> None:
    await connection.send(b"220 smtp ready\r\n\r\n")


async def nothing(connection: Connection) -> None:
    await connection.reader.read(0)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "script",
    [reset, half_a_head, half_a_body, bad_chunk, unfinished_chunks, two_lengths, noise, nothing],
    ids=lambda script: script.__name__,
)
async def test_what_breaks_after_sending_is_never_called_unsent(engine: Engine, script: Script, method: str) -> None:
    async with neighbour(script) as raw:
        failure = await failure_of(engine, request(raw.url, method))
        assert not isinstance(failure, NEVER_SENT)
        assert len(raw.seen) == 1, "and nothing is sent twice"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("gently", [True, False], ids=["closed", "reset"])
async def test_a_kept_connection_that_dies_under_a_request_is_not_replaced(
    engine: Engine, method: str, *, gently: bool
) -> None:
    """Clients that repeat idempotent methods here would send a PUT or DELETE of ours twice."""

    async def die_at_the_second(connection: Connection) -> None:
        await connection.send(KEEP)
        await connection.read_request()
        if not gently:
            connection.reset()

    async with neighbour(die_at_the_second) as raw:
        await ask(engine, request(raw.url, method))
        failure = await failure_of(engine, request(raw.url, method))
        assert not isinstance(failure, NEVER_SENT)
        assert len(raw.seen) == 1, "no second connection was opened for the second request"


async def test_a_kept_connection_that_was_closed_meanwhile_is_not_used(engine: Engine) -> None:
    left = asyncio.Event()

    async def answer_and_close(connection: Connection) -> None:
        await connection.send(KEEP)
        connection.writer.close()
        await connection.writer.wait_closed()
        left.set()

    async with neighbour(answer_and_close) as raw:
        await ask(engine, request(raw.url))
        await left.wait()
        await asyncio.sleep(0.05)  # until the end of the connection has reached this side too
        assert (await ask(engine, request(raw.url))).status_code == 200
        assert len(raw.seen) == 2


async def test_connections_are_kept(engine: Engine) -> None:
    async def serve(connection: Connection) -> None:
        while True:
            await connection.send(KEEP)
            await connection.read_request()

    async with neighbour(serve) as raw:
        for _ in range(5):
            await ask(engine, request(raw.url))
        assert len(raw.seen) == 1


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab"], ids=["head", "body"])
async def test_who_is_cancelled_hangs_up(engine: Engine, sent: bytes) -> None:
    """The neighbour need not finish what nobody waits for any more, and no connection is left in use."""
    arrived, left = asyncio.Event(), asyncio.Event()

    async def wait(connection: Connection) -> None:
        await connection.send(sent)
        arrived.set()
        await connection.reader.read()
        left.set()

    async with neighbour(wait) as raw:
        asking = asyncio.create_task(ask(engine, request(raw.url)))
        await arrived.wait()
        await asyncio.sleep(0.02)
        asking.cancel()
        async with asyncio.timeout(1):
            await left.wait()


async def test_who_does_not_read_on_hangs_up(engine: Engine) -> None:
    left = asyncio.Event()

    async def flood(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                await connection.send(b"x" * 65536)
        finally:
            left.set()

    async with neighbour(flood) as raw:
        answer = await engine.handle_async_request(request(raw.url))
        await anext(aiter(answer.aiter_raw()))
        await answer.aclose()
        async with asyncio.timeout(1):
            await left.wait()


async def test_redirects_cookies_packing_and_other_bytes_come_through_untouched(engine: Engine) -> None:
    async def everything(connection: Connection) -> None:
        await connection.send(
            b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\n"
            b"Content-Encoding: gzip\r\nX-Latin: caf\xe9\r\nsap-message: " + b"x" * 20_000 + b"\r\n"
            b"Content-Length: 4\r\n\r\n\x1f\x8bno"
        )
        await connection.read_request()
        await connection.send(KEEP)

    async with neighbour(everything) as raw:
        answer = await engine.handle_async_request(request(raw.url))
        assert b"".join([chunk async for chunk in answer.aiter_raw()]) == b"\x1f\x8bno"
        assert answer.status_code == 302
        assert answer.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2"]
        assert (b"X-Latin", b"caf\xe9") in answer.headers.raw
        assert len(answer.headers["sap-message"]) == 20_000
        await ask(engine, request(raw.url))
        (connection,) = raw.seen
        assert connection.header("cookie") is None


@pytest.mark.parametrize(
    "target",
    [
        "/sap/A_SalesOrder('1')?$filter=Name%20eq%20'it''s'&$expand=to_Item/to_ScheduleLine",
        "/a%2Fb;v=1?q=%2B+%20%25",
        "/services/data/v68.0/query?q=SELECT%20Id%20FROM%20Quote%20WHERE%20Name%20%3D%20%27a%2Bb%26c%27",
    ],
)
async def test_a_target_arrives_byte_for_byte(engine: Engine, target: str) -> None:
    async with neighbour(Connection.ok) as raw:
        one = request(raw.url, "GET", target)
        await ask(engine, one)
        (connection,) = raw.seen
        assert connection.head.split(" ")[1] == target == one.url.raw_path.decode()


async def test_only_the_headers_of_the_request_are_sent(engine: Engine) -> None:
    async with neighbour(Connection.ok) as raw:
        await ask(engine, httpx.Request("POST", raw.url + "/x", headers={"X-A": "1"}, content=b"{}"))
        await ask(engine, httpx.Request("GET", raw.url + "/x"))
    names = [{line.partition(":")[0].lower() for line in one.head.split("\r\n")[1:] if line} for one in raw.seen]
    assert names == [{"host", "x-a", "content-length"}, {"host"}]


async def test_the_environment_names_no_proxy_and_no_password(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / ".netrc"
    netrc.write_text("machine 127.0.0.1 login canary password canary\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with neighbour(reset) as proxy, neighbour(Connection.ok) as raw:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        await ask(engine, request(raw.url))
        assert proxy.seen == []
        (connection,) = raw.seen
        assert connection.header("authorization") is None


async def test_a_closed_engine_sends_nothing() -> None:
    async with neighbour(Connection.ok) as raw:
        engine = open_engine()
        await ask(engine, request(raw.url))
        await engine.aclose()
        assert isinstance(await failure_of(engine, request(raw.url)), NEVER_SENT)
        assert len(raw.seen) == 1


@asynccontextmanager
async def closing_engine() -> AsyncIterator[httpx.AsyncBaseTransport]:
    engine = open_engine()
    try:
        yield engine
    finally:
        await engine.aclose()


async def test_an_answer_before_the_request_was_read_is_an_answer_or_a_failure_after_sending() -> None:
    """413 from a proxy that does not want the rest: whichever it becomes, it is not called unsent."""

    async def early(connection: Connection) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.answer("413 Content Too Large", b"")

    async with neighbour(early, reads=False) as raw, closing_engine() as engine:
        one = httpx.Request("POST", raw.url + "/x", content=b"x" * 900_000)
        try:
            assert (await ask(engine, one)).status_code == 413
        except httpx.TransportError as failure:
            assert not isinstance(failure, NEVER_SENT)


async def test_an_answer_that_nobody_asked_for_is_not_taken_for_that_of_the_next_request() -> None:
    strayed = asyncio.Event()

    async def twice(connection: Connection) -> None:
        await connection.send(KEEP)
        if len(raw.seen) == 1:
            await asyncio.sleep(0.05)
            await connection.send(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}")
            strayed.set()
        await connection.reader.read()

    async with neighbour(twice) as raw, closing_engine() as engine:
        await ask(engine, request(raw.url))
        await strayed.wait()
        await asyncio.sleep(0.05)
        assert (await ask(engine, request(raw.url))).status_code == 200
        assert len(raw.seen) == 2, "it went out on a connection of its own"
