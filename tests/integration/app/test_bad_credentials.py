"""The negative matrix: every wrong way to say who one is, over a real socket, with the answer it must get.

`tests/unit/policies/test_access_tokens.py` has more of each kind; here it is what a caller reads that counts: status,
code and challenge (RFC 6750 §3, RFC 9728 §5.1), and that nothing of what was sent comes back.
"""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest
from joserfc.jwk import OctKey

from policies.api_keys import new_key
from tests.integration.app.conftest import ISSUER, Served
from tests.integration.app.problems import problem
from tests.tokens import EC, OMIT, OTHER_RSA, RSA, claims_for, mint, sign

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOW = int(time.time())
LATER = NOW + 7_200  # than any of these tests is run
METADATA = 'resource_metadata="https://gateway.example/.well-known/oauth-protected-resource"'
CHALLENGE = f'Bearer realm="ordergate", {METADATA}'
KEY_CHALLENGE = 'ApiKey realm="ordergate"'
MISSING = (401, "credentials-missing", f"{CHALLENGE}, {KEY_CHALLENGE}")
MALFORMED = (400, "credentials-malformed", f'{CHALLENGE}, error="invalid_request"')
INVALID = (401, "token-invalid", f'{CHALLENGE}, error="invalid_token"')
KEY_INVALID = (401, "key-invalid", KEY_CHALLENGE)
SCOPE = (403, "scope-missing", f'{CHALLENGE}, error="insufficient_scope"')
Expected = tuple[int, str, str]


def good(**changes: Any) -> dict[str, Any]:
    return claims_for(ISSUER, **{"client_id": "dealer-north", **changes})


