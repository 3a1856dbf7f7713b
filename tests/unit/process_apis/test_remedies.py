"""The links that fix an exception lead somewhere, now, for whoever reads them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import get_args

import pytest
from msgspec.structs import replace

from app.routes import PUBLIC
from process_apis.exceptions import ExceptionState, Finding, opened
from process_apis.operations import ENDED, OperationLine, State
from process_apis.order_change.models import State as ChangeState
from process_apis.remedies import of_change, with_remedies
from process_apis.words import Quantity
from tests.unit.process_apis.test_operations import operation

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ONE = Quantity(Decimal(1), "C62")
MET = opened(
    Finding("shortage", "none left", "erp", "s4-1710", blocking=True, line_id="1"),
    step="decide",
    at=NOW,
    correlation_id="c",
)
STATES: tuple[State, ...] = get_args(State)


def line(item: str | None) -> OperationLine:
    return OperationLine("1", "1", "TG11", "rejected", ONE, date(2026, 12, 1), "1710", ONE, item=item)


def actions(state: State, *, item: str | None = None, order: str | None = None) -> list[str]:
    met = replace(
        operation(state), lines=(line(item),), exceptions=(MET,), order_instance="s4-1710", order_number=order
    )
    return [one.action for one in with_remedies(met)[0].remediation]


def test_a_line_that_was_left_out_can_be_converted_again_once_it_is_free() -> None:
    assert actions("completedWithExceptions", order="4711") == ["convertAgain"]
    assert actions("rejected") == ["convertAgain"]
    assert actions("scheduling", order="4711") == ["readOrder", "watch"]


def test_a_line_that_comes_short_can_be_changed_on_its_order() -> None:
    assert actions("completedWithExceptions", item="10", order="4711") == ["requestChange", "readOrder"]


def test_a_proposal_can_be_decided_or_stopped() -> None:
    assert actions("awaitingDecision") == ["decide", "cancel", "watch"]


@pytest.mark.parametrize("state", STATES)
def test_there_is_always_something_to_do_about_what_is_open(state: State) -> None:
    assert actions(state, order=None if state in ENDED else "4711")


@pytest.mark.parametrize("state", ["resolved", "waived", "expired"])
def test_there_is_nothing_to_do_about_what_is_over(state: ExceptionState) -> None:
    over = replace(operation("completed"), exceptions=(replace(MET, state=state),))
    assert with_remedies(over)[0].remediation == ()
    assert of_change(replace(MET, state=state), "/v1/orders/s4.1/change-requests/ocr_1", "proposed").remediation == ()


@pytest.mark.parametrize("state", STATES)
def test_every_link_is_served_at_the_public_door(state: State) -> None:
    for item in (None, "10"):
        met = replace(operation(state), lines=(line(item),), exceptions=(MET,), order_instance="s4", order_number="1")
        for remedy in with_remedies(met)[0].remediation:
            assert any(route.method == remedy.method and route.matches(remedy.href) for route in PUBLIC), remedy
    for change_state in get_args(ChangeState):
        for remedy in of_change(MET, "/v1/orders/s4.1/change-requests/ocr_1", change_state).remediation:
            assert any(route.method == remedy.method and route.matches(remedy.href) for route in PUBLIC), remedy
