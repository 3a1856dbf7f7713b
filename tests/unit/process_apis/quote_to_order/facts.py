"""Quotes and simulations to decide on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from process_apis.conversions import Rounding
from process_apis.quote_to_order.models import ConversionRequest, Terms
from process_apis.quote_to_order.references import PlantFacts, Resolved, Told, resolve, seek
from process_apis.quote_to_order.rules import Planned
from system_apis.salesforce.models import Quote, QuoteLine
from system_apis.sap.models import Confirmation, CreditState, SimulatedLine, Simulation, SourceMessage
from system_apis.scheduler.models import PlannedLine, PlannedPiece

TODAY = date(2026, 3, 2)
WANTED = TODAY + timedelta(days=5)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PLANTS = {
    "1710": PlantFacts("s4-1710", "aps-1710"),
    "1720": PlantFacts("s4-1710", None),
    "2000": PlantFacts("s4-2000", None),
}


def line(line_id: str = "a", quantity: int = 10, **changes: Any) -> QuoteLine:
    fields = {
        "line_id": line_id,
        "number": "1",
        "material": "TG11",
        "quantity": Decimal(quantity),
        "unit": "C62",
        "unit_price": Decimal("17.50"),
        "requested_date": WANTED,
        "plant": None,
        **changes,
    }
    return QuoteLine(**fields)


def quote(*lines: QuoteLine, **changes: Any) -> Quote:
    fields = {
        "quote_id": "0Q0",
        "number": "00001",
        "name": "Q-1",
        "state": "approved",
        "version": "1",
        "customer": "17100001",
        "currency": "USD",
        "expires_on": None,
        "order_number": None,
        "modified_at": NOW,
        "lines": lines or (line(),),
        **changes,
    }
    return Quote(**fields)


def request(**members: Any) -> ConversionRequest:
    return msgspec.convert({"customerPo": "PO-1", **members}, ConversionRequest)


def terms(*lines: QuoteLine, **members: Any) -> Terms:
    return Terms(request(**members), quote(*lines))


def today_at(plant: str) -> date:
    """In 1720 it is still yesterday."""
    return TODAY - timedelta(days=plant == "1720")


def resolved(of: Terms, told: Told | None = None, rounding: Rounding = "refuse") -> Resolved:
    """Without anything `told` the ERP says nothing of materials: quantities stay as they are asked."""
    return resolve(of.quote, seek(of.quote, PLANTS, "1710"), told or Told(), rounding, today_at)


def planned(line_id: str, *pieces: tuple[int, int], routing: str | None = None) -> dict[str, Planned]:
    """`pieces`: quantity and days after the requested one."""
    made = tuple(PlannedPiece(Decimal(quantity), WANTED + timedelta(days=days)) for quantity, days in pieces)
    return {line_id: Planned("aps-1710", PlannedLine(line_id, "FG126", "C62", made, Decimal(0), None, routing))}


def answered(
    asked: QuoteLine, *confirmed: tuple[int, int], net: str | None = None, unit: str | None = None
) -> SimulatedLine:
    """`confirmed`: quantity and days after the requested one. Without a price, exactly what was quoted."""
    promised = net if net is not None else asked.unit_price * asked.quantity
    return SimulatedLine(
        line_id=asked.line_id,
        material=asked.material,
        plant=asked.plant or "1710",
        quantity=asked.quantity,
        unit=unit or asked.unit,
        net_amount=Decimal(promised),
        tax_amount=Decimal(0),
        confirmations=tuple(
            Confirmation(WANTED, WANTED + timedelta(days=days), Decimal(0), Decimal(quantity))
            for quantity, days in confirmed
        ),
    )


def simulation(
    *lines: SimulatedLine, credit: CreditState = "ok", refused: dict[str, SourceMessage] | None = None
) -> Simulation:
    return Simulation(lines, refused or {}, Decimal(0), Decimal(0), "USD", credit, (), NOW)
