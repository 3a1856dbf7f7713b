"""From SAP's answers about orders to our words: the one place where codes, dates, units and numbers are judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import structs

from system_apis.bodies import sane, tidy
from system_apis.sap import models, odata, wire
from system_apis.sap.asking import SapErrand
from system_apis.sap.complaints import Entry
from system_apis.sap.units import UnitUnknown

_PROGRESS: Mapping[str, models.Progress] = {"": "notRelevant", "A": "open", "B": "partial", "C": "complete"}
_APPROVAL: Mapping[str, models.Approval] = {"": "notRelevant", "B": "approved", "C": "rejected"}
_CREDIT: Mapping[str, models.CreditState] = {
    "": "notChecked",
    "A": "ok",
    "B": "blocked",
    "C": "blocked",
    "D": "released",
}
_REJECTED: Mapping[str, Literal["partial", "complete"]] = {"B": "partial", "C": "complete"}
# The ship-to party by its internal code, which no language changes, and by its English name.
_SHIP_TO = ("WE", "SH")
# Every simulation carries this warning; it says nothing about the order.
_ALWAYS_THERE = "SLS_LORD/098"


def order(
    read: wire.Order, errand: SapErrand, header_etag: str | None = None, warnings: tuple[Entry, ...] = ()
) -> models.Order:
    etag = read.metadata.etag or header_etag
    if not etag:
        raise errand.unreadable("an order without an ETag")
    requested = odata.day(read.requested, errand) if read.requested else None
    return models.Order(
        number=odata.stripped(read.number),
        etag=etag,
        reference=read.reference,
        customer_po=read.customer_po,
        sold_to=odata.stripped(read.sold_to),
        sales_area=models.SalesArea(read.sales_organization, read.distribution_channel, read.division),
        requested_date=requested,
        currency=read.currency,
        net_amount=amount(read.net_amount, errand),
        credit=credit(read.credit, errand),
        delivery_block=read.delivery_block,
        billing_block=read.billing_block,
        delivery_status=progress(read.delivery_status, errand),
        changed_at=odata.instant(read.changed_at, errand),
        items=tuple(_item(item, requested, errand) for item in read.items.results),
        ship_to=ship_to((one.customer, {one.internal, one.function}) for one in read.partners.results),
        approval=approval(read.approval),
        status=progress(read.status, errand),
        rejected=rejected(read.rejected),
        warnings=messages(warnings),
    )


def ship_to(partners: Iterable[tuple[str, set[str]]]) -> str:
    """The ship-to party among partners and what each is called."""
    return next((odata.stripped(customer) for customer, names in partners if names & set(_SHIP_TO)), "")


def parent(number: str) -> str:
    """The item above, empty where there is none: SAP writes that as zeros or not at all."""
    return "" if odata.stripped(number) == "0" else odata.stripped(number)


def _item(read: wire.Item, header_date: date | None, errand: SapErrand) -> models.OrderItem:
    unit = unit_of((read.unit, read.sap_unit, read.iso_unit), errand)
    return models.OrderItem(
        item=odata.stripped(read.number),
        material=read.material,
        plant=read.plant,
        quantity=tidy(read.quantity, errand),
        unit=unit,
        net_amount=amount(read.net_amount, errand),
        rejection_reason=read.rejection_reason,
        delivery_status=progress(read.delivery_status, errand),
        confirmations=tuple(_saved(line, unit, header_date, errand) for line in read.schedule.results),
        schedule_lines=tuple(odata.stripped(line.number) for line in read.schedule.results),
        delivered=tidy(sum((line.delivered_quantity for line in read.schedule.results), Decimal(0)), errand),
        billing_block=read.billing_block,
        parent=parent(read.parent),
    )


def _saved(read: wire.ScheduleLine, unit: str, header_date: date | None, errand: SapErrand) -> models.Confirmation:
    promised = _confirmation(read, unit, header_date, errand)
    return structs.replace(promised, delivered=tidy(read.delivered_quantity, errand), block=read.block)


def _confirmation(
    read: wire.SimulatedScheduleLine, unit: str, header_date: date | None, errand: SapErrand
) -> models.Confirmation:
    if read.unit and unit_of((read.unit,), errand) != unit:
        raise errand.unreadable("a schedule line counts in another unit than its item")
    requested = odata.day(read.requested, errand) if read.requested else header_date
    promised = odata.day(read.confirmed, errand) if read.confirmed else None
    return confirmation(requested, promised, read.ordered_quantity, read.confirmed_quantity, errand)


def confirmation(
    requested: date | None, promised: date | None, ordered: Decimal, confirmed: Decimal, errand: SapErrand
) -> models.Confirmation:
    """What a schedule line says: a wish has a day, and so has whatever is confirmed."""
    if requested is None:
        raise errand.unreadable("a schedule line without a requested date")
    quantity = tidy(confirmed, errand)
    if quantity > 0 and promised is None:
        raise errand.unreadable("a confirmed quantity without a date")
    return models.Confirmation(requested, promised if quantity > 0 else None, tidy(ordered, errand), quantity)


def simulation(
    read: wire.SimulatedOrder,
    asked: Mapping[str, models.Demand],
    refused: Mapping[str, models.SourceMessage],
    warnings: tuple[Entry, ...],
    errand: SapErrand,
) -> models.Simulation:
    """`asked` by item number. Items nobody asked for (a bill of material exploded, free goods) carry no promise of
    ours, only their share of the price."""
    answered = {odata.stripped(item.number): item for item in read.items.results}
    if asked.keys() - answered.keys():
        raise errand.unreadable("the simulation does not answer every item that was asked")
    pricing = read.pricing or wire.SimulatedPricing(
        sum((item.net_amount for item in read.items.results), Decimal(0)), read.currency
    )
    return models.Simulation(
        lines=tuple(_simulated(answered[number], demand, errand) for number, demand in asked.items()),
        refused=dict(refused),
        net_amount=amount(pricing.net_amount, errand),
        tax_amount=amount(sum((item.tax_amount for item in read.items.results), Decimal(0)), errand),
        currency=pricing.currency or read.currency,
        credit=credit(read.credit.status if read.credit else "", errand),
        warnings=messages(warnings),
        fetched_at=datetime.now(UTC),
        elements=_elements(read.elements, errand),
    )


def messages(said: tuple[Entry, ...]) -> tuple[models.SourceMessage, ...]:
    """What SAP said beside a success, without what it says every time."""
    return tuple(models.SourceMessage(one.code, one.message) for one in said if one.code != _ALWAYS_THERE)


def _elements(read: wire.Results[wire.PriceElement], errand: SapErrand) -> tuple[models.PriceElement, ...]:
    return tuple(
        models.PriceElement(
            condition=one.condition,
            rate=tidy(one.rate, errand),
            amount=amount(one.amount, errand),
            currency=one.currency,
            statistical=one.statistical,
            active=not one.inactive.strip(),
        )
        for one in read.results
    )


def _simulated(read: wire.SimulatedItem, demand: models.Demand, errand: SapErrand) -> models.SimulatedLine:
    unit = unit_of((read.unit, read.sap_unit, read.iso_unit), errand)
    if unit != demand.unit:
        raise errand.unreadable(f"{demand.unit} was asked and {unit} answered")
    schedule = read.schedule
    if schedule is None or schedule.deferred or schedule.next:  # not shown, or not all of it: unknown is not zero
        raise errand.unreadable(f"the simulation does not show the schedule of item {read.number[:6]}")
    return models.SimulatedLine(
        line_id=demand.line_id,
        material=read.material,
        plant=read.plant,
        quantity=tidy(read.quantity, errand),
        unit=unit,
        net_amount=amount(read.net_amount, errand),
        tax_amount=amount(read.tax_amount, errand),
        confirmations=tuple(_confirmation(line, unit, demand.requested_date, errand) for line in schedule.results),
        elements=_elements(read.elements, errand),
    )


def credit(status: str, errand: SapErrand) -> models.CreditState:
    if status not in _CREDIT:
        raise errand.unreadable(f"the credit status {status[:4]!r} is unknown")
    return _CREDIT[status]


def progress(status: str, errand: SapErrand) -> models.Progress:
    if status not in _PROGRESS:
        raise errand.unreadable(f"the status {status[:4]!r} is unknown")
    return _PROGRESS[status]


def approval(status: str) -> models.Approval:
    return _APPROVAL.get(status, "pending")


def rejected(status: str) -> Literal["none", "partial", "complete"]:
    return _REJECTED.get(status, "none")


def unit_of(names: tuple[str, ...], errand: SapErrand) -> str:
    """The first of SAP's names that we know: the commercial one depends on the language, the ISO one may be unset."""
    for name in names:
        try:
            return errand.units.from_sap(name)
        except UnitUnknown:
            continue
    raise errand.unreadable(f"the unit {names[0][:6]!r} of the ERP is unknown here")


def amount(money: Decimal, errand: SapErrand) -> Decimal:
    """Money keeps the decimals SAP prints: they are the currency's."""
    return sane(money, errand)
