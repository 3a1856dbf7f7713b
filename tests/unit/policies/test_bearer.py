from __future__ import annotations

import pytest

from policies.bearer import bearer_token
from policies.errors import CredentialsMalformed, CredentialsMissing
from tests.calls import call_of


@pytest.mark.parametrize("header", ["Bearer abc.def-_~+/==", "bearer abc.def-_~+/==", "BEARER   abc.def-_~+/== "])
def test_the_scheme_is_read_in_any_case(header: str) -> None:
    assert bearer_token(call_of(headers={"Authorization": header})) == "abc.def-_~+/=="


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": ""}, {"authorization": "Basic Y3JtOng="}, {"authorization": "DPoP x"}]
)
def test_without_a_bearer_token_nobody_is_named(headers: dict[str, str]) -> None:
    with pytest.raises(CredentialsMissing):
        bearer_token(call_of(headers=headers))


@pytest.mark.parametrize(
    "token", ["", "a b", "a,b", 'a"b', "ä", "a\x00b", "=", "a=b", "x" * 8193], ids=lambda t: ascii(t)[:8]
)
def test_what_is_not_one_token_is_malformed_and_not_repeated(token: str) -> None:
    with pytest.raises(CredentialsMalformed) as refused:
        bearer_token(call_of(token=token))
    assert len(token) < 2 or token not in str(refused.value)


def test_two_authorization_headers_are_malformed() -> None:
    with pytest.raises(CredentialsMalformed):
        bearer_token(call_of(headers=[("Authorization", "Bearer a"), ("authorization", "Bearer a")]))


def test_a_token_in_the_query_is_malformed_even_beside_a_good_header() -> None:
    with pytest.raises(CredentialsMalformed):
        bearer_token(call_of(token="abc", query={"access_token": "abc"}))


def test_a_token_of_eight_kibibytes_is_still_read() -> None:
    assert len(bearer_token(call_of(token="x" * 8192))) == 8192
