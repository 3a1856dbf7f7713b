"""Two majors side by side, the older one ending: headers, refusals, documents and counts tell the same story."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.cli import group
from app.endings import ended
from app.main import create_app
from app.outside import Outside
from app.route import Route
from app.routes import PUBLIC
from app.server import address, listener, opened
from policies.versioning import Ending
from tests.integration.app.conftest import ISSUER, settings_in, silent_neighbours
from tests.tokens import claims_for, mint

NOW = datetime.now(UTC).replace(microsecond=0)
DEPRECATED, SUNSET = NOW - timedelta(days=30), NOW + timedelta(days=30)
EVENTS = "/v1/events"


def second_major() -> tuple[Route, ...]:
    """A second major of some routes: the same processes under another path, as far as this test goes."""
    chosen = [route for route in PUBLIC if route.path in (EVENTS, "/v1/operations/{operationId}")]
    return tuple(replace(route, path=route.path.replace("/v1/", "/v2/")) for route in chosen)


def two_majors() -> tuple[Route, ...]:
    after = second_major()
    return (*ended(PUBLIC, Ending(DEPRECATED, SUNSET), among=after), *after)


class Clock:
    def __init__(self) -> None:
        self.later = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.later


@asynccontextmanager
async def served(directory: Path, clock: Clock) -> AsyncIterator[tuple[str, str]]:
    neighbours = httpx.MockTransport(silent_neighbours().async_handler)
    gateway = create_app(settings_in(directory), Outside(neighbours, clock), public=two_majors())
    internal, external = (listener(door, "127.0.0.1", 0, 1) for door in (gateway.internal, gateway.external))
    async with opened(internal), opened(external):
        yield address(external), address(internal)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def doors(tmp_path: Path, clock: Clock) -> AsyncIterator[tuple[str, str]]:
    async with served(tmp_path, clock) as both:
        yield both


def bearer(clock: Clock, client: str = "dealer-north", **changes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {mint(claims_for(ISSUER, client, now=int(clock().timestamp()), **changes))}"}


def tells_the_end(answer: httpx.Response, successor: str | None) -> bool:
    linked = f'<https://gateway.example{successor}>; rel="successor-version"' if successor else ""
    return (
        answer.headers.get("deprecation") == f"@{int(DEPRECATED.timestamp())}"
        and answer.headers.get("sunset") == SUNSET.strftime("%a, %d %b %Y %H:%M:%S GMT")
        and 'rel="deprecation"' in answer.headers["link"]
        and linked in answer.headers["link"]
    )


async def test_every_answer_of_the_older_major_tells_its_end_and_none_of_the_newer(
    doors: tuple[str, str], clock: Clock
) -> None:
    async with httpx.AsyncClient(base_url=doors[0], trust_env=False) as client:
        known = bearer(clock)
        older = [
            await client.get(EVENTS, headers=known),
            await client.head(EVENTS, headers=known),
            await client.get(EVENTS),  # 401
            await client.get(EVENTS, headers=bearer(clock, "viewer", scope="atp:read")),  # 403
            await client.get(f"{EVENTS}?limit=0", headers=known),  # 400
            await client.delete(EVENTS),  # 405
            await client.options(EVENTS),
            await client.get(f"{EVENTS}?after=" + "x" * 9000, headers=known),  # 414
        ]
        assert [answer.status_code for answer in older] == [200, 200, 401, 403, 400, 405, 204, 414]
        assert all(tells_the_end(answer, "/v2/events") for answer in older)
        one = await client.get("/v1/operations/op_1%2F", headers=known)
        assert (one.status_code, tells_the_end(one, None)) == (404, True)
        newer = [
            await client.get("/v2/events", headers=known),
            await client.get("/v2/events"),
            await client.get("/livez"),
        ]
        assert [answer.status_code for answer in newer] == [200, 401, 200]
        assert not any({"deprecation", "sunset", "link"} & set(answer.headers) for answer in newer)
        assert newer[0].json() == older[0].json()


async def test_the_successor_of_one_thing_is_that_thing(doors: tuple[str, str], clock: Clock) -> None:
    async with httpx.AsyncClient(base_url=doors[0], trust_env=False) as client:
        answer = await client.get("/v1/operations/op_x", headers=bearer(clock))
    assert '<https://gateway.example/v2/operations/op_x>; rel="successor-version"' in answer.headers["link"]


async def test_after_its_sunset_it_is_gone_for_who_is_known_and_a_stranger_is_still_a_stranger(
    doors: tuple[str, str], clock: Clock
) -> None:
    clock.later = timedelta(days=31)
    async with httpx.AsyncClient(base_url=doors[0], trust_env=False) as client:
        gone = await client.get(EVENTS, headers=bearer(clock))
        stranger = await client.get(EVENTS)
        newer = await client.get("/v2/events", headers=bearer(clock))
        key = {"Idempotency-Key": "k"}
        changing = await client.post("/v1/operations/op_1/cancel", headers={**bearer(clock), **key})
    assert (gone.status_code, gone.json()["code"]) == (410, "version-gone")
    assert gone.headers["content-type"] == "application/problem+json"
    assert tells_the_end(gone, "/v2/events")
    assert [stranger.status_code, newer.status_code, changing.status_code] == [401, 200, 410]


async def test_the_documents_say_what_the_answers_say(doors: tuple[str, str]) -> None:
    async with httpx.AsyncClient(base_url=doors[0], trust_env=False) as client:
        older = (await client.get("/openapi/v1.json")).json()
        newer = (await client.get("/openapi/v2.json")).json()
    for document in (older, newer):
        assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    operations = [one for path in older["paths"].values() for one in path.values()]
    assert all(one["deprecated"] for one in operations)
    assert all("410" in one["responses"] for one in operations)
    listed = older["paths"][EVENTS]["get"]
    assert {"Deprecation", "Sunset", "Link"} <= set(listed["responses"]["200"]["headers"])
    assert "`/v2/events`" in listed["description"]
    assert set(newer["paths"]) == {"/v2/events", "/v2/operations/{operationId}"}
    assert not any("deprecated" in one for path in newer["paths"].values() for one in path.values())
    assert "410" not in newer["paths"]["/v2/operations/{operationId}"]["get"]["responses"]
    gone = [document["components"]["responses"]["Gone"]["content"] for document in (older, newer)]
    assert ["version-gone" in str(one) for one in gone] == [True, False]
    assert (older["info"]["version"], newer["info"]["version"]) == ("1.0.0", "2.0.0")


async def test_an_operator_sees_who_still_has_to_move_also_after_the_end_and_a_restart(
    tmp_path: Path, clock: Clock
) -> None:
    async with (
        served(tmp_path, clock) as (external, _),
        httpx.AsyncClient(base_url=external, trust_env=False) as client,
    ):
        for _ in range(3):
            await client.get(EVENTS, headers=bearer(clock, "dealer-north"))
        await client.get("/v2/events", headers=bearer(clock, "crm"))
        await client.get(EVENTS)  # nobody known
    clock.later = timedelta(days=31)
    async with served(tmp_path, clock) as (external, internal), httpx.AsyncClient(trust_env=False) as client:
        await client.get(external + EVENTS, headers=bearer(clock, "dealer-south"))
        env = {
            "ORDERGATE_CLI_URL": internal,
            "ORDERGATE_CLI_TOKEN": bearer(clock, "operator", scope="ops:read")["Authorization"][7:],
        }
        words = ["versions", "usage", "--days", "60"]
        as_json = await asyncio.to_thread(CliRunner().invoke, group, [*words, "--json"], env=env)
        shown = await asyncio.to_thread(CliRunner().invoke, group, [*words, "--deprecated"], env=env)
    assert as_json.exit_code == 0, as_json.output
    uses = {(use["clientId"], use["operation"]): use for use in json.loads(as_json.output)["uses"]}
    assert uses["dealer-north", f"GET {EVENTS}"]["calls"] == 3
    assert uses["dealer-north", f"GET {EVENTS}"]["successor"] == "/v2/events"
    assert uses["dealer-south", f"GET {EVENTS}"]["calls"] == 1
    assert uses["crm", "GET /v2/events"]["version"] == "v2"
    assert uses["crm", "GET /v2/events"]["deprecatedAt"] is None
    assert ("dealer-north" in shown.output, "/v2/events" in shown.output, "crm" in shown.output) == (True, True, False)
