"""What makes an availability check wrong by rule, and whether the caller may ask it at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from policies.clients import Client
from process_apis.atp.facts import Asked
from process_apis.atp.models import MOST_LINES, AtpCheckRequest, AtpLine, PartyRef
from process_apis.errors import Fault, NoSuchThing
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
from process_apis.words import bare

NOT_YET = "capability-not-available"


def check_request(request: AtpCheckRequest, landscape: Landscape) -> None:
    """Raise RequestFaulty with every fault of the request. Facts of the configuration only; nobody is asked."""
    refuse_if_any(_faults(request, landscape))


def check_access(client: Client, request: AtpCheckRequest) -> None:
    """A customer or plant that is not the client's does not exist for it, whether it exists or not."""
    party = request.sold_to
    if party and party.scheme == "erp" and not client.may_speak_for(bare(party.id)):
        raise NoSuchThing("customer", party.id)
    for line in request.lines:
        if line.plant and not client.may_name_plant(line.plant):
            raise NoSuchThing("plant", line.plant)


def _faults(request: AtpCheckRequest, landscape: Landscape) -> Iterator[Fault]:
    yield from _head_faults(request)
    yield from length_faults(len(request.lines), pointer("lines"), most=MOST_LINES, what="lines")
    yield from duplicate_faults(
        [line.line_id for line in request.lines],
        lambda position: pointer("lines", position, "lineId"),
        code="duplicate-line-id",
    )
    for position, line in enumerate(request.lines[:MOST_LINES]):
        yield from _line_faults(line, position, landscape)


def _head_faults(request: AtpCheckRequest) -> Iterator[Fault]:
    if request.sold_to is None:
        yield Fault(pointer("soldTo"), "a promise is made to a customer: soldTo is needed", "sold-to-missing")
    yield from _party_faults(request.sold_to, "soldTo")
    yield from _party_faults(request.ship_to, "shipTo")
    if request.sold_to and request.ship_to and request.ship_to.id != request.sold_to.id:
        yield Fault(pointer("shipTo"), "a ship-to party other than the sold-to party is not served yet", NOT_YET)
    if request.date_basis != "delivery":
        yield Fault(pointer("dateBasis"), "only dates of delivery are served yet", NOT_YET)


def _party_faults(party: PartyRef | None, member: str) -> Iterator[Fault]:
    if party and party.scheme != "erp":
        yield Fault(pointer(member, "scheme"), f"no {party.scheme} customer {party.id} is known", "reference-unknown")


def _line_faults(line: AtpLine, position: int, landscape: Landscape) -> Iterator[Fault]:
    plant = landscape.plants.get(line.plant or landscape.default_plant)
    yield from quantity_faults(line.quantity, pointer("lines", position, "quantity"))
    if plant:  # a day is past or not where the goods leave
        today = datetime.now(plant.time_zone).date()
        yield from date_faults(line.requested_date, pointer("lines", position, "requestedDate"), today=today)
    else:
        yield Fault(pointer("lines", position, "plant"), f"the plant {line.plant} is not known", "plant-unknown")
    if line.product.scheme != "erp":
        at = pointer("lines", position, "product")
        yield Fault(at, f"no {line.product.scheme} product {line.product.id} is known", "reference-unknown")
    if line.configuration_ref:
        at = pointer("lines", position, "configurationRef")
        yield Fault(at, "configured lines are not served yet", NOT_YET)
    if line.order_ref:
        yield Fault(pointer("lines", position, "orderRef"), "ask for the change by a change request", NOT_YET)


def resolve(request: AtpCheckRequest, landscape: Landscape) -> list[Asked]:
    """The lines of a checked request with every reference settled: material, Rec 20 unit, plant."""
    return [
        Asked(
            line.line_id,
            line.product.id,
            line.quantity.amount,
            rec20(line.quantity),
            line.requested_date,
            line.plant or landscape.default_plant,
        )
        for line in request.lines
    ]
