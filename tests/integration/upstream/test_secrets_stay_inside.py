"""Nothing that we send, and nothing that a neighbour says, gets into a failure: shown with canaries."""

from __future__ import annotations

import base64
import logging
import traceback

import httpx
import pytest

from system_apis.deadline import Deadline
from system_apis.errors import UpstreamError
from system_apis.http import Exchange, Upstream
from system_apis.oauth import ClientCredentials
from tests.integration.upstream.doors import upstream_to
from tests.integration.upstream.raw_server import Connection, Script, neighbour

CANARY = "canary7f3a"
HIDDEN = (CANARY, base64.b64encode(f"user-{CANARY}:{CANARY}".encode()).decode())


async def reset(connection: Connection) -> None:
    connection.reset()


async def cut(connection: Connection) -> None:
    await connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{CANARY}".encode())


async def noise(connection: Connection) -> None:
    await connection.send(f"220 {CANARY}\r\n\r\n".encode())


async def stall(connection: Connection) -> None:
    await connection.reader.read()


async def crash(connection: Connection) -> None:
    await connection.answer("503 Service Unavailable", CANARY.encode())


async def send_away(connection: Connection) -> None:
    await connection.answer("302 Found", CANARY.encode(), Location=f"http://{CANARY}.example/{CANARY}")


async def refuse(connection: Connection) -> None:
    await connection.answer("401 Unauthorized", CANARY.encode(), WWW_Authenticate=f'Basic realm="{CANARY}"')


async def pack_oddly(connection: Connection) -> None:
    await connection.answer("200 OK", b"{}", Content_Encoding=CANARY)


async def bloat(connection: Connection) -> None:
    await connection.answer("200 OK", CANARY.encode() * 1000)


def everything_of(failure: BaseException) -> str:
    """What a log with a traceback, or a careless `repr`, would show."""
    told = "".join(traceback.format_exception(failure))
    return f"{told} {failure!r} {vars(failure)!r}"


async def ask(upstream: Upstream, verb: str) -> None:
    send = upstream.write if verb == "write" else upstream.read
    await send(
        "POST",
        f"/x?q={CANARY}",
        operation="ask",
        deadline=Deadline.after(0.3),
        headers={"Cookie": f"session={CANARY}"},
        content=CANARY.encode(),
    )


@pytest.mark.parametrize("verb", ["read", "write"])
@pytest.mark.parametrize(
    "script",
    [reset, cut, noise, stall, crash, send_away, refuse, pack_oddly, bloat],
    ids=lambda script: script.__name__,
)
async def test_no_failure_quotes_what_went_over_the_wire(
    script: Script, verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Exchange] = []
    auth = httpx.BasicAuth(f"user-{CANARY}", CANARY)
    headers = {"X-API-Key": CANARY}
    with caplog.at_level(logging.DEBUG):
        async with (
            neighbour(script) as raw,
            upstream_to(raw.url, auth=auth, headers=headers, observe=seen.append, max_answer_bytes=5000) as upstream,
        ):
            with pytest.raises(UpstreamError) as met:
                await ask(upstream, verb)
    shown = everything_of(met.value) + repr(seen) + caplog.text
    assert raw.seen
    assert not [one for one in HIDDEN if one in shown]


async def test_no_failure_quotes_an_address_that_does_not_answer() -> None:
    async with upstream_to(f"http://{CANARY}.invalid") as upstream:
        with pytest.raises(UpstreamError) as met:
            await ask(upstream, "write")
    assert CANARY not in everything_of(met.value)


async def test_no_failure_quotes_a_header_that_cannot_be_sent() -> None:
    async with neighbour(Connection.ok) as raw, upstream_to(raw.url, headers={"X-API-Key": f"{CANARY}\n"}) as upstream:
        with pytest.raises(UpstreamError) as met:
            await ask(upstream, "write")
        assert raw.seen == []
    assert CANARY not in everything_of(met.value)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(400, json={"error": "invalid_client", "error_description": CANARY}),
        httpx.Response(400, json={"error": CANARY.upper() + "!"}),
        httpx.Response(200, content=f'{{"access_token": "{CANARY}'.encode()),
        httpx.Response(200, json={"token": CANARY}),
        httpx.Response(200, json={"access_token": f"{CANARY}\u20ac"}),
        httpx.Response(200, json={"access_token": f"{CANARY}\r\nX-Evil: 1"}),
        httpx.Response(200, content=f'{{"access_token": "{CANARY}'.encode() + b'\xff"}'),
        httpx.Response(500, content=CANARY.encode()),
        httpx.Response(401, content=CANARY.encode()),
    ],
    ids=lambda answer: str(answer.status_code),
)
async def test_no_failure_to_get_a_token_quotes_secret_or_answer(answer: httpx.Response) -> None:
    auth = ClientCredentials(
        system="sap",
        instance="s4",
        token_url="https://issuer.example/token",
        client_id="ordergate",
        client_secret=CANARY,
        transport=httpx.MockTransport(lambda _request: answer),
    )
    with pytest.raises(UpstreamError) as met:
        await anext(auth.async_auth_flow(httpx.Request("GET", "http://sap.example/x")))
    await auth.aclose()
    shown = everything_of(met.value)
    assert CANARY not in shown
    assert CANARY.upper() not in shown


@pytest.mark.parametrize("lifetime", ["soon", [1], None, "9" * 5000, 1e308, {}])
async def test_a_token_whose_lifetime_is_not_told_is_used_until_it_is_refused(lifetime: object) -> None:
    answer = {"access_token": "token", "expires_in": lifetime, "expires_at": "later"}
    auth = ClientCredentials(
        system="sap",
        instance="s4",
        token_url="https://issuer.example/token",
        client_id="ordergate",
        client_secret=CANARY,
        transport=httpx.MockTransport(lambda _request: httpx.Response(200, json=answer)),
    )
    sent = await anext(auth.async_auth_flow(httpx.Request("GET", "http://sap.example/x")))
    await auth.aclose()
    assert sent.headers["Authorization"] == "Bearer token"
