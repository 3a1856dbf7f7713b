from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from process_apis.quote_to_order.references import Piece
from process_apis.quote_to_order.rules import LinePlan, Verdict, broken_promise, final_state, judge, keeps
from system_apis.sap.models import SourceMessage
from tests.unit.process_apis.quote_to_order.facts import WANTED, answered, line, planned, resolved, simulation, terms

TEN = Decimal(10)


def verdict_on(agreed, facts, planned=None, accepted=None) -> Verdict:  # type: ignore[no-untyped-def]
    return judge(agreed, resolved(agreed), facts, planned or {}, accepted)


def test_what_is_there_in_time_at_the_quoted_price_is_ordered() -> None:
    verdict = verdict_on(terms(), simulation(answered(line(), (10, 0))))
    assert (verdict.decision, verdict.findings) == ("go", ())
    assert [one.state for one in verdict.lines] == ["confirmed"]


@pytest.mark.parametrize(
    ("on_late", "decision", "codes"),
    [("accept", "go", []), ("propose", "ask", []), ("reject", "reject", ["date-not-feasible"])],
)
def test_a_late_line_is_taken_proposed_or_refused(on_late: str, decision: str, codes: list[str]) -> None:
    verdict = verdict_on(terms(onLate=on_late), simulation(answered(line(), (6, 0), (4, 3))))
    assert (verdict.decision, [one.code for one in verdict.findings]) == (decision, codes)


@pytest.mark.parametrize(
    ("on_late", "decision", "code", "blocking"),
    [
        ("accept", "go", "backordered", False),
        ("propose", "ask", "backordered", False),
        ("reject", "reject", "shortage", True),
    ],
)
def test_a_quantity_without_a_date_is_always_an_exception(
    on_late: str, decision: str, code: str, blocking: bool
) -> None:
    verdict = verdict_on(terms(onLate=on_late), simulation(answered(line(), (6, 0))))
    assert verdict.decision == decision
    assert [(one.code, one.blocking) for one in verdict.findings] == [(code, blocking)]


def test_production_closes_the_gap_that_the_erp_leaves() -> None:
    made = planned("a", (4, -1))
    verdict = verdict_on(terms(onLate="reject"), simulation(answered(line(), (6, 0))), made)
    assert verdict.decision == "go"
    assert [(piece.quantity, piece.source) for piece in verdict.lines[0].pieces] == [
        (Decimal(6), "erp"),
        (Decimal(4), "scheduler"),
    ]


@pytest.mark.parametrize(
    ("policy", "net", "decision", "codes"),
    [
        ({"tolerancePercent": "2"}, "178.50", "go", []),
        ({"tolerancePercent": "2"}, "178.51", "reject", ["price-mismatch"]),
        ({"tolerancePercent": "2"}, "171.49", "reject", ["price-mismatch"]),
        ({"tolerancePercent": "0", "onMismatch": "useErp"}, "200", "go", ["price-mismatch"]),
        ({"tolerancePercent": "0", "onMismatch": "hold"}, "200", "ask", ["price-mismatch"]),
        ({"tolerancePercent": "0"}, "175.00", "go", []),
    ],
)
def test_a_price_beyond_the_tolerance_is_handled_as_agreed(
    policy: dict[str, str], net: str, decision: str, codes: list[str]
) -> None:
    verdict = verdict_on(terms(pricePolicy=policy), simulation(answered(line(), (10, 0), net=net)))
    assert (verdict.decision, [one.code for one in verdict.findings]) == (decision, codes)


def test_a_blocked_credit_rejects_unless_the_caller_wants_the_order_on_hold() -> None:
    facts = simulation(answered(line(), (10, 0)), credit="blocked")
    assert verdict_on(terms(), facts).decision == "reject"
    on_hold = verdict_on(terms(creditPolicy="createOnHold"), facts)
    assert (on_hold.decision, [one.blocking for one in on_hold.findings]) == ("go", [False])
    assert [one.state for one in on_hold.lines] == ["hold"]


@pytest.mark.parametrize(
    ("acceptance", "decision"),
    [
        ({"mode": "allOrNothing"}, "reject"),
        ({"mode": "validLines"}, "go"),
        ({"mode": "validLinesMin", "minimumPercent": 66}, "go"),
        ({"mode": "validLinesMin", "minimumPercent": 67}, "reject"),
    ],
)
def test_a_refused_line_counts_as_the_acceptance_says(acceptance: dict[str, object], decision: str) -> None:
    lines = [line("a"), line("b"), line("c", material="TG14")]
    facts = simulation(
        *(answered(one, (10, 0)) for one in lines[:2]), refused={"c": SourceMessage("V1/028", "Discontinued")}
    )
    verdict = verdict_on(terms(*lines, acceptance=acceptance), facts)
    assert verdict.decision == decision
    assert verdict.ordered == {"a", "b"}
    assert [(one.code, one.line_id, one.source and one.source.code) for one in verdict.findings] == [
        ("item-discontinued", "c", "V1/028")
    ]


def test_an_order_without_a_single_line_is_no_order() -> None:
    facts = simulation(refused={"a": SourceMessage("V1/028", "Discontinued")})
    assert verdict_on(terms(acceptance={"mode": "validLines"}), facts).decision == "reject"


def test_an_answer_in_another_unit_is_not_read_as_ours() -> None:
    verdict = verdict_on(terms(), simulation(answered(line(), (10, 0), unit="CT")))
    assert [(one.code, one.blocking) for one in verdict.findings] == [("mapping-failed", True)]


