"""The words of a conversion: what a caller agrees to, and what is kept of it (contract: `order-conversions`)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from process_apis.atp.models import PartyRef, ProductRef
from process_apis.atp.token import PromiseFact
from process_apis.words import AskedQuantity, Word
from system_apis.salesforce.models import Quote

KIND = "quoteToOrder"
PRINTABLE = r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$(?!\n)"
"""No control characters, no blanks at either end; Python's `$` alone would let a last line break through."""
LONGEST_PO = 35
"""The customer's purchase order number, as long as the ERP's field for it."""
MOST_LINES = 100


Revision = Annotated[str, Meta(min_length=1, max_length=20)]


class Acceptance(Word, frozen=True):
    """Which part of the lines must be orderable. `minimumPercent` counts lines and belongs to `validLinesMin`."""

    mode: Literal["allOrNothing", "validLines", "validLinesMin"] = "allOrNothing"
    minimum_percent: Annotated[int, Meta(ge=1, le=100)] | None = None


class PricePolicy(Word, frozen=True):
    """How far the ERP's net price of a line may be from the quoted one, and what happens beyond that.

    `hold` asks the caller for a decision; `useErp` orders at the ERP's price and says so.
    """

    tolerance_percent: Annotated[
        str, Meta(max_length=8, pattern=r"^[0-9]{1,3}(\.[0-9]{1,4})?$(?!\n)", examples=["2.5"])
    ] = "5"
    on_mismatch: Literal["reject", "useErp", "hold"] = "reject"

    @property
    def tolerance(self) -> Decimal:
        return Decimal(self.tolerance_percent)


class ChosenLine(Word, frozen=True):
    """A line of the quote, by the CRM's record id."""

    line_id: Annotated[str, Meta(min_length=1, max_length=64)]


class Agreed(Word, frozen=True, kw_only=True):
    """What a caller agrees to, wherever the quote comes from.

    `customerPo` is the customer's purchase order number. `onLate` says what a line is worth that comes late or short:
    taken as it is, proposed to the caller first, or refused. `promiseToken` is the promise shown to the customer.
    """

    customer_po: Annotated[str, Meta(min_length=1, max_length=LONGEST_PO, pattern=PRINTABLE, examples=["PO-4711"])]
    acceptance: Acceptance = Acceptance()
    on_late: Literal["accept", "propose", "reject"] = "propose"
    price_policy: PricePolicy = PricePolicy()
    credit_policy: Literal["reject", "createOnHold"] = "reject"
    promise_token: Annotated[str, Meta(min_length=1, max_length=120_000)] | None = None


class ConversionRequest(Agreed, frozen=True, kw_only=True):
    """Turn an approved quote, or some of its lines, into exactly one order.

    `customerPo` is the customer's purchase order number. `onLate` says what a line is worth that comes late or short:
    taken as it is, proposed to the caller first, or refused. `promiseToken` is the promise shown to the customer.
    """

    quote_version: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    lines: Annotated[tuple[ChosenLine, ...], Meta(min_length=1, extra_json_schema={"maxItems": MOST_LINES})] | None = (
        None
    )


class ConfiguredAs(Word, frozen=True):
    """What a configured line was configured as, and the revisions of bundle, bill of material and routing that were
    current then. One that is out of date makes no order."""

    id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    bundle_revision: Revision | None = None
    bom_revision: Revision | None = None
    routing_revision: Revision | None = None


class InlineLine(Word, frozen=True, kw_only=True):
    """A line of a quote that comes with the call. `unitPrice` is net, per unit of `quantity`; without it the ERP's
    price is taken, whatever it is. Without a `requestedDate` the line is wanted as soon as possible."""

    line_id: Annotated[str, Meta(min_length=1, max_length=64, pattern=PRINTABLE)]
    product: ProductRef
    quantity: AskedQuantity
    requested_date: date | None = None
    plant: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    unit_price: (
        Annotated[str, Meta(max_length=24, pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$(?!\n)", examples=["17.50"])] | None
    ) = None
    configuration: ConfiguredAs | None = None


class InlineConversionRequest(Agreed, frozen=True, kw_only=True):
    """Turn a quote that no CRM holds into exactly one order.

    `soldTo` is the customer, `shipTo` who gets the goods if that is somebody else, `currency` that of the prices.
    `quoteNumber` is your own: a line of it becomes an order item once, whatever key the call has. Without one, only the
    Idempotency-Key keeps a repeat from being another order.
    """

    sold_to: PartyRef
    ship_to: PartyRef | None = None
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)", examples=["USD"])]
    quote_number: Annotated[str, Meta(min_length=1, max_length=64, pattern=PRINTABLE)] | None = None
    lines: Annotated[tuple[InlineLine, ...], Meta(min_length=1, extra_json_schema={"maxItems": MOST_LINES})]


class DecisionRequest(Word, frozen=True):
    """The answer to a proposal: take it as the operation shows it, or leave it."""

    decision: Literal["accept", "reject"]


class CancelRequest(Word, frozen=True):
    """A wish to stop before there is an order."""

    reason: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


class Terms(Struct, frozen=True):
    """What was agreed when we said 202: the request and the chosen lines of the quote as they stood then, and the
    promise that was presented with it."""

    request: ConversionRequest
    quote: Quote
    promised: PromiseFact | None = None
