"""Units of measure: UN/ECE Recommendation 20 codes on our side, SAP's on the other.

SAP has three names for a unit: the commercial one people see (`PC`), the internal one (`ST`, from the German) and the
ISO code its customizing assigns (`PCE`). What is not in this table is refused: a guessed unit is a wrong quantity.
An installation may have units of its own customizing beside these; it redefines none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct


class _Unit(NamedTuple):
    rec20: str
    commercial: str
    internal: str
    iso: str


_UNITS = (
    _Unit("C62", "PC", "ST", "PCE"),
    _Unit("CT", "CAR", "KAR", "CT"),
    _Unit("KGM", "KG", "KG", "KGM"),
    _Unit("GRM", "G", "G", "GRM"),
    _Unit("TNE", "TO", "TO", "TNE"),
    _Unit("MTR", "M", "M", "MTR"),
    _Unit("CMT", "CM", "CM", "CMT"),
    _Unit("MMT", "MM", "MM", "MMT"),
    _Unit("MTK", "M2", "M2", "MTK"),
    _Unit("MTQ", "M3", "M3", "MTQ"),
    _Unit("LTR", "L", "L", "LTR"),
    _Unit("MLT", "ML", "ML", "MLT"),
)
_WHOLE = frozenset({"C62", "CT"})
MOST_DECIMALS = 3
"""Quantities of SAP's documents have three decimals."""


class DeclaredUnit(Struct, frozen=True, forbid_unknown_fields=True):
    """A unit of an installation: SAP's commercial name of a Rec 20 code. `whole`: only whole numbers of it are sold."""

    rec20: str
    sap: str
    whole: bool = False


class UnitRedefined(ValueError):
    """A unit that means something else already."""


class UnitUnknown(ValueError):
    """A unit without a counterpart on the other side."""

    CODE = "UNIT_UNKNOWN"

    def __init__(self, unit: str) -> None:
        super().__init__(f"the unit {unit!r} has no counterpart" if unit else "no unit is given")
        self.unit = unit


class Units:
    """The units of one installation: those of the table, and those that it `declared`. UnitRedefined if one of them
    means something else already."""

    def __init__(self, declared: Iterable[DeclaredUnit] = ()) -> None:
        self._to_sap = {unit.rec20: unit.commercial for unit in _UNITS}
        self._internal = {unit.rec20: unit.internal for unit in _UNITS}
        self._from_sap = {name: unit.rec20 for unit in _UNITS for name in (unit.commercial, unit.internal, unit.iso)}
        self._whole = set(_WHOLE)
        for unit in declared:
            known, meant = self._to_sap.get(unit.rec20, unit.sap), self._from_sap.get(unit.sap, unit.rec20)
            if (known, meant) != (unit.sap, unit.rec20):
                raise UnitRedefined(f"the unit {unit.sap} = {unit.rec20} contradicts the table of units")
            self._to_sap[unit.rec20], self._from_sap[unit.sap] = unit.sap, unit.rec20
            self._internal.setdefault(unit.rec20, unit.sap)
            if unit.whole:
                self._whole.add(unit.rec20)

    def to_sap(self, rec20: str) -> str:
        """SAP's commercial unit for a Rec 20 code."""
        try:
            return self._to_sap[rec20]
        except KeyError:
            raise UnitUnknown(rec20) from None

    def to_sap_inside(self, rec20: str) -> str:
        """SAP's internal code for a Rec 20 code, the same in every language; of a declared unit the name it has."""
        try:
            return self._internal[rec20]
        except KeyError:
            raise UnitUnknown(rec20) from None

    def from_sap(self, unit: str) -> str:
        """The Rec 20 code for any of SAP's three names."""
        try:
            return self._from_sap[unit]
        except KeyError:
            raise UnitUnknown(unit) from None

    def decimals(self, rec20: str) -> int:
        """So many decimals has a quantity in this unit: none for what is counted."""
        return 0 if rec20 in self._whole else MOST_DECIMALS


STANDARD = Units()
"""The units that everybody has."""
