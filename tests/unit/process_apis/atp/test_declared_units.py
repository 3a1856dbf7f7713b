"""A unit that an installation declares as counted has no parts in a promise either."""

from __future__ import annotations

from decimal import Decimal

from process_apis.atp.units import Conversion
from system_apis.sap.units import DeclaredUnit, Units

OURS = Units([DeclaredUnit("PF", "PAL", whole=True)])


def test_half_a_pallet_is_no_pallet() -> None:
    forty_eight = Conversion("PF", "C62", Decimal(48), Decimal(1), OURS)
    assert forty_eight.from_base(Decimal(72)) == 1
    assert forty_eight.parts_from_base([Decimal(24), Decimal(24), Decimal(47)]) == [0, 1, 0]


def test_a_fraction_that_never_ends_promises_no_more_than_there_is() -> None:
    third = Conversion("MTR", "KGM", Decimal(3), Decimal(7))
    assert third.to_base(third.from_base(Decimal("0.001"))) <= Decimal("0.001")
    assert third.from_base(third.to_base(Decimal("0.999"))) >= Decimal("0.999")
