"""What a production scheduler is asked and answers, in the words of ISA-95 (IEC 62264).

A `Requirement` is a segment requirement, a `Scenario` an operations schedule whose request state is *forecast*, a
`Commitment` one that is *released*; a work centre is a work centre. Each answer names the version of the plan that it
speaks of and the plan's horizon.
"""

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
    """What the plan can do for one requirement; `work_centre` is the one that limits it, if one does.

    `routing_revision` is the revision of the routing that it planned by, None where the scheduler does not say.
    """

    line_id: str
    material: str
    unit: str
    pieces: tuple[PlannedPiece, ...]
    unplanned: Decimal
    work_centre: str | None
    routing_revision: str | None = None


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
    """All the plan holds for an order. `version` moves with each change of them; `scenario_id` made the last one.

    `horizon_end` is None where a scheduler does not say it; so it is in the answers below.
    """

    order_reference: str
    plant: str
    plan_version: str
    version: str
    scenario_id: str | None
    lines: tuple[Commitment, ...]
    horizon_end: date | None = None


class Changes(Struct, frozen=True):
    """The orders whose commitments changed since a version of the plan, each as it stands now; without lines if all
    was given back. `plan_version` is where the next question begins, `more` says that it is worth asking at once."""

    plan_version: str
    horizon_end: date | None
    more: bool
    orders: tuple[Commitments, ...]


class Capabilities(Struct, frozen=True):
    """What a scheduler can do, and for which plants. `changes`: whether it can tell what changed since a version;
    `frozen_until`: the last day on which nothing is moved any more, None if there is none."""

    product: str
    api_version: str
    plants: tuple[str, ...]
    simulate: bool
    max_lines: int
    changes: bool = False
    frozen_until: date | None = None
    plan_version: str | None = None
    horizon_end: date | None = None


class Health(Struct, frozen=True):
    """`status` is `up`, or a word for why it does not work now."""

    status: str
    plan_version: str | None = None
    horizon_end: date | None = None
