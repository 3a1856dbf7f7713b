"""The whole stack with real parts: tokens from a live issuer, a real store, counters in memory."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from policies.access import require_customer
from policies.answer import Answer
from policies.call import Call
from policies.clients import Client, ClientRegistry
from policies.credential import Credential
from policies.errors import (
    CredentialsMalformed,
    CredentialsMissing,
    IdempotencyKeyInFlight,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    LimitSpent,
    NotVisible,
    PreconditionMissing,
    ScopeMissing,
    TokenInvalid,
    WeightAboveLimit,
)
from policies.failed_logins import FailedLogins, Knocks
from policies.idempotency import Claim, Ledger
from policies.identities import Identities
from policies.issuer_keys import IssuerKeys
from policies.oauth import OAuth
from policies.rate_limit import RateLimits
from policies.sheet import Sheet, guarded
from policies.stack import Stack
from tests.calls import call_of
from tests.integration.policies.issuer import LiveIssuer, live_issuer
from tests.tokens import AUDIENCE, RSA, claims_for, mint

CLIENTS = [
    Client("north", "North", "partner", frozenset({"orders:write"}), customers=("17100001",), limit="10 per 1 minute"),
    Client("south", "South", "partner", frozenset({"orders:write"}), customers=("17100002",), limit="10 per 1 minute"),
    Client("viewer", "Viewer", "partner", frozenset({"atp:read"}), limit="10 per 1 minute"),
]
READ = guarded("orders:write", weight=len)
ONCE = guarded("orders:write", weight=len, once=True)


class Gate:
    """The stack behind a tiny edge: bodies are text, `!` cannot be read, a customer's number is the customer."""

    def __init__(self, issuer: LiveIssuer, store: AsyncEngine) -> None:
        self.issuer = issuer
        oauth = OAuth([IssuerKeys(issuer.url)], AUDIENCE)
        identities = Identities(oauth, ClientRegistry(CLIENTS), issuer.url)
        self.stack = Stack(FailedLogins("5 per 1 minute"), identities, RateLimits(), Ledger(store))
        self.numbers = itertools.count(1)
        self.trouble: Exception | None = None
        self.started = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def process(self, credential: Credential, request: str, claim: Claim | None) -> str:
        number = next(self.numbers)
        self.started.set()
        await self.may_go_on.wait()
        if self.trouble:
            raise self.trouble
        return f"{credential.client.client_id} {request} {number}"

    async def __call__(self, sheet: Sheet, call: Call, process: Any = None) -> Answer:
        return await self.stack.run(
            call, sheet, decode=decode, visible=visible, process=process or self.process, encode=encode
        )

    def call(self, client_id: str = "north", body: bytes = b"abc", key: str | None = "k1", **changes: Any) -> Call:
        headers = [("Idempotency-Key", key)] if key else []
        token = mint(claims_for(self.issuer.url, client_id, scope="orders:write"))
        return call_of(**{"headers": headers, "token": token, "body": body, **changes})


def decode(body: bytes) -> str:
    if body.startswith(b"!"):
        raise ValueError("unreadable")
    return body.decode()


def visible(client: Client, request: str) -> None:
    if request.isdigit():
        require_customer(client, request)


def encode(answer: str) -> Answer:
    return Answer(201, {"location": "/here"}, answer.encode())


@pytest.fixture
async def gate(store: AsyncEngine) -> AsyncIterator[Gate]:
    async with live_issuer(RSA) as issuer:
        gate = Gate(issuer, store)
        yield gate
        await gate.stack.identities.aclose()


async def remaining(gate: Gate) -> str:
    """What the limit fields say, read for free: a call without a key is refused before it is charged."""
    call = gate.call(key=None)
    with pytest.raises(IdempotencyKeyMissing):
        await gate(ONCE, call)
    return call.answer_headers["ratelimit"].split(";")[1]


