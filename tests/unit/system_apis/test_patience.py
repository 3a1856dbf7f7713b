"""How often a question is asked again, and how long is waited."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from system_apis.patience import LEAST_ALLOWANCE, LONGEST_WISH_S, MOST_RETRIES, WINDOW_S, Patience, retry_after_s
from tests.unit.system_apis.hand_clock import HandClock

LONG = 1000.0


def allowed(patience: Patience) -> int:
    """How many retries are granted until one is refused."""
    granted = 0
    while patience.pause_s(0, None, LONG) is not None:
        granted += 1
    return granted


def test_the_pause_never_exceeds_its_ceiling() -> None:
    pauses = [Patience().pause_s(0, None, LONG) for _ in range(200)]
    assert all(pause is not None and 0 <= pause <= 0.1 for pause in pauses)
    assert len(set(pauses)) > 100, "without jitter everybody would come back at once"


def test_the_second_pause_may_be_twice_as_long() -> None:
    pauses = [Patience().pause_s(1, None, LONG) or 0 for _ in range(200)]
    assert 0.1 < max(pauses) <= 0.2


def test_retries_end() -> None:
    assert Patience().pause_s(MOST_RETRIES, None, LONG) is None


def test_the_neighbours_own_wish_is_the_least_pause() -> None:
    pause = Patience().pause_s(0, 3.0, LONG)
    assert pause is not None
    assert pause >= 3.0


def test_a_pause_that_outlasts_the_deadline_is_not_begun_and_costs_nothing() -> None:
    patience = Patience()
    for _ in range(20):
        assert patience.pause_s(0, 3.0, 2.9) is None
    assert allowed(patience) == LEAST_ALLOWANCE


@pytest.mark.parametrize(("calls", "retries"), [(0, 3), (15, 3), (16, 4), (100, 20), (1000, 200)])
def test_one_call_in_five_is_repeated_and_at_least_three(calls: int, retries: int) -> None:
    patience = Patience()
    for _ in range(calls):
        patience.called()
    assert allowed(patience) == retries


def test_the_allowance_comes_back_with_time() -> None:
    clock = HandClock()
    patience = Patience(clock)
    assert allowed(patience) == LEAST_ALLOWANCE
    clock.forward(WINDOW_S * 0.8)
    assert allowed(patience) == 0
    clock.forward(WINDOW_S * 0.3)
    assert allowed(patience) == LEAST_ALLOWANCE


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), (" 0 ", 0.0), (None, None), ("soon", None), ("-1", None)])
def test_retry_after_in_seconds(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value) == seconds


def test_retry_after_as_a_date() -> None:
    later = retry_after_s(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True))
    assert later is not None
    assert 25 < later <= 30
    assert retry_after_s("Fri, 20 Nov 2020 10:00:00 GMT") == 0.0


@pytest.mark.parametrize("value", ["9" * 400, "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_retry_after_is_never_longer_than_a_day(value: str) -> None:
    assert retry_after_s(value) == LONGEST_WISH_S


def test_retry_after_with_an_offset_beyond_all_numbers_is_unreadable() -> None:
    assert retry_after_s("Fri, 20 Nov 2026 17:00:00 +99999999999999999999") is None
