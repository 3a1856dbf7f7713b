"""What a production scheduler is asked and answers, in the words of ISA-95 (IEC 62264)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct


class Requirement(Struct, frozen=True):
    """A segment requirement: so much of a material by a day. `line_id` comes back in the answer."""

    line_id: str
    material: str
    quantity: Decimal
    unit: str
    due_date: date


class PlannedPiece(Struct, frozen=True):
    """A quantity the plan can finish on a day."""

    quantity: Decimal
    date: date


class PlannedLine(Struct, frozen=True):
    """What the plan can do for one requirement; `work_centre` is the one that limits it, if one does."""

    line_id: str
    material: str
    unit: str
    pieces: tuple[PlannedPiece, ...]
    unplanned: Decimal
    work_centre: str | None


class Scenario(Struct, frozen=True):
    """A what-if copy of the plan: reserves nothing until it is committed, expires by itself."""

    scenario_id: str
    plant: str
    plan_version: str
    horizon_end: date
    as_of: datetime
    expires_at: datetime
    lines: tuple[PlannedLine, ...]


class Commitment(Struct, frozen=True):
    """Capacity the plan holds for one line of an order."""

    line_id: str
    material: str
    quantity: Decimal
    unit: str
    date: date
    work_centre: str


class Commitments(Struct, frozen=True):
    """All the plan holds for an order. `version` moves with each change of them; `scenario_id` made the last one."""

    order_reference: str
    plant: str
    plan_version: str
    version: str
    scenario_id: str | None
    lines: tuple[Commitment, ...]


class Capabilities(Struct, frozen=True):
    product: str
    api_version: str
    plants: tuple[str, ...]
    simulate: bool
    max_lines: int
