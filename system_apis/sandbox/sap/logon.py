"""Who may come in: the communication user by name and password, or by a token that it got for them."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from urllib.parse import parse_qsl

import msgspec

from system_apis.sandbox.sap.wire import Answer

USER, PASSWORD, CLIENT = "SANDBOX", "Welcome1", "100"
TOKEN_PATH = "/sap/bc/sec/oauth2/token"  # noqa: S105 - an address
_LIFE_S = 3_600
_PAGE = (
    b"<html><head><title>Logon failed</title></head><body><h1>401 Unauthorized</h1><p>Logon failed</p></body></html>"
)


class Logon:
    def __init__(self) -> None:
        self._tokens: dict[str, float] = {}

    def admits(self, authorization: str) -> bool:
        scheme, _, credentials = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return self._tokens.get(credentials, 0) > time.monotonic()
        return scheme.lower() == "basic" and _known(*_user(credentials))

    def refusal(self, authorization: str, client: str) -> Answer:
        bearer = authorization.lower().startswith("bearer")
        challenge = f'Basic realm="SAP NetWeaver Application Server [S4H/{client[:3]}]"'
        wanted = 'Bearer error="invalid_token"' if bearer else challenge
        return Answer(401, _PAGE, {"content-type": "text/html;charset=utf-8", "www-authenticate": wanted})

    def issue(self, authorization: str, body: bytes) -> Answer:
        """Client credentials (RFC 6749): the communication user is the client, in the header or in the form."""
        form = dict(parse_qsl(body.decode("latin-1")))
        scheme, _, credentials = authorization.partition(" ")
        user = _user(credentials) if scheme.lower() == "basic" else (form.get("client_id"), form.get("client_secret"))
        if form.get("grant_type") != "client_credentials":
            return _told(400, {"error": "unsupported_grant_type"})
        if not _known(*user):
            return _told(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
        token = secrets.token_urlsafe(32)
        self._tokens[token] = time.monotonic() + _LIFE_S
        return _told(200, {"access_token": token, "token_type": "Bearer", "expires_in": _LIFE_S})

    def end_all(self) -> None:
        """Every token handed out is void; the user's password stays good."""
        self._tokens.clear()


def _told(status: int, content: dict[str, str | int]) -> Answer:
    return Answer(status, msgspec.json.encode(content), {"content-type": "application/json"})


def _user(credentials: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(credentials, validate=True).decode("latin-1").partition(":")
    except binascii.Error:
        return "", ""
    return name, password


def _known(name: str | None, password: str | None) -> bool:
    sent, right = f"{name}:{password}", f"{USER}:{PASSWORD}"
    return secrets.compare_digest(sent.encode(), right.encode())
