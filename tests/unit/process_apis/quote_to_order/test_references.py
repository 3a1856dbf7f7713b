from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from process_apis.errors import QuoteNotConvertible, QuoteVersionMoved
from process_apis.quote_to_order.convertible import chosen_lines, refuse_unconvertible, request_faults
from process_apis.quote_to_order.lines import first_lines
from process_apis.quote_to_order.references import line_state, shortfalls
from tests.unit.process_apis.quote_to_order.facts import (
    TODAY,
    WANTED,
    answered,
    line,
    quote,
    request,
    resolved,
    simulation,
    terms,
    today_at,
)


@pytest.mark.parametrize("state", ["draft", "inReview", "rejected", "other"])
def test_only_an_approved_quote_becomes_an_order(state: str) -> None:
    with pytest.raises(QuoteNotConvertible):
        refuse_unconvertible(quote(state=state), request(), TODAY)


def test_a_quote_is_good_through_its_last_day() -> None:
    refuse_unconvertible(quote(expires_on=TODAY), request(), TODAY)
    with pytest.raises(QuoteNotConvertible):
        refuse_unconvertible(quote(expires_on=TODAY - timedelta(days=1)), request(), TODAY)


def test_a_quote_without_a_customer_of_the_erp_is_not_convertible() -> None:
    with pytest.raises(QuoteNotConvertible):
        refuse_unconvertible(quote(customer=""), request(), TODAY)


def test_the_version_is_checked_before_the_state() -> None:
    with pytest.raises(QuoteVersionMoved):
        refuse_unconvertible(quote(state="draft"), request(quoteVersion="2"), TODAY)


def test_every_fault_of_a_request_is_told_at_once() -> None:
    asked = request(
        lines=[{"lineId": "a"}, {"lineId": "x"}, {"lineId": "a"}],
        acceptance={"mode": "validLinesMin"},
        pricePolicy={"tolerancePercent": "101"},
    )
    assert [(one.pointer, one.code) for one in request_faults(asked, quote())] == [
        ("#/lines/1/lineId", "unknown-line"),
        ("#/lines/2/lineId", "duplicate-line"),
        ("#/acceptance/minimumPercent", "acceptance"),
        ("#/pricePolicy/tolerancePercent", "tolerance-too-large"),
    ]


def test_more_lines_than_an_order_takes_are_a_fault_even_if_nobody_named_them() -> None:
    long = quote(*(line(f"l{n}") for n in range(101)))
    assert [one.code for one in request_faults(request(), long)] == ["too-many-lines"]


def test_the_named_lines_are_taken_in_the_order_of_the_quote() -> None:
    whole = quote(line("a"), line("b"), line("c"))
    some = request(lines=[{"lineId": "c"}, {"lineId": "a"}])
    assert [one.line_id for one in chosen_lines(whole, some)] == ["a", "c"]
    assert chosen_lines(whole, request()) == whole.lines


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"plant": "9999"}, "item-not-at-plant"),
        ({"plant": "2000"}, "item-not-at-plant"),
        ({"material": ""}, "item-unknown"),
        ({"unit": ""}, "uom-invalid"),
        ({"quantity": 0}, "mapping-failed"),
    ],
)
def test_a_line_that_cannot_be_resolved_is_named(changes: dict[str, object], code: str) -> None:
    found = resolved(terms(line("good"), line("bad", **changes)))
    assert [demand.line_id for demand in found.demands] == ["good"]
    assert [(one.code, one.line_id, one.blocking) for one in found.findings] == [(code, "bad", True)]


def test_a_line_without_a_day_or_with_a_past_one_is_wanted_today() -> None:
    found = resolved(
        terms(line("a", requested_date=None), line("b", requested_date=TODAY - timedelta(days=9)), line("c"))
    )
    assert [demand.requested_date for demand in found.demands] == [TODAY, TODAY, WANTED]


def test_which_day_it_is_says_the_plant_of_the_line() -> None:
    here, there = (line(plant, requested_date=TODAY - timedelta(days=1), plant=plant) for plant in ("1710", "1720"))
    asked = [demand.requested_date for demand in resolved(terms(here, there)).demands]
    shown = [one.requested_date for one in first_lines(quote(here, there), "1710", today_at)]
    assert asked == shown == [TODAY, TODAY - timedelta(days=1)]


def test_the_scheduler_is_asked_for_the_shortfall_only_and_by_plant() -> None:
    short, late, elsewhere = line("short"), line("late"), line("elsewhere", plant="1720")
    agreed = resolved(terms(short, late, elsewhere))
    facts = simulation(answered(short, (3, 0)), answered(late, (10, 4)), answered(elsewhere))
    asked = shortfalls(agreed.demands, facts)
    assert {plant: [(need.line_id, need.quantity) for need in needs] for plant, needs in asked.items()} == {
        "1710": [("short", Decimal(7))],
        "1720": [("elsewhere", Decimal(10))],
    }


def test_without_a_confirmed_piece_the_date_is_pending() -> None:
    assert line_state(Decimal(5), WANTED, ()) == "datePending"
