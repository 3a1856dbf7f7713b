"""When a neighbour is left alone, and how it is asked again."""

import pytest

from system_apis.breaker import (
    FIRST_PAUSE_S,
    LEAST_CALLS,
    LONGEST_PAUSE_S,
    LONGEST_WISH_S,
    PROBE_S,
    WINDOW_S,
    Breaker,
    Verdict,
)
from tests.unit.system_apis.hand_clock import HandClock

WELL, ILL, NONE = Verdict.WELL, Verdict.ILL, Verdict.NONE


def call(breaker: Breaker, verdict: Verdict, asked_for_s: float | None = None) -> None:
    assert breaker.waiting_s() is None
    breaker.leave(verdict, probe=breaker.enter(), asked_for_s=asked_for_s)


def opened(clock: HandClock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(LEAST_CALLS):
        call(breaker, ILL)
    assert breaker.state == "open"
    return breaker


def test_half_of_ten_calls_failing_opens_it() -> None:
    breaker = Breaker(HandClock())
    for verdict in [WELL, ILL] * 4 + [WELL]:
        call(breaker, verdict)
    assert breaker.state == "closed"
    call(breaker, ILL)
    assert breaker.state == "open"
    waiting_s = breaker.waiting_s()
    assert waiting_s is not None
    assert 0.75 * FIRST_PAUSE_S <= waiting_s <= 1.25 * FIRST_PAUSE_S


def test_a_few_failures_in_a_row_open_nothing() -> None:
    breaker = Breaker(HandClock())
    for verdict in [WELL] * 20 + [ILL] * 9 + [WELL] * 5:
        call(breaker, verdict)
    assert breaker.state == "closed"


def test_too_few_calls_are_no_rate() -> None:
    breaker = Breaker(HandClock())
    for _ in range(LEAST_CALLS - 1):
        call(breaker, ILL)
    assert breaker.state == "closed"


def test_old_failures_are_forgotten() -> None:
    clock = HandClock()
    breaker = Breaker(clock)
    for _ in range(5):
        for _ in range(LEAST_CALLS - 1):
            call(breaker, ILL)
        clock.forward(WINDOW_S + 1)
    assert breaker.state == "closed"


def test_calls_that_were_given_up_say_nothing() -> None:
    breaker = Breaker(HandClock())
    for _ in range(100):
        call(breaker, NONE)
    assert breaker.state == "closed"


def test_after_the_pause_one_probe_goes_and_no_other() -> None:
    clock = HandClock()
    breaker = opened(clock)
    clock.forward(2 * FIRST_PAUSE_S)
    assert breaker.state == "halfOpen"
    assert breaker.waiting_s() is None
    assert breaker.enter()
    assert [breaker.waiting_s() for _ in range(3)] == [PROBE_S] * 3


def test_a_good_probe_closes_it() -> None:
    clock = HandClock()
    breaker = opened(clock)
    clock.forward(2 * FIRST_PAUSE_S)
    call(breaker, WELL)
    assert breaker.state == "closed"
    for _ in range(LEAST_CALLS - 1):
        call(breaker, ILL)
    assert breaker.state == "closed", "what was before the probe does not count any more"


def test_bad_probes_make_the_pause_longer_up_to_a_limit() -> None:
    clock = HandClock()
    breaker = opened(clock)
    pauses = []
    for _ in range(8):
        clock.forward(breaker.waiting_s() or 0)
        call(breaker, ILL)
        pauses.append(breaker.waiting_s() or 0)
    assert pauses[0] > FIRST_PAUSE_S
    assert 0.75 * LONGEST_PAUSE_S <= pauses[-1] <= 1.25 * LONGEST_PAUSE_S
    clock.forward(pauses[-1])
    call(breaker, WELL)
    for _ in range(LEAST_CALLS):
        call(breaker, ILL)
    assert (breaker.waiting_s() or 0) <= 1.25 * FIRST_PAUSE_S, "a recovered neighbour starts from the beginning"


def test_a_probe_that_was_given_up_lets_the_next_one_go() -> None:
    clock = HandClock()
    breaker = opened(clock)
    clock.forward(2 * FIRST_PAUSE_S)
    call(breaker, NONE)
    assert breaker.state == "halfOpen"
    assert breaker.waiting_s() is None


@pytest.mark.parametrize("verdict", [WELL, ILL])
def test_who_left_before_it_opened_decides_nothing_afterwards(verdict: Verdict) -> None:
    clock = HandClock()
    breaker = Breaker(clock)
    early = breaker.enter()
    for _ in range(LEAST_CALLS):
        call(breaker, ILL)
    clock.forward(2 * FIRST_PAUSE_S)
    assert breaker.enter()
    breaker.leave(verdict, probe=early)
    assert breaker.state == "halfOpen"
    assert breaker.waiting_s() == PROBE_S, "the probe is still under way"


def test_the_neighbours_own_wish_is_kept_at_once() -> None:
    clock = HandClock()
    breaker = Breaker(clock)
    call(breaker, WELL, asked_for_s=30)
    assert breaker.waiting_s() == 30
    clock.forward(29)
    assert breaker.waiting_s() == 1
    clock.forward(2)
    assert breaker.state == "halfOpen"


def test_an_absurd_wish_is_not_kept_for_ever() -> None:
    breaker = Breaker(HandClock())
    call(breaker, ILL, asked_for_s=10_000_000)
    assert breaker.waiting_s() == LONGEST_WISH_S


def test_a_shorter_wish_does_not_shorten_a_longer_one() -> None:
    clock = HandClock()
    breaker = Breaker(clock)
    first, second = breaker.enter(), breaker.enter()
    breaker.leave(ILL, probe=first, asked_for_s=60)
    breaker.leave(ILL, probe=second, asked_for_s=1)
    assert breaker.waiting_s() == 60
