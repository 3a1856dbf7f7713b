"""The shape of the TOML file: what surrounds this gateway."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from app.keeping import RetentionEntry
from app.plan_entries import PlanEntry
from app.upkeep import Maintenance
from policies.clients import Client, Disclosure, Role
from process_apis.calendars import LONGEST_REST, longest_rest, weekdays_of
from process_apis.conversions import Rounding
from process_apis.reference_maps import CustomerName, ProductName, Substitute
from system_apis.sap.units import DeclaredUnit

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Text = Annotated[str, Meta(min_length=1, max_length=500)]
Scope = Literal["atp:read", "orders:read", "orders:write", "ops:read", "ops:write", "ops:keys", "ops:audit"]
"""Every scope that a route may ask for: a misspelt one would lock its client out without a word."""
Seconds = Annotated[float, Meta(gt=0, le=3600)]
Days = Annotated[int, Meta(ge=0, le=100)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file: a key we do not know is refused."""


class Introspection(Entry, frozen=True):
    """Where an issuer tells what an opaque token means (RFC 7662), and how we prove who asks.

    An answer is believed for `cache_seconds`, and never past the end of its token.
    """

    url: Text
    client_id: Text
    client_secret: Text
    cache_seconds: Annotated[float, Meta(ge=0, le=300)] = 30.0


class Issuer(Entry, frozen=True):
    """An authorization server we trust (RFC 8414 `issuer`, compared character by character).

    Without `jwks_uri` its metadata document says where its keys are. `introspection` is for tokens that only it can
    read. Keys are read anew before `keys_fresh_seconds` are over, and serve for `keys_usable_seconds` while it is down.
    """

    issuer: Text
    jwks_uri: Text | None = None
    introspection: Introspection | None = None
    keys_fresh_seconds: Annotated[float, Meta(ge=10, le=86_400)] = 300.0
    keys_usable_seconds: Annotated[float, Meta(ge=60, le=604_800)] = 86_400.0

    def __post_init__(self) -> None:
        if self.keys_usable_seconds < self.keys_fresh_seconds:
            raise ValueError(f"the issuer {self.issuer}: keys are usable for at least as long as they are fresh")


class ErpInstance(Entry, frozen=True):
    """An SAP S/4HANA system reached by OData. `settle_seconds` is at least its longest dialog step.

    Entered in one of three ways: user and password; an OAuth client of `token_url`; a client certificate.
    `reference_field` is SAP's own or one of the customer's (`YY1_…`, `ZZ…`): no other field of SAP's is ours to write.
    `ca_file` names the authorities to trust instead of the public ones. `repeatable`: SAP Gateway's idempotent services
    are active there. `lock_codes` are message numbers that mean "somebody is editing it" besides those known.
    `sales_order_api`: `v4` where sales orders are served by CE_SALESORDER_0001 only; all else is of version 2.
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
    sales_order_api: Literal["v2", "v4"] = "v2"
    lock_codes: tuple[Annotated[str, Meta(pattern=r"^[^\s/]{1,20}/\d{3}$")], ...] = ()
    maintenance: tuple[Maintenance, ...] = ()

    def __post_init__(self) -> None:
        ways = {
            "user and password": (self.user, self.password),
            "token_url, client_id and client_secret": (self.token_url, self.client_id, self.client_secret),
            "certificate_file and key_file": (self.certificate_file, self.key_file),
        }
        begun = [values for values in ways.values() if any(values)]
        if len(begun) != 1 or not all(begun[0]):
            raise ValueError(f"the ERP {self.instance} is entered by {', or by '.join(ways)}: one of them, whole")
        if self.repeatable and self.sales_order_api == "v4":
            raise ValueError(f"the ERP {self.instance}: repeatable is of version 2, its sales orders are of version 4")


class CrmInstance(Entry, frozen=True):
    """A Salesforce organisation, by its My Domain address and a connected app.

    Entered in one of two ways: `client_secret` (client credentials), or `username` with `key_file`, the private key of
    the app's certificate (JWT bearer; `audience` is the org's log-in host). `ca_file` names the authorities to trust
    instead of the public ones. A version below 50 knows no graphs. The time-out is longer than the ten seconds that
    Salesforce waits for a lock. `product_codes`: whose numbers stand in the products' codes, the ERP's or those of a
    map under `[references]`.
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
    product_codes: Literal["erp", "sku", "gtin"] = "erp"
    multi_currency: bool = False
    timeout_seconds: Seconds = 15.0
    maintenance: tuple[Maintenance, ...] = ()

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
    maintenance: tuple[Maintenance, ...] = ()


class Systems(Entry, frozen=True):
    erp: Annotated[tuple[ErpInstance, ...], Meta(min_length=1)]
    crm: Annotated[tuple[CrmInstance, ...], Meta(min_length=1, max_length=1)]
    scheduler: tuple[SchedulerInstance, ...] = ()

    def all(self) -> list[ErpInstance | CrmInstance | SchedulerInstance]:
        return [*self.erp, *self.crm, *self.scheduler]


