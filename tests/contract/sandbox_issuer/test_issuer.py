"""The issuer, met by the OAuth client that others wrote, its tokens verified by the published keys alone."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import httpx
import pytest
from authlib.integrations.base_client import OAuthError
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from system_apis.sandbox.issuer import Issuer
from tests.sandbox import RunningSandbox

with warnings.catch_warnings():
    # authlib shows this one whatever pytest says: it moves its clients to a fork of httpx, and still ships this one
    warnings.filterwarnings("ignore", message="The httpx module is deprecated")
    from authlib.integrations.httpx_client import AsyncOAuth2Client

FORM = "application/x-www-form-urlencoded"


async def granted(sandbox: RunningSandbox, client_id: str, secret: str, **asked: Any) -> dict[str, Any]:
    method = asked.pop("method", "client_secret_basic")
    async with AsyncOAuth2Client(client_id, secret, token_endpoint_auth_method=method) as client:
        token = await client.fetch_token(f"{sandbox.urls['issuer']}/token", grant_type="client_credentials", **asked)
        return dict(token)


def verified(sandbox: RunningSandbox, access_token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    keys = KeySet.import_key_set(httpx.get(f"{sandbox.urls['issuer']}/jwks").json())
    token = jwt.decode(access_token, keys, algorithms=["RS256"])
    return token.header, token.claims


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_a_client_gets_an_access_token_as_rfc_9068_has_it(sandbox: RunningSandbox, method: str) -> None:
    token = await granted(sandbox, "crm", "crm-sandbox-secret", method=method)
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
    assert token["scope"] == "atp:read orders:read orders:write"
    header, claims = verified(sandbox, token["access_token"])
    assert header["typ"] == "at+jwt"
    assert header["kid"]
    now = int(time.time())
    assert claims["iss"] == sandbox.urls["issuer"]
    assert claims["aud"] == "https://ordergate.example/api"
    assert (claims["sub"], claims["client_id"]) == ("crm", "crm")
    assert claims["scope"] == "atp:read orders:read orders:write"
    assert now - 5 <= claims["iat"] <= now + 1
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["jti"]


@pytest.mark.parametrize(
    ("client", "secret", "scope"),
    [
        ("dealer-north", "north-sandbox-secret", "atp:read orders:read orders:write"),
        ("dealer-south", "south-sandbox-secret", "atp:read orders:read orders:write"),
        ("viewer", "viewer-sandbox-secret", "atp:read"),
        ("trickle", "trickle-sandbox-secret", "atp:read"),
        ("operator", "operator-sandbox-secret", "ops:read ops:write"),
    ],
)
async def test_every_client_has_its_scopes(sandbox: RunningSandbox, client: str, secret: str, scope: str) -> None:
    assert (await granted(sandbox, client, secret))["scope"] == scope


async def test_a_client_may_ask_for_less(sandbox: RunningSandbox) -> None:
    token = await granted(sandbox, "crm", "crm-sandbox-secret", scope="orders:read")
    assert verified(sandbox, token["access_token"])[1]["scope"] == "orders:read"


async def test_a_client_may_not_ask_for_more(sandbox: RunningSandbox) -> None:
    with pytest.raises(OAuthError, match="invalid_scope"):
        await granted(sandbox, "viewer", "viewer-sandbox-secret", scope="atp:read orders:write")


@pytest.mark.parametrize("parameter", ["resource", "audience"])
async def test_a_client_may_name_another_audience_without_touching_the_next_token(
    sandbox: RunningSandbox, parameter: str
) -> None:
    other = await granted(sandbox, "crm", "crm-sandbox-secret", **{parameter: "https://elsewhere.example/"})
    assert verified(sandbox, other["access_token"])[1]["aud"] == "https://elsewhere.example/"
    usual = await granted(sandbox, "crm", "crm-sandbox-secret")
    assert verified(sandbox, usual["access_token"])[1]["aud"] == "https://ordergate.example/api"


async def test_two_tokens_are_never_the_same(sandbox: RunningSandbox) -> None:
    tokens = [await granted(sandbox, "crm", "crm-sandbox-secret") for _ in range(2)]
    jtis = {verified(sandbox, token["access_token"])[1]["jti"] for token in tokens}
    assert len(jtis) == 2


def test_tokens_and_refusals_are_not_to_be_stored(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.urls['issuer']}/token"
    form = {"grant_type": "client_credentials"}
    good = httpx.post(url, data=form, auth=("crm", "crm-sandbox-secret"))
    bad = httpx.post(url, data=form, auth=("crm", "wrong"))
    assert (good.status_code, bad.status_code) == (200, 401)
    assert {answer.headers["cache-control"] for answer in (good, bad)} == {"no-store"}
    assert bad.headers["www-authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize(
    ("body", "headers", "status", "error"),
    [
        ("grant_type=client_credentials", {}, 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=crm&client_secret=wrong", {}, 401, "invalid_client"),
        ("grant_type=client_credentials&client_id=nobody&client_secret=x", {}, 400, "invalid_client"),
        ("grant_type=client_credentials", {"Authorization": "Basic /////w=="}, 401, "invalid_client"),
        ("grant_type=client_credentials", {"Authorization": "Basic !"}, 401, "invalid_client"),
        ("grant_type=password&username=a&password=b", {}, 400, "unsupported_grant_type"),
        ("scope=atp:read", {}, 400, "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", {}, 400, "invalid_request"),
        ('{"grant_type":"client_credentials"}', {"Content-Type": "application/json"}, 400, "invalid_request"),
        (b"grant_type=\xff", {}, 400, "invalid_request"),
    ],
)
def test_refusals_are_those_of_rfc_6749(
    sandbox: RunningSandbox, body: str | bytes, headers: dict[str, str], status: int, error: str
) -> None:
    answer = httpx.post(f"{sandbox.urls['issuer']}/token", content=body, headers={"Content-Type": FORM} | headers)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize("document", ["oauth-authorization-server", "openid-configuration"])
def test_the_metadata_leads_to_the_token_endpoint_and_the_keys(sandbox: RunningSandbox, document: str) -> None:
    metadata = httpx.get(f"{sandbox.urls['issuer']}/.well-known/{document}").json()
    assert metadata["issuer"] == sandbox.urls["issuer"]
    assert metadata["token_endpoint"] == sandbox.urls["issuer"] + "/token"
    assert httpx.get(metadata["jwks_uri"]).json()["keys"]
    assert "orders:write" in metadata["scopes_supported"]


def test_the_published_keys_are_public_only(sandbox: RunningSandbox) -> None:
    (key,) = httpx.get(f"{sandbox.urls['issuer']}/jwks").json()["keys"]
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert set(key) == {"kty", "alg", "use", "kid", "n", "e"}


def test_a_key_file_keeps_tokens_good_over_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    body = b"grant_type=client_credentials&client_id=crm&client_secret=crm-sandbox-secret"
    status, token = Issuer("https://issuer.example", file).token(FORM, None, body)
    assert status == 200
    again = Issuer("https://issuer.example", file)
    signed = jws.deserialize_compact(token["access_token"], KeySet.import_key_set(again.jwks), algorithms=["RS256"])
    assert signed.headers()["kid"] == again.jwks["keys"][0]["kid"]
    assert file.stat().st_mode & 0o077 == 0


def test_a_wrong_method_and_an_unknown_path_are_told_apart(sandbox: RunningSandbox) -> None:
    assert httpx.get(f"{sandbox.urls['issuer']}/token").status_code == 405
    assert httpx.get(f"{sandbox.urls['issuer']}/authorize").status_code == 404


def asked(sandbox: RunningSandbox, token: str, secret: str = "ordergate-sandbox-secret") -> httpx.Response:
    return httpx.post(f"{sandbox.urls['issuer']}/introspect", data={"token": token}, auth=("ordergate", secret))


def revoke(sandbox: RunningSandbox, token: str) -> None:
    httpx.post(f"{sandbox.urls['issuer']}/revoke", data={"token": token}).raise_for_status()


async def test_the_resource_server_may_ask_whose_a_token_is_until_it_is_revoked(sandbox: RunningSandbox) -> None:
    token = (await granted(sandbox, "dealer-north", "north-sandbox-secret"))["access_token"]
    told = asked(sandbox, token).json()
    assert (told["active"], told["client_id"], told["token_type"]) == (True, "dealer-north", "Bearer")
    assert told["jti"] == verified(sandbox, token)[1]["jti"]
    revoke(sandbox, token)
    assert asked(sandbox, token).json() == {"active": False}


def test_nobody_else_may_ask_and_a_foreign_token_is_not_active(sandbox: RunningSandbox) -> None:
    assert asked(sandbox, "anything", secret="guessed").status_code == 401
    assert asked(sandbox, "anything").json() == {"active": False}
