"""What can be wrong with a well-formed request by rule, checked the same way in every process, all faults at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta

from process_apis.errors import Fault, RequestFaulty
from process_apis.words import LARGEST, AskedQuantity
from system_apis.sap.units import STANDARD, Units, UnitUnknown

FURTHEST = timedelta(days=5 * 366)
"""How far ahead a date may be asked: further is a typing error, and no plan reaches there."""


def pointer(*path: str | int) -> str:
    """A JSON Pointer as URI fragment (RFC 6901 §6): `pointer("lines", 0, "quantity")` is `#/lines/0/quantity`."""
    return "#" + "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def refuse_if_any(faults: Iterable[Fault]) -> None:
    """Raise RequestFaulty with every fault there is, in the order found."""
    found = tuple(faults)
    if found:
        raise RequestFaulty(found)


def rec20(asked: AskedQuantity, units: Units = STANDARD) -> str:
    """The UN/ECE Rec 20 code of the unit, whichever scheme it was written in. Raises UnitUnknown."""
    if asked.scheme == "sap":
        return units.from_sap(asked.unit)
    units.to_sap(asked.unit)
    return asked.unit


def quantity_faults(asked: AskedQuantity, at: str, units: Units = STANDARD) -> Iterator[Fault]:
    """A quantity to order is above zero, at most LARGEST and in a unit that the systems know."""
    if asked.amount <= 0:
        yield Fault(f"{at}/value", "the quantity is above zero", "quantity-not-positive")
    if asked.amount > LARGEST:
        yield Fault(f"{at}/value", f"the quantity is at most {LARGEST}", "quantity-too-large")
    try:
        rec20(asked, units)
    except UnitUnknown:
        yield Fault(f"{at}/unit", f"the unit {asked.unit} ({asked.scheme}) is not known", "uom-invalid")


def date_faults(day: date, at: str, *, today: date) -> Iterator[Fault]:
    """A day to deliver on is neither past nor further away than five years. `today` is the plant's own day."""
    if day < today:
        yield Fault(at, f"{day} is in the past", "date-in-the-past")
    if day > today + FURTHEST:
        yield Fault(at, f"{day} is more than five years ahead", "date-too-far")


def duplicate_faults(names: Sequence[str], at: Callable[[int], str], *, code: str) -> Iterator[Fault]:
    """Every name but its first occurrence is a fault; `at` gives the pointer of the n-th."""
    first: dict[str, int] = {}
    for position, name in enumerate(names):
        if name in first:
            yield Fault(at(position), f"{name} was used before, at {at(first[name])}", code)
        else:
            first[name] = position


def length_faults(count: int, at: str, *, most: int, what: str) -> Iterator[Fault]:
    """More than the published maximum is refused as a whole, never cut."""
    if count > most:
        yield Fault(at, f"{count} {what}, at most {most}", f"too-many-{what}")
