"""The words of a conversion: what a caller agrees to, and what is kept of it (contract: `order-conversions`)."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from process_apis.words import Word
from system_apis.salesforce.models import Quote

KIND = "quoteToOrder"
PRINTABLE = r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$(?!\n)"
"""No control characters, no blanks at either end; Python's `$` alone would let a last line break through."""
LONGEST_PO = 35
"""The customer's purchase order number, as long as the ERP's field for it."""
MOST_LINES = 100


class Acceptance(Word, frozen=True):
    """Which part of the lines must be orderable. `minimumPercent` counts lines and belongs to `validLinesMin`."""

    mode: Literal["allOrNothing", "validLines", "validLinesMin"] = "allOrNothing"
    minimum_percent: Annotated[int, Meta(ge=1, le=100)] | None = None


class PricePolicy(Word, frozen=True):
    """How far the ERP's net price of a line may be from the quoted one, and what happens beyond that.

    `hold` asks the caller for a decision; `useErp` orders at the ERP's price and says so.
    """

    tolerance_percent: Annotated[str, Meta(max_length=8, pattern=r"^[0-9]{1,3}(\.[0-9]{1,4})?$", examples=["2.5"])] = (
        "5"
    )
    on_mismatch: Literal["reject", "useErp", "hold"] = "reject"

    @property
    def tolerance(self) -> Decimal:
        return Decimal(self.tolerance_percent)


class ChosenLine(Word, frozen=True):
    """A line of the quote, by the CRM's record id."""

    line_id: Annotated[str, Meta(min_length=1, max_length=64)]


class ConversionRequest(Word, frozen=True):
    """Turn an approved quote, or some of its lines, into exactly one order.

    `customerPo` is the customer's purchase order number. `onLate` says what a line is worth that comes late or short:
    taken as it is, proposed to the caller first, or refused. `promiseToken` is the promise shown to the customer.
    """

    customer_po: Annotated[str, Meta(min_length=1, max_length=LONGEST_PO, pattern=PRINTABLE, examples=["PO-4711"])]
    quote_version: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    lines: Annotated[tuple[ChosenLine, ...], Meta(min_length=1, extra_json_schema={"maxItems": MOST_LINES})] | None = (
        None
    )
    acceptance: Acceptance = Acceptance()
    on_late: Literal["accept", "propose", "reject"] = "propose"
    price_policy: PricePolicy = PricePolicy()
    credit_policy: Literal["reject", "createOnHold"] = "reject"
    promise_token: Annotated[str, Meta(min_length=1, max_length=120_000)] | None = None


class DecisionRequest(Word, frozen=True):
    """The answer to a proposal: take it as the operation shows it, or leave it."""

    decision: Literal["accept", "reject"]


class CancelRequest(Word, frozen=True):
    """A wish to stop before there is an order."""

    reason: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


class Terms(Struct, frozen=True):
    """What was agreed when we said 202: the request and the chosen lines of the quote as they stood then."""

    request: ConversionRequest
    quote: Quote
