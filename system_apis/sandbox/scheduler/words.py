"""What goes over the wire, in the words of the scheduler API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from msgspec import Meta, Struct, field

Quantity = Annotated[str, Meta(pattern=r"^\d{1,9}(\.\d{1,6})?$")]
Id = Annotated[str, Meta(min_length=1, max_length=64)]


class Requirement(Struct, rename="camel", forbid_unknown_fields=True):
    line_id: Id
    material: Id
    quantity: Quantity
    unit: str
    due_date: date


class ScenarioWanted(Struct, rename="camel", forbid_unknown_fields=True):
    plant: str
    requirements: Annotated[list[Requirement], Meta(min_length=1)]
    order_reference: Id | None = None


class CommitWanted(Struct, rename="camel", forbid_unknown_fields=True):
    scenario_id: str


class Piece(Struct):
    quantity: str
    day: date = field(name="date")


class PlannedLine(Struct, rename="camel"):
    line_id: str
    material: str
    unit: str
    pieces: list[Piece]
    unplanned: str
    work_centre: str | None
    routing_revision: str | None = None
    """Of the routing that this was planned with; none where the routing has no change number."""


class Scenario(Struct, rename="camel"):
    scenario_id: str
    plant: str
    plan_version: str
    horizon_end: date
    as_of: datetime
    expires_at: datetime
    lines: list[PlannedLine]
    order_reference: str | None = None


class CommittedLine(Struct, rename="camel"):
    line_id: str
    material: str
    quantity: str
    unit: str
    day: date = field(name="date")
    work_centre: str


class Commitments(Struct, rename="camel"):
    order_reference: str
    plant: str
    plan_version: str
    horizon_end: date
    version: str
    scenario_id: str
    lines: list[CommittedLine]


class Refused(Exception):
    """An answer other than the one asked for."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
