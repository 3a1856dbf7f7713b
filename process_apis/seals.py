"""Seals: small facts that leave the house and come back, signed so that nobody else can have written them.

A seal is a compact JWS (RFC 7515) with an HMAC (HS256): readable by whoever holds it, forgeable by nobody. Its `typ`
(RFC 8725 §3.11) says what kind of fact it is, so that a promise cannot be presented as a version.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, OctKey

Fact = TypeVar("Fact", bound=msgspec.Struct)

SHORTEST_KEY = 32
LONGEST_SEAL = 120_000


class SealBroken(Exception):
    """Not sealed by us, sealed for another purpose, or cut on its way."""


class Seals:
    """The keys of the house. The first one signs, all of them verify: a key is replaced by putting a new one in front.

    Each key holds at least 32 bytes (RFC 7518 §3.2 for HS256).
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("at least one signing key is needed")
        self._keys = dict(map(_named, keys))
        self._signing, self._key = next(iter(self._keys.items()))

    def seal(self, kind: str, fact: msgspec.Struct) -> str:
        """Equal facts under the same key give equal seals: a seal may serve as an entity tag."""
        header = {"alg": "HS256", "typ": kind, "kid": self._signing}
        return jws.serialize_compact(header, msgspec.json.encode(fact), self._key, algorithms=["HS256"])

    def open(self, kind: str, sealed: str, shape: type[Fact]) -> Fact:
        """The fact inside, or SealBroken."""
        if len(sealed) > LONGEST_SEAL:
            raise SealBroken("too long for a seal")
        try:
            held = jws.deserialize_compact(sealed, self._key_of, algorithms=["HS256"])
            if held.headers().get("typ") != kind:
                raise SealBroken(f"not a {kind}")
            return msgspec.json.decode(held.payload, type=shape)
        except (JoseError, ValueError, msgspec.MsgspecError) as broken:
            raise SealBroken(f"not a {kind} of ours") from broken

    def _key_of(self, guest: GuestProtocol) -> OctKey:
        key = self._keys.get(str(guest.headers().get("kid")))
        if key is None:
            raise SealBroken("sealed with a key that is not ours")
        return key


def _named(secret: str) -> tuple[str, OctKey]:
    raw = secret.encode()
    if len(raw) < SHORTEST_KEY:
        raise ValueError(f"a signing key holds at least {SHORTEST_KEY} bytes, this one {len(raw)}")
    name = sha256(b"ordergate key name" + raw).hexdigest()[:8]
    return name, OctKey.import_key(raw)
