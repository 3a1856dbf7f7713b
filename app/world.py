"""The shape of the TOML file: what surrounds this gateway."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from policies.clients import Client, Disclosure

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Text = Annotated[str, Meta(min_length=1, max_length=500)]
Seconds = Annotated[float, Meta(gt=0, le=3600)]


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file: a key we do not know is refused."""


class Issuer(Entry, frozen=True):
    """An authorization server we trust (RFC 8414 `issuer`, compared character by character)."""

    issuer: Text
    jwks_uri: Text


class ErpInstance(Entry, frozen=True):
    """An SAP S/4HANA system reached by OData. `settle_seconds` is at least its longest dialog step."""

    instance: Name
    base_url: Text
    user: Text
    password: Text
    sap_client: Annotated[str, Meta(pattern="^[0-9]{3}$")]
    settle_seconds: Seconds = 600.0
    timeout_seconds: Seconds = 10.0
    reference_field: Name = "PurchaseOrderByShipToParty"
    order_type: Name = "OR"


class CrmInstance(Entry, frozen=True):
    """A Salesforce organisation, entered with OAuth client credentials."""

    instance: Name
    base_url: Text
    client_id: Text
    client_secret: Text
    token_url: Text | None = None
    api_version: Annotated[str, Meta(pattern=r"^v[0-9]{2}\.0$")] = "v68.0"
    timeout_seconds: Seconds = 10.0


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
    scopes: tuple[Text, ...]
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
