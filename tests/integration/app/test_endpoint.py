"""The adapter between a route and HTTP, tried with small processes of our own behind the real stack and shell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.exc import OperationalError

from app.doors import Frame, door
from app.endpoint import Edge, handler_for
from app.health import Meters
from app.outside import Outside
from app.parts import Parts, assemble
from app.route import Route, route
from app.server import address, listener, opened
from policies.sheet import guarded
from process_apis.caller import Caller
from process_apis.errors import NoSuchThing
from process_apis.words import View, Word
from system_apis.errors import SystemTimeout
from tests.integration.app.conftest import settings_in, silent_neighbours, token
from tests.integration.app.problems import problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"content-type": "application/json"}
MADE: list[str] = []
SEEN: list[Caller] = []


class Wish(Word, frozen=True):
    name: str
    deadline_ms: int = 5000


class Thing(View, frozen=True):
    thing_id: str
    href: str
    etag: str
    weight: Decimal
    made_at: datetime
    retry_after_seconds: int | None


def thing(thing_id: str, retry_after_seconds: int | None = None) -> Thing:
    made_at = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    return Thing(thing_id, f"/v1/things/{thing_id}", '"v7"', Decimal("1.2E+3"), made_at, retry_after_seconds)


async def read_thing(caller: Caller, _request: None, *, thing_id: str) -> Thing:
    """A thing, or one of the ways of failing."""
    SEEN.append(caller)
    match thing_id:
        case "gone":
            raise NoSuchThing("thing", thing_id)
        case "broken":
            raise ZeroDivisionError("a secret of the house")
        case "store":
            raise OperationalError("SELECT secret", {}, Exception("connection lost"))
        case "slow":
            await asyncio.Event().wait()
        case "both":
            async with asyncio.TaskGroup() as group:
                group.create_task(fail(SystemTimeout("sap", "s4-1710", "read")))
    return thing(thing_id)


async def fail(error: Exception) -> None:
    raise error


async def make_thing(caller: Caller, request: Wish) -> Thing:
    """A thing for a wish; one named `later` is still on its way."""
    SEEN.append(caller)
    MADE.append(request.name)
    return thing(f"{request.name}-{len(MADE)}", 3 if request.name == "later" else None)


async def drop_thing(caller: Caller, request: Wish | None, *, thing_id: str) -> Thing:
    """Needs a version, takes a body or none."""
    SEEN.append(caller)
    return thing(f"{thing_id}-{request.name if request else 'nothing'}")


ROUTES = (
    route("GET", "/v1/things/{thingId}", read_thing, guarded("orders:read"), operation_id="r", summary="r", tag="t"),
    route(
        "POST",
        "/v1/things",
        make_thing,
        guarded("orders:write", once=True),
        takes=Wish,
        answers=lambda made: 202 if made.retry_after_seconds else 201,
        statuses=(201, 202),
        operation_id="m",
        summary="m",
        tag="t",
    ),
    route(
        "POST",
        "/v1/things/{thingId}/drop",
        drop_thing,
        guarded("orders:write", once=True, if_match=True),
        takes=Wish,
        body_optional=True,
        operation_id="d",
        summary="d",
        tag="t",
    ),
)


def methods(routes: tuple[Route, ...]) -> Callable[[str], tuple[str, ...]]:
    return lambda path: tuple(each.method for each in routes if each.matches(path))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def caller(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    directory: Path = tmp_path_factory.mktemp("endpoint")
    outside = Outside(transport=httpx.MockTransport(silent_neighbours().async_handler))
    meters = Meters()
    parts: Parts = assemble(settings_in(directory, ORDERGATE_ROLE="api"), outside, meters)
    edge = Edge(parts.stack, outside.now, default_deadline_s=10)
    handlers = [handler_for(each, {}, edge) for each in ROUTES]
    app = door(handlers, [], methods(ROUTES), Frame(meters, None, "https://gateway.example"), lifespan=[parts.running])
    async with AsyncExitStack() as stack:
        server = listener(app, "127.0.0.1", 0, 1)
        await stack.enter_async_context(opened(server))
        headers = {"Authorization": f"Bearer {token()}"}
        client = httpx.AsyncClient(base_url=address(server), headers=headers, trust_env=False, timeout=20)
        yield await stack.enter_async_context(client)


def keyed(key: str, **more: str) -> dict[str, str]:
    return {**JSON, "Idempotency-Key": key, **more}


async def test_a_view_is_told_as_it_is(caller: httpx.AsyncClient) -> None:
    answer = await caller.get("/v1/things/t1")
    assert answer.content == (
        b'{"thingId":"t1","href":"/v1/things/t1","etag":"\\"v7\\"","weight":"1200",'
        b'"madeAt":"2026-11-20T09:30:00Z","retryAfterSeconds":null}'
    )
    assert answer.headers["etag"] == '"v7"'
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "location" not in answer.headers


@pytest.mark.parametrize("held", ['"v7"', 'W/"v7"', '"v6", "v7"', "*"])
async def test_who_holds_the_version_is_not_told_again(caller: httpx.AsyncClient, held: str) -> None:
    answer = await caller.get("/v1/things/t1", headers={"If-None-Match": held})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"v7"')
    assert "content-type" not in answer.headers


async def test_who_holds_another_version_is(caller: httpx.AsyncClient) -> None:
    assert (await caller.get("/v1/things/t1", headers={"If-None-Match": '"v6"'})).status_code == 200


async def test_what_is_not_there_is_not_unmodified(caller: httpx.AsyncClient) -> None:
    problem(await caller.get("/v1/things/gone", headers={"If-None-Match": "*"}), 404, "not-found")


async def test_a_made_thing_says_where_it_is(caller: httpx.AsyncClient) -> None:
    answer = await caller.post("/v1/things", json={"name": "one"}, headers=keyed("k-1"))
    assert (answer.status_code, answer.headers["location"]) == (201, answer.json()["href"])


async def test_a_thing_on_its_way_says_when_to_look(caller: httpx.AsyncClient) -> None:
    headers = keyed("k-2", Prefer="wait=2")
    answer = await caller.post("/v1/things", json={"name": "later"}, headers=headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (202, "3")
    assert answer.headers["preference-applied"] == "wait=2"
    assert SEEN[-1].wait_s == 2
    again = await caller.post("/v1/things", json={"name": "later"}, headers=headers)
    assert (again.status_code, again.content) == (202, answer.content)
    assert "preference-applied" not in again.headers  # a replay waited for nothing


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [("respond-async, wait=2", "wait=2"), ('return=minimal; foo="x", Wait = "7"', "wait=7"), ("wait=99999", "wait=30")],
)
async def test_only_what_was_followed_counts_as_applied(caller: httpx.AsyncClient, prefer: str, applied: str) -> None:
    """RFC 7240 §3; a wish for more patience than there is gets what there is."""
    answer = await caller.post("/v1/things", json={"name": "later"}, headers=keyed(f"k-{applied}", Prefer=prefer))
    assert answer.headers["preference-applied"] == applied


async def test_a_repeat_gets_the_same_answer_and_makes_nothing(caller: httpx.AsyncClient) -> None:
    first = await caller.post("/v1/things", json={"name": "once"}, headers=keyed('"k-3"'))
    again = await caller.post("/v1/things", json={"name": "once"}, headers=keyed("k-3"))
    assert MADE.count("once") == 1
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    other = await caller.post("/v1/things", json={"name": "twice"}, headers=keyed("k-3"))
    problem(other, 422, "idempotency-key-reused")


async def test_a_missing_key_is_named(caller: httpx.AsyncClient) -> None:
    answer = await caller.post("/v1/things", json={"name": "x"})
    assert problem(answer, 400, "idempotency-key-missing")["parameter"] == "Idempotency-Key"


async def test_a_member_given_twice_makes_nothing(caller: httpx.AsyncClient) -> None:
    answer = await caller.post("/v1/things", content=b'{"name":"a","name":"b"}', headers=keyed("k-4"))
    assert problem(answer, 400, "body-malformed")["errors"][0]["pointer"] == "#/name"
    assert not {"a", "b"} & set(MADE)


async def test_a_missing_version_is_asked_for(caller: httpx.AsyncClient) -> None:
    answer = await caller.post("/v1/things/t1/drop", headers=keyed("k-5"))
    assert problem(answer, 428, "precondition-missing")["parameter"] == "If-Match"


async def test_the_version_reaches_the_process_and_a_body_may_be_left_out(caller: httpx.AsyncClient) -> None:
    bare = await caller.post("/v1/things/t1/drop", headers={"Idempotency-Key": "k-6", "If-Match": '"v7"'})
    assert (bare.status_code, bare.json()["thingId"], SEEN[-1].if_match) == (200, "t1-nothing", '"v7"')
    said = await caller.post("/v1/things/t1/drop", json={"name": "why"}, headers=keyed("k-7", **{"If-Match": '"v7"'}))
    assert said.json()["thingId"] == "t1-why"


async def test_the_soonest_deadline_counts(caller: httpx.AsyncClient) -> None:
    await caller.get("/v1/things/t1", headers={"X-Request-Timeout-Ms": "2000"})
    assert 1 < SEEN[-1].deadline.remaining_s <= 2
    body = {"name": "soon", "deadlineMs": 900}
    await caller.post("/v1/things", json=body, headers=keyed("k-8", **{"X-Request-Timeout-Ms": "2000"}))
    assert SEEN[-1].deadline.remaining_s < 1


async def test_a_read_ends_soon_after_its_deadline(caller: httpx.AsyncClient) -> None:
    answer = await caller.get("/v1/things/slow", headers={"X-Request-Timeout-Ms": "100"})
    problem(answer, 504, "deadline-passed")


async def test_a_fault_of_ours_says_nothing_of_itself(caller: httpx.AsyncClient) -> None:
    answer = await caller.get("/v1/things/broken")
    problem(answer, 500, "internal-error")
    assert "secret" not in answer.text
    assert "ratelimit" in answer.headers


async def test_a_store_that_is_gone_is_a_reason_to_come_again(caller: httpx.AsyncClient) -> None:
    answer = await caller.get("/v1/things/store")
    problem(answer, 503, "store-unavailable")
    assert "secret" not in answer.text


async def test_a_neighbours_failure_inside_a_group_is_found(caller: httpx.AsyncClient) -> None:
    assert problem(await caller.get("/v1/things/both"), 504, "system-timeout")["system"] == "ERP"


async def test_a_value_is_not_a_type_the_wire_can_change(caller: httpx.AsyncClient) -> None:
    answer: Any = await caller.post("/v1/things", json={"name": 7}, headers=keyed("k-9"))
    assert problem(answer, 400, "body-malformed")["errors"][0]["pointer"] == "#/name"
