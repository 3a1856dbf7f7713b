"""The world that every system of the sandbox looks at."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from system_apis.sandbox.world.customers import CUSTOMERS, Customer
from system_apis.sandbox.world.documents import Delivery, ProductionOrder, deliveries, orders, production_orders
from system_apis.sandbox.world.materials import MATERIALS, Material
from system_apis.sandbox.world.orders import Order
from system_apis.sandbox.world.plants import PLANTS, Plant
from system_apis.sandbox.world.supply import Place, Receipt, receipts, stock

FIRST_ORDER = 1_000_000_001
"""Where the ERP's number range for orders begins."""


@dataclass
class World:
    """One state for all systems. `today` is the day the world began: supply and quotes are dated from it."""

    today: date
    plants: dict[str, Plant]
    materials: dict[str, Material]
    customers: dict[str, Customer]
    stock: dict[Place, Decimal]
    receipts: list[Receipt]
    orders: dict[str, Order]
    deliveries: list[Delivery]
    production_orders: list[ProductionOrder]
    next_order: int
    last_stamp: datetime

    @classmethod
    def seed(cls, today: date) -> World:
        return cls(
            today=today,
            plants=dict(PLANTS),
            materials=dict(MATERIALS),
            customers=dict(CUSTOMERS),
            stock=stock(),
            receipts=receipts(today),
            orders=orders(today),
            deliveries=deliveries(today),
            production_orders=production_orders(today),
            next_order=FIRST_ORDER,
            last_stamp=datetime.now(UTC),
        )

    def reset(self) -> None:
        """Back to the first day, in place: every system holds on to this very object."""
        fresh = World.seed(self.today)
        for slot in fields(self):
            setattr(self, slot.name, getattr(fresh, slot.name))

    def stamp(self) -> datetime:
        """Now, and later than every stamp before: two changes never share a version."""
        self.last_stamp = max(datetime.now(UTC), self.last_stamp + timedelta(microseconds=1))
        return self.last_stamp
