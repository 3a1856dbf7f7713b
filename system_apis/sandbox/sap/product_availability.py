"""API_PRODUCT_AVAILY_INFO_BASIC: what could be had of one material in one plant. It reads and reserves nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from system_apis.sandbox.sap.availability import free_from
from system_apis.sandbox.sap.book import Book
from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.sap.errors import refused
from system_apis.sandbox.world.materials import UNITS
from system_apis.sandbox.world.orders import Value
from system_apis.sandbox.world.plants import Plant

SERVICE = "API_PRODUCT_AVAILY_INFO_BASIC"
_CHECKING_RULE = "A"
_END = datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001 - Edm.DateTime is UTC without saying so
_THREE = Decimal("0.001")


class ProductAvailability(Book):
    def call(self, changes: Changes, function: str, given: Mapping[str, Value]) -> Sequence[Mapping[str, Value]]:
        material, plant = str(given["Material"]), str(given["SupplyingPlant"])
        made = changes.world.materials.get(material)
        if made is None or plant not in made.plants:
            raise refused(400, "M3/351", f"Material {material} is not maintained in plant {plant}")
        if given["ATPCheckingRule"] != _CHECKING_RULE:
            raise refused(400, "ATP/015", f"Checking rule {given['ATPCheckingRule']} is not defined")
        unit, where = UNITS[made.base_unit].external, changes.world.plants[plant]
        levels = free_from(changes, (material, plant))
        ends = [_midnight(day, where) for day, _ in levels[1:]]
        records = [
            _record(_midnight(day, where), end, free, unit, where)
            for (day, free), end in zip(levels, [*ends, _END], strict=True)
        ]
        if function == "CalculateAvailabilityTimeseries":
            return records
        if function == "DetermineAvailabilityAt":
            return [_at(records, given["RequestedUTCDateTime"])]
        wanted = given["RequestedQuantityInBaseUnit"]
        # Where there never is enough, the period is the end of all days, and what is available then is nothing.
        never = _record(_END, _END, Decimal(0), unit, where)
        return [next((each for each, (_, free) in zip(records, levels, strict=True) if free >= wanted), never)]  # type: ignore[operator]


def _at(records: list[dict[str, Value]], asked: Value) -> dict[str, Value]:
    """The period that holds the instant; before today it is today's."""
    moment = asked.astimezone(UTC).replace(tzinfo=None) if isinstance(asked, datetime) else _END
    begun = [each for each in records if each["PeriodStartUTCDateTime"] <= moment]  # type: ignore[operator]
    return begun[-1] if begun else records[0]


def _record(start: datetime, end: datetime, free: Decimal, unit: str, plant: Plant) -> dict[str, Value]:
    return {
        "PeriodStartUTCDateTime": start,
        "PeriodStartTimeZone": plant.sap_zone,
        "PeriodEndUTCDateTime": end,
        "PeriodEndTimeZone": plant.sap_zone,
        "AvailableQuantityInBaseUnit": free.quantize(_THREE),
        "BaseUnit": unit,
    }


def _midnight(day: date, plant: Plant) -> datetime:
    """The beginning of the plant's day, in UTC and without an offset, as Edm.DateTime has it."""
    return datetime.combine(day, time(), ZoneInfo(plant.timezone)).astimezone(UTC).replace(tzinfo=None)
