"""Units of measure: UN/ECE Recommendation 20 codes on our side, SAP's on the other.

SAP has three names for a unit: the commercial one people see (`PC`), the internal one (`ST`, from the German) and the
ISO code its customizing assigns (`PCE`). What is not in this table is refused: a guessed unit is a wrong quantity.
"""

from __future__ import annotations

from typing import NamedTuple


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
_TO_SAP = {unit.rec20: unit.commercial for unit in _UNITS}
_FROM_SAP = {name: unit.rec20 for unit in _UNITS for name in (unit.commercial, unit.internal, unit.iso)}


class UnitUnknown(ValueError):
    """A unit without a counterpart on the other side."""

    CODE = "UNIT_UNKNOWN"

    def __init__(self, unit: str) -> None:
        super().__init__(f"the unit {unit!r} has no counterpart" if unit else "no unit is given")
        self.unit = unit


def to_sap(rec20: str) -> str:
    """SAP's commercial unit for a Rec 20 code."""
    try:
        return _TO_SAP[rec20]
    except KeyError:
        raise UnitUnknown(rec20) from None


def from_sap(unit: str) -> str:
    """The Rec 20 code for any of SAP's three names."""
    try:
        return _FROM_SAP[unit]
    except KeyError:
        raise UnitUnknown(unit) from None
