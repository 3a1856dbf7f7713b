"""The negative matrix of RFC 9068 and RFC 8725: each cell is one token, signed for real, that must not get in."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, RSAKey

from policies.clients import Client, ClientRegistry
from policies.errors import TokenInvalid
from policies.identities import Identities
from policies.issuer_keys import IssuerKeys
from policies.oauth import OAuth
from tests.calls import call_of
from tests.tokens import AUDIENCE, EC, ED, OMIT, OTHER_RSA, RSA, Key, claims_for, jwks, mint, sign

ISSUER = "https://issuer.example"
NOW = int(time.time())
CRM = Client("crm", "CRM", "crm", frozenset({"atp:read", "orders:read"}))
PINNED_TO_OTHER = Client("pinned", "Pinned", "service", frozenset({"atp:read"}), issuer="https://other.example")


def door_with(*keys: Key) -> Identities:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=jwks(*keys)))
    issuer = IssuerKeys(ISSUER, jwks_uri=f"{ISSUER}/jwks", transport=transport)
    oauth = OAuth([issuer], AUDIENCE, now=lambda: NOW)
    return Identities(oauth, ClientRegistry([CRM, PINNED_TO_OTHER]), ISSUER)


async def admitted(token: str, *keys: Key) -> Client:
    return (await door_with(*(keys or (RSA, EC, ED))).authenticate(call_of(token=token))).client


@pytest.mark.parametrize(
    ("key", "alg"),
    [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256"), (ED, "EdDSA"), (ED, "Ed25519")],
    ids=lambda v: str(v)[:9],
)
async def test_every_accepted_algorithm_gets_a_genuine_token_in(key: Key, alg: str) -> None:
    assert (await admitted(mint(claims_for(ISSUER, now=NOW), key, alg))).client_id == "crm"


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])
async def test_the_type_is_read_as_a_media_type(typ: str) -> None:
    assert (await admitted(mint(claims_for(ISSUER, now=NOW), typ=typ))).client_id == "crm"


async def test_the_scopes_are_those_of_the_token_that_the_registry_allows() -> None:
    assert (await admitted(mint(claims_for(ISSUER, now=NOW, scope="atp:read ops:write")))).scopes == frozenset(
        {"atp:read"}
    )
    assert (await admitted(mint(claims_for(ISSUER, now=NOW, scope=OMIT)))).scopes == frozenset()


async def test_one_audience_among_several_is_enough() -> None:
    assert (await admitted(mint(claims_for(ISSUER, now=NOW, aud=["https://elsewhere", AUDIENCE])))).client_id == "crm"


@pytest.mark.parametrize("change", [{"exp": NOW - 20}, {"nbf": NOW + 20}, {"iat": NOW + 20}])
async def test_clocks_may_differ_by_half_a_minute(change: dict[str, Any]) -> None:
    assert (await admitted(mint(claims_for(ISSUER, now=NOW, **change)))).client_id == "crm"


NO_STRING: list[Any] = [7, ["x"], {}, True, ""]
NO_INSTANT: list[Any] = ["1999999999", 1999999999.5, float(NOW + 60), -1, True, [], {}, 10**30, 10**400]
WRONG_CLAIMS: list[dict[str, Any]] = [
    *({name: OMIT} for name in ("iss", "sub", "aud", "client_id", "iat", "exp", "jti")),
    *({name: None} for name in ("iss", "sub", "aud", "client_id", "iat", "exp", "jti")),
    *({name: value} for name in ("iss", "sub", "client_id", "jti") for value in NO_STRING),
    *({name: value} for name in ("exp", "iat", "nbf") for value in NO_INSTANT),
    {"exp": NOW - 31},
    {"exp": 0},
    {"nbf": NOW + 60},
    {"iat": NOW + 60},
    {"iss": ISSUER + "/"},
    {"iss": ISSUER.upper()},
    {"iss": "https://evil.example"},
    {"aud": "https://elsewhere.example"},
    {"aud": []},
    {"aud": [7]},
    {"aud": {"x": AUDIENCE}},
    {"aud": AUDIENCE + "/"},
    {"aud": [AUDIENCE, 7]},
    {"scope": ["atp:read"]},
    {"scope": 7},
    {"client_id": "stranger"},
    {"client_id": "CRM"},
    {"client_id": "pinned"},
    {"client_id": "crm\u0000"},
    {"client_id": "\ud800"},
    {"cnf": {"jkt": "x"}},
]


@pytest.mark.parametrize("change", WRONG_CLAIMS)
async def test_a_token_with_wrong_claims_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid):
        await admitted(mint(claims_for(ISSUER, now=NOW, **change)))


WRONG_HEADERS: list[dict[str, Any]] = [
    {"typ": OMIT},
    {"typ": "JWT"},
    {"typ": ""},
    {"typ": None},
    {"typ": 7},
    {"typ": "at+jwt "},
    {"kid": "unknown"},
    {"kid": ""},
    {"kid": OMIT},  # three keys: nobody guesses
    {"kid": 7},
    {"kid": EC.kid},
    {"kid": "../../etc/passwd"},
    {"crit": ["exp"]},
    {"crit": []},
    {"crit": ["b64"], "b64": False},
    {"b64": False},
    {"cty": "JWT"},
    {"zip": "DEF"},
    {"enc": "A256GCM"},
    {"alg": "none"},
    {"alg": "NONE"},
    {"alg": "HS256"},
    {"alg": "RS384"},
    {"alg": "RS1"},
    {"alg": "ES256"},
    {"alg": None},
    {"alg": ["RS256"]},
    {"alg": OMIT},
]


@pytest.mark.parametrize("change", WRONG_HEADERS)
async def test_a_token_with_a_wrong_header_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid):
        await admitted(mint(claims_for(ISSUER, now=NOW), **change))


@pytest.mark.parametrize("where", ["jku", "x5u", "jwk", "x5c"])
async def test_a_token_cannot_bring_its_own_key(where: str) -> None:
    """Signed by a stranger who says where his key is: refused. Said in a genuine token: ignored."""
    own: Any = {"jwk": OTHER_RSA.as_dict(private=False), "x5c": ["MIIB"]}.get(where, "https://evil.example/jwks")
    with pytest.raises(TokenInvalid, match="signature"):
        await admitted(mint(claims_for(ISSUER, now=NOW), OTHER_RSA, kid=RSA.kid, **{where: own}))
    assert (await admitted(mint(claims_for(ISSUER, now=NOW), **{where: own}))).client_id == "crm"


async def test_the_public_key_does_not_serve_as_a_shared_secret() -> None:
    """The classic confusion: HS256 with the PEM of the issuer's RSA key as the secret."""
    secret = OctKey.import_key(json.dumps(RSA.as_dict(private=False)).encode())
    with pytest.raises(TokenInvalid, match="algorithm"):
        await admitted(mint(claims_for(ISSUER, now=NOW), secret, "HS256", kid=RSA.kid))


