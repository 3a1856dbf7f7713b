"""CSRF tokens: bound to a session that lives in a cookie, asked for with `X-CSRF-Token: Fetch`."""

from __future__ import annotations

import secrets
import time
from http.cookies import CookieError, SimpleCookie

COOKIE = "SAP_SESSIONID_S4H_100"
_IDLE_S = 1_800.0


class Sessions:
    """The sessions of the application server; each holds one token and ends half an hour after its last use."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[str, float]] = {}

    def fetch(self, cookies: str) -> tuple[str, list[str]]:
        """A token for this session, and the cookies to set if it is a new one."""
        now = time.monotonic()
        self._tokens = {key: held for key, held in self._tokens.items() if now - held[1] < _IDLE_S}
        session = _session(cookies)
        if session in self._tokens:
            token = self._tokens[session][0]
            self._tokens[session] = (token, now)
            return token, []
        session, token = secrets.token_urlsafe(32), secrets.token_urlsafe(18) + "=="
        self._tokens[session] = (token, now)
        return token, [f"{COOKIE}={session}; path=/; HttpOnly", "sap-usercontext=sap-client=100; path=/"]

    def admit(self, cookies: str, token: str) -> bool:
        session = _session(cookies)
        held, used = self._tokens.get(session, ("", 0.0))
        now = time.monotonic()
        if not held or now - used >= _IDLE_S or not secrets.compare_digest(held.encode(), token.encode()):
            return False
        self._tokens[session] = (held, now)
        return True

    def end_all(self) -> None:
        """As after a restart of the application server: every token is void."""
        self._tokens.clear()


def _session(cookies: str) -> str:
    try:
        jar = SimpleCookie(cookies)
    except CookieError:
        return ""
    return jar[COOKIE].value if COOKIE in jar else ""
