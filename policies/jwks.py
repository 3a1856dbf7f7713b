"""Which keys of a JWK set (RFC 7517) we verify with, and how they are read."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet
from msgspec import Struct

from policies.tokens import ALGORITHMS

_SMALLEST_RSA_BITS = 2048
_CURVES = {"EC": ("P-256",), "OKP": ("Ed25519",)}
# Public members only: a set that gives its private keys away is read as if it had not.
_PUBLIC_MEMBERS = ("kty", "kid", "use", "alg", "n", "e", "crv", "x", "y")


class KeysUnreadable(Exception):
    """What the issuer answered holds no key that we could verify with."""


class KeyDocument(Struct, frozen=True):
    keys: list[dict[str, Any]]


def read_keys(document: bytes) -> KeySet:
    """The usable signature keys. One that we do not understand is passed over, not held against the others."""
    try:
        listed = msgspec.json.decode(document, type=KeyDocument).keys
    except (msgspec.DecodeError, RecursionError):
        raise KeysUnreadable("the key set is not readable") from None
    keys = [key for jwk in listed if (key := _read_key(jwk))]
    if not keys:
        raise KeysUnreadable("the key set holds no usable key")
    return KeySet(keys)


def _read_key(jwk: dict[str, Any]) -> Key | None:
    public = {name: jwk[name] for name in _PUBLIC_MEMBERS if name in jwk}
    if not all(isinstance(value, str) for value in public.values()) or not _usable(public, jwk.get("key_ops")):
        return None
    try:
        return JWKRegistry.import_key(public)
    except (JoseError, ValueError):
        return None


def _usable(jwk: dict[str, str], key_ops: Any) -> bool:
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", ALGORITHMS[0]) not in ALGORITHMS:
        return False
    if isinstance(key_ops, list) and "verify" not in key_ops:
        return False
    if jwk.get("kty") == "RSA":
        return _bits(jwk.get("n", "")) >= _SMALLEST_RSA_BITS
    return jwk.get("crv") in _CURVES.get(jwk.get("kty", ""), ())


def _bits(number: str) -> int:
    try:
        return int.from_bytes(urlsafe_b64decode(number + "=" * (-len(number) % 4)), "big").bit_length()
    except ValueError:
        return 0
