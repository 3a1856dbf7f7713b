from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from process_apis.operation_views import internal_view
from process_apis.operations import (
    AT_REST,
    CANCELLABLE,
    ENDED,
    TRANSITIONS,
    Operation,
    State,
    before,
    matches,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
states = st.sampled_from(get_args(State))


def reachable(start: State) -> set[State]:
    seen: set[State] = set()
    ahead = [start]
    while ahead:
        for following in TRANSITIONS[ahead.pop()]:
            if following not in seen:
                seen.add(following)
                ahead.append(following)
    return seen


@st.composite
def walks(draw: st.DrawFn) -> list[State]:
    """A way through the table from the first state on."""
    walk: list[State] = ["received"]
    for _ in range(draw(st.integers(0, 12))):
        following = sorted(TRANSITIONS[walk[-1]])
        if not following:
            break
        walk.append(draw(st.sampled_from(following)))
    return walk


def test_the_table_names_every_state_and_no_other() -> None:
    assert set(TRANSITIONS) == set(get_args(State))
    assert set().union(*TRANSITIONS.values()) <= set(get_args(State))


def test_every_state_can_be_reached() -> None:
    assert reachable("received") | {"received"} == set(get_args(State))


@given(states)
def test_no_state_is_a_trap(state: State) -> None:
    assert state in ENDED or reachable(state) & ENDED


@given(walks())
def test_once_an_order_may_exist_nothing_is_cancelled_or_decided_anew(walk: list[State]) -> None:
    if "creatingOrder" in walk:
        after = walk[walk.index("creatingOrder") + 1 :]
        assert not set(after) & {"cancelled", "received", "validating", "awaitingDecision"}


@given(walks())
def test_what_has_ended_stays_ended(walk: list[State]) -> None:
    assert not set(walk[:-1]) & ENDED


@given(walks())
def test_nothing_is_completed_that_was_not_scheduled_and_written_back(walk: list[State]) -> None:
    """By itself. What an operator did by hand, after it had stopped, is never called without exceptions."""
    if walk[-1] in ("completed", "completedWithExceptions"):
        assert walk[-2] == "writingBack" or walk[-2:] == ["actionRequired", "completedWithExceptions"]


@given(states, states)
def test_before_is_the_table_read_backwards(origin: State, target: State) -> None:
    assert (origin in before(target)) == (target in TRANSITIONS[origin])


def test_only_what_has_no_order_yet_can_be_cancelled() -> None:
    assert {"received", "validating", "awaitingDecision"} == CANCELLABLE


def operation(state: State, *, decision: str | None = None, retry_at: datetime | None = None) -> Operation:
    return Operation(
        operation_id="op_1",
        kind="quoteToOrder",
        state=state,
        waiting_for=None,
        retry_at=retry_at,
        revision=7,
        executor=None,
        client_id="crm",
        customer="17100001",
        quote_id="0Q0",
        quote_version="1",
        terms="{}",
        lines=(),
        exceptions=(),
        order_instance=None,
        order_number=None,
        decide_by=None,
        decision=decision,
        correlation_id="corr",
        traceparent=None,
        created_at=NOW,
        updated_at=NOW,
    )


@pytest.mark.parametrize("state", sorted(AT_REST))
def test_who_looks_at_something_at_rest_need_not_come_again(state: State) -> None:
    assert internal_view(operation(state), (), NOW).retry_after_seconds is None


def test_a_decided_proposal_is_moving_again() -> None:
    assert internal_view(operation("awaitingDecision", decision="accept"), (), NOW).retry_after_seconds == 1


def test_who_waits_for_a_neighbour_is_told_when_it_is_asked_again() -> None:
    later = operation("validating", retry_at=NOW + timedelta(seconds=12.2))
    assert internal_view(later, (), NOW).retry_after_seconds == 13


def test_the_order_id_names_the_erp_instance() -> None:
    made = replace(operation("completed"), order_instance="s4-1710", order_number="0000004711")
    assert internal_view(made, (), NOW).order_id == "s4-1710.0000004711"
    assert internal_view(operation("rejected"), (), NOW).order_id is None


@pytest.mark.parametrize(
    ("if_match", "holds"),
    [
        ('"op_1-7"', True),
        ("*", False),  # who decides names what they have seen
        ('"op_1-6", "op_1-7"', True),
        ('"op_1-6"', False),
        ('W/"op_1-7"', False),
        ("", False),
    ],
)
def test_if_match_compares_strongly(if_match: str, holds: bool) -> None:
    assert matches(if_match, operation("completed").etag) is holds
