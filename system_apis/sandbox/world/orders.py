"""A sales order as the ERP keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

Value = str | bool | int | Decimal | date | datetime | None


@dataclass
class ScheduleLine:
    """Line 1 carries the whole ordered quantity, later ones none; `day` is None where nothing is confirmed."""

    number: str
    ordered: Decimal
    confirmed: Decimal
    day: date | None


@dataclass
class Item:
    """An order item. Quantities are in `unit` (SAP's internal code); `rejection` is empty while the item lives."""

    number: str
    material: str
    plant: str
    quantity: Decimal
    unit: str
    requested: date
    rejection: str = ""
    net: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    delivered: Decimal = Decimal(0)
    """What has left the plant; it is confirmed in the first schedule line."""
    schedule: list[ScheduleLine] = field(default_factory=list)
    other: dict[str, Value] = field(default_factory=dict)
    """Fields that the ERP only keeps, by their OData names."""

    @property
    def confirmed(self) -> Decimal:
        return sum((line.confirmed for line in self.schedule), Decimal(0))

    @property
    def confirmed_on(self) -> date | None:
        """The day by which all that is confirmed will have arrived; none if nothing is."""
        return max((line.day for line in self.schedule if line.day), default=None)

    @property
    def delivery_status(self) -> str:
        """SAP's: not relevant, A nothing, B partly, C complete."""
        if self.rejection:
            return ""
        return "A" if not self.delivered else "B" if self.delivered < self.quantity else "C"


@dataclass
class Order:
    """A sales order; amounts in USD, `changed_at` is the version."""

    number: str
    customer: str
    requested: date
    created: date
    changed_at: datetime
    items: dict[str, Item] = field(default_factory=dict)
    partners: dict[str, str] = field(default_factory=dict)
    """Partner function (SP, SH, BP, PY) to customer."""
    credit: str = ""
    other: dict[str, Value] = field(default_factory=dict)
    created_by: str = "SANDBOX"

    @property
    def living(self) -> list[Item]:
        return [item for item in self.items.values() if not item.rejection]

    @property
    def net(self) -> Decimal:
        return sum((item.net for item in self.living), Decimal(0))