def test_an_accepted_proposal_is_ordered_as_long_as_the_facts_keep_to_it() -> None:
    agreed = terms(onLate="propose")
    proposed = verdict_on(agreed, simulation(answered(line(), (6, 0), (4, 3))))
    same = verdict_on(agreed, simulation(answered(line(), (6, 0), (4, 3))), accepted=proposed)
    better = verdict_on(agreed, simulation(answered(line(), (8, 0), (2, 1))), accepted=proposed)
    worse = verdict_on(agreed, simulation(answered(line(), (6, 0), (4, 4))), accepted=proposed)
    assert (same.decision, better.decision, worse.decision) == ("go", "go", "ask")


def test_an_accepted_price_does_not_rise_unnoticed() -> None:
    agreed = terms(pricePolicy={"tolerancePercent": "0", "onMismatch": "hold"})
    proposed = verdict_on(agreed, simulation(answered(line(), (10, 0), net="180")))
    dearer = verdict_on(agreed, simulation(answered(line(), (10, 0), net="181")), accepted=proposed)
    cheaper = verdict_on(agreed, simulation(answered(line(), (10, 0), net="179")), accepted=proposed)
    assert (dearer.decision, cheaper.decision) == ("ask", "go")


pieces = st.lists(
    st.builds(
        lambda quantity, days: Piece(Decimal(quantity), WANTED + timedelta(days=days), "erp"),
        st.integers(1, 50),
        st.integers(-5, 20),
    ),
    max_size=5,
).map(tuple)


@given(pieces)
def test_a_proposal_keeps_to_itself(one: tuple[Piece, ...]) -> None:
    verdict = Verdict("ask", (LinePlan("a", "confirmed", one, TEN),), ())
    assert keeps(verdict, verdict)


@given(pieces.filter(bool), st.integers(1, 30))
def test_the_same_pieces_any_later_do_not_keep_to_a_proposal(one: tuple[Piece, ...], days: int) -> None:
    later = tuple(Piece(piece.quantity, piece.date + timedelta(days=days), piece.source) for piece in one)
    proposed = Verdict("ask", (LinePlan("a", "confirmed", one, TEN),), ())
    fresh = Verdict("go", (LinePlan("a", "confirmed", later, TEN),), ())
    assert not keeps(proposed, fresh)
    assert keeps(fresh, proposed)


@given(pieces, pieces)
def test_more_never_breaks_a_promise(promised: tuple[Piece, ...], extra: tuple[Piece, ...]) -> None:
    plan = LinePlan("a", "confirmed", promised, TEN)
    assert broken_promise(plan, (*promised, *extra), "erp") is None


@given(pieces.filter(bool))
def test_nothing_at_all_breaks_every_promise(promised: tuple[Piece, ...]) -> None:
    finding = broken_promise(LinePlan("a", "confirmed", promised, TEN), (), "erp")
    assert finding is not None
    assert not finding.blocking


@pytest.mark.parametrize(
    ("exceptions", "rejected", "state"),
    [(False, False, "completed"), (True, False, "completedWithExceptions"), (False, True, "completedWithExceptions")],
)
def test_completed_means_without_a_blemish(exceptions: bool, rejected: bool, state: str) -> None:
    assert final_state(open_exceptions=exceptions, rejected_lines=rejected) == state


def test_a_line_that_was_rejected_in_the_proposal_is_not_ordered_unseen() -> None:
    there = (Piece(TEN, WANTED, "erp"),)
    proposed = Verdict("ask", (LinePlan("a", "confirmed", there, TEN), LinePlan("b", "rejected", (), None)), ())
    fresh = Verdict("go", (LinePlan("a", "confirmed", there, TEN), LinePlan("b", "confirmedLate", there, TEN)), ())
    assert not keeps(proposed, fresh)


@pytest.mark.parametrize(
    ("unit_price", "currency", "net", "agrees"),
    [
        ("17.495", "USD", "174.95", True),
        ("1.3333", "USD", "13.33", True),  # 13.333 cannot be paid
        ("1.3335", "USD", "13.34", True),
        ("1.3333", "USD", "13.34", False),
        ("1.3333", "KWD", "13.333", True),
        ("1.3333", "KWD", "13.334", False),
        ("17.46", "JPY", "175", True),
        ("17.46", "USD", "175", False),
    ],
)
def test_a_price_that_is_finer_than_its_currency_is_compared_as_it_can_be_paid(
    unit_price: str, currency: str, net: str, agrees: bool
) -> None:
    quoted = line(unit_price=Decimal(unit_price))
    agreed = terms(quoted, pricePolicy={"tolerancePercent": "0"})
    agreed = replace(agreed, quote=replace(agreed.quote, currency=currency))
    facts = replace(simulation(answered(quoted, (10, 0), net=net)), currency=currency)
    assert (verdict_on(agreed, facts).decision == "go") is agrees


def test_a_line_that_drops_out_of_an_accepted_proposal_is_told_before_the_others_are_ordered() -> None:
    """What was late is now refused: nothing is left that would ask, and yet it is not what was accepted."""
    late, fine = line("a"), line("b")
    agreed = terms(late, fine, onLate="propose", acceptance={"mode": "validLines"})
    proposed = verdict_on(agreed, simulation(answered(late, (10, 3)), answered(fine, (10, 0))))
    assert proposed.decision == "ask"
    gone = simulation(answered(fine, (10, 0)), refused={"a": SourceMessage("V1/028", "discontinued")})
    again = verdict_on(agreed, gone, accepted=proposed)
    assert (again.decision, again.ordered) == ("ask", {"b"})
    assert verdict_on(agreed, gone, accepted=again).decision == "go"
