"""Who may call, and what each may see: the registered consumers of the API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

Disclosure = Literal["internal", "partner"]
Role = Literal["operator", "keyAdmin", "auditor"]
"""What somebody may do at the internal door: run operations, hand out access, look at what was done."""


class Client(Struct, frozen=True):
    """A registered consumer.

    `client_id` is the one in its tokens (RFC 9068 `client_id`). `customers` are the ERP sold-to parties it may speak
    for, `plants` the plants and `sales_organizations` the sales organisations it may name; an empty tuple allows none,
    `("*",)` all. `limit` is a rate in the notation of the `limits` package (`"600 per 1 minute"`); `plan` names one of
    the configuration's plans, which then counts instead. `contact` is whom to ask when it misbehaves. What the file
    manages, the API does not change. `issuer` is the only one whose tokens may name the client; empty means the first
    configured one, so that a second issuer cannot hand out tokens of the first one's clients.
    """

    client_id: str
    name: str
    kind: Literal["crm", "partner", "portal", "service", "operator"]
    scopes: frozenset[str]
    customers: tuple[str, ...] = ()
    plants: tuple[str, ...] = ()
    disclosure: Disclosure = "partner"
    limit: str = "600 per 1 minute"
    issuer: str = ""
    roles: frozenset[Role] = frozenset()
    sales_organizations: tuple[str, ...] = ()
    contact: str = ""
    managed_by: Literal["file", "api"] = "file"
    enabled: bool = True
    plan: str = ""


class ClientRegistry:
    """The clients of the configuration file, by `client_id`."""

    def __init__(self, clients: Iterable[Client]) -> None:
        self._clients = {client.client_id: client for client in clients}

    def find(self, client_id: str) -> Client | None:
        return self._clients.get(client_id)

    def __iter__(self) -> Iterator[Client]:
        return iter(self._clients.values())
