"""What the TOML file may say of units, maps, queues and maintenance windows, and what it may not."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.settings import SANDBOX_FILE, Settings, SettingsError, load
from app.upkeep import windows
from system_apis.maintenance import Once, Weekly
from system_apis.sap.units import DeclaredUnit

SCHEDULER = 'api_key = "scheduler-sandbox-key"\n'
ONCE = "[[systems.scheduler.maintenance]]\nstart = 2027-01-01T22:00:00Z\nend = 2027-01-02T04:00:00Z\n"
WEEKLY = """[[systems.scheduler.maintenance]]
weekday = "sunday"
begins = "22:00"
ends = "02:30"
time_zone = "Europe/Berlin"
"""


def loaded(tmp_path: Path, *, scheduler: str = "", more: str = "") -> Settings:
    text = SANDBOX_FILE.read_text()
    assert SCHEDULER in text
    file = tmp_path / "changed.toml"
    file.write_text(text.replace(SCHEDULER, SCHEDULER + scheduler) + more)
    return load({"ORDERGATE_ENV": "sandbox", "ORDERGATE_CONFIG": str(file)})


def refusal(tmp_path: Path, *, scheduler: str = "", more: str = "") -> str:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, scheduler=scheduler, more=more)
    line = str(refused.value)
    assert "\n" not in line
    return line


def test_a_system_may_have_windows_of_both_forms(tmp_path: Path) -> None:
    (scheduler,) = loaded(tmp_path, scheduler=ONCE + WEEKLY).world.systems.scheduler
    assert windows(scheduler.maintenance) == (
        Once(datetime(2027, 1, 1, 22, tzinfo=UTC), datetime(2027, 1, 2, 4, tzinfo=UTC)),
        Weekly(6, time(22), time(2, 30), ZoneInfo("Europe/Berlin")),
    )


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ("start = 2027-01-01T22:00:00Z\n", "one form, whole"),
        ('weekday = "sunday"\nbegins = "22:00"\n', "one form, whole"),
        ('start = 2027-01-01T22:00:00Z\nend = 2027-01-02T04:00:00Z\nweekday = "sunday"\n', "one form, whole"),
        ("start = 2027-01-02T04:00:00Z\nend = 2027-01-01T22:00:00Z\n", "ends after its start"),
        ("start = 2027-01-01T00:00:00Z\nend = 2027-03-01T00:00:00Z\n", "at most 14 days"),
        ("start = 2027-01-01T22:00:00\nend = 2027-01-02T04:00:00\n", "maintenance"),
        ('weekday = "sonntag"\nbegins = "22:00"\nends = "23:00"\n', "weekday"),
        ('weekday = "sunday"\nbegins = "24:00"\nends = "23:00"\n', "begins"),
        ('weekday = "sunday"\nbegins = "22:00"\nends = "23:00"\ntime_zone = "Mars/Olympus"\n', "time zone"),
    ],
)
def test_a_window_that_cannot_be_right_stops_the_start(tmp_path: Path, window: str, said: str) -> None:
    assert said in refusal(tmp_path, scheduler=f"[[systems.scheduler.maintenance]]\n{window}")


def test_queues_have_bounds_that_a_file_may_change(tmp_path: Path) -> None:
    queues = loaded(tmp_path).world.queues
    assert (queues.most_waiting, queues.oldest_minutes) == (1000, 240)
    changed = loaded(tmp_path, more="[queues]\nmost_waiting = 50\noldest_minutes = 30\n").world.queues
    assert timedelta(minutes=changed.oldest_minutes) == timedelta(minutes=30)
    assert "most_waiting" in refusal(tmp_path, more="[queues]\nmost_waiting = 0\n")


def test_a_unit_of_the_installation_is_declared_and_none_is_redefined(tmp_path: Path) -> None:
    mine = '[[references.units]]\nrec20 = "X5C"\nsap = "Z5C"\nwhole = true\n'
    assert loaded(tmp_path, more=mine).world.references.units == (DeclaredUnit("X5C", "Z5C", whole=True),)
    assert "contradicts" in refusal(tmp_path, more='[[references.units]]\nrec20 = "C62"\nsap = "KG"\n')


def test_quantities_are_refused_unless_the_file_rounds_them(tmp_path: Path) -> None:
    assert loaded(tmp_path).world.references.rounding == "refuse"
    assert loaded(tmp_path, more='[references]\nrounding = "up"\n').world.references.rounding == "up"
    assert "rounding" in refusal(tmp_path, more='[references]\nrounding = "down"\n')