async def test_a_key_for_one_algorithm_serves_no_other() -> None:
    bound = RSAKey.import_key(RSA.as_dict(private=True), {"alg": "PS256", "kid": "bound"})
    with pytest.raises(TokenInvalid):
        await admitted(mint(claims_for(ISSUER, now=NOW), RSA, "RS256", kid="bound"), bound)
    assert (await admitted(mint(claims_for(ISSUER, now=NOW), RSA, "PS256", kid="bound"), bound)).client_id == "crm"


@pytest.mark.parametrize(
    "unfit",
    [
        OctKey.import_key("a secret that is long enough for HMAC", {"kid": "unfit"}),
        RSAKey.import_key(OTHER_RSA.as_dict(private=True), {"kid": "unfit", "use": "enc"}),
        ECKey.generate_key("P-384", {"kid": "unfit"}),
    ],
    ids=["symmetric", "for-encryption", "other-curve"],
)
async def test_an_unfit_key_is_passed_over_and_the_others_still_serve(unfit: Key) -> None:
    assert (await admitted(mint(claims_for(ISSUER, now=NOW)), unfit, RSA)).client_id == "crm"
    alg = {"oct": "HS256", "RSA": "RS256", "EC": "ES384"}[unfit.key_type]
    with pytest.raises(TokenInvalid):
        await admitted(mint(claims_for(ISSUER, now=NOW), unfit, alg), unfit, RSA)


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_one_changed_character_spoils_a_token(part: int) -> None:
    segments = mint(claims_for(ISSUER, now=NOW)).split(".")
    middle = len(segments[part]) // 2
    flipped = "A" if segments[part][middle] != "A" else "B"
    segments[part] = segments[part][:middle] + flipped + segments[part][middle + 1 :]
    with pytest.raises(TokenInvalid):
        await admitted(".".join(segments))


