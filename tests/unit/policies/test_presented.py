from __future__ import annotations

import pytest

from policies.errors import CredentialsMalformed, CredentialsMissing
from policies.presented import presented
from tests.calls import call_of

TOKEN = "abc.def-_~+/=="
KEY = "ogtest_01JDA7Q4Z5W9X2Y3V4T5S6R7Q8_secretABC"


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER   "])
def test_the_scheme_of_a_token_is_read_in_any_case(scheme: str) -> None:
    shown = presented(call_of(headers={"Authorization": f"{scheme}{TOKEN} "}))
    assert (shown.kind, shown.text) == ("token", TOKEN)


@pytest.mark.parametrize(
    "header", [("Authorization", "ApiKey "), ("authorization", "APIKEY  "), ("X-API-Key", ""), ("x-api-key", " ")]
)
def test_a_key_comes_in_either_of_two_headers(header: tuple[str, str]) -> None:
    shown = presented(call_of(headers=[(header[0], header[1] + KEY)]))
    assert (shown.kind, shown.text) == ("apiKey", KEY)


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": ""}, {"authorization": "Basic Y3JtOng="}, {"authorization": "DPoP x"}]
)
def test_without_token_and_key_nobody_is_named(headers: dict[str, str]) -> None:
    with pytest.raises(CredentialsMissing):
        presented(call_of(headers=headers))


@pytest.mark.parametrize("field", ["Bearer {}", "ApiKey {}", None])
@pytest.mark.parametrize(
    "text", ["", "a b", "a,b", 'a"b', "ä", "a\x00b", "=", "a=b", "x" * 8193], ids=lambda t: ascii(t)[:8]
)
def test_what_is_not_one_credential_is_malformed_and_not_repeated(text: str, field: str | None) -> None:
    headers = {"Authorization": field.format(text)} if field else {"X-API-Key": text}
    with pytest.raises(CredentialsMalformed) as refused:
        presented(call_of(headers=headers))
    assert len(text) < 2 or text not in str(refused.value)


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Bearer a"), ("authorization", "Bearer a")],
        [("Authorization", "Bearer a"), ("X-API-Key", "b")],
        [("Authorization", "ApiKey a"), ("X-API-Key", "a")],
        [("Authorization", "Basic x"), ("X-API-Key", "a")],
        [("X-API-Key", "a"), ("x-api-key", "a")],
    ],
)
def test_two_credentials_are_malformed_even_if_they_are_the_same(headers: list[tuple[str, str]]) -> None:
    with pytest.raises(CredentialsMalformed):
        presented(call_of(headers=headers))


@pytest.mark.parametrize("name", ["access_token", "api_key", "apikey", "apiKey", "X-API-Key"])
def test_a_credential_in_the_query_is_malformed_even_beside_a_good_header(name: str) -> None:
    with pytest.raises(CredentialsMalformed):
        presented(call_of(token="abc", query={name: "abc"}))


def test_a_credential_of_eight_kibibytes_is_still_read() -> None:
    assert len(presented(call_of(token="x" * 8192)).text) == 8192


def test_what_was_presented_is_not_in_the_repr() -> None:
    assert KEY not in repr(presented(call_of(headers={"X-API-Key": KEY})))
