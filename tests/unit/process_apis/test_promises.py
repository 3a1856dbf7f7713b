"""What was promised against what came of it, day by day."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from process_apis.promises import Part, line_drift, worst

DAY = date(2027, 1, 15)
PARTS = st.lists(
    st.builds(
        lambda quantity, days: Part(Decimal(quantity), DAY + timedelta(days=days)),
        st.integers(1, 50),
        st.integers(-5, 30),
    ),
    max_size=4,
)


def part(quantity: int, days: int = 0) -> Part:
    return Part(Decimal(quantity), DAY + timedelta(days=days))


def drift(promised: list[Part], now: list[Part]) -> tuple[str, Decimal, int | None]:
    found = line_drift("a", "C62", promised, now)
    return found.outcome, found.short_by.value, found.days_later


def test_the_same_is_kept_however_it_is_cut() -> None:
    assert drift([part(100)], [part(60), part(40)]) == ("kept", Decimal(0), 0)


def test_later_is_worse_by_so_many_days() -> None:
    assert drift([part(100)], [part(60), part(40, 7)]) == ("worse", Decimal(0), 7)


def test_never_is_worse_by_so_much() -> None:
    assert drift([part(100)], [part(60)]) == ("worse", Decimal(40), None)
    assert drift([part(100)], []) == ("worse", Decimal(100), None)


def test_sooner_is_better() -> None:
    assert drift([part(60), part(40, 7)], [part(100)]) == ("better", Decimal(0), -7)


def test_less_on_a_day_in_between_is_worse_though_all_is_there_in_the_end() -> None:
    assert drift([part(60), part(40, 7)], [part(100, 7)]) == ("worse", Decimal(0), 0)


def test_a_promise_of_nothing_is_kept() -> None:
    assert drift([], [part(5)]) == ("kept", Decimal(0), 0)


@given(PARTS)
def test_a_promise_keeps_to_itself(promised: list[Part]) -> None:
    assert drift(promised, promised) == ("kept", Decimal(0), 0)


@given(PARTS, PARTS)
def test_more_is_never_worse(promised: list[Part], more: list[Part]) -> None:
    assert drift(promised, promised + more)[0] != "worse"


@given(st.lists(st.builds(lambda days: part(10, days), st.integers(0, 9)), min_size=1, max_size=3), st.integers(1, 9))
def test_any_delay_is_worse_by_exactly_that(promised: list[Part], days: int) -> None:
    late = [Part(one.quantity, one.date + timedelta(days=days)) for one in promised]
    assert drift(promised, late) == ("worse", Decimal(0), days)


def test_a_promise_is_as_good_as_its_worst_line() -> None:
    kept, better = line_drift("a", "C62", [part(1)], [part(1)]), line_drift("b", "C62", [part(1)], [part(1, -1)])
    worse = line_drift("c", "C62", [part(1)], [part(1, 1)])
    assert [worst(lines) for lines in ([kept], [kept, better], [kept, better, worse])] == ["kept", "better", "worse"]
