"""Keys over a real socket, from an issuer that rotates, falls ill and misbehaves."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from policies.clients import Client, ClientRegistry
from policies.errors import IssuerUnavailable, TokenInvalid
from policies.identities import Identities
from policies.issuer_keys import IssuerKeys, Patience, next_pause_s, spread
from policies.oauth import OAuth
from tests.calls import call_of
from tests.integration.policies.issuer import METADATA, LiveIssuer, Misdeed, live_issuer, send
from tests.tokens import AUDIENCE, EC, OTHER_RSA, RSA, claims_for, jwks, mint

CLIENTS = ClientRegistry([Client("crm", "CRM", "crm", frozenset({"atp:read"}))])
PATIENCE = Patience(fresh_s=300, usable_s=3600, cool_down_s=30, retry_s=2, answer_s=2)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Door:
    """The gateway's side: one issuer configured, its clock in our hands."""

    def __init__(self, issuer: LiveIssuer, clock: Clock, **more: Any) -> None:
        self.clock = clock
        self.keys = IssuerKeys(issuer.url, patience=PATIENCE, clock=clock, **more)
        self.identities = Identities(OAuth([self.keys], AUDIENCE), CLIENTS, issuer.url)

    async def admits(self, token: str) -> bool:
        return (await self.identities.authenticate(call_of(token=token))).client.client_id == "crm"


@asynccontextmanager
async def door_to(issuer: LiveIssuer, **more: str) -> AsyncIterator[Door]:
    door = Door(issuer, Clock(), **more)
    yield door
    await door.identities.aclose()


async def test_keys_are_found_by_the_issuers_metadata_and_kept() -> None:
    async with live_issuer(RSA, EC) as issuer, door_to(issuer) as door:
        for _ in range(20):
            assert await door.admits(mint(claims_for(issuer.url)))
        assert await door.admits(mint(claims_for(issuer.url), EC, "ES256"))
        assert issuer.asked == {METADATA: 1, "/jwks": 1}


async def test_a_given_address_of_the_keys_needs_no_metadata() -> None:
    async with live_issuer(RSA) as issuer, door_to(issuer, jwks_uri=f"{issuer.url}/jwks") as door:
        assert await door.admits(mint(claims_for(issuer.url)))
        assert issuer.asked == {"/jwks": 1}


async def test_the_metadata_of_a_tenant_stands_before_its_path() -> None:
    async with live_issuer(RSA) as issuer:
        tenant = f"{issuer.url}/tenant"
        keys = IssuerKeys(tenant)
        with pytest.raises(IssuerUnavailable):
            await keys.current()
        assert issuer.asked == {f"{METADATA}/tenant": 1}
        await keys.aclose()


async def test_the_metadata_of_another_issuer_are_not_believed() -> None:
    async with live_issuer(RSA) as issuer, door_to(issuer) as door:
        issuer.metadata["issuer"] += "/"
        with pytest.raises(IssuerUnavailable):
            await door.admits(mint(claims_for(issuer.url)))
        assert issuer.asked["/jwks"] == 0


async def test_calls_at_the_same_time_share_one_request() -> None:
    async with live_issuer(RSA) as issuer, door_to(issuer) as door:
        admitted = await asyncio.gather(*(door.admits(mint(claims_for(issuer.url))) for _ in range(50)))
        assert all(admitted)
        assert issuer.asked["/jwks"] == 1


async def test_a_caller_that_goes_away_does_not_take_the_answer_from_the_others() -> None:
    async with live_issuer(RSA) as issuer, door_to(issuer) as door:
        first = asyncio.create_task(door.admits(mint(claims_for(issuer.url))))
        second = asyncio.create_task(door.admits(mint(claims_for(issuer.url))))
        await asyncio.sleep(0)
        first.cancel()
        assert await second
        assert issuer.asked["/jwks"] == 1


async def test_a_new_key_is_found_at_the_first_token_that_names_it() -> None:
    async with live_issuer(RSA) as issuer, door_to(issuer) as door:
        assert await door.admits(mint(claims_for(issuer.url)))
        issuer.keys = (RSA, OTHER_RSA)
        assert await door.admits(mint(claims_for(issuer.url), OTHER_RSA))
        assert await door.admits(mint(claims_for(issuer.url)))
        assert issuer.asked["/jwks"] == 2


async def test_a_thousand_unknown_keys_lead_to_one_request_per_cool_down() -> None:
    async with live_issuer(RSA) as issuer, door_to(issuer) as door:
        await door.admits(mint(claims_for(issuer.url)))
        tokens = [mint(claims_for(issuer.url), kid=f"random-{number}") for number in range(1000)]
        together = await asyncio.gather(*(door.admits(token) for token in tokens[:500]), return_exceptions=True)
        for token in tokens[500:]:
            with pytest.raises(TokenInvalid):
                await door.admits(token)
        assert all(isinstance(outcome, TokenInvalid) for outcome in together)
        assert issuer.asked["/jwks"] == 2
        door.clock.now += 30
        with pytest.raises(TokenInvalid):
            await door.admits(tokens[0])
        assert issuer.asked["/jwks"] == 3


