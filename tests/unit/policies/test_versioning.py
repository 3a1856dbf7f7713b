"""Endings: dates that cannot be are refused, and the fields are those of RFC 9745, RFC 8594 and RFC 8288."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from policies.errors import VersionGone
from policies.versioning import Ending, ending_fields, major_of, require_living

DEPRECATED = datetime(2026, 11, 1, tzinfo=UTC)
SUNSET = datetime(2027, 5, 1, 12, 30, tzinfo=UTC)


def test_the_fields_say_since_when_until_when_and_what_instead() -> None:
    ending = Ending(DEPRECATED, SUNSET, "/v2/orders/{orderId}", "https://gateway.example/moving")
    fields = ending_fields(ending, "https://gateway.example", {"orderId": "s4-1710.4711"})
    assert fields["deprecation"] == f"@{int(DEPRECATED.timestamp())}"
    assert fields["sunset"] == "Sat, 01 May 2027 12:30:00 GMT"
    assert parsedate_to_datetime(fields["sunset"]) == SUNSET
    assert fields["link"] == (
        '<https://gateway.example/moving>; rel="deprecation"; type="text/html", '
        '<https://gateway.example/moving>; rel="sunset"; type="text/html", '
        '<https://gateway.example/v2/orders/s4-1710.4711>; rel="successor-version"'
    )


def test_who_has_no_end_yet_says_none() -> None:
    fields = ending_fields(Ending(DEPRECATED), "https://gateway.example", {})
    assert set(fields) == {"deprecation", "link"}
    assert "sunset" not in fields["link"]


@pytest.mark.parametrize(
    ("deprecated", "sunset"),
    [(SUNSET, DEPRECATED), (datetime(2026, 1, 1), None), (DEPRECATED, datetime(2028, 1, 1))],  # noqa: DTZ001  the point
)
def test_dates_that_cannot_be_are_refused(deprecated: datetime, sunset: datetime | None) -> None:
    with pytest.raises(ValueError, match=r"sunset before deprecation|time zone"):
        Ending(deprecated, sunset)


def test_it_is_over_from_the_very_moment() -> None:
    ending = Ending(DEPRECATED, SUNSET)
    require_living(ending, SUNSET - timedelta(microseconds=1))
    require_living(None, SUNSET)
    with pytest.raises(VersionGone):
        require_living(ending, SUNSET)


@pytest.mark.parametrize(
    ("path", "major"), [("/v1/orders", "v1"), ("/internal/v12/x", "v12"), ("/livez", ""), ("/views/v1x", "")]
)
def test_the_major_stands_in_the_path(path: str, major: str) -> None:
    assert major_of(path) == major