async def test_a_plain_call_is_answered_with_its_limits(gate: Gate) -> None:
    call = gate.call()
    answer = await gate(READ, call)
    assert (answer.status, answer.body) == (201, b"north abc 1")
    assert answer.headers["ratelimit-policy"] == '"default";q=10;w=60'
    assert answer.headers["ratelimit"].startswith('"default";r=7;t=')
    assert call.answer_headers.items() <= answer.headers.items()


async def test_a_repeat_hears_the_same_costs_nothing_and_says_nothing_of_limits(gate: Gate) -> None:
    first = await gate(ONCE, gate.call())
    for key in ("k1", '"k1"'):
        call = gate.call(key=key)
        again = await gate(ONCE, call)
        assert (again.status, again.body) == (first.status, first.body)
        assert again.headers == {"location": "/here", "idempotency-replayed": "true"}
        assert call.answer_headers == {}
    assert await remaining(gate) == "r=7"


async def test_another_clients_key_is_another_key(gate: Gate) -> None:
    await gate(ONCE, gate.call("north"))
    assert (await gate(ONCE, gate.call("south"))).body == b"south abc 2"


async def test_another_payload_under_the_key_is_refused_and_free(gate: Gate) -> None:
    await gate(ONCE, gate.call())
    with pytest.raises(IdempotencyKeyReused):
        await gate(ONCE, gate.call(body=b"abcd"))
    assert await remaining(gate) == "r=7"


async def test_the_repeat_of_a_call_at_work_is_told_to_wait(gate: Gate) -> None:
    gate.may_go_on.clear()
    first = asyncio.create_task(gate(ONCE, gate.call()))
    await gate.started.wait()
    with pytest.raises(IdempotencyKeyInFlight):
        await gate(ONCE, gate.call())
    gate.may_go_on.set()
    assert (await first).body == b"north abc 1"


async def test_a_refusal_of_the_process_is_not_kept(gate: Gate) -> None:
    gate.trouble = LookupError("no")
    call = gate.call()
    with pytest.raises(LookupError):
        await gate(ONCE, call)
    assert call.answer_headers["ratelimit"].startswith('"default";r=7')
    gate.trouble = None
    assert (await gate(ONCE, gate.call())).body == b"north abc 2"


async def test_a_caller_that_hangs_up_leaves_the_key_free(gate: Gate) -> None:
    gate.may_go_on.clear()
    first = asyncio.create_task(gate(ONCE, gate.call()))
    await gate.started.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.may_go_on.set()
    assert (await gate(ONCE, gate.call())).body == b"north abc 2"


async def test_a_process_that_settles_itself_and_waits_on_decides_what_is_kept(gate: Gate) -> None:
    async def waiting(_credential: Credential, _request: str, claim: Claim | None) -> str:
        assert claim is not None
        async with claim.settle() as settlement:
            settlement.answer = "accepted"
        assert (await gate(ONCE, gate.call(), waiting)).body == b"accepted"  # a repeat in the meantime
        await claim.replace("done")
        return "done"

    assert (await gate(ONCE, gate.call(), waiting)).body == b"done"
    assert (await gate(ONCE, gate.call(), waiting)).body == b"done"


async def test_an_error_after_settling_does_not_unsettle(gate: Gate) -> None:
    async def stumbling(_credential: Credential, _request: str, claim: Claim | None) -> str:
        assert claim is not None
        async with claim.settle() as settlement:
            settlement.answer = "accepted"
        raise LookupError

    with pytest.raises(LookupError):
        await gate(ONCE, gate.call(), stumbling)
    assert (await gate(ONCE, gate.call(), stumbling)).body == b"accepted"


async def test_a_key_on_a_route_that_needs_none_is_ignored(gate: Gate) -> None:
    assert (await gate(READ, gate.call(key="not a key"))).body == b"north abc 1"
    assert (await gate(READ, gate.call(key="not a key"))).body == b"north abc 2"


async def test_a_change_without_the_version_it_is_based_on_never_starts(gate: Gate) -> None:
    sheet = guarded("orders:write", if_match=True)
    with pytest.raises(PreconditionMissing):
        await gate(sheet, gate.call())
    token = mint(claims_for(gate.issuer.url, "north"))
    assert (await gate(sheet, call_of(token=token, headers=[("If-Match", '"7"')]))).status == 201