class LaneEntry(Entry, frozen=True):
    """The way to a region, for the ship-to parties (ERP numbers) in it."""

    region: Text
    transit_days: Days
    ship_tos: tuple[Text, ...] = ()


class CalendarEntry(Entry, frozen=True):
    """How a plant delivers: on which days it works, how many of them picking takes, how long the way is."""

    working_days: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    holidays: tuple[datetime.date, ...] = ()
    pick_pack_days: Days = 0
    transit_days: Days = 0
    lanes: tuple[LaneEntry, ...] = ()

    def __post_init__(self) -> None:
        if not self.working_days:
            raise ValueError("a calendar names at least one working day")
        weekdays = weekdays_of(self.working_days)
        if longest_rest(weekdays, self.holidays) > LONGEST_REST:
            raise ValueError(f"a calendar has a working day at least every {LONGEST_REST} days: look at its holidays")


class PlantEntry(Entry, frozen=True):
    """A plant, what partners call it, where its days begin, who serves it, and how it delivers."""

    plant: Name
    public_name: Text
    time_zone: Text
    erp: Name
    scheduler: Name | None = None
    calendar: CalendarEntry | None = None


class References(Entry, frozen=True):
    """What others call our products and customers, and what may stand in for what; see `process_apis.reference_maps`.

    `units` are those of the ERP's own customizing, beside the ones everybody has. `rounding`: what becomes of a
    quantity that does not come out even in the unit a material is sold in.
    """

    products: tuple[ProductName, ...] = ()
    customers: tuple[CustomerName, ...] = ()
    substitutes: tuple[Substitute, ...] = ()
    units: tuple[DeclaredUnit, ...] = ()
    rounding: Rounding = "refuse"


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
    plan: str = ""
    issuer: str = ""
    roles: tuple[Role, ...] = ()
    sales_organizations: tuple[Text, ...] = ()
    contact: str = ""

    def __post_init__(self) -> None:
        if (self.kind == "operator") != bool(self.roles):
            raise ValueError(f"the client {self.client_id}: operators have roles, and nobody else has")

    def client(self) -> Client:
        sets = {"scopes": frozenset(self.scopes), "roles": frozenset(self.roles)}
        return Client(**{**msgspec.structs.asdict(self), **sets})


class Credentials(Entry, frozen=True):
    """API keys: what they begin with here, how long known ones serve while the store is silent, and how long those that
    expired or were revoked are kept."""

    key_prefix: Annotated[str, Meta(pattern="^[a-z]{2,12}$")] = "ogate"
    keys_usable_seconds: Annotated[float, Meta(ge=5, le=3600)] = 300.0
    ended_keys_kept_days: Annotated[int, Meta(ge=1, le=3650)] = 90


class Limits(Entry, frozen=True):
    """Bounds that hold for everybody. `failed_logins` is how many bad credentials an address may try, `knocks` how
    many that nobody here knows yet, good or bad, and `knocks_per_key` how many of those with one key's id."""

    failed_logins: Text = "6000 per 1 minute"
    knocks: Text = "12000 per 1 minute"
    knocks_per_key: Text = "600 per 1 minute"
    default_deadline_ms: Annotated[int, Meta(ge=100, le=30_000)] = 10_000
    slow_body_seconds: Seconds = 10.0


class Queues(Entry, frozen=True):
    """How many operations may wait for one system, for how long the first of them, and how many may not have begun yet,
    before new ones are refused. A system that is down, or asks for patience, is asked again after
    `longest_pause_seconds` at the latest."""

    most_waiting: Annotated[int, Meta(ge=1, le=1_000_000)] = 1000
    oldest_minutes: Annotated[int, Meta(ge=1, le=60 * 24 * 7)] = 240
    most_unstarted: Annotated[int, Meta(ge=1, le=1_000_000)] = 5000
    longest_pause_seconds: Annotated[float, Meta(ge=1, le=900)] = 60.0


class World(Entry, frozen=True):
    """What surrounds this gateway. `environment` says which kind of process may use the file.

    `browser_origins` are the web pages (`https://portal.example`) whose scripts may call; none, unless named.
    `audit_kept_days` is how long the audit is kept: at least as long as the law asks for order documents.
    """

    environment: Literal["sandbox", "production"]
    audience: Text
    issuers: Annotated[tuple[Issuer, ...], Meta(min_length=1)]
    systems: Systems
    plants: Annotated[tuple[PlantEntry, ...], Meta(min_length=1)]
    default_plant: Name
    sales_area: SalesAreaEntry
    clients: Annotated[tuple[ClientEntry, ...], Meta(min_length=1)]
    limits: Limits = Limits()
    plans: dict[Name, PlanEntry] = {}
    audit_kept_days: Annotated[int, Meta(ge=1, le=36_500)] = 3_650
    browser_origins: tuple[Annotated[str, Meta(pattern=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$")], ...] = ()
    references: References = References()
    queues: Queues = Queues()
    credentials: Credentials = Credentials()
    retention: RetentionEntry = RetentionEntry()
