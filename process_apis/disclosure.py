"""What a client may see, said in types: an internal plant id and a public plant name cannot be mixed up.

`internal` sees everything; `partner` sees dates and its own quantities, plants by their public name, and neither
stock levels nor work centres nor instance names. The answers are two types, so nothing has to be filtered afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NewType

from policies.clients import Client, Disclosure
from process_apis.exceptions import ExceptionState, ExceptionView, Owner, Remedy, Severity
from process_apis.landscape import Landscape, Plant
from process_apis.words import Instant, View

PlantId = NewType("PlantId", str)
PublicPlantName = NewType("PublicPlantName", str)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads an answer: how much is disclosed, and what our plants are called outside."""

    disclosure: Disclosure
    plants: Mapping[str, Plant]


def reader_of(client: Client, landscape: Landscape) -> Reader:
    return Reader(client.disclosure, landscape.plants)


UNNAMED_PLANT = PublicPlantName("other plant")


def public_name(plant: str, plants: Mapping[str, Plant]) -> PublicPlantName:
    """A plant that the configuration does not know keeps its id to itself."""
    known = plants.get(plant)
    return PublicPlantName(known.public_name) if known else UNNAMED_PLANT


class DetectedBySystem(View, frozen=True):
    """The kind of system, not which one of them."""

    system: str


class PartnerException(View, frozen=True):
    """An exception as a partner reads it: no name of our instance, and no word of a neighbour's own. `detail` is ours,
    by the code: what an ERP says in its messages (stock, limits, other orders) is nobody's business outside."""

    exception_id: str
    code: str
    category: str
    severity: Severity
    step: str
    detected_by: DetectedBySystem
    retryable: bool
    blocking: bool
    owner: Owner
    state: ExceptionState
    opened_at: Instant
    due_at: Instant
    correlation_id: str
    detail: str
    line_id: str | None = None
    remediation: tuple[Remedy, ...] = ()


PARTNER_WORDS = {
    "customer-unknown": "the customer is not known to the seller's system",
    "item-unknown": "the item is not known to the seller's system",
    "item-discontinued": "the item is no longer sold",
    "order-refused": "the seller's system does not take the order as it is",
    "item-refused": "the seller's system does not take the line as it is",
    "item-not-at-plant": "the item is not delivered from this plant",
    "uom-invalid": "the item is not sold in this unit",
    "quantity-multiple": "the item is sold in multiples of another quantity",
    "quantity-below-minimum": "the quantity is below the least that is sold",
    "ship-to-invalid": "goods cannot be delivered to this ship-to party",
    "configuration-invalid": "the configuration cannot be made",
    "bom-revision-outdated": "the configuration rests on an outdated revision",
    "routing-outdated": "the configuration rests on an outdated revision",
    "price-mismatch": "the price differs from the one that was quoted",
    "credit-hold": "the order would be held until the seller's credit department releases it",
    "delivery-block": "the delivery is held back for now",
    "approval-hold": "the order waits for the seller's approval",
    "shortage": "there is not enough for the line",
    "backordered": "the line is on back order",
    "capacity-conflict": "the planned capacity is not available any more",
    "date-not-feasible": "the date cannot be kept",
    "substitute-not-allowed": "only another item could be delivered, and no substitute was allowed",
    "version-conflict": "the order has changed in the meantime",
    "mapping-failed": "the quantity could not be understood by all systems",
    "source-unavailable": "a system did not answer, so that the answer is incomplete",
    "write-back-pending": "the result has not reached all systems yet",
}
OTHERWISE = "it is being looked after by the seller"


def for_partner(exception: ExceptionView) -> PartnerException:
    return PartnerException(
        exception_id=exception.exception_id,
        code=exception.code,
        category=exception.category,
        severity=exception.severity,
        step=exception.step,
        detected_by=DetectedBySystem(exception.detected_by.system),
        retryable=exception.retryable,
        blocking=exception.blocking,
        owner=exception.owner,
        state=exception.state,
        opened_at=exception.opened_at,
        due_at=exception.due_at,
        correlation_id=exception.correlation_id,
        detail=PARTNER_WORDS.get(exception.code, OTHERWISE),
        line_id=exception.line_id,
        remediation=exception.remediation,
    )
