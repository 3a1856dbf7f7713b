"""How we enter an SAP system: a communication user by password or by OAuth client credentials.

The third way, an X.509 client certificate, is the connection's (`system_apis.tls`): requests then say nothing, and SAP
maps the certificate's subject to the communication user.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from system_apis.exchange import Exchange
from system_apis.oauth import ClientCredentials
from system_apis.tls import Tls


@dataclass(frozen=True, slots=True)
class Password:
    """HTTP Basic (RFC 7617)."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """OAuth 2.0 client credentials, of SAP itself or of what stands in front of it (API Management on BTP)."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None


Access = Password | ClientSecret | None


def credentials(
    access: Access,
    *,
    instance: str,
    transport: httpx.AsyncBaseTransport | None,
    observe: Callable[[Exchange], None] | None,
    tls: Tls | None,
) -> httpx.Auth | None:
    """What every request carries; None where the certificate says it all."""
    match access:
        case Password(user, password):
            return httpx.BasicAuth(user, password)
        case ClientSecret(token_url, client_id, client_secret, scope):
            return ClientCredentials(
                system="sap",
                instance=instance,
                token_url=token_url,
                client_id=client_id,
                client_secret=client_secret,
                scope=scope,
                transport=transport,
                observe=observe,
                tls=tls,
            )
        case None:
            return None
