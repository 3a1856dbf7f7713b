"""What operators say and read of clients and API keys. A key's text is in one answer, once, and in nothing we keep."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from policies.client_rows import ApiKey
from policies.clients import Client, Disclosure
from process_apis.words import Instant, View, Word

ClientId = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)", description="As in its tokens.", examples=["dealer-east"]),
]
Label = Annotated[str, Meta(min_length=1, max_length=100)]
Ident = Annotated[str, Meta(min_length=1, max_length=64)]
Scope = Literal["atp:read", "orders:read", "orders:write", "ops:read", "ops:write", "ops:keys", "ops:audit"]
DealerScope = Literal["atp:read", "orders:read", "orders:write"]
Reason = Annotated[str, Meta(min_length=1, max_length=500, description="Why, for the audit.")]
KeyDays = Annotated[int, Meta(ge=1, le=730, description="For how many days the key is good.")]
KeyState = Literal["live", "expired", "revoked"]


class NewClient(Word, frozen=True):
    """A client to register. Operators are not made here: the configuration file alone names them."""

    client_id: ClientId
    name: Label
    kind: Literal["crm", "partner", "portal", "service"]
    scopes: Annotated[tuple[DealerScope, ...], Meta(min_length=1, max_length=10)]
    customers: Annotated[tuple[Ident, ...], Meta(max_length=1000)] = ()
    plants: Annotated[tuple[Ident, ...], Meta(max_length=200)] = ()
    sales_organizations: Annotated[tuple[Ident, ...], Meta(max_length=200)] = ()
    disclosure: Disclosure = "partner"
    limit: Annotated[str, Meta(min_length=1, max_length=200)] = "600 per 1 minute"
    plan: Annotated[str, Meta(max_length=64)] = ""
    contact: Annotated[str, Meta(max_length=200)] = ""
    issuer: Annotated[str, Meta(max_length=500)] = ""


class ClientChange(Word, frozen=True):
    """Why a client is switched off or on."""

    reason: Reason | None = None


class NewKey(Word, frozen=True):
    """A key to make. Without `scopes` it has all that its client has; it can never have more."""

    client_id: ClientId
    label: Label
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=10)] | None = None
    expires_in_days: KeyDays = 90


class KeyRotation(Word, frozen=True):
    """The same key with another secret. The old one goes on for `overlapHours`, so that nobody has to hurry."""

    overlap_hours: Annotated[int, Meta(ge=0, le=720)] = 24
    expires_in_days: KeyDays = 90
    reason: Reason | None = None


class KeyRevocation(Word, frozen=True):
    """Why a key must not be used any more."""

    reason: Reason | None = None


class ClientQuery(Word, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.")] = 100
    cursor: Annotated[str, Meta(min_length=1, max_length=512, description="`next` of the page before.")] | None = None


class KeyQuery(Word, frozen=True):
    client_id: Annotated[str, Meta(min_length=1, max_length=64, description="Only of this client.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.")] = 100
    cursor: Annotated[str, Meta(min_length=1, max_length=512, description="`next` of the page before.")] | None = None


class ClientView(View, frozen=True):
    """A registered client. What the configuration file manages (`managedBy`: `file`) is changed there."""

    client_id: str
    name: str
    kind: str
    scopes: tuple[str, ...]
    roles: tuple[str, ...]
    customers: tuple[str, ...]
    plants: tuple[str, ...]
    sales_organizations: tuple[str, ...]
    disclosure: str
    limit: str
    plan: str
    issuer: str
    contact: str
    managed_by: str
    enabled: bool


class ClientPage(View, frozen=True):
    clients: tuple[ClientView, ...]
    next: str | None = None


class KeyView(View, frozen=True):
    """What is known of an API key. `pepper` names the secret that its hash was made with."""

    key_id: str
    client_id: str
    label: str
    scopes: tuple[str, ...]
    state: KeyState
    created_at: Instant
    expires_at: Instant
    pepper: str
    revoked_at: Instant | None = None
    last_used_at: Instant | None = None


class MadeKey(KeyView, frozen=True):
    """A key that was just made. `key` is its text: keep it now. A repeat of the call gets everything but that."""

    key: str | None = None


class KeyPage(View, frozen=True):
    api_keys: tuple[KeyView, ...]
    next: str | None = None


def client_view(client: Client) -> ClientView:
    return ClientView(
        client_id=client.client_id,
        name=client.name,
        kind=client.kind,
        scopes=tuple(sorted(client.scopes)),
        roles=tuple(sorted(client.roles)),
        customers=client.customers,
        plants=client.plants,
        sales_organizations=client.sales_organizations,
        disclosure=client.disclosure,
        limit=client.limit,
        plan=client.plan,
        issuer=client.issuer,
        contact=client.contact,
        managed_by=client.managed_by,
        enabled=client.enabled,
    )


def key_view(key: ApiKey, last_used_at: datetime | None, now: datetime) -> KeyView:
    return KeyView(
        key_id=key.key_id,
        client_id=key.client_id,
        label=key.label,
        scopes=tuple(sorted(key.scopes)),
        state="revoked" if key.revoked_at else "live" if key.lives(now) else "expired",
        created_at=key.created_at,
        expires_at=key.expires_at,
        pepper=key.pepper,
        revoked_at=key.revoked_at,
        last_used_at=last_used_at,
    )


def made_key(key: ApiKey, now: datetime, text: str | None = None) -> MadeKey:
    return MadeKey(**msgspec.structs.asdict(key_view(key, None, now)), key=text)
