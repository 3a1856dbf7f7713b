"""A quote that comes with the call: what makes it wrong by rule, and the quote it is in our words. Nobody is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from msgspec.structs import replace

from policies.access import require_customer
from policies.clients import Client
from process_apis.atp.models import PartyRef
from process_apis.errors import Fault, NoSuchThing
from process_apis.faults import date_faults, duplicate_faults, length_faults, pointer, quantity_faults, rec20
from process_apis.landscape import Landscape
from process_apis.quote_to_order.convertible import policy_faults
from process_apis.quote_to_order.models import (
    MOST_LINES,
    ConfiguredAs,
    ConversionRequest,
    InlineConversionRequest,
    InlineLine,
)
from system_apis.salesforce.models import Configuration, Quote, QuoteLine

VERSION = "1"
"""A quote that comes with the call has no revisions here."""


def granted(client: Client, request: InlineConversionRequest, landscape: Landscape) -> InlineConversionRequest:
    """The request with a plant on each line, as a promise chooses it. One that is not the client's does not exist."""
    lines = tuple(replace(line, plant=landscape.plant_for(client, line.plant)) for line in request.lines)
    return replace(request, lines=lines)


def customer_of(client: Client, request: InlineConversionRequest, landscape: Landscape) -> str:
    """The ERP's number of the customer. One that is not the client's does not exist for it."""
    party = request.sold_to
    customer = landscape.references.customer(party.scheme, party.id)
    if customer is None:
        raise NoSuchThing("customer", party.id)
    require_customer(client, customer, ident=party.id)
    return customer


def inline_faults(request: InlineConversionRequest, customer: str, landscape: Landscape) -> Iterator[Fault]:
    """Every fault of the request at once."""
    yield from policy_faults(request)
    if request.ship_to and _number(request.ship_to, landscape) is None:
        at = pointer("shipTo", "id")
        yield Fault(at, f"no {request.ship_to.scheme} customer {request.ship_to.id} is known", "reference-unknown")
    yield from length_faults(len(request.lines), pointer("lines"), most=MOST_LINES, what="lines")
    yield from duplicate_faults(
        [line.line_id for line in request.lines],
        lambda position: pointer("lines", position, "lineId"),
        code="duplicate-line-id",
    )
    for position, line in enumerate(request.lines[:MOST_LINES]):
        yield from _line_faults(line, position, customer, landscape)


def _line_faults(line: InlineLine, position: int, customer: str, landscape: Landscape) -> Iterator[Fault]:
    yield from quantity_faults(line.quantity, pointer("lines", position, "quantity"), landscape.units)
    plant = landscape.plants.get(line.plant or "")
    if plant is None:
        yield Fault(pointer("lines", position, "plant"), f"the plant {line.plant} is not known", "plant-unknown")
    elif line.requested_date is not None:  # a day is past or not where the goods leave
        today = datetime.now(plant.time_zone).date()
        yield from date_faults(line.requested_date, pointer("lines", position, "requestedDate"), today=today)
    product = line.product
    if landscape.references.material(product.scheme, product.id, customer) is None:
        at = pointer("lines", position, "product", "id")
        yield Fault(at, f"no {product.scheme} product {product.id} is known", "reference-unknown")


def quote_of(request: InlineConversionRequest, customer: str, landscape: Landscape, operation_id: str) -> Quote:
    """The quote of a request without faults. Its number is the caller's own, or the operation's where it has none."""
    number = request.quote_number or operation_id
    return Quote(
        quote_id=number,
        number=number,
        name=number,
        state="approved",
        version=VERSION,
        customer=customer,
        currency=request.currency,
        expires_on=None,
        order_number=None,
        modified_at=datetime.now(UTC),
        lines=tuple(
            QuoteLine(
                line_id=line.line_id,
                number=str(place),
                material=landscape.references.material(line.product.scheme, line.product.id, customer) or "",
                quantity=line.quantity.amount,
                unit=rec20(line.quantity, landscape.units),
                unit_price=None if line.unit_price is None else Decimal(line.unit_price),
                requested_date=line.requested_date,
                plant=line.plant,
                configuration=_configuration(line.configuration),
            )
            for place, line in enumerate(request.lines, start=1)
        ),
        ship_to=_number(request.ship_to, landscape) if request.ship_to else None,
    )


def agreed_of(request: InlineConversionRequest) -> ConversionRequest:
    """What the caller agreed to, as for any other quote."""
    return ConversionRequest(
        customer_po=request.customer_po,
        acceptance=request.acceptance,
        on_late=request.on_late,
        price_policy=request.price_policy,
        credit_policy=request.credit_policy,
        promise_token=request.promise_token,
    )


def _number(party: PartyRef, landscape: Landscape) -> str | None:
    return landscape.references.customer(party.scheme, party.id)


def _configuration(said: ConfiguredAs | None) -> Configuration | None:
    if said is None:
        return None
    return Configuration(said.id, said.bundle_revision, said.bom_revision, said.routing_revision)
