"""The shape of the TOML file: what surrounds this gateway."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from policies.clients import Client, Disclosure

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Text = Annotated[str, Meta(min_length=1, max_length=500)]
Scope = Literal["atp:read", "orders:read", "orders:write", "ops:read", "ops:write"]
"""Every scope that a route may ask for: a misspelt one would lock its client out without a word."""
Seconds = Annotated[float, Meta(gt=0, le=3600)]


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file: a key we do not know is refused."""


class Issuer(Entry, frozen=True):
    """An authorization server we trust (RFC 8414 `issuer`, compared character by character)."""

    issuer: Text
    jwks_uri: Text


class ErpInstance(Entry, frozen=True):
    """An SAP S/4HANA system reached by OData. `settle_seconds` is at least its longest dialog step.

    Entered in one of three ways: user and password; an OAuth client of `token_url`; a client certificate.
    `reference_field` is SAP's own or one of the customer's (`YY1_…`, `ZZ…`): no other field of SAP's is ours to write.
    `ca_file` names the authorities to trust instead of the public ones. `repeatable`: SAP Gateway's idempotent services
    are active there. `lock_codes` are message numbers that mean "somebody is editing it" besides those known.
    """

    instance: Name
    base_url: Text
    sap_client: Annotated[str, Meta(pattern="^[0-9]{3}$")]
    user: Text | None = None
    password: Text | None = None
    token_url: Text | None = None
    client_id: Text | None = None
    client_secret: Text | None = None
    scope: Text | None = None
    certificate_file: Text | None = None
    key_file: Text | None = None
    key_password: Text | None = None
    ca_file: Text | None = None
    settle_seconds: Seconds = 600.0
    timeout_seconds: Seconds = 10.0
    reference_field: Annotated[str, Meta(pattern=r"^(PurchaseOrderByShipToParty|(YY1_|ZZ)[A-Za-z0-9_]{1,60})$")] = (
        "PurchaseOrderByShipToParty"
    )
    order_type: Name = "OR"
    checking_rule: Annotated[str, Meta(pattern="^[A-Za-z0-9]{1,2}$")] = "A"
    repeatable: bool = False
    lock_codes: tuple[Annotated[str, Meta(pattern=r"^[^\s/]{1,20}/\d{3}$")], ...] = ()

    def __post_init__(self) -> None:
        ways = {
            "user and password": (self.user, self.password),
            "token_url, client_id and client_secret": (self.token_url, self.client_id, self.client_secret),
            "certificate_file and key_file": (self.certificate_file, self.key_file),
        }
        begun = [values for values in ways.values() if any(values)]
        if len(begun) != 1 or not all(begun[0]):
            raise ValueError(f"the ERP {self.instance} is entered by {', or by '.join(ways)}: one of them, whole")


class CrmInstance(Entry, frozen=True):
    """A Salesforce organisation, by its My Domain address and a connected app.

    Entered in one of two ways: `client_secret` (client credentials), or `username` with `key_file`, the private key of
    the app's certificate (JWT bearer; `audience` is the org's log-in host). `ca_file` names the authorities to trust
    instead of the public ones. A version below 50 knows no graphs. The time-out is longer than the ten seconds that
    Salesforce waits for a lock.
    """

    instance: Name
    base_url: Text
    client_id: Text
    client_secret: Text | None = None
    username: Text | None = None
    key_file: Text | None = None
    audience: Text = "https://login.salesforce.com"
    token_url: Text | None = None
    api_version: Annotated[str, Meta(pattern=r"^v(?:[5-9][0-9])\.0$")] = "v68.0"
    ca_file: Text | None = None
    home_currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "USD"
    multi_currency: bool = False
    timeout_seconds: Seconds = 15.0

    def __post_init__(self) -> None:
        ways = ((self.client_secret,), (self.username, self.key_file))
        begun = [values for values in ways if any(values)]
        if len(begun) != 1 or not all(begun[0]):
            raise ValueError(f"the CRM {self.instance} is entered by client_secret, or by username and key_file")


class SchedulerInstance(Entry, frozen=True):
    """A production scheduler that speaks our scheduler port over HTTP."""

    instance: Name
    base_url: Text
    api_key: Text
    timeout_seconds: Seconds = 10.0


class Systems(Entry, frozen=True):
    erp: Annotated[tuple[ErpInstance, ...], Meta(min_length=1)]
    crm: Annotated[tuple[CrmInstance, ...], Meta(min_length=1, max_length=1)]
    scheduler: tuple[SchedulerInstance, ...] = ()

    def all(self) -> list[ErpInstance | CrmInstance | SchedulerInstance]:
        return [*self.erp, *self.crm, *self.scheduler]


class PlantEntry(Entry, frozen=True):
    """A plant, what partners call it, where its days begin, and who serves it."""

    plant: Name
    public_name: Text
    time_zone: Text
    erp: Name
    scheduler: Name | None = None


class SalesAreaEntry(Entry, frozen=True):
    sales_organization: Name
    distribution_channel: Name
    division: Name


class ClientEntry(Entry, frozen=True):
    """A registered consumer; see `policies.clients.Client`."""

    client_id: Name
    name: Text
    kind: Literal["crm", "partner", "portal", "service", "operator"]
    scopes: tuple[Scope, ...]
    customers: tuple[Text, ...] = ()
    plants: tuple[Text, ...] = ()
    disclosure: Disclosure = "partner"
    limit: Text = "600 per 1 minute"
    issuer: str = ""

    def client(self) -> Client:
        return Client(**{**msgspec.structs.asdict(self), "scopes": frozenset(self.scopes)})


class Limits(Entry, frozen=True):
    """Bounds that hold for everybody. `failed_logins` is how many bad tokens an address may try."""

    failed_logins: Text = "6000 per 1 minute"
    default_deadline_ms: Annotated[int, Meta(ge=100, le=30_000)] = 10_000
    slow_body_seconds: Seconds = 10.0


class World(Entry, frozen=True):
    """What surrounds this gateway. `environment` says which kind of process may use the file."""

    environment: Literal["sandbox", "production"]
    audience: Text
    issuers: Annotated[tuple[Issuer, ...], Meta(min_length=1)]
    systems: Systems
    plants: Annotated[tuple[PlantEntry, ...], Meta(min_length=1)]
    default_plant: Name
    sales_area: SalesAreaEntry
    clients: Annotated[tuple[ClientEntry, ...], Meta(min_length=1)]
    limits: Limits = Limits()
