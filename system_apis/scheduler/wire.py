"""The JSON of our own scheduler API: camelCase, quantities as decimal strings, Rec 20 units, days as YYYY-MM-DD."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct, structs

from system_apis.bodies import tidy
from system_apis.errand import Errand
from system_apis.scheduler import models

Instant = Annotated[datetime, Meta(tz=True)]


class Wire(Struct, frozen=True, rename="camel"):
    """A body on the wire; members we do not know are ignored, so that the scheduler may grow."""


class Requirement(Wire, frozen=True):
    line_id: str
    material: str
    quantity: str
    unit: str
    due_date: date


class NewScenario(Wire, frozen=True, omit_defaults=True):
    plant: str
    requirements: tuple[Requirement, ...]
    order_reference: str | None = None


class Piece(Wire, frozen=True):
    quantity: Decimal
    date: date


class ScenarioLine(Wire, frozen=True):
    line_id: str
    material: str
    unit: str
    pieces: tuple[Piece, ...]
    unplanned: Decimal
    work_centre: str | None
    routing_revision: str | None = None


class Scenario(Wire, frozen=True):
    scenario_id: str
    plant: str
    plan_version: str
    horizon_end: date
    as_of: Instant
    expires_at: Instant
    lines: tuple[ScenarioLine, ...]


class Commit(Wire, frozen=True):
    scenario_id: str


class CommittedLine(Wire, frozen=True):
    line_id: str
    material: str
    quantity: Decimal
    unit: str
    date: date
    work_centre: str | None


class Commitments(Wire, frozen=True):
    order_reference: str
    plant: str
    plan_version: str
    version: str
    scenario_id: str | None
    lines: tuple[CommittedLine, ...]
    horizon_end: date | None = None


class Changes(Wire, frozen=True):
    plan_version: str
    more: bool
    orders: tuple[Commitments, ...]
    horizon_end: date | None = None


class Capabilities(Wire, frozen=True):
    product: str
    api_version: str
    plants: tuple[str, ...]
    simulate: bool
    max_lines: int
    changes: bool = False
    frozen_until: date | None = None
    plan_version: str | None = None
    horizon_end: date | None = None


class Health(Wire, frozen=True):
    status: str
    plan_version: str | None = None
    horizon_end: date | None = None


class Refusal(Wire, frozen=True):
    code: str
    message: str = ""


def new_scenario(plant: str, requirements: tuple[models.Requirement, ...], order_reference: str | None) -> NewScenario:
    lines = tuple(
        Requirement(line.line_id, line.material, format(line.quantity, "f"), line.unit, line.due_date)
        for line in requirements
    )
    return NewScenario(plant, lines, order_reference)


def scenario(read: Scenario) -> models.Scenario:
    lines = tuple(
        models.PlannedLine(
            line_id=line.line_id,
            material=line.material,
            unit=line.unit,
            pieces=tuple(models.PlannedPiece(piece.quantity, piece.date) for piece in line.pieces),
            unplanned=line.unplanned,
            work_centre=line.work_centre,
            routing_revision=line.routing_revision,
        )
        for line in read.lines
    )
    return models.Scenario(
        read.scenario_id, read.plant, read.plan_version, read.horizon_end, read.as_of, read.expires_at, lines
    )


def commitments(read: Commitments, errand: Errand) -> models.Commitments:
    lines = tuple(
        models.Commitment(
            line.line_id, line.material, tidy(line.quantity, errand), line.unit, line.date, line.work_centre or ""
        )
        for line in read.lines
    )
    return models.Commitments(
        read.order_reference, read.plant, read.plan_version, read.version, read.scenario_id, lines, read.horizon_end
    )


def changes(read: Changes, errand: Errand) -> models.Changes:
    orders = tuple(commitments(one, errand) for one in read.orders)
    return models.Changes(read.plan_version, read.horizon_end, read.more, orders)


def capabilities(read: Capabilities) -> models.Capabilities:
    return models.Capabilities(**structs.asdict(read))


def health(read: Health) -> models.Health:
    return models.Health(read.status, read.plan_version, read.horizon_end)
