"""Is a token good, and whose is it? RFC 7662, for the one resource server that may ask, and revocation (RFC 7009)."""

from __future__ import annotations

import base64
import binascii
import time
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

RESOURCE_SERVER = ("ordergate", "ordergate-sandbox-secret")
_SHOWN = ("iss", "sub", "aud", "client_id", "scope", "exp", "iat", "jti")


class Introspection:
    """Knows the issuer's own tokens and no others; a revoked one is remembered until the process ends."""

    def __init__(self, issuer: str, keys: KeySet) -> None:
        self._issuer, self._keys = issuer, keys
        self._revoked: set[str] = set()

    def answer(self, authorization: str | None, body: bytes) -> tuple[int, dict[str, Any]]:
        """Whoever has no right to ask gets 401; everything that is wrong with a token is `active: false`."""
        if not _is_resource_server(authorization):
            return 401, {"error": "invalid_client"}
        token = _token_in(body)
        if token is None:
            return 400, {"error": "invalid_request"}
        claims = self._claims(token)
        if claims is None or claims["jti"] in self._revoked:
            return 200, {"active": False}
        return 200, {"active": True, "token_type": "Bearer"} | {name: claims[name] for name in _SHOWN}

    def revoke(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Always 200: a token that is not known is as good as revoked."""
        token = _token_in(body)
        claims = self._claims(token) if token else None
        if claims:
            self._revoked.add(str(claims["jti"]))
        return (200, {}) if token else (400, {"error": "invalid_request"})

    def _claims(self, token: str) -> dict[str, Any] | None:
        try:
            claims = jwt.decode(token, self._keys, algorithms=["RS256"]).claims
        except (JoseError, ValueError):
            return None
        alive = claims.get("iss") == self._issuer and int(claims.get("exp", 0)) > time.time()
        return claims if alive else None


def _token_in(body: bytes) -> str | None:
    return next(iter(parse_qs(body.decode("latin-1")).get("token", [])), None)


def _is_resource_server(authorization: str | None) -> bool:
    scheme, _, sent = (authorization or "").partition(" ")
    try:
        name, found, secret = base64.b64decode(sent, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return scheme.lower() == "basic" and bool(found) and (unquote_plus(name), unquote_plus(secret)) == RESOURCE_SERVER
