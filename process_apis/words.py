"""The words every process speaks: quantities with units, money, and the ids made here."""

from __future__ import annotations

import os
import time
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LARGEST = Decimal("999999999999")
ONE = Decimal(1)


class Word(Struct, frozen=True, rename="camel", forbid_unknown_fields=True, gc=False):
    """Something a caller sends: camelCase, and a member we do not know is refused.

    A tree of values that never change holds no cycle: the garbage collector need not walk it, in views neither.
    """


class View(Struct, frozen=True, rename="camel", gc=False):
    """Something we answer: camelCase, may only grow."""


Instant = Annotated[datetime, Meta(tz=True)]
"""A moment, RFC 3339 with its zone. The document says `date-time` of it, and generators make a date of that."""

UnitCode = Annotated[str, Meta(min_length=1, max_length=6, description="UN/ECE Recommendation 20 unit code, e.g. C62")]


class Quantity(View, frozen=True):
    """A measured amount. `value` is a decimal string; `unit` a UN/ECE Rec 20 code (`C62` is one piece)."""

    value: Decimal
    unit: str


class Money(View, frozen=True):
    """An amount in an ISO 4217 currency; a decimal string, never a float."""

    amount: Decimal
    currency: str


class AskedQuantity(Word, frozen=True):
    """A quantity in a request. `scheme: sap` lets a caller use the ERP's own unit instead of the Rec 20 code."""

    # text, so that a JSON number (a float on its way) is refused; `faults` bounds it
    value: Annotated[str, Meta(max_length=24, pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$(?!\n)", examples=["12.5"])]
    unit: UnitCode
    scheme: Literal["unece", "sap"] = "unece"

    @property
    def amount(self) -> Decimal:
        return Decimal(self.value)


def new_id(prefix: str) -> str:
    """A sortable id, `op_01JD…`: 48 bits of milliseconds and 80 of chance in Crockford base 32 (the ULID layout)."""
    number = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    digits = []
    for _ in range(26):
        number, digit = divmod(number, 32)
        digits.append(_CROCKFORD[digit])
    return f"{prefix}_{''.join(reversed(digits))}"


def tidy(value: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent: `100.000` becomes `100`, `1E+2` too."""
    if value.same_quantum(ONE):  # most quantities are whole and written so
        return value
    whole = value.to_integral_value()
    return whole.quantize(ONE) if whole == value else value.normalize()


def bare(number: str) -> str:
    """An ERP number without its leading zeros, which are padding and not part of it; other ids stay as they are."""
    return number.lstrip("0") or number if number.isdigit() else number
