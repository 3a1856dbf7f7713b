"""The answers of the document, member by member and strictly: decimal strings are strings, days are days.

A test compares them with the schemas of `openapi/scheduler-v1.json`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

DecimalString = Annotated[str, Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$")]
Instant = Annotated[datetime, Meta(tz=True)]
Token = Annotated[str, Meta(min_length=1, max_length=64)]


class Shape(Struct, frozen=True, rename="camel"):
    """An answer, or a part of one. Members that the document does not name are allowed: answers may grow."""


class Health(Shape, frozen=True):
    status: Annotated[str, Meta(min_length=1, max_length=40)]
    plan_version: Token
    horizon_end: date


class Capabilities(Shape, frozen=True):
    product: Annotated[str, Meta(min_length=1, max_length=120)]
    api_version: Annotated[str, Meta(min_length=1, max_length=8)]
    plants: Annotated[tuple[Token, ...], Meta(min_length=1)]
    simulate: bool
    max_lines: Annotated[int, Meta(ge=1)]
    plan_version: Token
    horizon_end: date
    changes: bool | UnsetType = UNSET
    frozen_until: date | UnsetType | None = UNSET


class Piece(Shape, frozen=True):
    quantity: DecimalString
    date: date


class PlannedLine(Shape, frozen=True):
    line_id: Token
    material: Annotated[str, Meta(min_length=1, max_length=40)]
    unit: Annotated[str, Meta(min_length=1, max_length=6)]
    pieces: tuple[Piece, ...]
    unplanned: DecimalString
    work_centre: Annotated[str, Meta(max_length=64)] | None
    routing_revision: Annotated[str, Meta(max_length=64)] | UnsetType | None = UNSET

    @property
    def planned(self) -> Decimal:
        return sum((Decimal(piece.quantity) for piece in self.pieces), Decimal(0))


class Scenario(Shape, frozen=True):
    scenario_id: Annotated[str, Meta(min_length=1, max_length=128)]
    plant: Token
    plan_version: Token
    horizon_end: date
    as_of: Instant
    expires_at: Instant
    lines: tuple[PlannedLine, ...]


class Commitment(Shape, frozen=True):
    line_id: Token
    material: Annotated[str, Meta(min_length=1, max_length=40)]
    quantity: DecimalString
    unit: Annotated[str, Meta(min_length=1, max_length=6)]
    date: date
    work_centre: Annotated[str, Meta(max_length=64)] | None


class Commitments(Shape, frozen=True):
    order_reference: Annotated[str, Meta(min_length=1, max_length=35, pattern="^[A-Za-z0-9._-]+$")]
    plant: Token
    plan_version: Token
    horizon_end: date
    version: Token
    scenario_id: Annotated[str, Meta(max_length=128)] | None
    lines: tuple[Commitment, ...]

    def held(self) -> list[tuple[str, date, Decimal]]:
        """Line, day and quantity, for comparing."""
        return sorted((line.line_id, line.date, Decimal(line.quantity)) for line in self.lines)


class Changes(Shape, frozen=True):
    plan_version: Token
    horizon_end: date
    more: bool
    orders: tuple[Commitments, ...]


class Refusal(Shape, frozen=True):
    code: Token
    message: Annotated[str, Meta(max_length=2000)]
