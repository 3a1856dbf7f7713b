"""From a CRM quote to lines the ERP understands: what may be converted, in which plants, what is then short. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from process_apis.errors import Fault, QuoteNotConvertible, QuoteVersionMoved
from process_apis.exceptions import Finding
from process_apis.operations import LineState
from process_apis.quote_to_order.models import MOST_LINES, ConversionRequest
from system_apis.salesforce.models import Quote, QuoteLine
from system_apis.sap.models import Confirmation, Demand, Simulation
from system_apis.scheduler.models import Requirement

ZERO = Decimal(0)
HUNDRED = Decimal(100)
CONVERTIBLE = ("approved", "accepted")


class PlantFacts(Struct, frozen=True):
    """Which ERP and which scheduler serve a plant."""

    erp: str
    scheduler: str | None


class Piece(Struct, frozen=True):
    """A part of a line that arrives on a day, said by `source` (`erp` or `scheduler`)."""

    quantity: Decimal
    date: date
    source: str


class Resolved(Struct, frozen=True):
    """The lines in the ERP's terms: one ERP for all of them, `demands` with their plants, and what cannot go on."""

    erp: str
    demands: tuple[Demand, ...]
    findings: tuple[Finding, ...]


def total(pieces: Iterable[Piece]) -> Decimal:
    return sum((piece.quantity for piece in pieces), ZERO)


def request_faults(request: ConversionRequest, quote: Quote) -> Iterable[Fault]:
    """Every fault of the request that the quote's lines show."""
    known = {line.line_id for line in quote.lines}
    seen: set[str] = set()
    for place, chosen in enumerate(request.lines or ()):
        at = f"#/lines/{place}/lineId"
        if chosen.line_id not in known:
            yield Fault(at, f"the quote has no line {chosen.line_id}", "unknown-line")
        if chosen.line_id in seen:
            yield Fault(at, f"line {chosen.line_id} is named twice", "duplicate-line")
        seen.add(chosen.line_id)
    if (request.acceptance.mode == "validLinesMin") != (request.acceptance.minimum_percent is not None):
        yield Fault("#/acceptance/minimumPercent", "belongs to the mode validLinesMin, and only to it", "acceptance")
    if request.price_policy.tolerance > HUNDRED:
        yield Fault("#/pricePolicy/tolerancePercent", "is at most 100", "tolerance-too-large")
    if len(request.lines or quote.lines) > MOST_LINES:
        yield Fault("#/lines", f"at most {MOST_LINES} lines become an order at once", "too-many-lines")


def refuse_unconvertible(quote: Quote, request: ConversionRequest, today: date) -> None:
    """Only an approved, unexpired quote with lines, at the version the caller saw, becomes an order."""
    if request.quote_version is not None and request.quote_version != quote.version:
        raise QuoteVersionMoved(quote.quote_id, quote.version)
    if quote.state not in CONVERTIBLE:
        raise QuoteNotConvertible(quote.quote_id, f"it is {quote.state}, not approved")
    if quote.expires_on is not None and quote.expires_on < today:
        raise QuoteNotConvertible(quote.quote_id, f"it expired on {quote.expires_on}")
    if not quote.lines:
        raise QuoteNotConvertible(quote.quote_id, "it has no lines")
    if not quote.customer:
        raise QuoteNotConvertible(quote.quote_id, "its account is no customer of the ERP")


def chosen_lines(quote: Quote, request: ConversionRequest) -> tuple[QuoteLine, ...]:
    """The lines to convert, in the quote's order; all of them if the request names none."""
    if request.lines is None:
        return quote.lines
    named = {chosen.line_id for chosen in request.lines}
    return tuple(line for line in quote.lines if line.line_id in named)


def resolve(quote: Quote, plants: Mapping[str, PlantFacts], default_plant: str, today: date) -> Resolved:
    """Plants, units, materials. One order lives in one ERP: the first line's; a line of another ERP cannot go on.

    A line without a date is wanted as soon as possible: today.
    """
    demands: list[Demand] = []
    findings: list[Finding] = []
    erp = next((plants[p].erp for p in (line.plant or default_plant for line in quote.lines) if p in plants), "")
    for line in quote.lines:
        plant = line.plant or default_plant
        trouble = _unresolved(line, plant, plants, erp)
        if trouble:
            findings.append(trouble)
            continue
        day = max(line.requested_date or today, today)
        demands.append(Demand(line.line_id, line.material, line.quantity, line.unit, day, plant))
    return Resolved(erp, tuple(demands), tuple(findings))


def _unresolved(line: QuoteLine, plant: str, plants: Mapping[str, PlantFacts], erp: str) -> Finding | None:
    def no(code: str, detail: str) -> Finding:
        return Finding(code, detail, "ordergate", "ordergate", blocking=True, line_id=line.line_id)

    if plant not in plants:
        return no("item-not-at-plant", f"plant {plant} is not served here")
    if plants[plant].erp != erp:
        return no("item-not-at-plant", f"plant {plant} belongs to another ERP; an order lives in one")
    if not line.material:
        return no("item-unknown", "the quote line names no product code")
    if not line.unit:
        return no("uom-invalid", "the quote line names no unit of measure")
    if line.quantity <= 0:
        return no("mapping-failed", "the quote line has no quantity")
    return None


def shortfalls(demands: Iterable[Demand], simulation: Simulation) -> dict[str, tuple[Requirement, ...]]:
    """What the ERP confirms on no day at all, by plant: the scheduler is asked for this much and no more."""
    simulated = {line.line_id: line for line in simulation.lines}
    wanted: dict[str, list[Requirement]] = {}
    for demand in demands:
        line = simulated.get(demand.line_id)
        missing = unconfirmed(line.quantity, line.confirmations) if line else ZERO
        if line and missing > 0:
            need = Requirement(demand.line_id, line.material, missing, line.unit, demand.requested_date)
            wanted.setdefault(line.plant, []).append(need)
    return {plant: tuple(needs) for plant, needs in wanted.items()}


def unconfirmed(quantity: Decimal, confirmations: Iterable[Confirmation]) -> Decimal:
    return max(ZERO, quantity - total(erp_pieces(confirmations)))


def erp_pieces(confirmations: Iterable[Confirmation]) -> tuple[Piece, ...]:
    return tuple(Piece(one.confirmed, one.date, "erp") for one in confirmations if one.date and one.confirmed > 0)


def line_state(quantity: Decimal, requested: date, pieces: Sequence[Piece]) -> LineState:
    confirmed = total(pieces)
    if confirmed <= 0:
        return "datePending"
    if confirmed < quantity:
        return "partiallyConfirmed"
    return "confirmed" if all(piece.date <= requested for piece in pieces) else "confirmedLate"
