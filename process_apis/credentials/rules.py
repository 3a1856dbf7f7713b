"""Whether a client may be registered and a key be made: pure decisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from policies.client_rows import ApiKey
from policies.clients import Client
from process_apis.credentials.models import NewClient
from process_apis.errors import Fault, RoleNotYours, TooManyKeys

MOST_LIVE_KEYS = 2
"""One in use and one to change to: with more, nobody knows which are still needed."""
EVERY = "*"


class Known(Struct, frozen=True):
    """What the configuration knows and a new client may name."""

    plants: frozenset[str]
    issuers: frozenset[str]
    plans: frozenset[str]


def client_faults(wanted: NewClient, known: Known, *, limit_is_readable: bool) -> Iterator[Fault]:
    """Everything that is wrong with a client to be, at once."""
    for position, plant in enumerate(wanted.plants):
        if plant not in {EVERY, *known.plants}:
            yield Fault(f"#/plants/{position}", f"the plant {plant} is not configured", "plant-unknown")
    if not limit_is_readable:
        yield Fault("#/limit", "a limit is like '600 per 1 minute'", "limit-unreadable")
    if wanted.plan and wanted.plan not in known.plans:
        yield Fault("#/plan", f"the plan {wanted.plan} is not configured", "plan-unknown")
    if wanted.issuer and wanted.issuer not in known.issuers:
        yield Fault("#/issuer", f"the issuer {wanted.issuer} is not configured", "issuer-unknown")


def scopes_for(client: Client, asked: Iterable[str] | None) -> frozenset[str]:
    """The scopes of a key: those asked for, or all of its client's."""
    return client.scopes if asked is None else frozenset(asked)


def scope_faults(client: Client, asked: Iterable[str] | None) -> Iterator[Fault]:
    for position, scope in enumerate(asked or ()):
        if scope not in client.scopes:
            yield Fault(f"#/scopes/{position}", f"the client does not have the scope {scope}", "scope-not-allowed")


def refuse_foreign_roles(admin: Client, client: Client, scopes: frozenset[str]) -> None:
    """Nobody hands out what he has not: a key of an operator would open, to who makes it, what the role keeps shut."""
    if client.kind == "operator" and not (client.roles <= admin.roles and scopes <= admin.scopes):
        raise RoleNotYours(client.client_id, tuple(sorted(client.roles)))


def refuse_third(client_id: str, keys: Iterable[ApiKey], now: datetime) -> None:
    living = tuple(key.key_id for key in keys if key.lives(now))
    if len(living) >= MOST_LIVE_KEYS:
        raise TooManyKeys(client_id, living)