async def test_without_the_scope_nothing_is_looked_at(gate: Gate) -> None:
    call = gate.call("viewer", body=b"!", key=None)
    with pytest.raises(ScopeMissing):
        await gate(ONCE, call)
    assert call.answer_headers == {}


async def test_what_cannot_be_read_or_seen_costs_one(gate: Gate) -> None:
    unreadable, foreign = gate.call(body=b"!"), gate.call(body=b"17100002")
    with pytest.raises(ValueError, match="unreadable"):
        await gate(ONCE, unreadable)
    with pytest.raises(NotVisible):
        await gate(ONCE, foreign)
    assert unreadable.answer_headers["ratelimit"].startswith('"default";r=9')
    assert foreign.answer_headers["ratelimit"].startswith('"default";r=8')
    assert (await gate(ONCE, gate.call())).body == b"north abc 1"


async def test_a_spent_limit_refuses_before_the_key_is_claimed(gate: Gate) -> None:
    await gate(READ, gate.call(body=b"x" * 9))
    call = gate.call()
    with pytest.raises(LimitSpent) as refused:
        await gate(ONCE, call)
    assert dict(refused.value.headers) == call.answer_headers
    assert refused.value.retry_after_s >= int(call.answer_headers["ratelimit"].rpartition("=")[2])
    assert (await gate(ONCE, gate.call(body=b"x"))).status == 201  # the same key: it was never claimed


async def test_a_call_too_heavy_for_any_window_is_told_so_and_costs_one(gate: Gate) -> None:
    call = gate.call(body=b"x" * 11)
    with pytest.raises(WeightAboveLimit):
        await gate(READ, call)
    assert call.answer_headers["ratelimit"].startswith('"default";r=9')
    assert await remaining(gate) == "r=9"


async def test_a_flood_of_bad_tokens_closes_the_door_for_its_address(gate: Gate) -> None:
    flood = [
        None,
        "x",
        mint(claims_for(gate.issuer.url, "stranger")),
        mint(claims_for(gate.issuer.url, "north", exp=1)),
    ]
    for token in flood:
        with pytest.raises((CredentialsMissing, TokenInvalid)):
            await gate(READ, call_of(token=token))
    with pytest.raises(CredentialsMalformed):
        await gate(READ, call_of(token="a b"))
    with pytest.raises(LimitSpent) as refused:
        await gate(READ, gate.call())
    assert refused.value.violated == ("failed-logins",)
    assert (await gate(READ, gate.call(client_address="192.0.2.2"))).status == 201


async def test_a_flood_leaves_a_caller_in_who_was_known_before(gate: Gate) -> None:
    """Behind one proxy everybody has its address: strangers must not be able to lock the clients out."""
    known = gate.call(body=b"x")
    assert (await gate(READ, known)).status == 201
    for _ in range(5):
        with pytest.raises(CredentialsMissing):
            await gate(READ, call_of(token=None))
    assert (await gate(READ, known)).status == 201
    for stranger in (call_of(token=None), call_of(token="x"), call_of(token="a b"), gate.call(body=b"x")):
        with pytest.raises(LimitSpent):
            await gate(READ, stranger)


async def test_strangers_are_counted_before_anybody_looks_at_what_they_show(gate: Gate) -> None:
    """Tokens nobody saw before cost a signature check each, however good they are."""
    gate.stack = replace(gate.stack, knocks=Knocks("3 per 1 minute"))
    known = gate.call(body=b"x")
    assert (await gate(READ, known)).status == 201
    for _ in range(2):
        assert (await gate(READ, gate.call(body=b"x"))).status == 201
    with pytest.raises(LimitSpent) as refused:
        await gate(READ, gate.call(body=b"x"))
    assert refused.value.violated == ("knocks",)
    assert (await gate(READ, known)).status == 201


async def test_good_calls_never_count_against_their_address(gate: Gate) -> None:
    for _ in range(10):
        assert (await gate(READ, gate.call(body=b"x"))).status == 201
