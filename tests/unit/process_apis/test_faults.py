"""What is wrong by rule is named by pointer, everything at once."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from process_apis.errors import RequestFaulty
from process_apis.faults import (
    FURTHEST,
    date_faults,
    duplicate_faults,
    length_faults,
    pointer,
    quantity_faults,
    rec20,
    refuse_if_any,
)
from process_apis.words import AskedQuantity, bare, tidy
from system_apis.sap.units import UnitUnknown

TODAY = date(2030, 6, 10)


def test_a_pointer_escapes_what_has_a_meaning_in_pointers() -> None:
    assert pointer("lines", 0, "a/b~c") == "#/lines/0/a~1b~0c"


@pytest.mark.parametrize(
    ("quantity", "codes"),
    [
        (AskedQuantity("1", "C62"), []),
        (AskedQuantity("0.000001", "KGM"), []),
        (AskedQuantity("1", "ST", "sap"), []),
        (AskedQuantity("0", "C62"), ["quantity-not-positive"]),
        (AskedQuantity("0.000", "XYZ"), ["quantity-not-positive", "uom-invalid"]),
        (AskedQuantity("1", "ST"), ["uom-invalid"]),
        (AskedQuantity("1", "C62", "sap"), ["uom-invalid"]),
        (AskedQuantity("999999999999.5", "C62"), ["quantity-too-large"]),
    ],
)
def test_a_quantity_is_positive_bounded_and_in_a_known_unit(quantity: AskedQuantity, codes: list[str]) -> None:
    assert [fault.code for fault in quantity_faults(quantity, "#/q")] == codes


def test_the_erps_unit_becomes_the_common_one() -> None:
    assert rec20(AskedQuantity("1", "KAR", "sap")) == "CT"
    with pytest.raises(UnitUnknown):
        rec20(AskedQuantity("1", "KAR"))


@pytest.mark.parametrize(
    ("day", "codes"),
    [
        (TODAY, []),
        (TODAY + FURTHEST, []),
        (TODAY - timedelta(days=1), ["date-in-the-past"]),
        (TODAY + FURTHEST + timedelta(days=1), ["date-too-far"]),
        (date.min, ["date-in-the-past"]),
        (date.max, ["date-too-far"]),
    ],
)
def test_a_day_is_neither_past_nor_too_far(day: date, codes: list[str]) -> None:
    assert [fault.code for fault in date_faults(day, "#/d", today=TODAY)] == codes


def test_every_repeat_but_the_first_is_a_fault() -> None:
    found = list(duplicate_faults(["a", "b", "a", "a"], lambda place: pointer("lines", place), code="twice"))
    assert [(fault.pointer, fault.code) for fault in found] == [("#/lines/2", "twice"), ("#/lines/3", "twice")]


def test_too_many_are_refused_as_a_whole() -> None:
    assert list(length_faults(100, "#/lines", most=100, what="lines")) == []
    assert [fault.code for fault in length_faults(101, "#/lines", most=100, what="lines")] == ["too-many-lines"]


def test_faults_are_raised_together_and_no_fault_raises_nothing() -> None:
    refuse_if_any([])
    with pytest.raises(RequestFaulty) as refused:
        refuse_if_any(quantity_faults(AskedQuantity("0", "XYZ"), "#/q"))
    assert len(refused.value.faults) == 2


@pytest.mark.parametrize(
    ("number", "short"), [("0017", "17"), ("17", "17"), ("000", "000"), ("TG0", "TG0"), ("0A", "0A")]
)
def test_leading_zeros_of_a_number_are_padding(number: str, short: str) -> None:
    assert bare(number) == short


@pytest.mark.parametrize(("value", "shown"), [("100.000", "100"), ("1E+2", "100"), ("0.500", "0.5"), ("0", "0")])
def test_a_number_is_shown_without_exponent_and_padding(value: str, shown: str) -> None:
    assert str(tidy(Decimal(value))) == shown
