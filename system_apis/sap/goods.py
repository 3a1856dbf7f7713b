"""What the ERP knows beside its orders: materials and their units, plants, customers, stock, and what is on its way.

All of it is read and none of it is ours: asked when needed, never stored. Units are UN/ECE Rec 20 codes.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_UP, Decimal
from typing import Literal, NamedTuple

from msgspec import Struct

from system_apis.sap.models import Progress, SourceMessage

_SMALLEST = Decimal("0.001")
"""Quantities of documents have three decimals in the ERP."""


class AvailabilityQuestion(Struct, frozen=True):
    """How much of a material a plant can promise for `wanted_at`, and when all of `quantity`."""

    line_id: str
    material: str
    plant: str
    quantity: Decimal
    unit: str
    wanted_at: datetime


class Availability(Struct, frozen=True):
    """The answer to one question, in the material's **base unit** (`unit`), as `asked` is too.

    `available` is what can be promised for the moment asked, `complete_at` when all of it can (None: not within the
    ERP's horizon). It reserves nothing and knows neither price nor customer. With `refused` the rest is empty.
    """

    line_id: str
    material: str
    plant: str
    unit: str = ""
    asked: Decimal = Decimal(0)
    available: Decimal = Decimal(0)
    complete_at: datetime | None = None
    refused: SourceMessage | None = None


class AvailablePeriod(Struct, frozen=True):
    """From `since` until before `until` (None: open end) this much can be promised, in base units."""

    since: datetime
    until: datetime | None
    available: Decimal
    unit: str


class Levels(Struct, frozen=True):
    """What can be promised over time, in the order the ERP gave. `fetched_at` is our clock's: SAP states no time."""

    periods: tuple[AvailablePeriod, ...]
    fetched_at: datetime


class UnitRatio(Struct, frozen=True):
    """`denominator` of `unit` are `numerator` of the base unit: a carton of twelve is 12 to 1."""

    unit: str
    numerator: Decimal
    denominator: Decimal


class Product(Struct, frozen=True):
    """A material. `status` is the ERP's cross-plant status, empty while it may be used everywhere.

    `configurable`: it is sold configured, which the ERP's published order API does not carry (see `Predecessor`).
    """

    material: str
    base_unit: str
    ratios: tuple[UnitRatio, ...]
    status: str
    configurable: bool
    deleted: bool

    def in_base_units(self, quantity: Decimal, unit: str) -> Decimal | None:
        """As much as that in base units, never less; None if the material is not kept in this unit."""
        if unit == self.base_unit:
            return quantity
        for ratio in self.ratios:
            if ratio.unit == unit:
                return (quantity * ratio.numerator / ratio.denominator).quantize(_SMALLEST, ROUND_UP)
        return None


class PlantData(Struct, frozen=True):
    """A material at one plant: whether it is made there, and how long it takes to get more (working days)."""

    material: str
    plant: str
    base_unit: str
    made_here: bool
    bought: bool
    status: str
    deleted: bool
    replenishment_days: int
    delivery_days: int
    smallest_lot: Decimal
    availability_group: str


class Place(NamedTuple):
    """A material at a plant."""

    material: str
    plant: str


class Master(Struct, frozen=True):
    """A material, and what one plant says of it. `fetched_at` is our clock's."""

    product: Product
    there: PlantData
    fetched_at: datetime


class SoldAs(Struct, frozen=True):
    """How a material is sold: orders count in `unit`, with so many `decimals`. `minimum` is the least that is sold, in
    base units; 0 is none."""

    product: Product
    unit: str
    minimum: Decimal
    decimals: int


BillUsage = Literal["production", "sales", "universal", "other"]


class BillOfMaterial(Struct, frozen=True):
    """A bill of material of a material at a plant, and when it is in force. A `sales` bill is what is sold as one: the
    bundle. `revision` is empty where bills are not kept in revisions."""

    usage: BillUsage
    revision: str
    active: bool
    valid_from: date
    valid_until: date


class Routing(Struct, frozen=True):
    """How a material is made at a plant, operation by operation, and when that is in force."""

    revision: str
    released: bool
    valid_from: date
    valid_until: date


class Customer(Struct, frozen=True):
    """A customer in one sales area. A block is the ERP's reason code, of the customer or of the area; empty is none."""

    number: str
    name: str
    order_block: str
    delivery_block: str
    billing_block: str
    currency: str
    plant: str
    ship_tos: tuple[str, ...]


class Stock(Struct, frozen=True):
    """What lies at a plant, unrestricted and nobody's in particular, in base units. `fetched_at` is our clock's."""

    material: str
    plant: str
    quantity: Decimal
    unit: str
    fetched_at: datetime


ProductionState = Literal["created", "released", "started", "finished", "deleted"]


class ProductionOrder(Struct, frozen=True):
    """An order to make something for an item of a sales order. Once `started`, what is made is made."""

    number: str
    order: str
    item: str
    material: str
    plant: str
    quantity: Decimal
    made: Decimal
    unit: str
    state: ProductionState
    scheduled_end: date | None


class DeliveryItem(Struct, frozen=True):
    """What a delivery takes of one item of the sales order. `issued`: it has left the house."""

    item: str
    material: str
    quantity: Decimal
    unit: str
    picking: Progress
    issued: Progress


class Delivery(Struct, frozen=True):
    """An outbound delivery of a sales order. `issued_date` is the day it left, None while it has not."""

    number: str
    block: str
    planned_date: date | None
    issued_date: date | None
    delivery_date: date | None
    items: tuple[DeliveryItem, ...]
