"""The words of an availability check: what is asked, and what is promised (contract: `POST /v1/atp-checks`)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, field

from process_apis.disclosure import PartnerException, PlantId, PublicPlantName
from process_apis.exceptions import ExceptionView
from process_apis.provenance import AnswerWarning, InternalSource, SourceView
from process_apis.words import AskedQuantity, Instant, Quantity, View, Word

MOST_LINES = 100

Ident = Annotated[str, Meta(min_length=1, max_length=64)]
LineStatus = Literal[
    "confirmed",
    "confirmedLate",
    "partiallyConfirmed",
    "substituted",
    "backordered",
    "datePending",
    "unavailable",
    "rejected",
    "unknown",
]
Supply = Literal["onHand", "inbound", "plannedOrder", "production", "leadTime"]
Firmness = Literal["reserved", "committed", "unreserved", "simulated", "estimated"]
Confidence = Literal["firm", "high", "medium", "low"]
AlternativeKind = Literal["laterDate", "split", "alternativePlant"]
DateBasis = Literal["delivery", "ship"]
Purpose = Literal["browse", "quote", "order", "orderChange"]
Mode = Literal["atp", "ctp", "atpThenCtp"]
ConfirmationRule = Literal["proposal", "complete", "oneTime"]


class PartyRef(Word, frozen=True):
    """A business partner, by the ERP's number or by the CRM's record id."""

    id: Ident
    scheme: Literal["erp", "crm"] = "erp"


class ProductRef(Word, frozen=True):
    """A product, by the ERP's material number or by one of the names others have for it."""

    id: Ident
    scheme: Literal["erp", "sku", "gtin", "customerPart"] = "erp"


class AskedSalesArea(Word, frozen=True):
    """The ERP's sales area; left out, the configured one."""

    sales_organization: Ident
    distribution_channel: Ident
    division: Ident


class Allowances(Word, frozen=True):
    """What the caller would accept besides the line as asked."""

    split_dates: bool = True
    alternative_plants: bool = False
    substitutes: bool = False


class ConfigurationRef(Word, frozen=True):
    """A variant configuration and the revision it was valid in."""

    id: Ident
    revision: Ident | None = None


class OrderItemRef(Word, frozen=True):
    """The order item a line is about to change: its own confirmation is given back before the check."""

    order_id: Ident
    item_id: Ident | None = None


class AtpLine(Word, frozen=True):
    """A line to check. `requestedDate` is the day of arrival at the customer, or of leaving if `dateBasis` says so."""

    line_id: Ident
    product: ProductRef
    quantity: AskedQuantity
    requested_date: date
    plant: Ident | None = None
    configuration_ref: ConfigurationRef | None = None
    order_ref: OrderItemRef | None = None


class AtpCheckRequest(Word, frozen=True):
    """Can these lines be promised, when, and how sure are we? Reserves nothing and stores nothing.

    `purpose` chooses how the ERP is asked; only `browse` may be answered from what was read shortly before.
    `maxStalenessSeconds` is how old an answer may be at most; 0 asks anew, and on your own.
    """

    lines: Annotated[tuple[AtpLine, ...], Meta(min_length=1, extra_json_schema={"maxItems": MOST_LINES})]
    sold_to: PartyRef | None = None
    ship_to: PartyRef | None = None
    sales_area: AskedSalesArea | None = None
    purpose: Purpose = "quote"
    mode: Mode = "atpThenCtp"
    date_basis: DateBasis = "delivery"
    confirmation_rule: ConfirmationRule = "proposal"
    allow: Allowances = Allowances()
    max_staleness_seconds: Annotated[int, Meta(ge=0)] | None = None
    deadline_ms: Annotated[int, Meta(ge=100, le=30_000)] = 5_000


class Requested(View, frozen=True):
    """The line as it was asked, in the unit that was asked."""

    quantity: Quantity
    requested_date: date
    date_basis: DateBasis


