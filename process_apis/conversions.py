"""Quantities from one unit into another, by the ERP's own fractions: twelve pieces to a carton is 12 over 1.

Nothing is rounded silently. What does not come out even is refused or rounded up, as the configuration says, and the
conversion that is shown tells so.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import Literal

from msgspec import Struct, field

from process_apis.words import View, tidy
from system_apis.sap.goods import Product, SoldAs

Rounding = Literal["refuse", "up"]
"""What becomes of a quantity that does not come out even: the line is refused, or gets the next larger quantity."""


class LineConversion(View, frozen=True):
    """`denominator` of `from` are `numerator` of `to`. `rounded`: it did not come out even and was rounded up.

    `source` is who knows the ratio (`erp`: the material's own units).
    """

    from_unit: str = field(name="from")
    to: str
    numerator: Decimal
    denominator: Decimal
    rounded: bool
    source: str = "erp"

    @property
    def ratio(self) -> Fraction:
        return Fraction(self.numerator) / Fraction(self.denominator)


class Converted(Struct, frozen=True):
    """A quantity in the unit that was wanted; `by` is None where it was in that unit already."""

    quantity: Decimal
    unit: str
    by: LineConversion | None = None


class NotEven(Struct, frozen=True):
    """`exact` is what it would be; the unit is not divided that far."""

    exact: Fraction
    unit: str


def convert(quantity: Decimal, unit: str, sold: SoldAs, rounding: Rounding) -> Converted | NotEven | None:
    """The quantity in the unit it is sold in; None if the material is not kept in one of the two."""
    to = sold.unit
    ratio = _ratio(sold.product, unit, to)
    if ratio is None:
        return None
    exact = Fraction(quantity) * ratio
    step = Decimal(1).scaleb(-sold.decimals)
    even = (exact / Fraction(step)).denominator == 1
    if not even and rounding == "refuse":
        return NotEven(exact, to)
    quantity = tidy(_decimal(exact).quantize(step, ROUND_CEILING))
    if unit == to and even:
        return Converted(quantity, to)
    by = LineConversion(unit, to, Decimal(ratio.numerator), Decimal(ratio.denominator), rounded=not even)
    return Converted(quantity, to, by)


def back(quantity: Decimal, conversion: LineConversion | None) -> Decimal:
    """A quantity in the unit that it was asked in, rounded down: of what is confirmed nobody is told too much."""
    if conversion is None:
        return quantity
    step = Decimal("0.001")
    return tidy(_decimal(Fraction(quantity) / conversion.ratio).quantize(step, ROUND_FLOOR))


def _ratio(product: Product, unit: str, to: str) -> Fraction | None:
    one, other = _in_base(product, unit), _in_base(product, to)
    return one / other if one and other else None


def _in_base(product: Product, unit: str) -> Fraction | None:
    """How many base units one of `unit` is."""
    if unit == product.base_unit:
        return Fraction(1)
    return next(
        (Fraction(one.numerator) / Fraction(one.denominator) for one in product.ratios if one.unit == unit), None
    )


def _decimal(value: Fraction) -> Decimal:
    """Close enough to be rounded to three decimals in either direction: quantities have fifteen digits at most."""
    return Decimal(value.numerator) / Decimal(value.denominator)
