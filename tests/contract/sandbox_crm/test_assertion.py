"""The JWT bearer flow to the letter: who is let in, and what the others are told."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.contract.sandbox_crm.conftest import BASE
from tests.sandbox import RunningSandbox

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(sandbox: RunningSandbox) -> Ask:
    """Asks for a token with a good assertion but for what is changed."""

    def asking(key: RSAKey | None = None, **changed: Any) -> httpx.Response:
        good = {"iss": "ordergate", "sub": "ordergate@sandbox.example", "aud": "https://login.salesforce.com"}
        now = int(time.time())
        claims = good | {"exp": now + 180} | changed
        if callable(claims["exp"]):  # the lists below are made long before they are used
            claims["exp"] = claims["exp"](now)
        signing = key or RSAKey.import_key(Path(sandbox.jwt_key).read_bytes())
        form = {"grant_type": GRANT, "assertion": jwt.encode({"alg": "RS256"}, claims, signing)}
        return httpx.post(f"{sandbox.urls['salesforce']}/services/oauth2/token", data=form)

    return asking


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"exp": lambda now: str(now + 180)},
        {"exp": lambda now: now - 5},
        {"aud": "https://test.salesforce.com"},
        {"aud": "https://ordergate.my.salesforce.com"},
    ],
    ids=["plain", "exp-as-text", "a-clock-that-is-behind", "test", "my-domain"],
)
def test_a_good_assertion_opens_a_session(sandbox: RunningSandbox, ask: Ask, changed: dict[str, Any]) -> None:
    made = ask(**changed).json()
    assert set(made) == {"access_token", "scope", "instance_url", "id", "token_type"}, "no expiry, no refresh token"
    bearer = {"Authorization": f"Bearer {made['access_token']}"}
    assert httpx.get(f"{made['instance_url']}{BASE}/limits", headers=bearer).status_code == 200


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"aud": "https://elsewhere.example"}, "invalid_grant"),
        ({"exp": lambda now: now - 3_600}, "invalid_grant"),
        ({"exp": lambda now: now + 3_600}, "invalid_grant"),
        ({"exp": "soon"}, "invalid_grant"),
        ({"sub": "somebody@sandbox.example"}, "invalid_grant"),
        ({"iss": "nobody"}, "invalid_client_id"),
        ({"key": RSAKey.generate_key(2048)}, "invalid_grant"),
    ],
    ids=["audience", "expired", "too-long", "garbled", "user", "client", "other-key"],
)
def test_another_assertion_opens_nothing(ask: Ask, changed: dict[str, Any], error: str) -> None:
    answer = ask(**changed)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_what_is_no_signed_assertion_opens_nothing(sandbox: RunningSandbox) -> None:
    for assertion in ("", "e30.e30.e30", "eyJhbGciOiJub25lIn0.e30."):
        form = {"grant_type": GRANT, "assertion": assertion}
        answer = httpx.post(f"{sandbox.urls['salesforce']}/services/oauth2/token", data=form)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
