"""Log-in by client credentials or JWT, and its sessions: ended by revocation or two hours of silence, unannounced."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from typing import Any
from urllib.parse import parse_qsl, unquote

from joserfc.jwk import RSAKey

from system_apis.sandbox.salesforce import assertion

CLIENTS = {"ordergate": "salesforce-sandbox-secret"}
ORGANISATION = "00DHp0000000001MAA"
_USER = "005Hp00000I1wXyIAJ"
_SILENCE_S = 2 * 3600

Made = tuple[int, dict[str, Any] | None]


class Sessions:
    """`calls` counts what the day's allowance is used up by; `key`: whose JWT assertions are taken."""

    def __init__(self, key: RSAKey | None = None) -> None:
        self.calls = 0
        self._key = key
        self._last_used: dict[str, float] = {}

    def alive(self, authorization: str | None) -> bool:
        scheme, _, token = (authorization or "").partition(" ")
        last = self._last_used.get(token)
        if scheme.lower() not in ("bearer", "oauth") or last is None or last < time.monotonic() - _SILENCE_S:
            return False
        self._last_used[token] = time.monotonic()
        return True

    def end_all(self) -> None:
        """What an administrator's policy change or a long silence does."""
        self._last_used.clear()

    def revoke(self, query: bytes, body: bytes) -> Made:
        """The token comes in the form or in the query."""
        form = dict(parse_qsl((body or query).decode(errors="replace")))
        known = self._last_used.pop(form.get("token", ""), None)
        return (
            (200, None) if known is not None else _wrong("unsupported_token_type", "this token type is not supported")
        )

    def log_in(self, authorization: str | None, body: bytes, instance_url: str) -> Made:
        """POST /services/oauth2/token: `instance_url` is where the caller knocked."""
        form = dict(parse_qsl(body.decode(errors="replace")))
        if form.get("grant_type") == assertion.GRANT:
            return self._by_assertion(form.get("assertion", ""), instance_url)
        if form.get("grant_type") != "client_credentials":
            return _wrong("unsupported_grant_type", "grant type not supported")
        client, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        if client not in CLIENTS:
            return _wrong("invalid_client_id", "client identifier invalid")
        if not secrets.compare_digest(secret.encode(), CLIENTS[client].encode()):
            return _wrong("invalid_client", "invalid client credentials")
        return 200, self._session(instance_url) | {
            "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
            "issued_at": str(int(time.time() * 1000)),
            "api_instance_url": instance_url,
        }

    def _by_assertion(self, given: str, instance_url: str) -> Made:
        wrong = assertion.problem(given, self._key, CLIENTS, instance_url)
        return _wrong(*wrong) if wrong else (200, self._session(instance_url))

    def _session(self, instance_url: str) -> dict[str, Any]:
        token = f"{ORGANISATION[:15]}!AQ{secrets.token_urlsafe(48)}"
        self._last_used[token] = time.monotonic()
        return {
            "access_token": token,
            "scope": "api",
            "instance_url": instance_url,
            "id": f"{instance_url}/id/{ORGANISATION}/{_USER}",
            "token_type": "Bearer",
        }


def _basic(authorization: str | None) -> tuple[str, str] | None:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(client), unquote(secret)


def _wrong(error: str, description: str) -> Made:
    return 400, {"error": error, "error_description": description}
