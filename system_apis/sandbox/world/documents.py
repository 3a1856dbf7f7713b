"""What the ERP held before the first day: an order partly delivered, one delivered, and what follows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from system_apis.sandbox.world.customers import CUSTOMERS, TAX_PERCENT
from system_apis.sandbox.world.materials import MATERIALS
from system_apis.sandbox.world.orders import Item, Order, ScheduleLine

_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Delivery:
    """An outbound delivery; goods issue was on `issued`, or is still to come. `items`: order item to quantity."""

    number: str
    order: str
    planned: date
    issued: date | None
    items: dict[str, Decimal]


@dataclass(frozen=True)
class ProductionOrder:
    """Makes `quantity` for an item of a sales order; `done` is what has been confirmed of it."""

    number: str
    order: str
    item: str
    quantity: Decimal
    done: Decimal
    starts: date
    ends: date


_Line = tuple[str, int, int, int]
"""Material, ordered, delivered, days from today until it is wanted."""
_ORDERS: dict[str, tuple[str, int, tuple[_Line, ...]]] = {
    "90000017": ("17100001", -20, (("TG15", 40, 15, -6), ("TG19", 100, 100, -6), ("FG128", 5, 0, 14))),
    "90000018": ("17100005", -30, (("TG10", 12, 12, -18),)),
}
"""By number: customer, day of entry, lines. All from plant 1710."""


def orders(today: date) -> dict[str, Order]:
    return {number: _order(number, today) for number in _ORDERS}


def deliveries(today: date) -> list[Delivery]:
    """80000101 has left with part of the order, 80000102 with the rest of another, 80000103 is being picked."""
    shipped, picking = today - timedelta(5), today + timedelta(1)
    return [
        Delivery("80000101", "90000017", shipped, shipped, {"10": Decimal(15), "20": Decimal(100)}),
        Delivery("80000102", "90000018", today - timedelta(17), today - timedelta(17), {"10": Decimal(12)}),
        Delivery("80000103", "90000017", picking, None, {"10": Decimal(5)}),
    ]


def production_orders(today: date) -> list[ProductionOrder]:
    starts, ends = today - timedelta(2), today + timedelta(12)
    return [ProductionOrder("1000211", "90000017", "30", Decimal(5), Decimal(2), starts, ends)]


def _order(number: str, today: date) -> Order:
    customer, entered, lines = _ORDERS[number]
    created = today + timedelta(entered)
    order = Order(
        number=number,
        customer=customer,
        requested=today + timedelta(lines[0][3]),
        created=created,
        changed_at=datetime(created.year, created.month, created.day, 9, 30, tzinfo=UTC),
        partners=dict.fromkeys(("SP", "SH", "BP", "PY"), customer),
        credit="A",
        other={"PurchaseOrderByCustomer": f"PO-{number[-3:]}"},
        created_by="SALES01",
    )
    for place, (material, quantity, delivered, days) in enumerate(lines, start=1):
        wanted, made = today + timedelta(days), MATERIALS[material]
        item = Item(str(place * 10), material, "1710", Decimal(quantity), made.base_unit, wanted)
        item.net = (made.price * quantity * (100 - CUSTOMERS[customer].discount_percent) / 100).quantize(_CENT)
        item.tax = (item.net * TAX_PERCENT / 100).quantize(_CENT)
        item.delivered = Decimal(delivered)
        item.schedule = [ScheduleLine("1", item.quantity, item.quantity, wanted)]
        order.items[item.number] = item
    return order
