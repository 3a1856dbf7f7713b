"""What operators read of the systems: the same words as everywhere, each answer with where and when it was read."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta

from process_apis.exceptions import SourceMessage
from process_apis.provenance import System
from process_apis.words import Instant, Money, Quantity, UnitCode, View, Word

Material = Annotated[str, Meta(min_length=1, max_length=40, description="The ERP's material number.")]
PlantName = Annotated[str, Meta(min_length=1, max_length=64, description="The plant, by the ERP's id.")]
Amount = Annotated[
    str,
    Meta(max_length=24, pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$(?!\n)", description="How much, in `unit`: a decimal."),
]


class AvailabilityQuery(Word, frozen=True):
    material: Material
    plant: PlantName
    quantity: Amount
    unit: UnitCode
    requested_date: Annotated[date, Meta(description="For which day.")]


class StockQuery(Word, frozen=True):
    material: Material
    plant: PlantName


class Origin(View, frozen=True):
    """Which system said so, through which of its interfaces, and when we asked."""

    system: System
    instance: str
    api: str
    fetched_at: Instant


class LastError(View, frozen=True):
    """The last question that came to nothing: what was asked and the name of the failure (`SystemTimeout`)."""

    operation: str
    failure: str
    occurred_at: Instant


class Breaker(View, frozen=True):
    """A question that is not asked for now, because it failed too often: `open`, or `halfOpen` while one tries."""

    operation: str
    state: str


class DriftFinding(View, frozen=True):
    """A difference between what a system serves and what we use of it; `detail` says what to mend there."""

    kind: str
    entity: str
    field: str | None
    detail: str


class DriftState(View, frozen=True):
    """What the last comparison of the system with what we use of it found; `unread` says why there was none."""

    checked_at: Instant
    findings: tuple[DriftFinding, ...]
    unread: str | None


class SystemState(View, frozen=True):
    """One instance. `reason` names the failure of the question just asked, `lastErrorAt` and the like look back."""

    system: System
    instance: str
    state: Literal["up", "down"]
    reason: str | None
    round_trip_ms: int
    checked_at: Instant
    last_answer_at: Instant | None
    last_error: LastError | None
    breakers: tuple[Breaker, ...]
    drift: DriftState | None


class SystemList(View, frozen=True):
    """Every instance of the configuration, in its order."""

    systems: tuple[SystemState, ...]


class ErpConfirmation(View, frozen=True):
    """A schedule line: wished for `requestedDate`, confirmed for `confirmedDate` (null: nothing is confirmed)."""

    requested_date: date
    confirmed_date: date | None
    ordered: Quantity
    confirmed: Quantity


class ErpItem(View, frozen=True):
    item: str
    material: str
    plant: str
    quantity: Quantity
    net_amount: Money
    rejection_reason: str | None
    delivery_status: str
    schedule: tuple[ErpConfirmation, ...]


class ErpOrder(View, frozen=True):
    """An order as the ERP holds it, whoever made it. `reference` is the operation that did, if it was made here."""

    source: Origin
    number: str
    version: str
    reference: str | None
    customer_po: str | None
    sold_to: str
    requested_date: date | None
    net_amount: Money
    credit: str
    delivery_block: str | None
    billing_block: str | None
    delivery_status: str
    changed_at: Instant
    items: tuple[ErpItem, ...]


class ErpStock(View, frozen=True):
    """What lies at the plant unrestricted, in the material's base unit. It says nothing about who needs it."""

    source: Origin
    material: str
    plant: str
    quantity: Quantity


class ErpAvailability(View, frozen=True):
    """What the ERP's availability check can promise, in the material's base unit. Reserves nothing.

    `completeAt` is when all of it can be there (null: not within the ERP's horizon). With `refused` the ERP would not
    say, and the rest is null.
    """

    source: Origin
    material: str
    plant: str
    asked: Quantity | None
    available: Quantity | None
    complete_at: Instant | None
    refused: SourceMessage | None


class CrmQuoteLine(View, frozen=True):
    line_id: str
    number: str
    material: str
    quantity: Quantity
    unit_price: Money | None
    requested_date: date | None
    plant: str | None


class CrmQuote(View, frozen=True):
    """A quote as the CRM holds it."""

    source: Origin
    quote_id: str
    number: str
    name: str
    state: str
    version: str
    customer: str
    expires_date: date | None
    order_number: str | None
    modified_at: Instant
    lines: tuple[CrmQuoteLine, ...]


class PlannedLine(View, frozen=True):
    """Capacity held for a line, finished on a day."""

    line_id: str
    material: str
    quantity: Quantity
    planned_date: date
    work_centre: str | None


class HeldCapacity(View, frozen=True):
    """All the plan holds for an order. `version` moves with each change of it, `planVersion` with each of the plan."""

    source: Origin
    order_reference: str
    plant: str
    plan_version: str
    horizon_end_date: date | None
    version: str
    scenario_id: str | None
    lines: tuple[PlannedLine, ...]
