"""The materials: what can be sold, in which units, at which price, made where.

Units are SAP's internal codes (ST, KG, KAR). The Rec 20 codes they stand for are C62, KGM and CT.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True)
class Unit:
    """A unit of measure in SAP's three spellings; `decimals` is how finely a quantity in it may be confirmed."""

    sap: str
    external: str
    iso: str
    decimals: int


UNITS = {
    unit.sap: unit for unit in (Unit("ST", "PC", "PCE", 0), Unit("KG", "KG", "KGM", 3), Unit("KAR", "CAR", "CT", 0))
}


@dataclass(frozen=True)
class Material:
    """`price` is USD per base unit; `conversions`: base units in one other unit; `made_at`: plant to work centre."""

    number: str
    text: str
    price: Decimal
    base_unit: str = "ST"
    group: str = "L001"
    plants: tuple[str, ...] = ("1710", "1720")
    conversions: Mapping[str, Decimal] = field(default_factory=dict)
    made_at: Mapping[str, str] = field(default_factory=dict)
    discontinued: bool = False
    configurable: bool = False
    sales_unit: str = ""
    """In which it is sold unless somebody says otherwise; the base unit if empty."""
    least: Decimal = Decimal(0)
    """The smallest quantity that is sold, in base units."""

    def per(self, unit: str) -> Decimal:
        """How many base units one `unit` holds; KeyError for a unit that this material is not sold in."""
        return Decimal(1) if unit == self.base_unit else self.conversions[unit]


MATERIALS = {
    material.number: material
    for material in (
        Material("TG10", "Coolant nozzle", Decimal("9.90")),
        Material("TG11", "Bearing 6204", Decimal("17.50")),
        Material("TG12", "Linear guide 300 mm", Decimal("25.00")),
        Material("TG13", "Coupling 20 mm", Decimal("31.20")),
        Material("TG14", "Coupling 18 mm (old type)", Decimal("29.80"), discontinued=True),
        Material("TG15", "Drive belt HTD 5M", Decimal("12.40")),
        Material("TG16", "Bearing grease", Decimal("6.75"), base_unit="KG", group="L003"),
        Material("TG17", "Hex screw M8x40", Decimal("0.85"), group="L002", conversions={"KAR": Decimal(12)}),
        Material("TG18", "Proximity switch M12", Decimal("44.00"), conversions={"KAR": Decimal(6)}, sales_unit="KAR"),
        Material("TG19", "Cable gland M20", Decimal("2.10"), group="L002", least=Decimal(10)),
        Material("TG20", "Ball screw 16x5", Decimal("210.00")),
        Material("TG21", "Servo cable 5 m", Decimal("68.00")),
        Material("TG22", "Limit switch", Decimal("19.30"), plants=("1720",)),
        Material("FG126", "Spindle unit S12", Decimal("120.00"), group="P001", made_at={"1710": "WC-ASSY-1"}),
        Material("FG128", "Spindle unit S16", Decimal("164.00"), group="P001", made_at={"1710": "WC-ASSY-1"}),
        Material(
            "FG226", "Gearbox G2", Decimal("340.00"), group="P001", made_at={"1710": "WC-ASSY-2", "1720": "WC-ASSY-3"}
        ),
        Material(
            "FG228", "Gearbox G4", Decimal("455.00"), group="P001", made_at={"1720": "WC-ASSY-3"}, plants=("1720",)
        ),
        Material(
            "FG300",
            "Machining cell, configured",
            Decimal("18500.00"),
            group="P002",
            plants=("1710",),
            made_at={"1710": "WC-CELL-1"},
            configurable=True,
        ),
        Material(
            "FG310", "Pallet changer", Decimal("6200.00"), group="P002", plants=("1710",), made_at={"1710": "WC-CELL-1"}
        ),
        Material("SP900", "Seal kit S12", Decimal("15.60"), group="L004"),
    )
}
"""Trading goods TG (bought), finished goods FG (made in house), one spare part."""
