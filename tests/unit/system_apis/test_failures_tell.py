"""A failure says who, what, at which try and after how long; in a sentence and as facts."""

import time

from system_apis.errand import Errand


def test_a_failure_carries_its_facts() -> None:
    errand = Errand("sap", "s4", "read an order", writes=False, began=time.monotonic() - 2).again()
    for failure in (
        errand.not_done("busy", 3.0),
        errand.too_late("late"),
        errand.refused("V1/384", "no", 400),
        errand.credentials_refused("HTTP 401"),
    ):
        assert (failure.system, failure.instance, failure.operation) == ("sap", "s4", "read an order")
        assert failure.attempt == 2
        assert 2 <= failure.elapsed_s < 3
        assert str(failure).startswith("sap s4: read an order: ")
        assert str(failure).endswith(" s)")
        assert "(attempt 2, 2.0" in str(failure)


def test_where_nobody_measured_nothing_is_said_of_time() -> None:
    failure = Errand("sap", "s4", "read an order", writes=False).not_done("busy")
    assert str(failure) == "sap s4: read an order: busy"
    assert (failure.attempt, failure.elapsed_s) == (1, 0.0)


def test_what_left_and_what_was_held_are_told_apart() -> None:
    errand = Errand("sap", "s4", "create an order", writes=True)
    assert errand.not_done("busy").sent
    assert not errand.not_done("no connection", sent=False).sent
    assert errand.not_done("open", 2.0, sent=False, held_by="breaker").held_by == "breaker"


def test_the_words_of_a_neighbour_are_bounded() -> None:
    failure = Errand("sap", "s4", "read an order", writes=False).refused("C" * 10_000, "m" * 10_000, 400)
    assert len(str(failure)) < 700
