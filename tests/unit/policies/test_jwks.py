from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from policies.jwks import KeysUnreadable, read_keys
from tests.tokens import EC, ED, OTHER_RSA, RSA

PUBLIC = dict(RSA.as_dict(private=False))


def document(*keys: Any) -> bytes:
    return json.dumps({"keys": keys}).encode()


def test_private_parts_that_an_issuer_gives_away_are_not_taken() -> None:
    keys = read_keys(document(RSA.as_dict(private=True), EC.as_dict(private=True)))
    assert [(key.kid, key.is_private) for key in keys] == [("rsa-1", False), ("ec-1", False)]


@pytest.mark.parametrize(
    "unfit",
    [
        PUBLIC | {"use": "enc"},
        PUBLIC | {"use": 7},
        PUBLIC | {"alg": "RS512"},
        PUBLIC | {"alg": "HS256"},
        PUBLIC | {"key_ops": ["encrypt"]},
        PUBLIC | {"kid": 7},
        PUBLIC | {"kty": "rsa"},
        PUBLIC | {"kty": None},
        PUBLIC | {"n": "AQAB"},
        PUBLIC | {"n": "ä"},
        PUBLIC | {"e": "?"},
        {"kty": "RSA"},
        {},
        OctKey.import_key("a secret that is long enough").as_dict(),
        ECKey.generate_key("P-384").as_dict(private=False),
        OKPKey.generate_key("X25519").as_dict(private=False),
        OKPKey.generate_key("Ed448").as_dict(private=False),
        dict(EC.as_dict(private=False)) | {"y": EC.as_dict(private=False)["x"]},
    ],
)
def test_an_unfit_key_is_passed_over(unfit: dict[str, Any]) -> None:
    assert [key.kid for key in read_keys(document(unfit, ED.as_dict(private=False)))] == ["ed-1"]
    with pytest.raises(KeysUnreadable):
        read_keys(document(unfit))


def test_short_rsa_keys_are_passed_over() -> None:
    with pytest.warns(match="2048"):
        short = RSAKey.generate_key(1024, {"kid": "short"}).as_dict(private=False)
    assert [key.kid for key in read_keys(document(short, OTHER_RSA.as_dict(private=False)))] == ["rsa-2"]


def test_a_key_without_an_id_serves_alone() -> None:
    nameless = {name: value for name, value in PUBLIC.items() if name != "kid"}
    assert len(list(read_keys(document(nameless)))) == 1


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [7]}', b"\xff", b"[" * 9999]
)
def test_what_is_no_key_set_is_unreadable(text: bytes) -> None:
    with pytest.raises(KeysUnreadable):
        read_keys(text)
