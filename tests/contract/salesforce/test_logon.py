"""Tokens: got in two ways, renewed once, never revoked."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from system_apis.errors import CredentialsRefused, SystemUnavailable
from system_apis.salesforce.logon import KeyUnusable, Secret, SignedLogon
from tests.contract.salesforce.crm import OUTCOME, TOKEN_PATH, crm, said, soon, token, versions
from tests.contract.tape import Player, json_answer


async def test_a_token_is_asked_with_client_credentials_once_for_all() -> None:
    player = Player([token(), *(versions() for _ in range(5))])
    client = crm(player)
    await asyncio.gather(*(client.ping(deadline=soon()) for _ in range(5)))
    (request,) = player.asked("POST")
    assert request.content == b"grant_type=client_credentials"
    assert httpx.BasicAuth("ordergate", "s3cret")._auth_header == request.headers["authorization"]
    assert {one.headers["authorization"] for one in player.asked("GET")} == {"Bearer 00D000000000001!AQ.first"}


async def test_an_expired_session_is_renewed_once_and_the_call_replayed_once() -> None:
    expired = ("GET", json_answer("salesforce_expired", 401))
    player = Player([token(), expired, token("second"), versions()])
    await crm(player).ping(deadline=soon())
    assert player.asked("GET")[1].headers["authorization"] == "Bearer 00D000000000001!AQ.second"


async def test_a_session_that_stays_expired_is_not_renewed_for_ever() -> None:
    expired = ("GET", json_answer("salesforce_expired", 401))
    player = Player([token(), expired, token("second"), expired])
    with pytest.raises(CredentialsRefused):
        await crm(player).ping(deadline=soon())
    assert len(player.seen) == 4


async def test_a_401_of_another_kind_is_not_answered_with_a_new_token() -> None:
    answer = said("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE", 401)
    player = Player([token(), ("GET", answer)])
    with pytest.raises(CredentialsRefused):
        await crm(player).ping(deadline=soon())


async def test_a_refused_client_calls_for_an_operator_and_names_no_secret() -> None:
    answer = {"error": "invalid_client", "error_description": "s3cret is wrong"}
    player = Player([("POST", httpx.Response(400, json=answer))])
    with pytest.raises(CredentialsRefused) as met:
        await crm(player).ping(deadline=soon())
    assert "invalid_client" in str(met.value)
    assert "s3cret" not in str(met.value)


async def test_a_token_endpoint_that_is_down_means_nothing_was_done() -> None:
    player = Player([("POST", httpx.Response(503, headers={"Retry-After": "60"}))])
    with pytest.raises(SystemUnavailable) as met:
        await crm(player).write_back(OUTCOME, deadline=soon())
    assert met.value.retry_after_s == 60


@pytest.mark.parametrize("text", ["Connected app is not attached to Agent", "This session is not valid for use"])
async def test_a_session_that_is_not_let_in_at_all_is_not_renewed(text: str) -> None:
    player = Player([token(), ("GET", said("INVALID_SESSION_ID", text, 401))])
    with pytest.raises(CredentialsRefused):
        await crm(player).ping(deadline=soon())
    assert len(player.asked("POST")) == 1


async def test_a_closed_client_revokes_nothing() -> None:
    player = Player([token(), versions()])
    client = crm(player)
    await client.ping(deadline=soon())
    await client.aclose()
    assert [one.url.path for one in player.seen] == [TOKEN_PATH, "/services/data"]


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048)


@pytest.fixture
def signed(key: RSAKey, tmp_path: Path) -> SignedLogon:
    file = tmp_path / "crm.pem"
    file.write_bytes(key.as_pem(private=True))
    return SignedLogon("integration@manufacturer.example", file)


async def test_an_assertion_says_who_acts_through_what_and_for_how_long(key: RSAKey, signed: SignedLogon) -> None:
    player = Player([token(), versions()])
    await crm(player, signed=signed).ping(deadline=soon())
    (request,) = player.asked("POST")
    form = parse_qs(request.content.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert "authorization" not in request.headers
    read = jwt.decode(form["assertion"][0], key, algorithms=["RS256"])
    assert read.header == {"alg": "RS256", "typ": "JWT"}
    expires = read.claims.pop("exp")
    assert isinstance(expires, int)
    assert 0 < expires - time.time() <= 180
    assert read.claims == {
        "iss": "ordergate",
        "sub": "integration@manufacturer.example",
        "aud": "https://login.salesforce.com",
    }


async def test_an_assertion_is_meant_for_the_host_that_is_configured(key: RSAKey, signed: SignedLogon) -> None:
    player = Player([token(), versions()])
    logon = SignedLogon(signed.username, signed.key_file, "https://test.salesforce.com")
    await crm(player, signed=logon, token_url="https://test.salesforce.com/services/oauth2/token").ping(deadline=soon())
    (request,) = player.asked("POST")
    assert request.url.host == "test.salesforce.com"
    assertion = parse_qs(request.content.decode())["assertion"][0]
    assert jwt.decode(assertion, key, algorithms=["RS256"]).claims["aud"] == "https://test.salesforce.com"
    assert player.asked("GET")[0].url.host == "crm.example", "the token goes to the configured org only"


async def test_a_changed_key_file_is_read_for_the_next_token(signed: SignedLogon) -> None:
    fresh = RSAKey.generate_key(2048)
    expired = ("GET", json_answer("salesforce_expired", 401))
    player = Player([token(), versions(), expired, token("second"), versions()])
    client = crm(player, signed=signed)
    await client.ping(deadline=soon())
    signed.key_file.write_bytes(fresh.as_pem(private=True))
    await client.ping(deadline=soon())
    assertion = parse_qs(player.asked("POST")[1].content.decode())["assertion"][0]
    assert jwt.decode(assertion, fresh, algorithms=["RS256"]).claims["iss"] == "ordergate"


async def test_a_key_that_is_gone_calls_for_an_operator(signed: SignedLogon) -> None:
    signed.key_file.unlink()
    with pytest.raises(CredentialsRefused) as met:
        await crm(Player([]), signed=signed).ping(deadline=soon())
    assert str(signed.key_file) in str(met.value)


def test_only_a_private_rsa_key_signs(key: RSAKey, tmp_path: Path) -> None:
    for place, content in enumerate((b"", key.as_pem(private=False), ECKey.generate_key("P-256").as_pem())):
        file = tmp_path / f"{place}.pem"
        file.write_bytes(content)
        with pytest.raises(KeyUnusable) as met:
            SignedLogon("user", file).private_key()
        assert "BEGIN" not in str(met.value)


async def test_the_reason_of_a_refused_grant_is_told_if_it_is_a_known_one() -> None:
    answer = {"error": "invalid_grant", "error_description": "user hasn't approved this consumer"}
    with pytest.raises(CredentialsRefused) as met:
        await crm(Player([("POST", httpx.Response(400, json=answer))])).ping(deadline=soon())
    assert "invalid_grant: user hasn't approved this consumer" in str(met.value)


def test_a_connected_app_has_one_way_in(signed: SignedLogon) -> None:
    with pytest.raises(ValueError, match="either"):
        crm(Player([]), signed=signed, client_secret="s3cret")
    assert "s3cret" not in repr(Secret("s3cret"))
