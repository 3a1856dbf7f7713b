"""Operations: what a durable process is, the states it can be in, and what a client reads of it.

Our own table is the truth that every GET reads; the durable engine only executes.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from process_apis.conversions import LineConversion
from process_apis.exceptions import ExceptionView, Subject
from process_apis.promises import PromiseOutcome
from process_apis.words import Instant, Money, Quantity, View

State = Literal[
    "received",
    "validating",
    "awaitingDecision",
    "creatingOrder",
    "scheduling",
    "writingBack",
    "completed",
    "completedWithExceptions",
    "rejected",
    "cancelled",
    "expired",
    "actionRequired",
    "failed",
]

TRANSITIONS: dict[State, frozenset[State]] = {
    "received": frozenset({"validating", "cancelled", "failed"}),
    "validating": frozenset({"awaitingDecision", "creatingOrder", "writingBack", "cancelled", "failed"}),
    "awaitingDecision": frozenset({"validating", "writingBack", "cancelled", "failed"}),
    # from here on there may be an order: nothing is undone, everything goes forward
    "creatingOrder": frozenset({"scheduling", "writingBack", "actionRequired"}),
    "scheduling": frozenset({"writingBack", "actionRequired"}),
    # a rejected or expired conversion is written back too: the CRM learns why
    "writingBack": frozenset({"completed", "completedWithExceptions", "rejected", "expired", "actionRequired"}),
    # an operator has it tried again, or knows that the rest was done elsewhere
    "actionRequired": frozenset({"creatingOrder", "scheduling", "writingBack", "completedWithExceptions", "failed"}),
    "completed": frozenset(),
    "completedWithExceptions": frozenset(),
    "rejected": frozenset(),
    "cancelled": frozenset(),
    "expired": frozenset(),
    "failed": frozenset(),
}
"""The one table of what may follow what."""

ENDED: frozenset[State] = frozenset(state for state, following in TRANSITIONS.items() if not following)
AT_REST: frozenset[State] = ENDED | {"awaitingDecision", "actionRequired"}
"""Nothing moves in these until somebody decides: waiting longer brings nothing."""
CANCELLABLE: frozenset[State] = frozenset(state for state in TRANSITIONS if "cancelled" in TRANSITIONS[state])
"""Before the pivot: no order can exist yet."""


def before(state: State) -> frozenset[State]:
    """The states from which `state` may be entered."""
    return frozenset(origin for origin, following in TRANSITIONS.items() if state in following)


WaitingReason = Literal["unavailable", "maintenance"]
"""`unavailable`: it does not answer, or not now. `maintenance`: a window that was agreed on; it is left in peace."""


class WaitingFor(View, frozen=True):
    """The neighbour that is down or busy, beside the state. Nothing is lost: it is asked again by itself.

    `endsAt` is the end of a maintenance window.
    """

    system: str
    instance: str
    since: Instant
    state: str = "waitingForSystem"
    reason: WaitingReason = "unavailable"
    ends_at: Instant | None = None


class SchedulePiece(View, frozen=True):
    """A part of a line on a day; `source` is the system that says so (`erp` or `scheduler`)."""

    quantity: Quantity
    delivery_date: date
    source: str


LineState = Literal["open", "confirmed", "confirmedLate", "partiallyConfirmed", "datePending", "hold", "rejected"]
"""`hold`: ordered, with the days the line would get, but the ERP does not deliver until somebody lifts the hold."""


class OperationLine(View, frozen=True):
    """A line of the conversion. `item` is its ERP order item once there is one; `quoted` and `priced` are net, `tax`
    comes on top of `priced`.

    `requested` is as it was quoted. Where the material is sold in another unit, `ordered` is the quantity in that one,
    which confirmations count in too, and `uomConversion` how it came about.
    """

    line_id: str
    number: str
    product: str
    state: LineState
    requested: Quantity
    requested_date: date
    plant: str
    confirmed_quantity: Quantity
    schedule: tuple[SchedulePiece, ...] = ()
    item: str | None = None
    quoted: Money | None = None
    priced: Money | None = None
    tax: Money | None = None
    ordered: Quantity | None = None
    uom_conversion: LineConversion | None = None


class Step(View, frozen=True):
    """A step of an operation: when, how often, against which system, and how it ended."""

    name: str
    started_at: Instant
    ended_at: Instant | None
    attempts: int
    system: str | None
    outcome: str | None


QuoteSource = Literal["crm", "inline"]


class QuoteRef(View, frozen=True):
    """A quote at one version: of the CRM, or `inline`, which came with the call; its id is the caller's own number
    then, or the operation's where it has none."""

    quote_id: str
    version: str
    source: QuoteSource = "crm"


class Operation(Struct, frozen=True):
    """An operation as it stands in our table. `terms` is what was agreed at the start, as JSON of its process."""

    operation_id: str
    kind: str
    state: State
    waiting_for: WaitingFor | None
    retry_at: datetime | None
    revision: int
    executor: str | None
    client_id: str
    customer: str
    quote_id: str
    quote_version: str
    terms: str
    lines: tuple[OperationLine, ...]
    exceptions: tuple[ExceptionView, ...]
    order_instance: str | None
    order_number: str | None
    decide_by: datetime | None
    decision: str | None
    correlation_id: str
    traceparent: str | None
    created_at: datetime
    updated_at: datetime
    run: int = 1
    takeovers: int = 0
    quote_source: QuoteSource = "crm"
    promise: PromiseOutcome | None = None

    @property
    def etag(self) -> str:
        return f'"{self.operation_id}-{self.revision}"'

    @property
    def subject(self) -> Subject:
        """What its exceptions are about."""
        return Subject(
            "operation",
            self.operation_id,
            self.customer,
            self.correlation_id,
            self.traceparent,
            order_id_of(self),
            {line.line_id: line.plant for line in self.lines},
        )


def href_of(operation_id: str) -> str:
    return f"/v1/operations/{operation_id}"


def order_id_of(operation: Operation) -> str | None:
    """`<erp instance>.<number>`, once there is an order."""
    return f"{operation.order_instance}.{operation.order_number}" if operation.order_number else None


def matches(if_match: str, etag: str) -> bool:
    """RFC 9110 §13.1.1, a list of strong tags. `*` matches nothing here: who decides names what they have seen."""
    return etag in {tag.strip() for tag in if_match.split(",")}
