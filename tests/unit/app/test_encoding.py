"""Views as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from app.encoding import to_json
from process_apis.words import Quantity, View


class Stamp(View, frozen=True):
    made_at: datetime
    amounts: tuple[Quantity, ...]
    label: str


def test_decimals_are_plain_whatever_made_them() -> None:
    view = Stamp(
        datetime(2026, 11, 20, 12, tzinfo=UTC),
        tuple(Quantity(Decimal(x), "KGM") for x in ("1E+3", "0E-7", "2.50")),
        "1E+5",
    )
    assert to_json(view) == (
        b'{"madeAt":"2026-11-20T12:00:00Z","amounts":[{"value":"1000","unit":"KGM"},{"value":"0.0000000","unit":"KGM"},'
        b'{"value":"2.50","unit":"KGM"}],"label":"1E+5"}'
    )
