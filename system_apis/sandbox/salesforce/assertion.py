"""The JWT bearer flow (RFC 7523): who signs with the registered key is let in as the integration user."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
USERNAME = "ordergate@sandbox.example"
_LEEWAY_S, _LONGEST_S = 180, 300
_LOG_IN_HOSTS = ("https://login.salesforce.com", "https://test.salesforce.com")


def key_of(file: Path) -> RSAKey:
    """The client's key pair; the private one is written to `file` unless it is there already."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_bytes(RSAKey.generate_key(2048).as_pem(private=True))
    return RSAKey.import_key(file.read_bytes())


def problem(assertion: str, key: RSAKey | None, clients: dict[str, str], here: str) -> tuple[str, str] | None:
    """OAuth error and description, or nothing if the assertion is good. `exp` may be text: some clients send it so."""
    try:
        claims: dict[str, Any] = jwt.decode(assertion, key, algorithms=["RS256"]).claims if key else {}
        left_s = int(claims.get("exp", 0)) - time.time()
    except (JoseError, ValueError, TypeError):
        return "invalid_grant", "invalid assertion"
    audience = str(claims.get("aud"))
    if claims.get("iss") not in clients:
        return "invalid_client_id", "client identifier invalid"
    if audience not in (*_LOG_IN_HOSTS, here) and not audience.endswith(".salesforce.com"):
        return "invalid_grant", "audience is invalid"
    if not -_LEEWAY_S < left_s <= _LONGEST_S + _LEEWAY_S:
        return "invalid_grant", "expired authorization code"
    if claims.get("sub") != USERNAME:
        return "invalid_grant", "user hasn't approved this consumer"
    return None