def bearer(claims: dict[str, Any] | bytes | None = None, *signing: Any, **header: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {mint(good() if claims is None else claims, *signing, **header)}"}


def confused() -> dict[str, str]:
    """HS256 with the issuer's public key as the secret (RFC 8725 §2.1)."""
    secret = OctKey.import_key(json.dumps(RSA.as_dict(private=False)).encode())
    return bearer(None, secret, "HS256", kid=RSA.kid)


def unsigned(alg: str) -> dict[str, str]:
    head, payload, _ = mint(good(), alg=alg).split(".")
    return {"Authorization": f"Bearer {head}.{payload}."}


def doubled(member: str) -> dict[str, str]:
    return bearer(f"{json.dumps(good())[:-1]}, {member}}}".encode())


def stranger_key(**parts: str) -> str:
    return new_key(parts.get("prefix", "ogtest"), "key_01JDA7Q4Z5W9X2Y3V4T5S6R7Q8").written()


KEY = stranger_key()

MATRIX: list[tuple[str, Any, Expected]] = [
    # nobody at all
    ("no header", {}, MISSING),
    ("basic", {"Authorization": "Basic Y3JtOng="}, MISSING),
    ("dpop", {"Authorization": f"DPoP {mint(good())}"}, MISSING),
    ("empty header", {"Authorization": ""}, MISSING),
    # no single credential
    ("scheme alone", {"Authorization": "Bearer"}, MALFORMED),
    ("two tokens in one", {"Authorization": "Bearer a b"}, MALFORMED),
    ("comma", {"Authorization": "Bearer a,b"}, MALFORMED),
    ("quote", {"Authorization": 'Bearer a"b'}, MALFORMED),
    ("two authorizations", [("Authorization", "Bearer a"), ("Authorization", "Bearer a")], MALFORMED),
    ("token and key", [("Authorization", f"Bearer {mint(good())}"), ("X-API-Key", KEY)], MALFORMED),
    ("key twice", [("Authorization", f"ApiKey {KEY}"), ("X-API-Key", KEY)], MALFORMED),
    ("more than 8 KiB", {"Authorization": f"Bearer {'x' * 8193}"}, MALFORMED),
    # what is no token
    ("a word", {"Authorization": "Bearer x"}, INVALID),
    ("two segments", {"Authorization": "Bearer a.b"}, INVALID),
    ("four segments", {"Authorization": "Bearer a.b.c.d"}, INVALID),
    ("nested: five segments", {"Authorization": "Bearer a.b.c.d.e"}, INVALID),
    ("empty objects", {"Authorization": "Bearer e30.e30.e30"}, INVALID),
    ("a key as token", {"Authorization": f"Bearer {KEY}"}, INVALID),
    ("payload no object", bearer(b"[]"), INVALID),
    ("payload not UTF-8", bearer(b"\xff"), INVALID),
    ("payload NaN", bearer(b'{"exp": NaN}'), INVALID),
    # algorithms and keys
    ("none", unsigned("none"), INVALID),
    ("NONE", unsigned("NONE"), INVALID),
    ("HS256 confusion", confused(), INVALID),
    ("RS384", bearer(alg="RS384"), INVALID),
    ("another alg than the key's", bearer(alg="ES256"), INVALID),
    ("another curve's key", bearer(None, EC, "ES256"), INVALID),
    ("unknown key", bearer(None, OTHER_RSA), INVALID),
    ("stranger's signature", bearer(None, OTHER_RSA, kid=RSA.kid), INVALID),
    ("kid traverses", bearer(kid="../../etc/passwd"), INVALID),
    ("kid no string", bearer(kid=7), INVALID),
    # headers
    ("typ JWT", bearer(typ="JWT"), INVALID),
    ("no typ", bearer(typ=OMIT), INVALID),
    ("jku of a stranger", bearer(None, OTHER_RSA, kid=RSA.kid, jku="https://evil.example/jwks"), INVALID),
    ("x5u of a stranger", bearer(None, OTHER_RSA, kid=RSA.kid, x5u="https://evil.example/cert"), INVALID),
    ("jwk brought along", bearer(None, OTHER_RSA, kid=RSA.kid, jwk=OTHER_RSA.as_dict(private=False)), INVALID),
    ("crit", bearer(crit=["exp"]), INVALID),
    ("zip", bearer(zip="DEF"), INVALID),
    ("cty JWT", bearer(cty="JWT"), INVALID),
    ("alg twice", {"Authorization": "Bearer " + sign(
        b'{"alg":"none","alg":"RS256","typ":"at+jwt","kid":"rsa-1"}', json.dumps(good()).encode(), RSA, "RS256"
    )}, INVALID),
    # claims
    ("no iss", bearer(good(iss=OMIT)), INVALID),
    ("another issuer", bearer(good(iss="https://evil.example")), INVALID),
    ("issuer with a slash", bearer(good(iss=ISSUER + "/")), INVALID),
    ("iss no string", bearer(good(iss=7)), INVALID),
    ("another audience", bearer(good(aud="https://elsewhere.example")), INVALID),
    ("no audience", bearer(good(aud=OMIT)), INVALID),
    ("audiences of other types", bearer(good(aud=["https://ordergate.example/api", 7])), INVALID),
    ("no client", bearer(good(client_id=OMIT)), INVALID),
    ("an unknown client", bearer(good(client_id="stranger")), INVALID),
    ("no jti", bearer(good(jti=OMIT)), INVALID),
    ("no sub", bearer(good(sub=OMIT)), INVALID),
    ("bound to a key", bearer(good(cnf={"jkt": "x"})), INVALID),
    ("exp twice", doubled('"exp": 1999999999'), INVALID),
    ("client twice", doubled('"client_id": "crm"'), INVALID),
    # times
    ("expired", bearer(good(exp=NOW - 31)), INVALID),
    ("exp a float", bearer(good(exp=LATER + 0.5)), INVALID),
    ("exp a string", bearer(good(exp=str(LATER))), INVALID),
    ("exp huge", bearer(good(exp=10**400)), INVALID),
    ("exp true", bearer(good(exp=True)), INVALID),
    ("not yet", bearer(good(nbf=LATER)), INVALID),
    ("issued tomorrow", bearer(good(iat=NOW + 86_400)), INVALID),
    # keys
    ("key: a word", {"X-API-Key": "x"}, KEY_INVALID),
    ("key: a token", {"X-API-Key": mint(good())}, KEY_INVALID),
    ("key: cut", {"X-API-Key": KEY[:-1]}, KEY_INVALID),
    ("key: mistyped", {"Authorization": f"ApiKey {KEY[:-1]}{'a' if KEY[-1] != 'a' else 'b'}"}, KEY_INVALID),
    ("key: of another installation", {"X-API-Key": stranger_key(prefix="ogate")}, KEY_INVALID),
    ("key: unknown", {"Authorization": f"ApiKey {KEY}"}, KEY_INVALID),
    ("key: empty", {"X-API-Key": ""}, MALFORMED),
    # known, and not allowed
    ("no scope", bearer(good(scope="atp:read")), SCOPE),
    ("a scope of another case", bearer(good(scope="ORDERS:READ")), SCOPE),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "expected"), [row[1:] for row in MATRIX], ids=[row[0] for row in MATRIX])
@pytest.mark.parametrize("door", ["external", "internal"])
async def test_a_bad_credential_gets_the_answer_that_belongs_to_it(
    served: Served, door: str, sent: Any, expected: Expected
) -> None:
    url, path = (served.external, "/v1/events") if door == "external" else (served.internal, "/internal/v1/systems")
    status, code, challenge = expected
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as client:
        answer = await client.get(path, headers=sent)
    problem(answer, status, code)
    assert answer.headers["www-authenticate"].startswith(challenge)
    assert answer.headers["cache-control"] == "no-store"
    pairs = sent if isinstance(sent, list) else list(sent.items())
    for secret in (value.split(" ", 1)[-1] for _, value in pairs):
        assert len(secret) < 8 or secret not in answer.text + str(answer.headers)


@pytest.mark.parametrize("name", ["access_token", "api_key"])
async def test_a_credential_in_the_address_is_refused_beside_a_good_one_too(served: Served, name: str) -> None:
    async with httpx.AsyncClient(base_url=served.external, trust_env=False, timeout=20) as client:
        answer = await client.get(f"/v1/events?{name}=x", headers=bearer())
    problem(answer, *MALFORMED[:2])


async def test_the_good_one_gets_in(served: Served) -> None:
    """Without this, a door that is shut for everybody would pass."""
    async with httpx.AsyncClient(base_url=served.external, trust_env=False, timeout=20) as client:
        assert (await client.get("/v1/events", headers=bearer())).status_code == 200
