"""The quantity of a line in the unit that its material is sold in; the price of what is then ordered; its promise."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from process_apis.atp.token import PromisedLine, PromisedPiece, PromiseFact
from process_apis.exceptions import Finding, SourceMessage
from process_apis.quote_to_order import kept, lines
from process_apis.quote_to_order.references import Resolved, Told
from process_apis.quote_to_order.rules import judge
from system_apis.sap.goods import Product, SoldAs, UnitRatio
from tests.unit.process_apis.quote_to_order.facts import (
    NOW,
    WANTED,
    answered,
    line,
    quote,
    resolved,
    simulation,
    terms,
    today_at,
)

CARTONS = Product("TG18", "C62", (UnitRatio("CT", Decimal(6), Decimal(1)),), "", configurable=False, deleted=False)


def sold_in(unit: str, minimum: str = "0") -> Told:
    return Told(sold={"TG18": SoldAs(CARTONS, unit, Decimal(minimum), 0)})


def findings(found: Resolved) -> list[str]:
    return [one.code for one in found.findings]


def test_a_line_is_asked_in_the_unit_it_is_sold_in() -> None:
    agreed = terms(line(material="TG18", quantity=12))
    found = resolved(agreed, sold_in("CT"))
    assert [(one.quantity, one.unit) for one in found.demands] == [(Decimal(2), "CT")]
    assert (found.conversions["a"].numerator, found.conversions["a"].denominator) == (1, 6)


@pytest.mark.parametrize(
    ("quantity", "unit", "told", "codes"),
    [
        (10, "C62", sold_in("CT"), ["quantity-multiple"]),
        (10, "LTR", sold_in("CT"), ["uom-invalid"]),
        (6, "C62", sold_in("CT", "12"), ["quantity-below-minimum"]),
        (12, "C62", sold_in("CT", "12"), []),
        (1, "CT", sold_in("C62", "7"), ["quantity-below-minimum"]),
        (10, "C62", Told(unknown={"TG18": SourceMessage("404", "no")}), ["item-unknown"]),
        (10, "LTR", Told(), []),
    ],
)
def test_what_cannot_be_counted_is_named(quantity: int, unit: str, told: Told, codes: list[str]) -> None:
    found = resolved(terms(line(material="TG18", quantity=quantity, unit=unit)), told)
    assert findings(found) == codes
    assert len(found.demands) == (0 if codes else 1)


def test_a_ship_to_party_that_is_wrong_stops_the_whole_whatever_the_acceptance() -> None:
    agreed = terms(acceptance={"mode": "validLines"})
    wrong = Finding("ship-to-invalid", "no", "erp", "s4-1710", blocking=True)
    verdict = judge(agreed, resolved(agreed, Told(ship_to=wrong)), simulation(answered(line(), (10, 0))), {})
    assert (verdict.decision, verdict.findings) == ("reject", (wrong,))


@pytest.mark.parametrize(("net", "decision"), [("210.00", "go"), ("175.00", "reject")])
def test_the_price_of_a_quantity_that_was_rounded_up_is_that_of_what_is_ordered(net: str, decision: str) -> None:
    """Ten pieces were quoted at 17.50; two cartons are twelve of them."""
    agreed = terms(line(material="TG18", quantity=10), pricePolicy={"tolerancePercent": "0", "onMismatch": "reject"})
    found = resolved(agreed, sold_in("CT"), "up")
    asked = line(material="TG18", quantity=2, unit="CT")
    assert judge(agreed, found, simulation(answered(asked, (2, 0), net=net)), {}).decision == decision


def test_without_a_quoted_price_the_erps_is_taken() -> None:
    agreed = terms(line(unit_price=None), pricePolicy={"tolerancePercent": "0", "onMismatch": "reject"})
    verdict = judge(agreed, resolved(agreed), simulation(answered(line(), (10, 0), net="99999")), {})
    assert (verdict.decision, verdict.findings) == ("go", ())
    assert lines.first_lines(quote(line(unit_price=None)), "1710", today_at)[0].quoted is None


def shown(told: Told, quantity: int = 12) -> tuple[lines.OperationLine, ...]:
    agreed = terms(line(material="TG18", quantity=quantity))
    found = resolved(agreed, told)
    asked = line(material="TG18", quantity=int(found.demands[0].quantity), unit=found.demands[0].unit)
    verdict = judge(agreed, found, simulation(answered(asked, (int(asked.quantity), 0), net="210.00")), {})
    decided = lines.decided_lines(lines.first_lines(agreed.quote, "1710", today_at), found, verdict, "USD")
    return lines.with_items(decided, {"a": "10"})


def test_the_conversion_is_shown_beside_what_was_asked() -> None:
    (one,) = shown(sold_in("CT"))
    assert (one.requested.value, one.requested.unit) == (Decimal(12), "C62")
    assert one.ordered is not None
    assert (one.ordered.value, one.ordered.unit) == (Decimal(2), "CT")
    assert (one.confirmed_quantity.value, one.confirmed_quantity.unit) == (Decimal(2), "CT")
    (plain,) = shown(Told())
    assert (plain.ordered, plain.uom_conversion) == (None, None)


@pytest.mark.parametrize(("unit", "quantity"), [("C62", 12), ("CT", 2)])
def test_a_promise_in_either_unit_is_compared_in_the_orders(unit: str, quantity: int) -> None:
    said = PromisedLine("a", "TG18", Decimal(quantity), unit, (PromisedPiece(Decimal(quantity), WANTED),))
    promised = PromiseFact("atp_1", "crm", "17100001", NOW, (said,))
    outcome = kept.compared(promised, shown(sold_in("CT")), NOW + timedelta(minutes=1))
    assert outcome is not None
    assert (outcome.outcome, outcome.expired) == ("kept", True)
    assert outcome.lines[0].promised[0].quantity.value == Decimal(2)


def test_a_promise_of_other_things_says_nothing_about_these() -> None:
    other = PromisedLine("z", "TG99", Decimal(12), "C62", ())
    in_litres = PromisedLine("a", "TG18", Decimal(12), "LTR", (PromisedPiece(Decimal(12), WANTED),))
    for said in (other, in_litres):
        assert kept.compared(PromiseFact("atp_1", "crm", "1", NOW, (said,)), shown(sold_in("CT")), NOW) is None
    assert kept.compared(None, shown(sold_in("CT")), NOW) is None


def test_what_the_erp_holds_back_keeps_no_promise_and_reads_as_nothing_confirmed() -> None:
    held = lines.with_items(shown(sold_in("CT")), {"a": "10"}, held=True)
    assert (held[0].state, held[0].confirmed_quantity.value, held[0].schedule != ()) == ("hold", Decimal(0), True)
    said = PromisedLine("a", "TG18", Decimal(2), "CT", (PromisedPiece(Decimal(2), WANTED),))
    outcome = kept.compared(PromiseFact("atp_1", "crm", "1", NOW, (said,)), held, NOW)
    assert outcome is not None
    assert (outcome.outcome, outcome.lines[0].short_by.value) == ("worse", Decimal(2))
