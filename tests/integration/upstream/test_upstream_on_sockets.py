"""The door out, against a neighbour that misbehaves on a real socket."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
from collections.abc import Callable

import pytest

from system_apis import trail
from system_apis.deadline import Deadline
from system_apis.errors import (
    CredentialsRefused,
    OutcomeUnknown,
    SystemTimeout,
    SystemUnavailable,
    UnreadableAnswer,
    UpstreamError,
)
from system_apis.http import Exchange, Upstream
from tests.integration.upstream.doors import upstream_to
from tests.integration.upstream.raw_server import Connection, RawServer, Script, neighbour


async def read(upstream: Upstream, seconds: float = 3) -> bytes:
    answer = await upstream.read("GET", "/x", operation="read an order", deadline=Deadline.after(seconds))
    return answer.content


async def write(upstream: Upstream, seconds: float = 3) -> bytes:
    deadline = Deadline.after(seconds)
    answer = await upstream.write("POST", "/x", operation="create an order", deadline=deadline, content=b"{}")
    return answer.content


async def played(script: Script, call: Callable[[Upstream], object], **more: object) -> tuple[UpstreamError, RawServer]:
    """The failure that `call` met, and what the neighbour saw of it."""
    async with neighbour(script) as raw, upstream_to(raw.url, **more) as upstream:
        with pytest.raises(UpstreamError) as met:
            await call(upstream)  # type: ignore[misc]
    return met.value, raw


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("call", [read, write])
async def test_a_refused_connection_means_nothing_was_done(call: Callable[[Upstream], object]) -> None:
    async with upstream_to(f"http://127.0.0.1:{free_port()}") as upstream:
        with pytest.raises(SystemUnavailable) as met:
            await call(upstream)  # type: ignore[misc]
    assert met.value.safe_to_repeat


async def test_a_connection_reset_before_the_answer_leaves_a_write_open() -> None:
    async def reset(connection: Connection) -> None:
        connection.reset()

    failure, raw = await played(reset, write)
    assert type(failure) is OutcomeUnknown
    assert not failure.safe_to_repeat
    assert len(raw.seen) == 1, "a write that may have arrived is never sent again"


async def test_a_connection_reset_is_asked_again_by_a_read() -> None:
    async def reset_once(connection: Connection) -> None:
        if len(raw.seen) == 1:
            connection.reset()
        else:
            await connection.answer("200 OK", b'"second"')

    async with neighbour(reset_once) as raw, upstream_to(raw.url) as upstream:
        assert await read(upstream) == b'"second"'
    assert len(raw.seen) == 2


async def test_a_reset_in_the_middle_of_an_answer() -> None:
    async def half(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        connection.reset()

    failure, _ = await played(half, write)
    assert type(failure) is OutcomeUnknown
    failure, raw = await played(half, read)
    assert type(failure) is SystemUnavailable
    assert len(raw.seen) == 3, "two retries, then the truth"


async def test_a_truncated_answer_is_no_answer() -> None:
    async def short(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n{}")

    failure, _ = await played(short, write)
    assert type(failure) is OutcomeUnknown


@pytest.mark.parametrize(
    "sent",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", b"HTTP/1.1 200 OK\r\n"],
    ids=["head", "body", "line"],
)
async def test_a_stalled_neighbour_is_left_at_the_deadline(sent: bytes) -> None:
    async def stall(connection: Connection) -> None:
        await connection.send(sent)
        await connection.reader.read()  # until the caller hangs up

    started = time.monotonic()
    failure, raw = await played(stall, lambda upstream: read(upstream, 0.25))
    assert type(failure) is SystemTimeout
    assert len(raw.seen) == 1
    failure, _ = await played(stall, lambda upstream: write(upstream, 0.25))
    assert type(failure) is OutcomeUnknown
    assert 0.5 <= time.monotonic() - started < 2


async def test_a_dripping_neighbour_does_not_stretch_the_deadline() -> None:
    """Each byte comes in time; all of them do not. A timeout per read would wait for ever."""

    async def drip(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not connection.writer.is_closing():
            await connection.send(b"x")
            await asyncio.sleep(0.02)

    started = time.monotonic()
    failure, _ = await played(drip, lambda upstream: read(upstream, 0.3))
    assert type(failure) is SystemTimeout
    assert time.monotonic() - started < 1.5


async def test_no_call_is_started_without_time() -> None:
    async def answer(connection: Connection) -> None:
        await connection.answer("200 OK")

    failure, raw = await played(answer, lambda upstream: read(upstream, 0))
    assert type(failure) is SystemTimeout
    assert raw.seen == []
    failure, raw = await played(answer, lambda upstream: write(upstream, 0))
    assert type(failure) is SystemUnavailable, "a write that never left may be tried later"
    assert raw.seen == []


async def test_an_oversized_answer_is_not_read_to_its_end() -> None:
    async def flood(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while not connection.writer.is_closing():
            await connection.send(b"x" * 65536)

    failure, _ = await played(flood, read, max_answer_bytes=100_000)
    assert type(failure) is UnreadableAnswer
    failure, _ = await played(flood, write, max_answer_bytes=100_000)
    assert type(failure) is OutcomeUnknown


async def test_a_packed_answer_is_unpacked_up_to_the_same_size() -> None:
    async def packed(connection: Connection) -> None:
        await connection.answer("200 OK", gzip.compress(b"0" * 50_000), Content_Encoding="gzip")

    async with neighbour(packed) as raw, upstream_to(raw.url) as upstream:
        assert len(await read(upstream)) == 50_000
    failure, _ = await played(packed, read, max_answer_bytes=10_000)
    assert type(failure) is UnreadableAnswer


async def test_a_damaged_packed_answer_is_no_answer() -> None:
    async def damaged(connection: Connection) -> None:
        await connection.answer("200 OK", gzip.compress(b"0" * 50_000)[:-20], Content_Encoding="gzip")

    failure, _ = await played(damaged, write)
    assert type(failure) is OutcomeUnknown


async def test_503_with_retry_after_was_not_begun() -> None:
    async def busy(connection: Connection) -> None:
        await connection.answer("503 Service Unavailable", b"<html/>", Retry_After="30")

    for call in (read, write):
        failure, raw = await played(busy, call)
        assert type(failure) is SystemUnavailable
        assert failure.retry_after_s == 30
        assert len(raw.seen) == 1, "30 s do not fit into the deadline"


async def test_503_without_a_word_leaves_a_write_open() -> None:
    async def down(connection: Connection) -> None:
        await connection.answer("503 Service Unavailable", b"<html/>")

    failure, raw = await played(down, write)
    assert type(failure) is OutcomeUnknown
    assert len(raw.seen) == 1
    failure, raw = await played(down, read)
    assert type(failure) is SystemUnavailable
    assert len(raw.seen) == 3


@pytest.mark.parametrize("status", ["502 Bad Gateway", "504 Gateway Timeout"])
async def test_a_proxy_that_lost_the_answer_leaves_a_write_open(status: str) -> None:
    async def lost(connection: Connection) -> None:
        await connection.answer(status)

    failure, _ = await played(lost, write)
    assert type(failure) is OutcomeUnknown


async def test_429_was_not_begun() -> None:
    async def limited(connection: Connection) -> None:
        await connection.answer("429 Too Many Requests", Retry_After="9")

    failure, raw = await played(limited, write)
    assert type(failure) is SystemUnavailable
    assert failure.retry_after_s == 9
    assert len(raw.seen) == 1


async def test_401_calls_for_an_operator() -> None:
    async def closed(connection: Connection) -> None:
        await connection.answer("401 Unauthorized")

    failure, raw = await played(closed, read)
    assert type(failure) is CredentialsRefused
    assert len(raw.seen) == 1


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_not_followed(status: str) -> None:
    async with neighbour(Connection.read_request) as elsewhere:

        async def away(connection: Connection) -> None:
            await connection.answer(status, b"", Location=f"{elsewhere.url}/x")

        failure, raw = await played(away, read)
        assert type(failure) is UnreadableAnswer
        assert len(raw.seen) == 1
        failure, _ = await played(away, write)
        assert type(failure) is OutcomeUnknown
        assert elsewhere.seen == []


async def test_what_is_no_http_is_no_answer() -> None:
    async def noise(connection: Connection) -> None:
        await connection.send(b"220 smtp ready\r\n\r\n")

    failure, _ = await played(noise, write)
    assert type(failure) is OutcomeUnknown


async def test_every_request_carries_the_trail() -> None:
    async def answer(connection: Connection) -> None:
        await connection.answer("200 OK")

    trail.correlation_id.set("corr-7")
    async with neighbour(answer) as raw, upstream_to(raw.url) as upstream:
        await read(upstream)
        await write(upstream)
    assert [one.header("X-Correlation-ID") for one in raw.seen] == ["corr-7", "corr-7"]
    for one in raw.seen:
        version, trace, span, flags = (one.header("traceparent") or "").split("-")
        assert (version, len(trace), len(span), len(flags)) == ("00", 32, 16, 2)


async def test_cookies_of_a_neighbour_are_not_carried_to_the_next_call() -> None:
    async def baker(connection: Connection) -> None:
        await connection.answer("200 OK", Set_Cookie="session=1; Path=/")

    async with neighbour(baker) as raw, upstream_to(raw.url) as upstream:
        await read(upstream)
        await read(upstream)
    assert [one.header("cookie") for one in raw.seen] == [None, None]


async def test_every_try_is_observed() -> None:
    seen: list[Exchange] = []

    async def down_once(connection: Connection) -> None:
        await connection.answer("503 Service Unavailable" if len(raw.seen) == 1 else "404 Not Found")

    async with neighbour(down_once) as raw, upstream_to(raw.url, observe=seen.append) as upstream:
        await read(upstream)
    assert [(one.outcome, one.status) for one in seen] == [("SystemUnavailable", 503), ("answered", 404)]
    assert all(one.seconds > 0 and one.operation == "read an order" for one in seen)


async def test_secrets_stay_out_of_every_failure() -> None:
    async def closed(connection: Connection) -> None:
        await connection.answer("401 Unauthorized", b"you sent s3cret")

    headers = {"X-API-Key": "s3cret\r\n"}
    failure, _ = await played(closed, read, headers={"X-API-Key": "s3cret"})
    assert "s3cret" not in f"{failure!r} {failure} {failure.__cause__!r}"
    failure, _ = await played(closed, write, headers=headers)
    assert "s3cret" not in f"{failure!r} {failure} {failure.__cause__!r}"
