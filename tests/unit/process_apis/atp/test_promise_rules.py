"""Availability is decided by rules that lose nothing, invent nothing and never call the unknown zero."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from process_apis.atp.facts import Asked, ErpFact, ErpLine, LinePromise, PlanFact, Terms
from process_apis.atp.rules import answer_status, promise_line, shortfall
from process_apis.atp.supply import from_plan, from_simulation
from process_apis.atp.units import Conversion
from process_apis.exceptions import SourceMessage
from process_apis.ways import Way
from system_apis.sap.models import Confirmation
from system_apis.scheduler.models import PlannedPiece

DUE = date(2030, 6, 10)
ASKED = Asked("10", "TG12", Decimal(100), "C62", DUE, DUE, "1710")
AT_ONCE = Way(None, "17100001", DUE - timedelta(days=30))
PIECES = Conversion("C62", "C62", Decimal(1), Decimal(1))

quantities = st.decimals(min_value=0, max_value=1000, places=3)
days = st.integers(min_value=-20, max_value=60).map(lambda days: DUE + timedelta(days=days))
pieces = st.lists(st.tuples(quantities, days), max_size=6)


def erp_fact(*confirmed: tuple[Decimal | int, date | None], unit: str = "C62", credit: str = "ok") -> ErpFact:
    confirmations = [Confirmation(DUE, day, Decimal(0), Decimal(amount)) for amount, day in confirmed]
    line = ErpLine("TG12", "1710", unit, from_simulation(ASKED, confirmations, AT_ONCE))
    return ErpFact("s1", "s4-1710", "ok", line, credit=credit)  # type: ignore[arg-type]


def plan_fact(*planned: tuple[Decimal | int, date], unit: str = "C62") -> PlanFact:
    made = [PlannedPiece(Decimal(amount), day) for amount, day in planned]
    arrivals = from_plan(ASKED, made, PIECES, AT_ONCE) if unit == "C62" else None
    return PlanFact("s2", "aps-1710", "ok", "1710", "TG12", unit, arrivals, "WC-ASSY-1")


SILENT_ERP = ErpFact("s1", "s4-1710", "timeout")
SILENT_PLAN = PlanFact("s2", "aps-1710", "error", "1710", "TG12")


def promised(erp: ErpFact, plan: PlanFact | None = None, rule: str = "proposal", *, split: bool = True) -> LinePromise:
    return promise_line(ASKED, erp, plan, terms=Terms(rule, split))  # type: ignore[arg-type]


@given(
    erp=pieces, plan=st.none() | pieces, rule=st.sampled_from(["proposal", "complete", "oneTime"]), split=st.booleans()
)
def test_the_parts_of_a_promise_add_up_to_what_was_asked(erp, plan, rule, split) -> None:
    line = promised(erp_fact(*erp), None if plan is None else plan_fact(*plan), rule, split=split)
    assert line.confirmed is not None and line.on_time is not None
    assert line.confirmed + line.unconfirmed == ASKED.quantity
    assert sum(piece.quantity for piece in line.schedule) == line.confirmed
    assert sum(piece.quantity for piece in line.schedule if piece.date <= DUE) == line.on_time
    assert 0 <= line.on_time <= line.confirmed <= ASKED.quantity
    assert 0 <= line.fill_rate <= 1


@given(erp=pieces, plan=pieces)
def test_nobody_is_promised_more_than_the_sources_have(erp, plan) -> None:
    line = promised(erp_fact(*erp), plan_fact(*plan))
    for source, offered in (("s1", erp), ("s2", plan)):
        taken = sum(piece.quantity for piece in line.schedule if piece.source == source)
        assert taken <= sum(amount for amount, _ in offered)


@given(erp=pieces, plan=pieces)
def test_the_status_says_what_the_quantities_say(erp, plan) -> None:
    line = promised(erp_fact(*erp), plan_fact(*plan))
    expected = (
        "unavailable"
        if line.confirmed == 0
        else "partiallyConfirmed"
        if line.unconfirmed
        else "confirmed"
        if line.on_time == ASKED.quantity
        else "confirmedLate"
    )
    assert line.status == expected


@given(plan=st.none() | pieces)
def test_a_silent_erp_leaves_a_line_unknown_and_never_zero(plan) -> None:
    line = promised(SILENT_ERP, None if plan is None else plan_fact(*plan))
    assert line.status == "unknown"
    assert (line.confirmed, line.on_time, line.unconfirmed, line.fill_rate) == (None, None, None, None)


def test_a_silent_scheduler_leaves_a_short_line_unknown_but_shows_what_the_erp_has() -> None:
    line = promised(erp_fact((10, DUE)), SILENT_PLAN)
    assert line.status == "unknown"
    assert line.confirmed is None
    assert [piece.quantity for piece in line.schedule] == [Decimal(10)]
    assert [finding.code for finding in line.findings] == ["source-unavailable"]


def test_a_silent_scheduler_does_not_matter_where_the_erp_covers_the_line() -> None:
    assert promised(erp_fact((100, DUE)), SILENT_PLAN).status == "confirmed"


def test_late_receipts_are_inbound_and_less_sure_than_stock() -> None:
    line = promised(erp_fact((60, DUE), (40, DUE + timedelta(days=7))))
    assert line.status == "confirmedLate"
    assert line.fill_rate == Decimal("0.6")
    assert [(piece.supply, piece.confidence) for piece in line.schedule] == [("onHand", "high"), ("inbound", "medium")]
    assert [factor.code for factor in line.factors] == ["material"]


def test_production_fills_the_gap_and_names_the_work_centre() -> None:
    line = promised(erp_fact((10, DUE)), plan_fact((40, DUE), (50, DUE + timedelta(days=2))))
    assert line.status == "confirmedLate"
    assert [(piece.supply, piece.firmness) for piece in line.schedule][1:] == [("production", "simulated")] * 2
    assert [(factor.code, factor.ref) for factor in line.factors] == [("material", "TG12"), ("capacity", "WC-ASSY-1")]


def test_a_complete_delivery_waits_for_the_last_piece() -> None:
    last = DUE + timedelta(days=7)
    line = promised(erp_fact((60, DUE), (40, last)), rule="complete")
    assert {piece.date for piece in line.schedule} == {last}
    assert [alternative.kind for alternative in line.alternatives] == ["split"]


def test_a_complete_delivery_that_is_never_complete_is_unavailable_and_offers_the_parts() -> None:
    line = promised(erp_fact((60, DUE)), rule="complete")
    assert (line.status, line.confirmed) == ("unavailable", 0)
    assert [alternative.kind for alternative in line.alternatives] == ["split"]


def test_a_one_time_delivery_gives_up_what_is_late() -> None:
    line = promised(erp_fact((60, DUE), (40, DUE + timedelta(days=7))), rule="oneTime")
    assert (line.status, line.confirmed) == ("partiallyConfirmed", 60)


def test_split_dates_come_with_the_alternative_of_one_later_delivery() -> None:
    line = promised(erp_fact((60, DUE), (40, DUE + timedelta(days=7))))
    (alternative,) = line.alternatives
    assert alternative.kind == "laterDate"
    assert sum(piece.quantity for piece in alternative.schedule) == ASKED.quantity


def test_a_refused_line_is_rejected_with_the_reason_of_the_erp() -> None:
    erp = ErpFact("s1", "s4-1710", "ok", refused=SourceMessage("V1/028", "Material TG14 has status: Discontinued"))
    line = promised(erp)
    (finding,) = line.findings
    assert (line.status, finding.code, finding.blocking) == ("rejected", "item-discontinued", True)
    assert finding.source == erp.refused


def test_a_customer_on_credit_hold_is_never_told_confirmed() -> None:
    line = promised(erp_fact((100, DUE), credit="blocked"))
    assert (line.status, line.findings[0].code) == ("datePending", "credit-hold")


def test_an_answer_in_another_unit_is_not_added_up() -> None:
    line = promised(erp_fact((100, DUE), unit="CT"))
    assert (line.status, line.confirmed, line.schedule) == ("unknown", None, ())
    assert [finding.code for finding in line.findings] == ["mapping-failed"]
    assert promised(erp_fact((10, DUE)), plan_fact((90, DUE), unit="CT")).status == "unknown"


@given(confirmed=pieces)
def test_the_shortfall_is_what_the_erp_confirms_on_no_day(confirmed) -> None:
    line = erp_fact(*confirmed, (500, None)).line
    assert shortfall(ASKED, line) == max(Decimal(0), 100 - sum(amount for amount, _ in confirmed))


def test_a_silent_erp_has_no_shortfall_to_ask_for() -> None:
    assert shortfall(ASKED, None) == 0


def test_a_degraded_answer_names_itself() -> None:
    good, refused = promised(erp_fact((100, DUE))), promised(replace(SILENT_ERP, refused=SourceMessage("V1/382", "?")))
    assert answer_status([good, refused], ["ok"]) == "complete"
    assert answer_status([good], ["ok", "timeout"]) == "degraded"
    assert answer_status([refused, refused], ["ok"]) == "rejected"
