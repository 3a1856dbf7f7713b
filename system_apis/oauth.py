"""OAuth 2.0 for our own calls to a neighbour: bearer tokens, and client credentials (RFC 6749 §4.4) to get them.

authlib makes the token request and reads the token; it is sent through an Upstream, so that it is bounded, traced and
typed like every other call. authlib's own httpx client is not used: its 1.9 line deprecates httpx for a fork of it,
and reads answers of any size.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, cast

import httpx
import msgspec
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749 import OAuth2Token
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from system_apis.deadline import Deadline
from system_apis.http import Exchange, Upstream
from system_apis.shared import Shared
from system_apis.tls import Tls

_TOKEN_TIMEOUT_S = 10.0
_SENDABLE = re.compile(r"[!-~]+\Z")
_ERROR_CODE = re.compile(r"[a-z_]{1,60}\Z")

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Grant = Callable[[], tuple[Mapping[str, str], bytes]]
"""Headers and form of a token request. Made anew for each, for a signed grant grows old."""


def _any_401(_: httpx.Response) -> bool:
    return True


def _lifetime_s(said: object) -> int | None:
    """As a number, or as one in quotes as some write it; None, and the neighbour will tell, where it is neither."""
    try:
        return int(said) if isinstance(said, int | float | str) else None
    except (ValueError, OverflowError):
        return None


class BearerTokens(httpx.Auth):
    """Puts a bearer token on every request; renews it once, for all who wait, when the neighbour calls it expired.

    `expired` tells a 401 that a new token can mend from one that it can't. A 401 says that nothing was done, so that
    replaying a write once after it is safe. `reasons` are the descriptions of a refused grant that may be repeated to
    an operator: any other may quote a credential. Tokens are never revoked: others may be working with the session.
    """

    def __init__(
        self,
        *,
        system: str,
        instance: str,
        token_url: str,
        grant: Grant,
        expired: Callable[[httpx.Response], bool] = _any_401,
        reasons: frozenset[str] = frozenset(),
        transport: httpx.AsyncBaseTransport | None = None,
        observe: Callable[[Exchange], None] | None = None,
        tls: Tls | None = None,
    ) -> None:
        address = httpx.URL(token_url)
        self._path = address.raw_path.decode()
        self._upstream = Upstream(
            system=system,
            instance=instance,
            base_url=str(address.copy_with(raw_path=b"/")),
            transport=transport,
            timeout_s=_TOKEN_TIMEOUT_S,
            max_answer_bytes=64 * 1024,
            observe=observe,
            tls=tls,
        )
        self._grant = grant
        self._expired = expired
        self._reasons = reasons
        self._token: Shared[OAuth2Token] = Shared(self._fetch)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        token = await self._live_token()
        request.headers["Authorization"] = f"Bearer {token['access_token']}"
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED and self._expired(answer):
            self._token.stale(token)
            token = await self._token.get()
            request.headers["Authorization"] = f"Bearer {token['access_token']}"
            yield request

    async def aclose(self) -> None:
        await self._upstream.aclose()

    async def _live_token(self) -> OAuth2Token:
        token = await self._token.get()
        if token.is_expired(leeway=30):
            self._token.stale(token)
            token = await self._token.get()
        return token

    async def _fetch(self) -> OAuth2Token:
        """A token request leaves nothing behind that matters, so it is a read and may be repeated."""
        headers, form = self._grant()
        answer = await self._upstream.read(
            "POST",
            self._path,
            operation="log on",
            deadline=Deadline.after(_TOKEN_TIMEOUT_S),
            headers=headers,
            content=form,
        )
        return self._read(answer)

    def _read(self, answer: httpx.Response) -> OAuth2Token:
        errand = self._upstream.errand("log on", writes=False)
        try:
            said = msgspec.json.decode(answer.content, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            said = {}
        token = said.get("access_token")
        if answer.status_code == httpx.codes.OK and isinstance(token, str) and _SENDABLE.match(token):
            return OAuth2Token({"access_token": token, "expires_in": _lifetime_s(said.get("expires_in"))})
        code = said.get("error")
        if answer.is_client_error and isinstance(code, str) and _ERROR_CODE.match(code):
            reason = str(said.get("error_description"))
            raise errand.credentials_refused(f"{code}: {reason}" if reason in self._reasons else code)
        if answer.is_server_error:
            raise errand.not_done(f"the token endpoint answered {answer.status_code}")
        raise errand.unreadable(f"the token endpoint answered {answer.status_code} without a token")


class ClientCredentials(BearerTokens):
    """Bearer tokens for a client id and its secret."""

    def __init__(
        self,
        *,
        system: str,
        instance: str,
        token_url: str,
        client_id: str,
        client_secret: str,
        scope: str | None = None,
        auth_method: str = "client_secret_basic",
        expired: Callable[[httpx.Response], bool] = _any_401,
        reasons: frozenset[str] = frozenset(),
        transport: httpx.AsyncBaseTransport | None = None,
        observe: Callable[[Exchange], None] | None = None,
        tls: Tls | None = None,
    ) -> None:
        client = ClientAuth(client_id, client_secret, auth_method)
        asked = {"scope": scope} if scope else {}

        def grant() -> tuple[Mapping[str, str], bytes]:
            form = prepare_token_request("client_credentials", **asked)
            _, headers, body = client.prepare("POST", token_url, {**FORM}, form)
            return cast("Mapping[str, str]", headers), body.encode()

        super().__init__(
            system=system,
            instance=instance,
            token_url=token_url,
            grant=grant,
            expired=expired,
            reasons=reasons,
            transport=transport,
            observe=observe,
            tls=tls,
        )
