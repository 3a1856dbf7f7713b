from __future__ import annotations

import time

import httpx

from policies.clients import Client, ClientRegistry
from policies.errors import TokenInvalid
from policies.identities import Identities
from policies.issuer_keys import IssuerKeys
from policies.oauth import OAuth
from policies.verified import Verified, VerifiedTokens
from tests.calls import call_of
from tests.tokens import AUDIENCE, RSA, claims_for, jwks, mint

ISSUER = "https://issuer.example"


def verified(expires_at: int = 100) -> Verified:
    return Verified(ISSUER, "crm", "jti-1", frozenset(), expires_at, 1)


def test_a_verified_token_is_known_until_it_expires() -> None:
    tokens = VerifiedTokens()
    tokens.keep("t", verified(expires_at=100))
    assert tokens.find("t", 99.9) == verified()
    assert tokens.find("other", 99.9) is None
    assert tokens.find("t", 100) is None
    assert len(tokens) == 0


def test_there_are_never_too_many_and_the_oldest_goes_first() -> None:
    tokens = VerifiedTokens(most=3)
    for name in "abcd":
        tokens.keep(name, verified())
    assert [name for name in "abcd" if tokens.find(name, 0)] == ["b", "c", "d"]
    assert len(tokens) == 3


def test_the_tokens_themselves_are_not_held() -> None:
    tokens = VerifiedTokens()
    tokens.keep("a-secret-token", verified())
    assert "a-secret-token" not in repr(vars(tokens))


async def test_a_known_token_is_let_in_only_as_long_as_it_lives() -> None:
    """The second time no signature is checked; the end of the token and the registry's word count all the same."""
    now = time.time()
    clock = [now]
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=jwks(RSA)))
    keys = IssuerKeys(ISSUER, jwks_uri=f"{ISSUER}/jwks", transport=transport)
    clients = ClientRegistry([Client("crm", "CRM", "crm", frozenset({"atp:read"}))])
    identities = Identities(OAuth([keys], AUDIENCE, now=lambda: clock[0]), clients, ISSUER)
    call = call_of(token=mint(claims_for(ISSUER, exp=int(now) + 60)))
    outcomes = []
    for later in (0, 59, 89, 120):
        clock[0] = now + later
        try:
            outcomes.append((await identities.authenticate(call)).client.client_id)
        except TokenInvalid as refusal:
            outcomes.append(str(refusal))
    assert outcomes == ["crm", "crm", "crm", "the token has expired"]
