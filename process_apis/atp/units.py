"""Turning a quantity from one unit into another, by a fraction. Pure; the rules are in docs/promising.md §4."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_UP, Decimal
from fractions import Fraction
from math import floor

from msgspec import Struct

from system_apis.sap.units import STANDARD, Units

BASE_STEP = Decimal("0.001")


class Conversion(Struct, frozen=True):
    """`denominator` of `unit` are `numerator` of `base_unit`: a carton of twelve is 12 to 1. `units`: which of them are
    counted, and have no parts."""

    unit: str
    base_unit: str
    numerator: Decimal
    denominator: Decimal
    units: Units = STANDARD

    @property
    def changes(self) -> bool:
        return self.unit != self.base_unit

    def to_base(self, quantity: Decimal) -> Decimal:
        """As much as that in base units, never less."""
        if not self.changes:
            return quantity
        return (quantity * self.numerator / self.denominator).quantize(BASE_STEP, ROUND_UP)

    def from_base(self, quantity: Decimal) -> Decimal:
        """As much as that in the asked unit, never more."""
        if not self.changes:
            return quantity
        step = Decimal(1).scaleb(-self.units.decimals(self.unit))
        exact = Fraction(quantity) * Fraction(self.denominator) / Fraction(self.numerator)
        return floor(exact / Fraction(step)) * step

    def parts_from_base(self, parts: Iterable[Decimal]) -> list[Decimal]:
        """Each part in the asked unit. The sum is rounded, not each part: nothing is lost to rounding twice."""
        total, told, turned = Decimal(0), Decimal(0), []
        for part in parts:
            total += part
            whole = self.from_base(total)
            turned.append(whole - told)
            told = whole
        return turned
