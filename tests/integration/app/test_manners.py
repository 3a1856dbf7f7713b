"""What the shell owes to browsers, to proxies in front of it, and to callers while it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.main import Gateway, create_app
from app.outside import Outside
from app.server import address, listener, opened
from app.settings import SettingsError
from tests.integration.app.conftest import Served, config_in, settings_in, silent_neighbours, token
from tests.integration.app.problems import problem
from tests.integration.app.wire import said_to

pytestmark = pytest.mark.asyncio(loop_scope="session")

PORTAL = "https://portal.example"
CHECKS = "/v1/atp-checks"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,idempotency-key"}


def gateway_for(directory: Path, **more: str) -> Gateway:
    neighbours = httpx.MockTransport(silent_neighbours().async_handler)
    return create_app(settings_in(directory, **more), Outside(neighbours))


def with_origins(directory: Path, *origins: str) -> str:
    config = directory / "with-origins.toml"
    config.write_text(f"browser_origins = {list(origins)}\n" + config_in(directory).read_text())
    return str(config)


@asynccontextmanager
async def served_by(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    internal, external = (listener(door, "127.0.0.1", 0, 2) for door in (gateway.internal, gateway.external))
    async with opened(internal), opened(external), visiting(address(external)) as client:
        yield client


def visiting(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, trust_env=False)


@pytest_asyncio.fixture(loop_scope="session")
async def portal(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with served_by(gateway_for(tmp_path, ORDERGATE_CONFIG=with_origins(tmp_path, PORTAL))) as client:
        yield client


async def test_by_itself_no_page_of_another_origin_may_call(nobody: httpx.AsyncClient) -> None:
    for answer in (
        await nobody.options(CHECKS, headers={"Origin": PORTAL, **PREFLIGHT}),
        await nobody.post(CHECKS, headers={"Origin": PORTAL}),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_a_page_of_a_named_origin_may_call_and_read(portal: httpx.AsyncClient) -> None:
    asked = await portal.options(CHECKS, headers={"Origin": PORTAL, **PREFLIGHT})
    assert (asked.status_code, asked.content) == (204, b"")
    assert asked.headers["access-control-allow-origin"] == PORTAL
    assert "POST" in asked.headers["access-control-allow-methods"].split(", ")
    assert {"authorization", "idempotency-key"} <= set(asked.headers["access-control-allow-headers"].split(", "))
    assert "origin" in asked.headers["vary"]
    assert "access-control-allow-credentials" not in asked.headers
    headers = {"Origin": PORTAL, "Authorization": f"Bearer {token()}"}
    called = await portal.get("/v1/events", headers=headers)
    refused = await portal.post(CHECKS, headers={"Origin": PORTAL})
    for answer, status in ((called, 200), (refused, 401)):
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, PORTAL)
        assert {"etag", "ratelimit", "x-correlation-id"} <= set(
            answer.headers["access-control-expose-headers"].split(", ")
        )
        assert "origin" in answer.headers["vary"]


@pytest.mark.parametrize("origin", ["https://portal.example.evil.example", "http://portal.example", "null", "*", ""])
async def test_an_origin_that_is_only_like_it_may_not(portal: httpx.AsyncClient, origin: str) -> None:
    asked = await portal.options(CHECKS, headers={"Origin": origin, **PREFLIGHT})
    called = await portal.post(CHECKS, headers={"Origin": origin})
    for answer in (asked, called):
        assert "access-control-allow-origin" not in answer.headers
        assert "origin" in answer.headers["vary"], "a cache must not hand this to the portal"


async def test_a_preflight_for_a_method_or_path_that_is_not_there_is_no_yes(portal: httpx.AsyncClient) -> None:
    wrong = {"Origin": PORTAL, "Access-Control-Request-Method": "DELETE"}
    assert "access-control-allow-methods" not in (await portal.options(CHECKS, headers=wrong)).headers
    problem(await portal.options("/v1/nothing", headers={"Origin": PORTAL, **PREFLIGHT}), 404, "route-unknown")


@pytest.mark.parametrize("origin", ["*", "https://portal.example/", "portal.example", "https://*.example", "null"])
async def test_an_origin_that_is_none_stops_the_start(tmp_path: Path, origin: str) -> None:
    with pytest.raises(SettingsError, match="browser_origins"):
        settings_in(tmp_path, ORDERGATE_CONFIG=with_origins(tmp_path, origin))


HEAD = b"POST /v1/atp-checks HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
CHUNKED = b"2\r\n{}\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("name", "head"),
    {
        "length and coding": b"content-length: 2\r\ntransfer-encoding: chunked\r\n",
        "coding and length": b"transfer-encoding: chunked\r\ncontent-length: 2\r\n",
        "two lengths": b"content-length: 2\r\ncontent-length: 3\r\n",
        "a list of lengths": b"content-length: 2, 2\r\n",
        "a signed length": b"content-length: +2\r\n",
        "two codings in one": b"transfer-encoding: gzip, chunked\r\n",
        "two codings in two": b"transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n",
        "chunked twice": b"transfer-encoding: chunked, chunked\r\n",
        "not chunked at the end": b"transfer-encoding: chunked, identity\r\n",
        "identity": b"transfer-encoding: identity\r\n",
        "a coding in disguise": b"transfer-encoding: xchunked\r\n",
        "a coding behind a tab": b"transfer-encoding:\tchunked\r\ntransfer-encoding: x\r\n",
        "a space before the colon": b"transfer-encoding : chunked\r\n",
        "a folded line": b"transfer-encoding:\r\n chunked\r\n",
    }.items(),
)
async def test_a_call_whose_end_two_readers_could_see_in_two_places_is_refused(
    served: Served, name: str, head: bytes
) -> None:
    """A proxy in front of us that reads the other one of two lengths would take our second answer for a stranger's."""
    smuggled = b"GET /livez HTTP/1.1\r\nhost: smuggled\r\nconnection: close\r\n\r\n"
    said = await said_to(served.external, HEAD + head + b"\r\n" + CHUNKED + smuggled)
    assert said.startswith("HTTP/1.1 400 "), name
    assert '"status":"alive"' not in said, name


async def test_nothing_names_the_software(nobody: httpx.AsyncClient, served: Served) -> None:
    answers = [await nobody.get("/livez"), await nobody.get("/nothing"), await nobody.request("TRACE", "/livez")]
    for answer in answers:
        assert not {"server", "x-powered-by", "via"} & set(answer.headers)
    malformed = await said_to(served.external, b"NONSENSE\r\n\r\n")
    assert "uvicorn" not in malformed.lower()


async def test_while_it_ends_each_answer_is_the_last_of_its_connection(tmp_path: Path) -> None:
    """Connections that are kept open end with an answer, never while a call may be on its way."""
    gateway = gateway_for(tmp_path)
    async with served_by(gateway) as client:
        url = httpx.URL(str(client.base_url))
        reader, writer = await asyncio.open_connection(url.host, url.port)
        call = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"
        writer.write(call)
        assert b"connection: close" not in await reader.readuntil(b"alive")
        gateway.health.draining = True
        writer.write(call)
        rest = await asyncio.wait_for(reader.read(), 5)  # to the end of the connection
        assert b"200 OK" in rest
        assert b"connection: close" in rest
        writer.close()
        assert (await client.get("/livez")).status_code == 200, "new connections are still served"
