"""Two ways into an org: client credentials, and a signed assertion (JWT bearer, RFC 7523) for a named user.

Neither gets a refresh token: a new access token is asked for in the same way. A session ends after some hours without
use, at a time the org does not tell, so that expiry is noticed by a refusal and not foreseen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from msgspec import Struct

from system_apis.errand import Errand
from system_apis.http import Exchange
from system_apis.oauth import FORM, BearerTokens, ClientCredentials
from system_apis.salesforce import refusals
from system_apis.tls import Tls

PRODUCTION_AUDIENCE = "https://login.salesforce.com"
ASSERTION_LIVES_S = 170
"""Below the three minutes that are allowed, so that a clock that runs ahead a little does no harm."""
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_REASONS = frozenset(
    {
        "authentication failure",
        "audience is invalid",
        "expired access/refresh token",
        "user hasn't approved this consumer",
        "client identifier invalid",
        "invalid client credentials",
        "invalid assertion",
    }
)
"""What Salesforce says of a refused grant, word by word; anything else is not repeated to anybody."""


class KeyUnusable(ValueError):
    """The private key cannot be read, or is no RSA key in PEM form. Its text never shows the key."""


class Secret(Struct, frozen=True):
    """The secret of a connected app with the client-credentials flow; its run-as user is the one who acts."""

    client_secret: str

    def __repr__(self) -> str:
        return "Secret(...)"


class SignedLogon(Struct, frozen=True):
    """A user who approved the connected app, and where the private key of its certificate is.

    The file is read for every assertion: a key is changed by changing the file. `audience` is the log-in host of the
    org: https://login.salesforce.com, https://test.salesforce.com for sandboxes, or the address of a site.
    """

    username: str
    key_file: Path
    audience: str = PRODUCTION_AUDIENCE

    def private_key(self) -> RSAKey:
        try:
            key = RSAKey.import_key(self.key_file.read_bytes())
        except OSError as unreadable:
            raise KeyUnusable(f"the private key {self.key_file} cannot be read: {unreadable.strerror}") from None
        except (JoseError, ValueError, TypeError):
            key = None
        if key is None or not key.is_private:
            raise KeyUnusable(f"{self.key_file} holds no RSA private key in PEM form")
        return key

    def assertion(self, client_id: str, now: float) -> str:
        """RFC 7523 §3: who acts (sub) through which app (iss), meant for whom (aud), and only for a moment (exp)."""
        claims = {"iss": client_id, "sub": self.username, "aud": self.audience, "exp": int(now) + ASSERTION_LIVES_S}
        return jwt.encode({"alg": "RS256"}, claims, self.private_key(), algorithms=["RS256"])


Logon = Secret | SignedLogon


def tokens(
    logon: Logon,
    *,
    instance: str,
    token_url: str,
    client_id: str,
    transport: httpx.AsyncBaseTransport | None,
    observe: Callable[[Exchange], None] | None,
    tls: Tls | None = None,
    clock: Callable[[], float] = time.time,
) -> BearerTokens:
    """The bearer tokens of an org for this connected app."""
    if isinstance(logon, Secret):
        return ClientCredentials(
            system="salesforce",
            instance=instance,
            token_url=token_url,
            client_id=client_id,
            client_secret=logon.client_secret,
            expired=refusals.session_expired,
            reasons=_REASONS,
            transport=transport,
            observe=observe,
            tls=tls,
        )

    errand = Errand("salesforce", instance, "log on", writes=False)

    def grant() -> tuple[Mapping[str, str], bytes]:
        try:
            form = {"grant_type": _JWT_BEARER, "assertion": logon.assertion(client_id, clock())}
        except KeyUnusable as unusable:
            raise errand.credentials_refused(str(unusable)) from None
        return FORM, urlencode(form).encode()

    return BearerTokens(
        system="salesforce",
        instance=instance,
        token_url=token_url,
        grant=grant,
        expired=refusals.session_expired,
        reasons=_REASONS,
        transport=transport,
        observe=observe,
        tls=tls,
    )
