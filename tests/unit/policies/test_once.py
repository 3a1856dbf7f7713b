from __future__ import annotations

from typing import Any

import pytest

from policies.errors import IdempotencyKeyMalformed, IdempotencyKeyMissing
from policies.once import fingerprint, idempotency_key
from tests.calls import call_of


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("8e03978e-40d5", "8e03978e-40d5"),
        ('"8e03978e-40d5"', "8e03978e-40d5"),
        ("  x  ", "x"),
        ('"with space"', "with space"),
        (r'"a \"quoted\" \\ one"', r'a "quoted" \ one'),
        ("x" * 255, "x" * 255),
        ('"' + r"\"" * 255 + '"', '"' * 255),
        ("urn:uuid:1/2+3=", "urn:uuid:1/2+3="),
    ],
)
def test_a_key_is_read_quoted_or_bare(sent: str, key: str) -> None:
    assert idempotency_key(call_of(headers={"Idempotency-Key": sent})) == key


@pytest.mark.parametrize(
    "sent",
    [
        "",
        '""',
        '"',
        '"x',
        'x"',
        "a b",
        r'"\x"',
        '"a\tb"',
        '"ä"',
        "ä",
        "a\x00",
        "x" * 256,
        '"' + "x" * 256 + '"',
        '"a";p=1',
        '"a", "b"',
    ],
    ids=lambda sent: ascii(sent)[:12],
)
def test_what_is_no_key_is_malformed(sent: str) -> None:
    with pytest.raises(IdempotencyKeyMalformed):
        idempotency_key(call_of(headers={"Idempotency-Key": sent}))


def test_without_the_header_the_key_is_missing() -> None:
    with pytest.raises(IdempotencyKeyMissing):
        idempotency_key(call_of())


def test_two_keys_are_malformed() -> None:
    with pytest.raises(IdempotencyKeyMalformed):
        idempotency_key(call_of(headers=[("Idempotency-Key", "a"), ("idempotency-key", "a")]))


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "same",
    [
        {"headers": {"content-type": "Application/JSON; charset=utf-8"}},
        {"headers": {**JSON, "x-correlation-id": "other", "authorization": "Bearer other"}},
        {"query": {"b": "2", "a": "1"}},
        {"client_address": "192.0.2.99"},
    ],
    ids=str,
)
def test_a_repeat_of_the_same_wish_has_the_same_fingerprint(same: dict[str, Any]) -> None:
    first: dict[str, Any] = {"headers": JSON, "query": {"a": "1", "b": "2"}}
    assert fingerprint(call_of(**first)) == fingerprint(call_of(**{**first, **same}))


@pytest.mark.parametrize(
    "other",
    [
        {"body": b"{} "},
        {"body": b""},
        {"method": "PUT"},
        {"route": "/v1/other"},
        {"path_params": {"quoteId": "2"}},
        {"path_params": {"quoteId1": ""}},
        {"path_params": {}, "query": {"quoteId": "1"}},
        {"query": {"a": "1"}},
        {"query": {"a": "\udcff"}},
        {"query": {"\ud800": "1"}},
        {"headers": {"content-type": "text/plain"}},
    ],
    ids=ascii,
)
def test_another_wish_has_another_fingerprint(other: dict[str, Any]) -> None:
    first: dict[str, Any] = {"headers": JSON, "path_params": {"quoteId": "1"}}
    assert fingerprint(call_of(**first)) != fingerprint(call_of(**{**first, **other}))
