"""No call is started that can't finish; and none is locked out for good by an estimate that was wrong."""

from system_apis.pace import Pace


def test_an_unknown_neighbour_gets_a_chance() -> None:
    assert Pace().fits(0.01)


def test_no_time_is_too_little_for_anybody() -> None:
    assert not Pace().fits(0.0)


def test_less_time_than_the_fastest_answers_take_is_too_little() -> None:
    pace = Pace()
    for seconds in (0.30, 0.25, 0.31, 0.28):
        pace.answered(seconds)
    assert not pace.fits(0.1)
    assert pace.fits(0.3)


def test_a_slow_answer_now_and_then_shuts_nobody_out() -> None:
    pace = Pace()
    for seconds in [0.02] * 10 + [5.0]:
        pace.answered(seconds)
    assert pace.fits(0.5)


def test_an_estimate_that_is_too_high_is_put_to_the_test_again() -> None:
    pace = Pace()
    pace.answered(1.0)
    refused = 0
    while not pace.fits(0.2):
        refused += 1
    assert 5 < refused < 30
