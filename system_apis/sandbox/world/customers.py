"""The customers, with credit, discount and tax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

TAX_PERCENT = Decimal(8)
"""Output tax, the same for everybody."""


@dataclass(frozen=True)
class Customer:
    """A sold-to party. `exposure` is what is owed and open besides the orders of this world; both in `currency`.

    `ship_to`: further places it has goods sent to, number to name; they buy nothing themselves.
    """

    number: str
    name: str
    credit_limit: Decimal
    exposure: Decimal = Decimal(0)
    discount_percent: Decimal = Decimal(0)
    currency: str = "USD"
    ship_to: Mapping[str, str] = field(default_factory=dict)


CUSTOMERS = {
    customer.number: customer
    for customer in (
        Customer(
            "17100001",
            "Northwind Tooling",
            Decimal(5_000_000),
            Decimal(12_000),
            discount_percent=Decimal(3),
            ship_to={"17100011": "Northwind Tooling, Reno"},
        ),
        Customer("17100002", "Southgate Supply", Decimal(2_000_000)),
        Customer("17100003", "Harbour Machine Works", Decimal(10_000), Decimal(10_000)),
        Customer("17100004", "Prairie Pumps", Decimal(250_000), Decimal(40_000), discount_percent=Decimal(5)),
        Customer("17100005", "Cascade Robotics", Decimal(750_000)),
    )
}
