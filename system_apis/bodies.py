"""From bytes to typed values, and the numbers that no neighbour may send."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

import msgspec

from system_apis.errand import Errand

T = TypeVar("T")

_LARGEST_EXPONENT = 15
_ONE = Decimal(1)


def decoded(decoder: msgspec.json.Decoder[T], body: bytes, errand: Errand) -> T:
    """The body as the contract types it; a body that is not so is an unreadable answer, named by its place only."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        raise errand.unreadable(f"the body is not what the contract says ({wrong})") from None
    except RecursionError:
        raise errand.unreadable("the body is nested too deep to be read") from None


def tidy(number: Decimal, errand: Errand) -> Decimal:
    """`40.000` as `40`: equal, and nicer to read. NaN, infinities and absurd sizes are refused."""
    sane(number, errand)
    if number.same_quantum(_ONE):  # most quantities are whole and written so
        return number
    whole = number.to_integral_value()
    return whole.quantize(_ONE) if whole == number else number.normalize()


def sane(number: Decimal, errand: Errand) -> Decimal:
    """The number as it is written, unless it is one that no neighbour may send."""
    if not number.is_finite() or abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise errand.unreadable("a number is not a finite decimal of sane size")
    return number