async def test_a_withdrawn_key_ends_even_the_tokens_that_were_verified_before() -> None:
    async with live_issuer(RSA, OTHER_RSA) as issuer, door_to(issuer) as door:
        token = mint(claims_for(issuer.url))
        assert await door.admits(token)
        issuer.keys = (OTHER_RSA,)
        door.clock.now += 299
        assert await door.admits(token)
        door.clock.now += 1
        with pytest.raises(TokenInvalid):
            await door.admits(token)
        assert await door.admits(mint(claims_for(issuer.url), OTHER_RSA))


@asynccontextmanager
async def kept_fresh(keys: IssuerKeys) -> AsyncIterator[None]:
    """The keys with their background task, as a gateway runs it."""
    task = asyncio.create_task(keys.keep_fresh())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def asked_for_keys(issuer: LiveIssuer, times: int) -> None:
    async with asyncio.timeout(5):
        while issuer.asked["/jwks"] < times:  # noqa: ASYNC110  the issuer tells nobody
            await asyncio.sleep(0.005)


async def test_keys_are_read_anew_before_they_are_stale_and_nobody_waits_for_it() -> None:
    async with live_issuer(RSA) as issuer:
        keys = IssuerKeys(issuer.url, jwks_uri=f"{issuer.url}/jwks", patience=Patience(fresh_s=0.2))
        async with kept_fresh(keys):
            await asked_for_keys(issuer, 1)
            known = await keys.current()
            issuer.keys = (OTHER_RSA,)
            await asked_for_keys(issuer, 3)
            assert (await keys.current()).revision == known.revision + 1  # without a call that asked for it
            assert (await keys.current()).kids == {OTHER_RSA.kid}
        await keys.aclose()


def test_replicas_that_start_together_do_not_ask_together() -> None:
    """With the same pause everywhere, every replica would knock at the issuer in the same instant, for ever."""
    pauses = [spread(100.0) for _ in range(100)]
    assert 90 <= min(pauses) < 95
    assert 105 < max(pauses) <= 110


def test_the_pauses_are_short_of_staleness_and_grow_while_the_issuer_is_down() -> None:
    patience = Patience(fresh_s=300, retry_s=2)
    assert [next_pause_s(patience, failures) for failures in range(9)] == [240, 2, 4, 8, 16, 32, 60, 60, 60]
    assert next_pause_s(patience, 10_000) == 60


async def test_an_issuer_that_is_down_is_asked_ever_more_rarely() -> None:
    async with live_issuer(RSA) as issuer:
        issuer.misdeed = down
        patience = Patience(fresh_s=10, retry_s=0.02)
        keys = IssuerKeys(issuer.url, jwks_uri=f"{issuer.url}/jwks", patience=patience)
        async with kept_fresh(keys):
            began = asyncio.get_running_loop().time()
            await asked_for_keys(issuer, 5)  # after pauses of 20, 40, 80 and 160 ms
            assert asyncio.get_running_loop().time() - began > 0.2
            issuer.misdeed = None
            await asked_for_keys(issuer, 6)
            async with asyncio.timeout(2):
                assert (await keys.current()).kids == {RSA.kid}
        await keys.aclose()


async def hang(_writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def down(writer: asyncio.StreamWriter) -> None:
    send(writer, b"<html>", status="503 Service Unavailable")


async def html(writer: asyncio.StreamWriter) -> None:
    send(writer, b"<html>hello</html>")


async def redirect(writer: asyncio.StreamWriter) -> None:
    send(writer, b"", status="302 Found", extra="location: http://192.0.2.1/jwks\r\n")


async def huge(writer: asyncio.StreamWriter) -> None:
    send(writer, b'{"keys": [' + b" " * 600_000 + b"]}")


async def bomb(writer: asyncio.StreamWriter) -> None:
    send(writer, gzip.compress(json.dumps(jwks(RSA)).encode()), extra="content-encoding: gzip\r\n")


async def keyless(writer: asyncio.StreamWriter) -> None:
    send(writer, b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}, {"kty": "RSA", "n": "AQAB", "e": "AQAB"}, {}]}')


async def nested(writer: asyncio.StreamWriter) -> None:
    send(writer, b'{"keys":' * 5000)


async def odd(writer: asyncio.StreamWriter) -> None:
    send(writer, b'{"keys": [7]}')


MISDEEDS = [reset, down, html, redirect, huge, bomb, keyless, nested, odd]


