"""Opaque tokens: asked about on a real socket, of an issuer that knows who asks, falls ill and misbehaves."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest

from policies.clients import Client, ClientRegistry
from policies.errors import IssuerUnavailable, TokenInvalid
from policies.identities import Identities
from policies.introspection import MOST_ANSWERS, MOST_AT_ONCE, Introspection
from policies.issuer_keys import IssuerKeys
from policies.oauth import OAuth
from tests.calls import call_of
from tests.integration.policies.issuer import send
from tests.tokens import AUDIENCE, RSA, claims_for, mint

CLIENTS = ClientRegistry([Client("crm", "CRM", "crm", frozenset({"atp:read", "orders:read"}))])
OPAQUE = "opaque-token-1"


class TokenDesk:
    """Answers what tokens mean, to who says the right secret. `asked` holds the tokens in order."""

    def __init__(self) -> None:
        self.url = ""
        self.meanings: dict[str, Any] = {}
        self.asked: list[str] = []
        self.status = "200 OK"
        self.statuses: dict[str, str] = {}
        self.raw: bytes | None = None
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:-2])
        form = parse_qs((await reader.readexactly(int(fields["content-length"]))).decode())
        (token,) = form["token"]
        self.asked.append(token)
        await self.may_answer.wait()
        secret = base64.b64encode(b"ordergate:s3cret").decode()
        if f"authorization: basic {secret}".lower() not in head.lower():
            send(writer, b"{}", status="401 Unauthorized")
        elif self.raw is not None:
            send(writer, self.raw, status=self.status)
        else:
            status = self.statuses.get(token, self.status)
            send(writer, json.dumps(self.meanings.get(token, {"active": False})).encode(), status=status)
        writer.close()


class Door:
    def __init__(self, desk: TokenDesk, secret: str = "s3cret", **more: Any) -> None:
        self.now = time.time()
        self.introspection = Introspection(
            desk.url, f"{desk.url}/introspect", "ordergate", secret, audience=AUDIENCE, now=lambda: self.now, **more
        )
        self.identities = Identities(OAuth([], AUDIENCE, introspections=[self.introspection]), CLIENTS, desk.url)

    async def client(self, token: str = OPAQUE) -> Client:
        return (await self.identities.authenticate(call_of(token=token))).client


@asynccontextmanager
async def open_desk() -> AsyncIterator[TokenDesk]:
    desk = TokenDesk()
    server = await asyncio.start_server(desk.answer, "127.0.0.1", 0)
    desk.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield desk


@asynccontextmanager
async def door_to(desk: TokenDesk, **more: Any) -> AsyncIterator[Door]:
    door = Door(desk, **more)
    yield door
    await door.identities.aclose()


def meaning(desk: TokenDesk, door: Door, **changes: Any) -> dict[str, Any]:
    said = {
        "active": True,
        "client_id": "crm",
        "aud": AUDIENCE,
        "iss": desk.url,
        "exp": int(door.now) + 600,
        "scope": "atp:read ops:write",
        "jti": "j-1",
    }
    return {name: value for name, value in (said | changes).items() if value is not None}


async def test_an_active_token_opens_with_the_scopes_that_it_and_the_registry_grant() -> None:
    async with open_desk() as desk, door_to(desk) as door:
        desk.meanings[OPAQUE] = meaning(desk, door)
        credential = await door.identities.authenticate(call_of(token=OPAQUE))
        assert (credential.name, credential.client.scopes) == ("token:j-1", frozenset({"atp:read"}))


async def test_an_answer_is_kept_for_its_time_and_not_past_the_tokens_end() -> None:
    async with open_desk() as desk, door_to(desk, cache_s=30) as door:
        desk.meanings[OPAQUE] = meaning(desk, door)
        for later in (0, 29):
            door.now += later
            await door.client()
        assert len(desk.asked) == 1
        door.now += 2
        await door.client()
        assert len(desk.asked) == 2
        desk.meanings["short"] = meaning(desk, door, exp=int(door.now) - 25)  # 5 s left of the leeway
        await door.client("short")
        door.now += 6
        with pytest.raises(TokenInvalid):
            await door.client("short")
        assert desk.asked.count("short") == 2


async def test_calls_at_the_same_time_share_one_question() -> None:
    async with open_desk() as desk, door_to(desk) as door:
        desk.meanings[OPAQUE] = meaning(desk, door)
        desk.may_answer.clear()
        calls = [asyncio.create_task(door.client()) for _ in range(20)]
        while not desk.asked:  # noqa: ASYNC110  the desk tells nobody
            await asyncio.sleep(0)
        calls[0].cancel()
        desk.may_answer.set()
        assert {client.client_id for client in await asyncio.gather(*calls[1:])} == {"crm"}
        assert desk.asked == [OPAQUE]


@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"aud": "https://elsewhere.example"},
        {"aud": None},
        {"aud": []},
        {"client_id": None},
        {"client_id": "stranger"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"nbf": 4_000_000_000},
        {"token_type": "DPoP"},
        {"cnf": {"jkt": "x"}},
    ],
    ids=str,
)
async def test_active_alone_does_not_open(change: dict[str, Any]) -> None:
    async with open_desk() as desk, door_to(desk) as door:
        desk.meanings[OPAQUE] = meaning(desk, door) | change
        if None in change.values():
            desk.meanings[OPAQUE] = meaning(desk, door, **change)
        for _ in range(2):
            with pytest.raises(TokenInvalid):
                await door.client()
        assert len(desk.asked) == 1  # that it opens nothing is remembered, too


async def test_a_refused_token_is_asked_about_again_after_a_while() -> None:
    async with open_desk() as desk, door_to(desk) as door:
        with pytest.raises(TokenInvalid):
            await door.client()
        desk.meanings[OPAQUE] = meaning(desk, door)
        door.now += 11
        assert (await door.client()).client_id == "crm"


async def test_our_own_wrong_secret_is_no_fault_of_the_callers() -> None:
    async with open_desk() as desk, door_to(desk, secret="wrong") as door:
        desk.meanings[OPAQUE] = meaning(desk, door)
        for _ in range(3):
            with pytest.raises(IssuerUnavailable):
                await door.client()
        assert len(desk.asked) == 1  # left alone for a moment


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"<html>", b'{"active":', b'{"active":"yes"}', b'{"active":true,"exp":"x"}', b"[" * 5000]
)
async def test_an_answer_that_is_none_says_nothing_about_the_token(raw: bytes) -> None:
    async with open_desk() as desk, door_to(desk) as door:
        desk.raw = raw
        with pytest.raises(IssuerUnavailable):
            await door.client()


async def test_while_the_desk_is_silent_known_tokens_go_on_and_others_hear_503() -> None:
    async with open_desk() as desk, door_to(desk, answer_s=0.1, cache_s=30) as door:
        desk.meanings[OPAQUE] = meaning(desk, door)
        await door.client()
        desk.may_answer.clear()
        assert (await door.client()).client_id == "crm"
        with pytest.raises(IssuerUnavailable):
            await door.client("another")
        desk.may_answer.set()


async def test_made_up_tokens_cost_the_issuer_a_bounded_number_of_questions_and_us_a_bounded_memory() -> None:
    async with open_desk() as desk, door_to(desk) as door:
        desk.may_answer.clear()
        calls = [asyncio.create_task(door.client(f"made-up-{number}")) for number in range(100)]
        refused = [call for call in calls if isinstance(await _outcome_or_none(call, desk), IssuerUnavailable)]
        assert len(refused) == 100 - MOST_AT_ONCE
        desk.may_answer.set()
        await asyncio.gather(*calls, return_exceptions=True)
        assert len(desk.asked) == MOST_AT_ONCE
        for number in range(MOST_ANSWERS + 5):
            door.introspection._keep(str(number).encode(), None, door.now + 10)
        assert len(door.introspection._answers) == MOST_ANSWERS


async def _outcome_or_none(call: asyncio.Task[Client], desk: TokenDesk) -> BaseException | None:
    """How the call ended, if it ended without an answer from the desk."""
    while len(desk.asked) < MOST_AT_ONCE:  # noqa: ASYNC110  likewise
        await asyncio.sleep(0.001)
    return call.exception() if call.done() else None


async def test_the_tokens_themselves_are_not_held() -> None:
    async with open_desk() as desk, door_to(desk) as door:
        desk.meanings[OPAQUE] = meaning(desk, door)
        await door.client()
        assert OPAQUE not in repr(vars(door.introspection))


async def test_a_signed_token_is_never_sent_to_anybody() -> None:
    async with open_desk() as desk:
        introspection = Introspection(desk.url, f"{desk.url}/i", "ordergate", "s3cret", audience=AUDIENCE)
        keys = IssuerKeys("https://issuer.example", jwks_uri=f"{desk.url}/jwks")
        oauth = OAuth([keys], AUDIENCE, introspections=[introspection])
        identities = Identities(oauth, CLIENTS, desk.url)
        for token in (mint(claims_for("https://evil.example"), RSA), "a.b.c", "a.b.c.d.e"):
            with pytest.raises(TokenInvalid):
                await identities.authenticate(call_of(token=token))
        await identities.aclose()
        assert desk.asked == []


async def test_of_two_issuers_the_one_that_knows_the_token_answers() -> None:
    async with open_desk() as first, open_desk() as second, door_to(first) as one, door_to(second) as two:
        second.meanings[OPAQUE] = meaning(second, two)
        clients = ClientRegistry([Client("crm", "CRM", "crm", frozenset({"atp:read"}), issuer=second.url)])
        oauth = OAuth([], AUDIENCE, introspections=[one.introspection, two.introspection])
        identities = Identities(oauth, clients, first.url)
        assert (await identities.authenticate(call_of(token=OPAQUE))).client.client_id == "crm"
        first.status = "500 Internal Server Error"
        with pytest.raises(IssuerUnavailable):  # the silent one may know it
            await identities.authenticate(call_of(token="unknown"))


async def test_a_silent_issuer_delays_no_token_of_another() -> None:
    async with (
        open_desk() as silent,
        open_desk() as desk,
        door_to(silent, answer_s=5) as one,
        door_to(desk, cache_s=0.1) as two,
    ):
        desk.meanings[OPAQUE] = meaning(desk, two)
        clients = ClientRegistry([Client("crm", "CRM", "crm", frozenset({"atp:read"}))])
        oauth = OAuth([], AUDIENCE, introspections=[one.introspection, two.introspection])
        identities = Identities(oauth, clients, desk.url)
        silent.may_answer.clear()
        async with asyncio.timeout(2):
            for later in (0, 0, 1):  # asked for, kept, and asked for again
                two.now += later
                assert (await identities.authenticate(call_of(token=OPAQUE))).client.client_id == "crm"
        assert desk.asked == [OPAQUE, OPAQUE]
        silent.may_answer.set()


@pytest.mark.parametrize(
    ("status", "said"),
    [("400 Bad Request", {}), ("413 Content Too Large", {}), ("200 OK", {"active": True, "exp": "soon"})],
    ids=["malformed", "too long", "odd"],
)
async def test_a_token_that_the_issuer_cannot_take_shuts_the_door_for_no_other(status: str, said: Any) -> None:
    """Otherwise anybody could do that, with one such token every other second."""
    async with open_desk() as desk, door_to(desk) as door:
        desk.meanings |= {OPAQUE: meaning(desk, door), "odd": said}
        desk.statuses["odd"] = status
        with pytest.raises(IssuerUnavailable):
            await door.client("odd")
        assert (await door.client()).client_id == "crm"


async def test_of_a_token_that_is_not_active_nothing_else_is_read() -> None:
    async with open_desk() as desk, door_to(desk) as door:
        desk.meanings[OPAQUE] = {"active": False, "client_id": None, "aud": None, "exp": None, "scope": None}
        with pytest.raises(TokenInvalid):
            await door.client()