async def test_a_claim_that_comes_twice_is_refused() -> None:
    claims = json.dumps(claims_for(ISSUER, now=NOW))
    for doubled in ('"client_id": "crm"', '"exp": 1999999999', '"x": {"a": 1, "a": 2}'):
        with pytest.raises(TokenInvalid):
            await admitted(mint(f"{claims[:-1]}, {doubled}}}".encode()))


async def test_a_header_member_that_comes_twice_is_refused() -> None:
    header = b'{"alg":"none","alg":"RS256","typ":"at+jwt","kid":"rsa-1"}'
    with pytest.raises(TokenInvalid):
        await admitted(sign(header, json.dumps(claims_for(ISSUER, now=NOW)).encode(), RSA, "RS256"))


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[]", b'"x"', b"7", b"{", b"\xff\xfe", b"NaN", b"[" * 3000, b'{"a":' * 1000, b'{"exp": NaN}'],
    ids=lambda payload: ascii(payload)[:12],
)
async def test_a_payload_that_is_no_object_is_refused(payload: bytes) -> None:
    with pytest.raises(TokenInvalid):
        await admitted(mint(payload))
    with pytest.raises(TokenInvalid):
        await admitted(sign(payload, json.dumps(claims_for(ISSUER, now=NOW)).encode(), RSA, "RS256"))


@pytest.mark.parametrize("token", ["x", "a.b", "a.b.c", "a.b.c.d", "a.b.c.d.e", "..", "e30.e30.e30", "e30.e30."])
async def test_what_is_no_jwt_is_refused(token: str) -> None:
    with pytest.raises(TokenInvalid):
        await admitted(token)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(["iss", "sub", "aud", "client_id", "iat", "exp", "jti", "nbf", "scope"]),
)
async def test_no_value_of_a_claim_causes_anything_but_a_refusal(value: Any, claim: str) -> None:
    try:
        client = await admitted(mint(claims_for(ISSUER, now=NOW, **{claim: value})))
    except TokenInvalid as refusal:
        assert set(refusal.reason) <= set(map(chr, [0x20, 0x21, *range(0x23, 0x5C), *range(0x5D, 0x7F)]))
    else:
        assert client.client_id == "crm"


async def test_an_id_that_no_store_can_hold_is_refused() -> None:
    """Half a surrogate pair: JSON can say it, UTF-8 cannot, and the id belongs in the audit."""
    with pytest.raises(TokenInvalid):
        await admitted(mint(claims_for(ISSUER, now=NOW, jti="j\ud800")))


async def test_a_refusal_quotes_nothing_of_the_token() -> None:
    with pytest.raises(TokenInvalid) as refused:
        await admitted(mint(claims_for(ISSUER, now=NOW, aud='"evil\r\nSet-Cookie: x', iss=ISSUER)))
    assert "evil" not in refused.value.reason
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