@pytest.mark.parametrize("misdeed", MISDEEDS, ids=lambda misdeed: misdeed.__name__)
async def test_without_keys_we_cannot_tell_and_ask_again_soon(misdeed: Misdeed) -> None:
    async with live_issuer(RSA) as issuer, door_to(issuer, jwks_uri=f"{issuer.url}/jwks") as door:
        issuer.misdeed = misdeed
        token = mint(claims_for(issuer.url))
        for _ in range(5):
            with pytest.raises(IssuerUnavailable) as refused:
                await door.admits(token)
        assert refused.value.issuer == issuer.url
        assert issuer.asked["/jwks"] == 1
        issuer.misdeed = None
        door.clock.now += 2
        assert await door.admits(token)


@pytest.mark.parametrize("misdeed", MISDEEDS, ids=lambda misdeed: misdeed.__name__)
async def test_the_last_good_keys_serve_while_the_issuer_is_ill_but_not_for_ever(misdeed: Misdeed) -> None:
    async with live_issuer(RSA) as issuer, door_to(issuer, jwks_uri=f"{issuer.url}/jwks") as door:
        known = mint(claims_for(issuer.url))
        assert await door.admits(known)
        issuer.misdeed = misdeed
        door.clock.now += 3599
        assert await door.admits(known)
        assert await door.admits(mint(claims_for(issuer.url)))
        assert issuer.asked["/jwks"] == 2
        with pytest.raises(IssuerUnavailable):  # it may be new: we cannot tell
            await door.admits(mint(claims_for(issuer.url), OTHER_RSA))
        door.clock.now += 1
        with pytest.raises(IssuerUnavailable):
            await door.admits(known)


async def test_an_issuer_that_never_answers_costs_its_time_and_no_more() -> None:
    async with live_issuer(RSA) as issuer:
        issuer.misdeed = hang
        keys = IssuerKeys(issuer.url, patience=Patience(answer_s=0.2))
        with pytest.raises(IssuerUnavailable):
            async with asyncio.timeout(5):
                await keys.current()
        await keys.aclose()


async def test_nobody_waits_for_an_issuer_that_did_not_answer_last_time() -> None:
    """Its keys are stale but good: each call would otherwise wait for the next attempt to fail, too."""
    async with live_issuer(RSA) as issuer, door_to(issuer, jwks_uri=f"{issuer.url}/jwks") as door:
        known = mint(claims_for(issuer.url))
        assert await door.admits(known)
        issuer.misdeed = down
        door.clock.now += 300
        assert await door.admits(known)
        issuer.misdeed = hang
        door.clock.now += 2
        async with asyncio.timeout(PATIENCE.answer_s / 2):
            assert await door.admits(known)
            assert await door.admits(mint(claims_for(issuer.url)))
        await asked_for_keys(issuer, 3)  # it is asked all the same


@pytest.mark.parametrize("address", ["http://", "http://xn--/keys", "http://[::1", "http://127.0.0.1:1/\0", "keys"])
async def test_an_address_of_keys_that_is_none_is_no_crash(address: str) -> None:
    """The task that reads the keys in the background must outlive it, too."""
    async with live_issuer(RSA) as issuer, door_to(issuer) as door:
        issuer.metadata["jwks_uri"] = address
        with pytest.raises(IssuerUnavailable):
            await door.admits(mint(claims_for(issuer.url)))
        issuer.metadata["jwks_uri"] = f"{issuer.url}/jwks"
        door.clock.now += 2
        assert await door.admits(mint(claims_for(issuer.url)))


async def test_nobody_listening_is_no_crash() -> None:
    async with live_issuer() as issuer:
        url = issuer.url
    keys = IssuerKeys(url)
    with pytest.raises(IssuerUnavailable):
        await keys.current()
    await keys.aclose()


async def test_a_client_belongs_to_one_issuer() -> None:
    """A second issuer must not hand out tokens that name a client of the first."""
    async with live_issuer(RSA) as first, live_issuer(OTHER_RSA) as second:
        theirs = Client("theirs", "Theirs", "service", frozenset({"atp:read"}), issuer=second.url)
        ours = Client("crm", "CRM", "crm", frozenset({"atp:read"}))
        issuers = [IssuerKeys(first.url), IssuerKeys(second.url)]
        identities = Identities(OAuth(issuers, AUDIENCE), ClientRegistry([ours, theirs]), first.url)

        async def who(issuer: LiveIssuer, key: object, client_id: str) -> str:
            token = mint(claims_for(issuer.url, client_id), key)  # type: ignore[arg-type]
            return (await identities.authenticate(call_of(token=token))).client.client_id

        assert await who(first, RSA, "crm") == "crm"
        assert await who(second, OTHER_RSA, "theirs") == "theirs"
        for issuer, key, client_id in ((second, OTHER_RSA, "crm"), (first, RSA, "theirs"), (second, RSA, "theirs")):
            with pytest.raises(TokenInvalid):
                await who(issuer, key, client_id)
        await identities.aclose()
