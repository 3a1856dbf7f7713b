"""Reading an access token strictly: its form (RFC 7515), its header, and the JSON types of its claims (RFC 9068).

Nothing here says whether a token is genuine; `policies.oauth` does, with what is read here.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Annotated, Any

import msgspec
from joserfc.jwa import JWSAlgModel
from joserfc.jws import JWSRegistry
from joserfc.registry import JWS_HEADER_REGISTRY
from msgspec import Meta, Struct

from policies.errors import TokenInvalid

# Asymmetric only: with HS* the issuer's public key would serve as a shared secret (RFC 8725 §2.1).
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
_TYPES = ("at+jwt", "application/at+jwt")
_SEGMENTS = 3
_YEAR_9999 = 253_402_300_799

Instant = Annotated[int, Meta(ge=0, le=_YEAR_9999)]


class TokenHeader(Struct, frozen=True):
    """The JOSE header members that count. Where a token says its key is (`jku`, `x5u`, `jwk`) is ignored."""

    alg: str
    typ: str = ""
    kid: str | None = None


class TokenClaims(Struct, frozen=True):
    """RFC 9068 §2.2. Times are whole seconds since 1970."""

    iss: str
    sub: str
    aud: str | list[str]
    client_id: str
    jti: str
    exp: Instant
    iat: Instant
    nbf: Instant | None = None
    scope: str = ""
    cnf: Any = None


class UnambiguousJson(json.JSONDecoder):
    """JSON in which no member comes twice and no number is NaN: two readers can't read two things."""

    def __init__(self) -> None:
        super().__init__(object_pairs_hook=_members_once, parse_constant=_no_constant)


class Signatures(JWSRegistry):
    """The algorithms we verify, quietly: joserfc warns at every EdDSA signature since RFC 9864 renamed it.

    A token's header may be as long as the token. Only the members we use are looked at; `crit` was refused before.
    """

    default_header_registry = {name: JWS_HEADER_REGISTRY[name] for name in ("alg", "kid", "typ")}
    max_header_length = 8 * 1024

    def __init__(self) -> None:
        super().__init__(algorithms=ALGORITHMS, strict_check_header=False)

    def get_alg(self, name: str) -> JWSAlgModel:
        if name not in ALGORITHMS:
            raise TokenInvalid("the signature algorithm is not accepted")
        return self.algorithms[name]


SIGNATURES = Signatures()


def peek(token: str) -> tuple[TokenHeader, str]:
    """Header and issuer of a token that nobody verified yet: good for choosing keys, for nothing else."""
    segments = token.split(".")
    if len(segments) != _SEGMENTS:
        raise TokenInvalid("the token is not a signed JWT")
    header = read_header(_read_object(segments[0]))
    issuer = _read_object(segments[1]).get("iss")
    if not isinstance(issuer, str):
        raise TokenInvalid("the token names no issuer")
    return header, issuer


def read_header(members: dict[str, Any]) -> TokenHeader:
    try:
        header = msgspec.convert(members, TokenHeader)
    except msgspec.ValidationError:
        raise TokenInvalid("the header of the token has members of the wrong type") from None
    if header.alg not in ALGORITHMS:
        raise TokenInvalid("the signature algorithm is not accepted")
    if header.typ.lower() not in _TYPES:
        raise TokenInvalid("the token is not an access token of type at+jwt")
    if not members.keys().isdisjoint(("crit", "b64", "cty", "zip", "enc")):
        raise TokenInvalid("the token asks for processing that is not supported")
    return header


def read_claims(members: dict[str, Any]) -> TokenClaims:
    try:
        claims = msgspec.convert(members, TokenClaims)
    except msgspec.ValidationError:
        raise TokenInvalid("a claim that RFC 9068 requires is missing or of the wrong type") from None
    if claims.cnf is not None:
        raise TokenInvalid("the token is bound to a key and cannot be used as a bearer token")
    claims.jti.encode()  # a ValueError for half a surrogate pair, which no audit could hold
    return claims


def _read_object(segment: str) -> dict[str, Any]:
    try:
        members = json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)), cls=UnambiguousJson)
    except (ValueError, RecursionError):
        raise TokenInvalid("the token cannot be read") from None
    if not isinstance(members, dict):
        raise TokenInvalid("the token cannot be read")
    return members


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member comes twice")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
