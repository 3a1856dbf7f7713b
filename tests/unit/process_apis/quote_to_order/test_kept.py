"""A promise belongs to the line that it was made for: where that cannot be known, nothing is compared."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from process_apis.atp.token import PromisedLine, PromisedPiece, PromiseFact
from process_apis.operations import OperationLine
from process_apis.quote_to_order.kept import compared
from process_apis.quote_to_order.lines import first_lines
from tests.unit.process_apis.quote_to_order.facts import NOW, WANTED, line, quote, today_at


def shown(*line_ids: str) -> tuple[OperationLine, ...]:
    return first_lines(quote(*(line(one) for one in line_ids)), "1710", today_at)


def promised(line_id: str, days: int) -> PromisedLine:
    piece = PromisedPiece(Decimal(10), WANTED + timedelta(days=days))
    return PromisedLine(line_id, "TG11", Decimal(10), "C62", (piece,))


def drifts(lines: tuple[OperationLine, ...], *said: PromisedLine) -> dict[str, int]:
    """By line, how many days after the requested one it was promised for."""
    outcome = compared(PromiseFact("atp_1", "crm", "17100001", NOW, said), lines, NOW)
    found = outcome.lines if outcome else ()
    return {one.line_id: (one.promised[0].delivery_date - WANTED).days for one in found}


def test_by_the_same_id_each_line_has_its_own_promise() -> None:
    assert drifts(shown("a", "b"), promised("b", 7), promised("a", 2)) == {"a": 2, "b": 7}


def test_one_line_of_a_kind_is_known_by_what_it_is_about() -> None:
    assert drifts(shown("a"), promised("1", 2)) == {"a": 2}


def test_two_alike_with_different_days_are_not_guessed() -> None:
    assert drifts(shown("a", "b"), promised("1", 2), promised("2", 7)) == {}
    assert drifts(shown("a"), promised("1", 2), promised("2", 7)) == {}
    assert drifts(shown("a", "b"), promised("1", 2)) == {}


def test_two_alike_that_were_promised_the_same_leave_no_choice() -> None:
    assert drifts(shown("a", "b"), promised("1", 2), promised("2", 2)) == {"a": 2, "b": 2}


def test_what_is_left_beside_lines_with_their_own_id_is_certain() -> None:
    assert drifts(shown("a", "b"), promised("a", 2), promised("2", 7)) == {"a": 2, "b": 7}
