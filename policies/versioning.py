"""Versions end: announced by RFC 9745 `Deprecation`, dated by RFC 8594 `Sunset`, refused after that.

Declared once, on the sheet of a route; header fields, OpenAPI document and the refusal are read from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

from msgspec import Struct

from policies.errors import VersionGone


class Ending(Struct, frozen=True):
    """From when on a route is deprecated, and from when on it is not served any more (None: not decided yet).

    `successor` is the path template that takes its place, with the same parameters (RFC 5829 `successor-version`).
    `guide` is where people read what to do, a path of ours or an address.
    """

    deprecated_at: datetime
    sunset_at: datetime | None = None
    successor: str | None = None
    guide: str = "/docs"

    def __post_init__(self) -> None:
        for instant in (self.deprecated_at, self.sunset_at):
            if instant is not None and instant.tzinfo is None:
                raise ValueError("an instant needs a time zone")
        if self.sunset_at is not None and self.sunset_at < self.deprecated_at:
            raise ValueError("a route is not served any longer than it is recommended: sunset before deprecation")

    def is_over(self, at: datetime) -> bool:
        return self.sunset_at is not None and at >= self.sunset_at


Endings = Mapping[str, Ending]
"""What ends, by operation (`GET /v1/orders/{orderId}`)."""


def ending_fields(ending: Ending, base_url: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """The fields that go on every answer of the route, errors included."""
    links = [f'<{_absolute(ending.guide, base_url)}>; rel="deprecation"; type="text/html"']
    if ending.sunset_at is not None:
        links.append(f'<{_absolute(ending.guide, base_url)}>; rel="sunset"; type="text/html"')
    if ending.successor is not None:
        links.append(f'<{_absolute(filled(ending.successor, parameters), base_url)}>; rel="successor-version"')
    fields = {"deprecation": f"@{int(ending.deprecated_at.timestamp())}", "link": ", ".join(links)}
    if ending.sunset_at is not None:
        fields["sunset"] = format_datetime(ending.sunset_at.astimezone(UTC), usegmt=True)
    return fields


def require_living(ending: Ending | None, at: datetime) -> None:
    if ending is not None and ending.is_over(at):
        raise VersionGone(ending.sunset_at, ending.successor)


def major_of(path: str) -> str:
    """`v1` of `/v1/orders` and of `/internal/v1/systems`."""
    return next((part for part in path.split("/") if part[:1] == "v" and part[1:].isdigit()), "")


def filled(template: str, parameters: Mapping[str, str]) -> str:
    for name, value in parameters.items():
        template = template.replace(f"{{{name}}}", value)
    return template


def _absolute(address: str, base_url: str) -> str:
    return base_url + address if address.startswith("/") else address
