"""What makes an availability check wrong by rule, and whether the caller may ask it at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from msgspec.structs import replace

from policies.access import require_customer, require_sales_organization
from policies.clients import Client
from process_apis.atp.facts import Asked
from process_apis.atp.models import MOST_LINES, AtpCheckRequest, AtpLine, PartyRef
from process_apis.atp.own_order import order_faults
from process_apis.errors import Fault
from process_apis.faults import (
    date_faults,
    duplicate_faults,
    length_faults,
    pointer,
    quantity_faults,
    rec20,
    refuse_if_any,
)
from process_apis.landscape import Landscape

NOT_YET = "capability-not-available"
CONFIGURED = (
    "the ERP's simulation takes no characteristics: what it would promise is the material as such, not this "
    "configuration. Ask without configurationRef for that, or convert the quote, which checks the configuration"
)


def check_request(request: AtpCheckRequest, landscape: Landscape) -> None:
    """Raise RequestFaulty with every fault of the request. Facts of the configuration only; nobody is asked."""
    refuse_if_any(_faults(request, landscape))


def granted(client: Client, request: AtpCheckRequest, landscape: Landscape) -> AtpCheckRequest:
    """The request with a plant on each line. A customer or plant that is not the client's does not exist for it, be it
    there or not. So it is with names of the CRM: one that nobody mapped and one of somebody else's are the same."""
    if party := request.sold_to:
        customer = landscape.references.customer(party.scheme, party.id) or ""
        require_customer(client, customer, ident=party.id)
    if request.sales_area:
        require_sales_organization(client, request.sales_area.sales_organization)
    asked = dict.fromkeys(line.plant for line in request.lines)
    plants = {named: landscape.plant_for(client, named) for named in asked}
    lines = tuple(line if line.plant else replace(line, plant=plants[None]) for line in request.lines)
    return replace(request, lines=lines)


def customer_of(request: AtpCheckRequest, landscape: Landscape) -> str:
    """The ERP's number of the sold-to party, empty where there is none that we know."""
    party = request.sold_to
    return (party and landscape.references.customer(party.scheme, party.id)) or ""


def _faults(request: AtpCheckRequest, landscape: Landscape) -> Iterator[Fault]:
    yield from _head_faults(request, landscape)
    yield from length_faults(len(request.lines), pointer("lines"), most=MOST_LINES, what="lines")
    yield from duplicate_faults(
        [line.line_id for line in request.lines],
        lambda position: pointer("lines", position, "lineId"),
        code="duplicate-line-id",
    )
    customer = customer_of(request, landscape)
    today = {name: datetime.now(plant.time_zone).date() for name, plant in landscape.plants.items()}
    for position, line in enumerate(request.lines[:MOST_LINES]):
        yield from _line_faults(
            request,
            line,
            f"{pointer('lines')}/{position}",
            landscape=landscape,
            customer=customer,
            today=today,
        )


def _head_faults(request: AtpCheckRequest, landscape: Landscape) -> Iterator[Fault]:
    if request.sold_to is None:
        yield Fault(pointer("soldTo"), "a promise is made to a customer: soldTo is needed", "sold-to-missing")
    yield from _party_faults(request.sold_to, "soldTo", landscape)
    yield from order_faults(request)


def _party_faults(party: PartyRef | None, member: str, landscape: Landscape) -> Iterator[Fault]:
    if party and landscape.references.customer(party.scheme, party.id) is None:
        text = f"the {party.scheme} customer {party.id} is not in the reference map"
        yield Fault(pointer(member, "id"), text, "reference-unknown")


def _line_faults(
    request: AtpCheckRequest,
    line: AtpLine,
    at: str,
    *,
    landscape: Landscape,
    customer: str,
    today: Mapping[str, date],
) -> Iterator[Fault]:
    """`at` is the pointer to the line, `today` the day at each plant."""
    plant = landscape.plants.get(line.plant or "")
    yield from quantity_faults(line.quantity, f"{at}/quantity", landscape.units)
    if plant:  # a day is past or not where the goods leave
        yield from date_faults(line.requested_date, f"{at}/requestedDate", today=today[plant.plant])
        if request.date_basis == "ship" and plant.calendar is None:
            text = f"plant {plant.plant} has no calendar to tell days of leaving by: ask for the day of delivery"
            yield Fault(pointer("dateBasis"), text, "calendar-missing")
    else:
        yield Fault(f"{at}/plant", f"the plant {line.plant} is not known", "plant-unknown")
    if landscape.references.material(line.product.scheme, line.product.id, customer) is None:
        text = f"the {line.product.scheme} product {line.product.id} is not in the reference map"
        yield Fault(f"{at}/product", text, "reference-unknown")
    if line.configuration_ref:
        yield Fault(f"{at}/configurationRef", CONFIGURED, NOT_YET)


def resolve(request: AtpCheckRequest, landscape: Landscape, ship_to: str) -> list[Asked]:
    """The lines of a checked request with every reference settled: material, Rec 20 unit, plant, day of arrival."""
    customer = customer_of(request, landscape)
    return [_asked(request, line, landscape, customer, ship_to) for line in request.lines]


def _asked(request: AtpCheckRequest, line: AtpLine, landscape: Landscape, customer: str, ship_to: str) -> Asked:
    plant = landscape.plants[line.plant or ""]
    due = line.requested_date
    if request.date_basis == "ship" and plant.calendar:
        due = plant.calendar.delivery_for(due, ship_to)
    return Asked(
        line.line_id,
        landscape.references.material(line.product.scheme, line.product.id, customer) or line.product.id,
        line.quantity.amount,
        rec20(line.quantity, landscape.units),
        line.requested_date,
        due,
        plant.plant,
        request.date_basis,
    )
