"""How often a read is asked again, and how long is waited."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from system_apis.patience import MOST_RETRIES, PURSE_HOLDS, Patience, retry_after_s


def test_the_pause_never_exceeds_its_ceiling() -> None:
    pauses = [Patience().pause_s(0, None) for _ in range(200)]
    assert all(pause is not None and 0 <= pause <= 0.1 for pause in pauses)
    assert len(set(pauses)) > 100, "without jitter everybody would come back at once"


def test_retries_end() -> None:
    assert Patience().pause_s(MOST_RETRIES, None) is None


def test_the_neighbours_own_wish_is_the_least_pause() -> None:
    pause = Patience().pause_s(0, 3.0)
    assert pause is not None
    assert pause >= 3.0


def test_a_dead_neighbour_empties_the_purse_and_calls_fill_it() -> None:
    patience = Patience()
    spent = [patience.pause_s(0, None) for _ in range(int(PURSE_HOLDS))]
    assert None not in spent
    assert patience.pause_s(0, None) is None
    for _ in range(11):
        patience.earn()
    assert patience.pause_s(0, None) is not None


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), (" 0 ", 0.0), (None, None), ("soon", None), ("-1", None)])
def test_retry_after_in_seconds(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value) == seconds


def test_retry_after_as_a_date() -> None:
    later = retry_after_s(format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True))
    assert later is not None
    assert 25 < later <= 30
    assert retry_after_s("Fri, 20 Nov 2020 10:00:00 GMT") == 0.0
