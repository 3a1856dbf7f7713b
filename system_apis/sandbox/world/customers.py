"""The customers, with credit, discount and tax."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

TAX_PERCENT = Decimal(8)
"""Output tax, the same for everybody."""


@dataclass(frozen=True)
class Customer:
    """A sold-to party. `exposure` is what is owed and open besides the orders of this world; both in `currency`."""

    number: str
    name: str
    credit_limit: Decimal
    exposure: Decimal = Decimal(0)
    discount_percent: Decimal = Decimal(0)
    currency: str = "USD"


CUSTOMERS = {
    customer.number: customer
    for customer in (
        Customer("17100001", "Northwind Tooling", Decimal(5_000_000), Decimal(12_000), discount_percent=Decimal(3)),
        Customer("17100002", "Southgate Supply", Decimal(2_000_000)),
        Customer("17100003", "Harbour Machine Works", Decimal(10_000), Decimal(10_000)),
        Customer("17100004", "Prairie Pumps", Decimal(250_000), Decimal(40_000), discount_percent=Decimal(5)),
        Customer("17100005", "Cascade Robotics", Decimal(750_000)),
    )
}
