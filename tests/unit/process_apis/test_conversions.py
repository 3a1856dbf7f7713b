"""Quantities from unit to unit: exact by fractions, never rounded silently, and back without promising too much."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from process_apis.conversions import Converted, LineConversion, NotEven, back, convert
from system_apis.sap.goods import Product, SoldAs, UnitRatio
from system_apis.sap.units import STANDARD

TG17 = Product("TG17", "C62", (UnitRatio("CT", Decimal(12), Decimal(1)),), "", configurable=False, deleted=False)
BULK = Product("B", "KGM", (UnitRatio("C62", Decimal(10), Decimal(3)),), "", configurable=False, deleted=False)


def sold(product: Product, unit: str) -> SoldAs:
    return SoldAs(product, unit, Decimal(0), STANDARD.decimals(unit))


MANY = st.decimals(Decimal("0.001"), Decimal(999_999), places=3)


@pytest.mark.parametrize(
    ("product", "quantity", "unit", "to", "turned"),
    [
        (TG17, "10", "CT", "C62", "120"),
        (TG17, "24", "C62", "CT", "2"),
        (TG17, "5", "C62", "C62", "5"),
        (BULK, "3", "C62", "KGM", "10"),
        (BULK, "10", "KGM", "C62", "3"),
    ],
)
def test_what_comes_out_even_is_exact(product: Product, quantity: str, unit: str, to: str, turned: str) -> None:
    found = convert(Decimal(quantity), unit, sold(product, to), "refuse")
    assert isinstance(found, Converted)
    assert (found.quantity, found.unit) == (Decimal(turned), to)
    assert (found.by is None) == (unit == to)


@pytest.mark.parametrize(
    ("product", "asked", "to", "exact", "rounded"),
    [
        (TG17, ("10", "C62"), "CT", Fraction(10, 12), "1"),
        (BULK, ("1", "C62"), "KGM", Fraction(10, 3), "3.334"),
        (TG17, ("2.5", "C62"), "C62", Fraction(5, 2), "3"),
    ],
)
def test_what_does_not_is_refused_or_rounded_up_and_says_so(
    product: Product, asked: tuple[str, str], to: str, exact: Fraction, rounded: str
) -> None:
    quantity, unit = Decimal(asked[0]), asked[1]
    assert convert(quantity, unit, sold(product, to), "refuse") == NotEven(exact, to)
    found = convert(quantity, unit, sold(product, to), "up")
    assert isinstance(found, Converted)
    assert found.quantity == Decimal(rounded)
    assert found.by is not None
    assert found.by.rounded


def test_a_unit_that_the_material_is_not_kept_in_is_none() -> None:
    assert convert(Decimal(1), "LTR", sold(TG17, "C62"), "up") is None
    assert convert(Decimal(1), "C62", sold(TG17, "LTR"), "up") is None


@given(MANY, st.sampled_from([(TG17, "C62", "CT"), (TG17, "CT", "C62"), (BULK, "C62", "KGM"), (BULK, "KGM", "C62")]))
def test_rounded_up_is_never_less_and_told_back_never_more(quantity: Decimal, case: tuple[Product, str, str]) -> None:
    product, unit, to = case
    found = convert(quantity, unit, sold(product, to), "up")
    assert isinstance(found, Converted)
    assert found.by is not None
    assert Fraction(found.quantity) >= Fraction(quantity) * found.by.ratio
    assert Fraction(back(found.quantity, found.by)) <= Fraction(found.quantity) / found.by.ratio


def test_a_conversion_is_told_in_plain_words() -> None:
    by = LineConversion("CT", "C62", Decimal(12), Decimal(1), rounded=False)
    told = msgspec.json.decode(msgspec.json.encode(by))
    expected = {"from": "CT", "to": "C62", "numerator": "12", "denominator": "1", "rounded": False, "source": "erp"}
    assert told == expected
    assert msgspec.convert(told, LineConversion) == by
