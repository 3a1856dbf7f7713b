"""A calendar that promises could not be made by is refused when the configuration is read."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from app.world import CalendarEntry

YEAR_AND_MORE = tuple(date(2030, 1, 1) + timedelta(days=n) for n in range(400))


@pytest.mark.parametrize(
    ("entry", "why"),
    [({"working_days": ()}, "at least one working day"), ({"holidays": YEAR_AND_MORE}, "look at its holidays")],
)
def test_a_plant_that_never_works_is_refused(entry: dict[str, tuple[date, ...]], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        CalendarEntry(**entry)  # type: ignore[arg-type]


def test_a_plant_with_a_long_holiday_is_not() -> None:
    assert CalendarEntry(holidays=YEAR_AND_MORE[:30]).holidays == YEAR_AND_MORE[:30]
