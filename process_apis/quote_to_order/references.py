"""From a quote to lines the ERP understands: in which plants, in which units, and what is then short. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Context, Decimal

from msgspec import Struct

from process_apis.calendars import TodayAt
from process_apis.conversions import LineConversion, NotEven, Rounding, convert
from process_apis.exceptions import Finding, SourceMessage
from process_apis.operations import LineState
from process_apis.quote_to_order import configuration
from process_apis.quote_to_order.configuration import Revisions
from system_apis.salesforce.models import Quote, QuoteLine
from system_apis.sap.goods import SoldAs
from system_apis.sap.models import Confirmation, Demand, Simulation
from system_apis.scheduler.models import Requirement

ZERO = Decimal(0)
HUNDRED = Decimal(100)
_READABLE = Context(prec=9)


class PlantFacts(Struct, frozen=True):
    """Which ERP and which scheduler serve a plant."""

    erp: str
    scheduler: str | None


class Piece(Struct, frozen=True):
    """A part of a line that arrives on a day, said by `source` (`erp` or `scheduler`)."""

    quantity: Decimal
    date: date
    source: str


class Sought(Struct, frozen=True):
    """A first look at a quote: one ERP for all its lines, the plant of each line that can go on, and what cannot."""

    erp: str
    plants: dict[str, str]
    findings: tuple[Finding, ...]


class Told(Struct, frozen=True):
    """What the ERP says of a quote's lines before anything is asked of it.

    `sold` is how materials are sold, `unknown` why it does not know one; a material in neither could not be asked for.
    `revisions` are those in force, by line; `unread` why they could not be read. `ship_to` is what is wrong with the
    ship-to party, if anything is.
    """

    sold: dict[str, SoldAs] = {}
    unknown: dict[str, SourceMessage] = {}
    revisions: dict[str, Revisions] = {}
    unread: dict[str, SourceMessage] = {}
    ship_to: Finding | None = None


class Resolved(Struct, frozen=True):
    """The lines in the ERP's terms: one ERP for all of them, `demands` with their plants, and what cannot go on.

    `conversions` say how a line's quantity came about, where that took one.
    """

    erp: str
    demands: tuple[Demand, ...]
    findings: tuple[Finding, ...]
    conversions: dict[str, LineConversion] = {}


def total(pieces: Iterable[Piece]) -> Decimal:
    return sum((piece.quantity for piece in pieces), ZERO)


def seek(quote: Quote, plants: Mapping[str, PlantFacts], default_plant: str) -> Sought:
    """Plants and references. One order lives in one ERP: the first line's; a line of another ERP cannot go on."""
    erp = next((plants[p].erp for p in (line.plant or default_plant for line in quote.lines) if p in plants), "")
    found: dict[str, str] = {}
    findings: list[Finding] = []
    for line in quote.lines:
        plant = line.plant or default_plant
        trouble = _unresolved(line, plant, plants, erp)
        if trouble:
            findings.append(trouble)
        else:
            found[line.line_id] = plant
    return Sought(erp, found, tuple(findings))


def resolve(quote: Quote, sought: Sought, told: Told, rounding: Rounding, today_at: TodayAt) -> Resolved:
    """The lines as the ERP is asked for them: in the units it sells in, and configured as it makes them today.

    A line without a date is wanted as soon as possible: today, as its plant counts.
    """
    demands: list[Demand] = []
    findings = [*sought.findings, *((told.ship_to,) if told.ship_to else ())]
    conversions: dict[str, LineConversion] = {}
    for line in quote.lines:
        if line.line_id not in sought.plants:
            continue
        counted = _counted(line, told, rounding, sought.erp)
        troubles = _as_configured(line, told, sought.erp)
        if isinstance(counted, Finding):
            troubles = (counted, *troubles)
        else:
            quantity, unit, by = counted
            plant = sought.plants[line.line_id]
            demand = Demand(line.line_id, line.material, quantity, unit, wanted_on(line, today_at(plant)), plant)
        if troubles:
            findings += troubles
        else:
            demands.append(demand)
            conversions |= {line.line_id: by} if by else {}
    return Resolved(sought.erp, tuple(demands), tuple(findings), conversions)


def wanted_on(line: QuoteLine, today: date) -> date:
    """The day a line is asked for: what was wanted before today is wanted today, and so is what has no day."""
    return max(line.requested_date or today, today)


def _counted(
    line: QuoteLine, told: Told, rounding: Rounding, erp: str
) -> tuple[Decimal, str, LineConversion | None] | Finding:
    """The quantity in the unit the material is sold in. What the ERP would not tell is left as it is asked: it counts
    by itself then, and says no where it cannot."""

    def no(code: str, detail: str, source: SourceMessage | None = None) -> Finding:
        return Finding(code, detail, "erp", erp, blocking=True, line_id=line.line_id, source=source)

    if line.material in told.unknown:
        return no("item-unknown", f"the ERP does not know the material {line.material}", told.unknown[line.material])
    sold = told.sold.get(line.material)
    if sold is None:
        return line.quantity, line.unit, None
    counted = convert(line.quantity, line.unit, sold, rounding)
    if counted is None:
        return no("uom-invalid", f"{line.material} is sold in {sold.unit} and is not kept in {line.unit}")
    if isinstance(counted, NotEven):
        exact = f"{_READABLE.divide(Decimal(counted.exact.numerator), Decimal(counted.exact.denominator)):f}"
        return no(
            "quantity-multiple", f"{line.quantity:f} {line.unit} are {exact} {counted.unit}: not a whole quantity"
        )
    least = convert(sold.minimum, sold.product.base_unit, sold, "up") if sold.minimum > 0 else None
    if least is not None and not isinstance(least, NotEven) and counted.quantity < least.quantity:
        return no("quantity-below-minimum", f"{line.material} is sold from {least.quantity:f} {least.unit} on")
    return counted.quantity, counted.unit, counted.by


def _as_configured(line: QuoteLine, told: Told, erp: str) -> tuple[Finding, ...]:
    """What is wrong with the line's configuration. One that cannot be checked is no order either."""
    sold, unread = told.sold.get(line.material), told.unread.get(line.line_id)
    if unread is None and sold is not None:
        return configuration.faults(line, sold.product, told.revisions.get(line.line_id, Revisions()), erp)
    if unread is None and line.configuration is None:
        return ()
    detail = f"the configuration of {line.material} cannot be checked: the ERP does not tell what is in force"
    return (Finding(configuration.INVALID, detail, "erp", erp, blocking=True, line_id=line.line_id, source=unread),)


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