class UomConversion(View, frozen=True):
    """How the asked unit was turned into the ERP's base unit: `denominator` of `from` are `numerator` of `to`. What is
    needed was rounded up, what is supplied down."""

    from_unit: str = field(name="from")
    to_unit: str = field(name="to")
    numerator: Decimal
    denominator: Decimal


class ScheduleView(View, frozen=True):
    """A part of the quantity on a day. `source` is the id of an entry of `sources`; `shipDate` is the day it leaves the
    plant, null where that is not known."""

    quantity: Quantity
    ship_date: date | None
    delivery_date: date
    supply: Supply
    firmness: Firmness
    confidence: Confidence
    source: str


class InternalSchedule(ScheduleView, frozen=True):
    """A part of the quantity on a day, with the plant's own id."""

    plant: PlantId


class PartnerSchedule(ScheduleView, frozen=True):
    """A part of the quantity on a day, with the plant's public name."""

    plant: PublicPlantName


class PartnerFactor(View, frozen=True):
    """Why a line is late or short, without naming what in the plant limits it."""

    code: Literal["material", "capacity"]
    message: str


class InternalFactor(PartnerFactor, frozen=True):
    """Why a line is late or short: `ref` is the material or the work centre that limits it."""

    ref: str
    plant: PlantId


class AlternativeView(View, frozen=True):
    rank: int
    kind: AlternativeKind
    summary: str


class InternalAlternative(AlternativeView, frozen=True):
    """Another way to deliver the line; 1 is the best `rank`."""

    schedule: tuple[InternalSchedule, ...]


class PartnerAlternative(AlternativeView, frozen=True):
    """Another way to deliver the line; 1 is the best `rank`."""

    schedule: tuple[PartnerSchedule, ...]


class LineView(View, frozen=True):
    """What can be promised for a line. Where a source is silent, quantities are null: unknown is not zero.

    `fillRate` is the share that arrives on or before the requested date, 0 to 1. `substitute` is the material that
    would be delivered in place of the one asked. Estimated parts of the schedule are not counted as confirmed.
    """

    line_id: str
    status: LineStatus
    requested: Requested
    confirmed_quantity: Quantity | None
    on_time_quantity: Quantity | None
    unconfirmed_quantity: Quantity | None
    fill_rate: Decimal | None
    uom_conversion: UomConversion | None
    substitute: str | None


class InternalLine(LineView, frozen=True):
    """What can be promised for a line. Null quantities are unknown, because a source is silent; unknown is not zero."""

    schedule: tuple[InternalSchedule, ...]
    limiting_factors: tuple[InternalFactor, ...]
    alternatives: tuple[InternalAlternative, ...]
    exceptions: tuple[ExceptionView, ...]


class PartnerLine(LineView, frozen=True):
    """What can be promised for a line. Null quantities are unknown, because a source is silent; unknown is not zero."""

    schedule: tuple[PartnerSchedule, ...]
    limiting_factors: tuple[PartnerFactor, ...]
    alternatives: tuple[PartnerAlternative, ...]
    exceptions: tuple[PartnerException, ...]


class PromiseView(View, frozen=True):
    """The head of an answer. `promiseToken` proves later what was promised here, past `validUntil` too."""

    check_id: str
    promise_token: str
    status: Literal["complete", "degraded", "rejected"]
    computed_at: Instant
    valid_until: Instant
    warnings: tuple[AnswerWarning, ...]


class InternalPromise(PromiseView, frozen=True):
    """A promise with everything behind it, for clients of disclosure `internal`."""

    lines: tuple[InternalLine, ...]
    sources: tuple[InternalSource, ...]


class PartnerPromise(PromiseView, frozen=True):
    """A promise as a partner reads it: dates and own quantities, no stock levels, no work centres."""

    lines: tuple[PartnerLine, ...]
    sources: tuple[SourceView, ...]


Promise = InternalPromise | PartnerPromise
