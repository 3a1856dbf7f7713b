"""What the door does with a neighbour that fails, is slow, or asks to be left alone. Played on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from system_apis.breaker import FIRST_PAUSE_S, LEAST_CALLS
from system_apis.deadline import Deadline
from system_apis.errors import (
    NotFoundInSystem,
    OutcomeUnknown,
    SystemTimeout,
    SystemUnavailable,
    UnreadableAnswer,
    UpstreamError,
)
from system_apis.http import Exchange, Upstream
from tests.integration.upstream.doors import READ, WRITE, read, upstream_to, write

URL = "http://sap.example"


class Neighbour:
    """Answers with a status that can be changed, and counts. While `gate` is closed nothing is answered."""

    def __init__(self, status: int = 200, **headers: str) -> None:
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, _request: httpx.Request) -> httpx.Response:
        self.asked += 1
        await self.gate.wait()
        return httpx.Response(self.status, headers=self.headers, content=b"{}")

    @property
    def wire(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)


async def failing(call: Callable[[Upstream], object], upstream: Upstream) -> UpstreamError:
    with pytest.raises(UpstreamError) as met:
        await call(upstream)  # type: ignore[misc]
    return met.value


async def test_a_failing_neighbour_is_left_alone_at_once_and_with_a_word_when_to_come_back() -> None:
    sap = Neighbour(500)
    async with upstream_to(URL, transport=sap.wire) as upstream:
        for _ in range(LEAST_CALLS):
            assert (await write(upstream)).status_code == 500, "a 500 belongs to the client, which can read its body"
        failure = await failing(write, upstream)
    assert type(failure) is SystemUnavailable
    assert (failure.held_by, failure.sent) == ("breaker", False)
    assert failure.retry_after_s is not None
    assert 0 < failure.retry_after_s <= 1.25 * FIRST_PAUSE_S
    assert sap.asked == LEAST_CALLS


async def test_time_outs_open_the_breaker_too() -> None:
    sap = Neighbour()
    sap.gate.clear()
    async with upstream_to(URL, transport=sap.wire, timeout_s=0.02) as upstream:
        for _ in range(LEAST_CALLS):
            assert type(await failing(write, upstream)) is OutcomeUnknown
        assert type(await failing(write, upstream)) is SystemUnavailable
    assert sap.asked == LEAST_CALLS


async def test_callers_in_a_hurry_say_nothing_about_the_neighbour() -> None:
    sap = Neighbour()
    sap.gate.clear()
    async with upstream_to(URL, transport=sap.wire, timeout_s=10) as upstream:
        met = [type(await failing(lambda one: write(one, 0.005), upstream)) for _ in range(3 * LEAST_CALLS)]
        # on a busy machine such a deadline may pass before anything is asked
        assert set(met) <= {OutcomeUnknown, SystemUnavailable} and met.count(OutcomeUnknown) >= LEAST_CALLS
        sap.gate.set()
        assert (await write(upstream)).status_code == 200


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 428])
async def test_a_neighbour_that_says_no_is_well(status: int) -> None:
    sap = Neighbour(status)
    async with upstream_to(URL, transport=sap.wire) as upstream:
        for _ in range(3 * LEAST_CALLS):
            assert (await write(upstream)).status_code == status


async def test_a_neighbour_that_says_no_with_a_500_can_be_told_from_one_that_is_unwell() -> None:
    """Else one quote that an ERP refuses would, asked often enough, close the door for all others."""
    sap = Neighbour(500)
    async with upstream_to(URL, transport=sap.wire, unwell=lambda answer: b"dump" in answer.content) as upstream:
        for _ in range(3 * LEAST_CALLS):
            assert (await write(upstream)).status_code == 500


async def test_one_operation_fails_and_the_others_go_on() -> None:
    sap = Neighbour(500)
    async with upstream_to(URL, transport=sap.wire) as upstream:
        for _ in range(LEAST_CALLS):
            await write(upstream)
        assert type(await failing(write, upstream)) is SystemUnavailable
        sap.status = 200
        assert (await read(upstream)).status_code == 200


async def test_one_instance_fails_and_the_others_go_on() -> None:
    bad, good = Neighbour(500), Neighbour(200)
    async with upstream_to(URL, transport=bad.wire) as one, upstream_to(URL, transport=good.wire) as other:
        for _ in range(LEAST_CALLS):
            await write(one)
        assert type(await failing(write, one)) is SystemUnavailable
        assert (await write(other)).status_code == 200


async def test_a_recovered_neighbour_is_found_by_one_probe() -> None:
    sap = Neighbour(500)
    async with upstream_to(URL, transport=sap.wire) as upstream:
        for _ in range(LEAST_CALLS):
            await write(upstream)
        failure = await failing(write, upstream)
        assert isinstance(failure, SystemUnavailable)
        sap.status = 200
        sap.gate.clear()
        await asyncio.sleep(failure.retry_after_s or 0)
        crowd = [asyncio.create_task(write(upstream)) for _ in range(20)]
        done, pending = await asyncio.wait(crowd, timeout=0.2)
        assert sap.asked == LEAST_CALLS + 1, "one probe"
        assert (len(done), len(pending)) == (19, 1)
        assert {type(one.exception()) for one in done} == {SystemUnavailable}
        sap.gate.set()
        assert (await pending.pop()).status_code == 200
        assert {(await write(upstream)).status_code for _ in range(20)} == {200}


async def test_retry_after_is_kept_for_everybody() -> None:
    sap = Neighbour(503, Retry_After="30")
    async with upstream_to(URL, transport=sap.wire) as upstream:
        first = await failing(write, upstream)
        second = await failing(write, upstream)
    assert isinstance(first, SystemUnavailable)
    assert isinstance(second, SystemUnavailable)
    assert (first.retry_after_s, first.sent) == (30, True)
    assert second.retry_after_s is not None
    assert (second.held_by, second.sent) == ("breaker", False)
    assert 29 < second.retry_after_s <= 30
    assert sap.asked == 1


async def test_a_short_retry_after_is_waited_for_by_a_read() -> None:
    sap = Neighbour(429, Retry_After="1")
    async with upstream_to(URL, transport=sap.wire) as upstream:
        asking = asyncio.create_task(read(upstream, 5))
        await asyncio.sleep(0.1)
        sap.status = 200
        assert (await asking).status_code == 200
    assert sap.asked == 2


async def test_a_write_that_did_not_leave_is_tried_again() -> None:
    asked = 0

    def refuse_twice(_request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise httpx.ConnectError("refused")
        return httpx.Response(201)

    async with upstream_to(URL, transport=httpx.MockTransport(refuse_twice)) as upstream:
        assert (await write(upstream)).status_code == 201


@pytest.mark.parametrize("broken", [httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError, httpx.ReadTimeout])
async def test_a_write_that_may_have_left_is_not(broken: type[httpx.TransportError]) -> None:
    asked = 0

    def break_off(_request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        raise broken("broken")

    async with upstream_to(URL, transport=httpx.MockTransport(break_off)) as upstream:
        assert type(await failing(write, upstream)) is OutcomeUnknown
    assert asked == 1


async def test_reads_of_a_dead_neighbour_are_repeated_within_the_allowance_only() -> None:
    """Other operations each time, so that it is the allowance and no breaker that ends it."""
    sap = Neighbour(503)
    async with upstream_to(URL, transport=sap.wire) as upstream:
        for number in range(10):
            await failing(lambda one, n=number: read(one, operation=f"question {n}"), upstream)
    assert sap.asked == 10 + 3


async def test_no_call_is_started_that_cannot_finish() -> None:
    async def slow(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.1)
        return httpx.Response(200)

    seen: list[Exchange] = []
    async with upstream_to(URL, transport=httpx.MockTransport(slow), observe=seen.append) as upstream:
        for _ in range(3):
            await write(upstream)
            await read(upstream)
        failure = await failing(lambda one: write(one, 0.05), upstream)
        assert type(failure) is SystemUnavailable, "not sent, so there is nothing to look up"
        assert not failure.sent
        assert type(await failing(lambda one: read(one, 0.05), upstream)) is SystemTimeout
    assert all(one.seconds < 0.05 for one in seen[-2:])


async def test_a_full_bulkhead_refuses_in_time_and_lets_writes_pass_reads() -> None:
    sap = Neighbour()
    sap.gate.clear()
    async with upstream_to(URL, transport=sap.wire, places=4) as upstream:
        stuck = [asyncio.create_task(read(upstream)) for _ in range(10)]
        await asyncio.sleep(0.02)
        assert sap.asked == 3, "a quarter of the places is not for reads"
        failure = await failing(lambda one: read(one, 0.05), upstream)
        assert type(failure) is SystemUnavailable
        assert (failure.held_by, failure.sent) == ("bulkhead", False)
        writing = asyncio.create_task(write(upstream))
        await asyncio.sleep(0.02)
        assert sap.asked == 4
        sap.gate.set()
        assert (await writing).status_code == 200
        assert {answer.status_code for answer in await asyncio.gather(*stuck)} == {200}


async def test_a_token_is_fetched_outside_the_places_of_the_instance() -> None:
    """Else calls that hold all places would wait for a token that waits for a place."""

    class Token(httpx.Auth):
        async def async_auth_flow(self, request: httpx.Request) -> object:  # type: ignore[override]
            await read(other, operation="obtain a token")
            yield request

    sap = Neighbour()
    async with (
        upstream_to(URL, transport=sap.wire, places=1) as other,
        upstream_to(URL, transport=sap.wire, places=1, auth=Token()) as upstream,
    ):
        answers = await asyncio.gather(*(read(upstream) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5


async def test_metrics_tell_tries_refusals_and_use() -> None:
    sap, seen = Neighbour(503), list[Exchange]()
    async with upstream_to(URL, transport=sap.wire, observe=seen.append) as upstream:
        await failing(read, upstream)
        assert [one.attempt for one in seen] == [1, 2, 3]
        assert {(one.outcome, one.status, one.breaker) for one in seen} == {("SystemUnavailable", 503, "closed")}
        while seen[-1].outcome != "breakerOpen":
            await failing(read, upstream)
    assert (seen[-1].status, seen[-1].breaker) == (None, "open")
    assert seen[-1].seconds < 0.05
    assert {(one.in_use, one.waiting) for one in seen} == {(0, 0)}


async def test_the_third_try_says_that_it_is_the_third() -> None:
    async with upstream_to(URL, transport=Neighbour(503).wire) as upstream:
        failure = await failing(read, upstream)
    assert failure.attempt == 3
    assert failure.elapsed_s > 0
    assert str(failure).startswith(f"sap s4: {READ}: the service is not available (attempt 3, ")


async def test_a_caller_who_leaves_gives_back_place_and_probe() -> None:
    sap = Neighbour()
    sap.gate.clear()
    seen: list[Exchange] = []
    async with upstream_to(URL, transport=sap.wire, places=1, observe=seen.append) as upstream:
        for _ in range(50):
            asking = asyncio.create_task(write(upstream))
            await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait([asking])
        sap.gate.set()
        assert (await write(upstream)).status_code == 200
    assert seen[-1].in_use == 0
    assert seen[-1].breaker == "closed"


@pytest.mark.parametrize("ident", ["..", ".", "%2e%2E", "%2e."])
async def test_an_id_of_dots_goes_nowhere(ident: str) -> None:
    sap = Neighbour()
    async with upstream_to(URL, transport=sap.wire) as upstream:
        for path in (f"/v1/orders/{ident}/commitments", f"/v1/orders/{ident}"):
            with pytest.raises(NotFoundInSystem):
                await upstream.write("PUT", path, operation=WRITE, deadline=Deadline.after(1), content=b"{}")
        await upstream.read("GET", "/v1/orders/a..b/%2e%2eb?x=/..", operation=READ, deadline=Deadline.after(1))
    assert sap.asked == 1


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
async def test_an_answer_nested_too_deep_is_not_read(opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    body = b"\r\n " + opening * 100_000 + b"1" + closing * 100_000
    wire = httpx.MockTransport(lambda _request: httpx.Response(500, content=body))
    async with upstream_to(URL, transport=wire) as upstream:
        assert type(await failing(read, upstream)) is UnreadableAnswer
        assert type(await failing(write, upstream)) is OutcomeUnknown
