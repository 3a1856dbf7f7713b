"""The words of an order change: what is wished, what is proposed, what was decided (contract: `change-requests`)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from process_apis.disclosure import PartnerException
from process_apis.exceptions import ExceptionView, Subject
from process_apis.operation_views import WaitingForSystem
from process_apis.operations import WaitingFor
from process_apis.orders.models import ProposedStatus
from process_apis.orders.versions import OrderVersion
from process_apis.words import AskedQuantity, Instant, Money, Quantity, View, Word

MOST_OPERATIONS = 100
HOUR_S, WEEK_S = 3_600, 604_800

Ident = Annotated[str, Meta(min_length=1, max_length=64)]
OperationType = Literal[
    "addLine", "cancelLine", "increaseQuantity", "decreaseQuantity", "changeDate", "replaceItem", "cancelOrder"
]
State = Literal[
    "received",
    "simulating",
    "proposed",
    "accepted",
    "committing",
    "committed",
    "partiallyCommitted",
    "rejected",
    "withdrawn",
    "expired",
    "actionRequired",
    "failed",
]
TRANSITIONS: dict[State, frozenset[State]] = {
    "received": frozenset({"simulating", "proposed", "committing"}),
    "simulating": frozenset({"proposed", "failed"}),
    "proposed": frozenset({"accepted", "committing", "rejected", "withdrawn", "expired"}),
    "accepted": frozenset({"committing"}),
    # back to a proposal while the ERP is untouched, forward only afterwards
    "committing": frozenset({"proposed", "committed", "partiallyCommitted", "actionRequired", "failed"}),
    "actionRequired": frozenset({"committing", "committed", "partiallyCommitted", "failed"}),
    "committed": frozenset(),
    "partiallyCommitted": frozenset(),
    "rejected": frozenset(),
    "withdrawn": frozenset(),
    "expired": frozenset(),
    "failed": frozenset(),
}
"""The one table of what may follow what."""

ENDED: frozenset[State] = frozenset(state for state, following in TRANSITIONS.items() if not following)
MOVING: frozenset[State] = frozenset({"received", "simulating", "accepted", "committing"})
"""These change by themselves: looking again is worth it."""


class ChangeOperation(Word, frozen=True):
    """One wish. `lineId` is the item's number, or the id of the line it was made of.

    `newQuantity` and `newDate` are what the item is to have afterwards, never a difference: the same wish twice is
    the same wish.
    """

    type: OperationType
    line_id: Ident | None = None
    new_quantity: AskedQuantity | None = None
    new_date: date | None = None


class ChangeRequestBody(Word, frozen=True):
    """What the order is to become. `commitIfClean` accepts by itself what costs no promise and comes in time."""

    operations: Annotated[
        tuple[ChangeOperation, ...], Meta(min_length=1, extra_json_schema={"maxItems": MOST_OPERATIONS})
    ]
    reason: Annotated[str, Meta(max_length=255)] | None = None
    mode: Literal["simulate", "commitIfClean"] = "simulate"
    expires_in_seconds: Annotated[int, Meta(ge=60, le=WEEK_S)] = HOUR_S


class ChangeDecision(Word, frozen=True):
    """The answer to a proposal. `reject` says no to it; `withdraw` takes the wish itself back."""

    decision: Literal["accept", "acceptAlternative", "reject", "withdraw"]
    alternative_id: Ident | None = None
    reason: Annotated[str, Meta(max_length=255)] | None = None


class DatedQuantity(View, frozen=True):
    """A part of a line on a day; `source` is the system that says so."""

    quantity: Quantity
    delivery_date: date
    source: Literal["erp", "scheduler"]


class LineWish(View, frozen=True):
    """How much by when; zero is a cancelled line."""

    quantity: Quantity
    requested_date: date | None


class LineStand(View, frozen=True):
    """What is, or would be, confirmed for a line."""

    status: ProposedStatus
    confirmed_quantity: Quantity
    unconfirmed_quantity: Quantity
    schedule: tuple[DatedQuantity, ...]


class LineProposal(View, frozen=True):
    """A line that is to change. `lost` is the confirmation given up: what is held on a day now and would not be held
    by that day any more. `daysLater` is how much later the last piece comes (negative: earlier)."""

    line_id: str
    item_id: str
    product: str
    current_wish: LineWish
    current: LineStand
    requested: LineWish
    proposed: LineStand
    lost: tuple[DatedQuantity, ...]
    days_later: int | None


class Proposal(View, frozen=True):
    """What the systems say to the wish. `clean`: accepting it breaks no promise, and all of it comes in time.

    `acceptable` is false while an exception blocks it. `netChange` is the change of the order's net value.
    """

    lines: tuple[LineProposal, ...]
    net_change: Money
    clean: bool
    acceptable: bool
    simulated_at: Instant


class Conflict(View, frozen=True):
    """Why an accepted proposal was not committed: what had moved meanwhile."""

    system: str
    detail: str


class ChangeRequestView(View, frozen=True):
    """A change request. A decision names `etag`, and so the revision of the proposal that its maker has read."""

    change_request_id: str
    href: str
    etag: str
    order_id: str
    order_href: str
    state: State
    revision: int
    operations: tuple[ChangeOperation, ...]
    reason: str | None
    mode: Literal["simulate", "commitIfClean"]
    based_on: str
    proposal: Proposal
    conflicts: tuple[Conflict, ...]
    decision: str | None
    expires_at: Instant
    created_at: Instant
    updated_at: Instant
    correlation_id: str
    retry_after_seconds: int | None


class InternalChangeRequest(ChangeRequestView, frozen=True):
    """A change request with the names of our instances."""

    waiting_for: WaitingFor | None
    exceptions: tuple[ExceptionView, ...]


class PartnerChangeRequest(ChangeRequestView, frozen=True):
    """A change request as a partner reads it: no instance names."""

    waiting_for: WaitingForSystem | None
    exceptions: tuple[PartnerException, ...]


class ChangeRequest(Struct, frozen=True):
    """A change request as it stands in our table."""

    change_request_id: str
    order_id: str
    open_order_id: str | None
    state: State
    waiting_for: WaitingFor | None
    retry_at: datetime | None
    revision: int
    version: int
    executor: str | None
    client_id: str
    customer: str
    wish: ChangeRequestBody
    based_on: OrderVersion
    proposal: Proposal
    conflicts: tuple[Conflict, ...]
    exceptions: tuple[ExceptionView, ...]
    decision: str | None
    correlation_id: str
    traceparent: str | None
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    run: int = 1
    takeovers: int = 0

    @property
    def etag(self) -> str:
        return f'"{self.change_request_id}-{self.version}"'

    @property
    def subject(self) -> Subject:
        """What its exceptions are about."""
        return Subject(
            "changeRequest",
            self.change_request_id,
            self.customer,
            self.correlation_id,
            self.traceparent,
            self.order_id,
        )

    @property
    def run_id(self) -> str:
        """The commit of this very revision: a later revision is another run."""
        return f"{self.change_request_id}.{self.revision}"
