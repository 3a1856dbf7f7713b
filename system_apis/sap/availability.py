"""What a plant can promise of a material without an order (API_PRODUCT_AVAILY_INFO_BASIC): asked, never reserved.

The service knows base units only, and neither customer nor price. Two questions per line, all lines in one `$batch`:
how much for the moment asked, and when all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import MAXYEAR, UTC, datetime
from decimal import Decimal

import httpx
import msgspec

from system_apis.bodies import decoded, tidy
from system_apis.deadline import Deadline
from system_apis.errors import SystemRefused, UpstreamError
from system_apis.sap import odata, reading
from system_apis.sap.asking import SapErrand
from system_apis.sap.batch import PartAnswer
from system_apis.sap.goods import Availability, AvailabilityQuestion, AvailablePeriod, Levels, Place, Product
from system_apis.sap.masterdata import Products
from system_apis.sap.models import SourceMessage
from system_apis.sap.service import Service
from system_apis.sap.units import UnitUnknown
from system_apis.sap.wire import Envelope, Results
from system_apis.sap.wire_goods import AvailabilityRecord

SERVICE = "API_PRODUCT_AVAILY_INFO_BASIC"
AT = "DetermineAvailabilityAt"
OF = "DetermineAvailabilityOf"
SERIES = "CalculateAvailabilityTimeseries"
_SINGLE = msgspec.json.Decoder(Envelope[dict[str, msgspec.Raw]])
_RECORD = msgspec.json.Decoder(AvailabilityRecord)
_RECORDS = msgspec.json.Decoder(Envelope[Results[AvailabilityRecord]])


class AvailabilityCheck:
    """`rule` is SAP's checking rule (customizing: which stocks and receipts count), A for sales orders."""

    def __init__(self, service: Service, products: Products, rule: str) -> None:
        self._service = service
        self._products = products
        self._rule = rule

    async def check(self, questions: Sequence[AvailabilityQuestion], deadline: Deadline) -> tuple[Availability, ...]:
        """One answer per question, in order. A line the ERP has no answer for is `refused`, the others stand."""
        if not questions:
            return ()
        products = await self._products.known((each.material for each in questions), deadline)
        asked = [_in_base_units(each, products[each.material]) for each in questions]
        paths = [path for each, base in zip(questions, asked, strict=True) if base for path in self._paths(each, base)]
        errand = self._service.errand("check availability")
        parts = iter(await self._service.look_up(paths, errand, deadline) if paths else ())
        return tuple(
            self._answer(each, base, next(parts), next(parts), errand)
            if base is not None
            else _refused(each, _why_not(each, products[each.material]))
            for each, base in zip(questions, asked, strict=True)
        )

    async def series(self, material: str, plant: str, deadline: Deadline) -> tuple[AvailablePeriod, ...]:
        """What can be promised over time, period by period as the ERP cuts it."""
        errand = self._service.errand("read an availability series")
        records = await self._service.collection(self._series_path(Place(material, plant)), _RECORDS, errand, deadline)
        return tuple(_period(one, errand) for one in records)

    async def levels(self, places: Sequence[Place], deadline: Deadline) -> dict[Place, Levels | UpstreamError]:
        """What can be promised over time of each material at its plant, or why nothing is known, in one `$batch`."""
        errand = self._service.errand("check availability")
        parts = await self._service.look_up([self._series_path(place) for place in places], errand, deadline)
        at = datetime.now(UTC)
        found: dict[Place, Levels | UpstreamError] = {}
        for place, part in zip(places, parts, strict=True):
            try:
                found[place] = Levels(await self._periods(part, errand, deadline), at)
            except UpstreamError as failure:
                found[place] = failure
        return found

    async def _periods(self, part: PartAnswer, errand: SapErrand, deadline: Deadline) -> tuple[AvailablePeriod, ...]:
        if not httpx.codes.is_success(part.status):
            raise self._service.failure(part.status, part.body, errand)
        first = decoded(_RECORDS, part.body, errand).d
        return tuple(_period(one, errand) for one in await self._service.rest(first, _RECORDS, errand, deadline))

    def _series_path(self, place: Place) -> str:
        return odata.function(
            SERIES,
            Material=odata.text(place.material),
            SupplyingPlant=odata.text(place.plant),
            ATPCheckingRule=odata.text(self._rule),
        )

    def _paths(self, each: AvailabilityQuestion, base: Decimal) -> tuple[str, str]:
        common = {
            "Material": odata.text(each.material),
            "SupplyingPlant": odata.text(each.plant),
            "ATPCheckingRule": odata.text(self._rule),
        }
        at = odata.function(AT, **common, RequestedUTCDateTime=odata.instant_literal(each.wanted_at))
        of = odata.function(OF, **common, RequestedQuantityInBaseUnit=odata.decimal_literal(base))
        return at, of

    def _answer(
        self, each: AvailabilityQuestion, base: Decimal, at: PartAnswer, of: PartAnswer, errand: SapErrand
    ) -> Availability:
        for part in (at, of):
            if not httpx.codes.is_success(part.status):
                failure = self._service.failure(part.status, part.body, errand)
                if not isinstance(failure, SystemRefused) or failure.safe_to_repeat:
                    raise failure
                return _refused(each, SourceMessage(failure.code, failure.message))
            then, whole = _record(at.body, AT, errand), _record(of.body, OF, errand)
        enough = tidy(whole.available, errand) >= base
        return Availability(
            line_id=each.line_id,
            material=each.material,
            plant=each.plant,
            unit=reading.unit_of((then.unit,), errand),
            asked=base,
            available=tidy(then.available, errand),
            complete_at=_moment(whole.since, errand) if enough else None,
        )


def _in_base_units(each: AvailabilityQuestion, product: Product | SystemRefused) -> Decimal | None:
    return None if isinstance(product, SystemRefused) else product.in_base_units(each.quantity, each.unit)


def _why_not(each: AvailabilityQuestion, product: Product | SystemRefused) -> SourceMessage:
    if isinstance(product, SystemRefused):
        return SourceMessage(product.code, product.message)
    return SourceMessage(UnitUnknown.CODE, f"{each.material} is not kept in the unit {each.unit}")


def _refused(each: AvailabilityQuestion, why: SourceMessage) -> Availability:
    return Availability(each.line_id, each.material, each.plant, refused=why)


def _record(body: bytes, function: str, errand: SapErrand) -> AvailabilityRecord:
    """The result of a function stands under its name; some releases leave that out."""
    members = decoded(_SINGLE, body, errand).d
    inner = members.get(function)
    return decoded(_RECORD, bytes(inner) if inner is not None else msgspec.json.encode(members), errand)


def _period(read: AvailabilityRecord, errand: SapErrand) -> AvailablePeriod:
    since = _moment(read.since, errand)
    if since is None:
        raise errand.unreadable("a period of availability without a beginning")
    return AvailablePeriod(
        since=since,
        until=_moment(read.until, errand),
        available=tidy(read.available, errand),
        unit=reading.unit_of((read.unit,), errand),
    )


def _moment(value: str | None, errand: SapErrand) -> datetime | None:
    """SAP writes "never" as the last day of its calendar."""
    moment = odata.instant(value, errand) if value else None
    return None if moment is None or moment.year >= MAXYEAR else moment
