"""A production scheduler: finite capacity, scenarios that reserve nothing, commitments that replace."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from system_apis.sandbox.asgi import App, Receive, Scope, Send, header, read_body, reply
from system_apis.sandbox.world.capacity import HORIZON_DAYS, REC20, ROUTINGS, WORK_CENTRES, planned_before, working_days
from system_apis.sandbox.world.materials import MATERIALS
from system_apis.sandbox.world.plants import PLANTS

API_KEY = "scheduler-sandbox-key"
MAX_LINES = 100
SCENARIO_LIFE = timedelta(minutes=15)
_FIRST_PLAN = 8841

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
    version: str
    scenario_id: str
    lines: list[CommittedLine]


class Refused(Exception):
    """An answer other than the one asked for."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


Load = dict[tuple[str, date], Decimal]


class Shopfloor:
    """The plan of all plants. `now` is a clock, so that a scenario's age can be tried."""

    def __init__(self, today: date, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._ids = count(1)
        self.reset(today)

    def reset(self, today: date) -> None:
        self.today = today
        self.plan = _FIRST_PLAN
        self._planned_before = planned_before(today)
        self.scenarios: dict[str, Scenario] = {}
        self.orders: dict[str, Commitments] = {}

    def simulate(self, wanted: ScenarioWanted) -> Scenario:
        """Plans each line forward from tomorrow into what is free, in the order of the lines; reserves nothing."""
        _check(wanted)
        now = self._now()
        start = max(self.today, now.date())
        horizon = start + timedelta(days=HORIZON_DAYS)
        given_back = {one.line_id for one in wanted.requirements}
        load = self._load(wanted.order_reference, given_back)
        days = list(working_days(start + timedelta(days=1), horizon))
        scenario = Scenario(
            scenario_id=f"scn-{next(self._ids):06d}",
            plant=wanted.plant,
            plan_version=str(self.plan),
            horizon_end=horizon,
            as_of=now,
            expires_at=now + SCENARIO_LIFE,
            lines=[_plan(wanted.plant, one, days, load) for one in wanted.requirements],
            order_reference=wanted.order_reference,
        )
        self.scenarios = {key: old for key, old in self.scenarios.items() if old.expires_at > now}
        self.scenarios[scenario.scenario_id] = scenario
        return scenario

    def commit(self, order: str, scenario_id: str, if_match: str | None, if_none_match: str | None) -> Commitments:
        """Puts the scenario's lines in place of the order's own of the same id; the order's other lines stay."""
        held = self.orders.get(order)
        if (if_none_match == "*" and held) or (if_match is not None and if_match != _etag(held)):
            raise Refused(412, "versionMoved", f"The commitments of order {order} have another version.")
        scenario = self.scenarios.get(scenario_id)
        if scenario is None or scenario.expires_at <= self._now():
            raise Refused(404, "scenarioUnknown", f"There is no scenario {scenario_id}, or it has expired.")
        if scenario.order_reference not in (None, order) or (held and held.plant != scenario.plant):
            raise Refused(409, "scenarioOfOtherOrder", f"Scenario {scenario_id} was made for another order or plant.")
        planned = {line.line_id for line in scenario.lines}
        self._check_room(scenario, self._load(order, planned))
        self.plan += 1
        kept = [line for line in held.lines if line.line_id not in planned] if held else []
        made = Commitments(
            order, scenario.plant, str(self.plan), str(self.plan), scenario_id, kept + _committed(scenario)
        )
        self.orders[order] = made
        return made

    def release(self, order: str) -> None:
        self.commitments(order)
        del self.orders[order]
        self.plan += 1

    def commitments(self, order: str) -> Commitments:
        if order not in self.orders:
            raise Refused(404, "orderUnknown", f"Order {order} has no commitments.")
        return self.orders[order]

    def discard(self, scenario_id: str) -> None:
        if self.scenarios.pop(scenario_id, None) is None:
            raise Refused(404, "scenarioUnknown", f"There is no scenario {scenario_id}.")

    def _load(self, order: str | None, given_back: set[str]) -> Load:
        load = dict(self._planned_before)
        for commitments in self.orders.values():
            for line in commitments.lines:
                if commitments.order_reference != order or line.line_id not in given_back:
                    _add(load, line.work_centre, line.day, Decimal(line.quantity))
        return load

    def _check_room(self, scenario: Scenario, load: Load) -> None:
        for line in _committed(scenario):
            _add(load, line.work_centre, line.day, Decimal(line.quantity))
            if load[line.work_centre, line.day] > WORK_CENTRES[line.work_centre].per_day:
                raise Refused(409, "planMoved", f"{line.work_centre} has been taken on {line.day} meanwhile.")


def _check(wanted: ScenarioWanted) -> None:
    if wanted.plant not in PLANTS:
        raise Refused(404, "plantUnknown", f"There is no plant {wanted.plant}.")
    ids = [one.line_id for one in wanted.requirements]
    if len(ids) > MAX_LINES or len(set(ids)) != len(ids):
        raise Refused(422, "linesInvalid", f"At most {MAX_LINES} lines, each with a lineId of its own.")
    for one in wanted.requirements:
        material = MATERIALS.get(one.material)
        if material and one.unit != REC20[material.base_unit]:
            raise Refused(
                422, "unitInvalid", f"{one.material} is planned in {REC20[material.base_unit]}, not {one.unit}."
            )


def _plan(plant: str, wanted: Requirement, days: list[date], load: Load) -> PlannedLine:
    centre = ROUTINGS.get((plant, wanted.material))
    left = Decimal(wanted.quantity)
    pieces: list[Piece] = []
    if centre is None:
        return PlannedLine(wanted.line_id, wanted.material, wanted.unit, pieces, _plain(left), None)
    for day in days:
        part = min(left, centre.per_day - load.get((centre.name, day), Decimal(0)))
        if part > 0:
            _add(load, centre.name, day, part)
            pieces.append(Piece(_plain(part), day))
            left -= part
        if not left:
            break
    return PlannedLine(wanted.line_id, wanted.material, wanted.unit, pieces, _plain(left), centre.name)


def _committed(scenario: Scenario) -> list[CommittedLine]:
    return [
        CommittedLine(line.line_id, line.material, piece.quantity, line.unit, piece.day, line.work_centre)
        for line in scenario.lines
        if line.work_centre
        for piece in line.pieces
    ]


def _add(load: Load, centre: str, day: date, quantity: Decimal) -> None:
    load[centre, day] = load.get((centre, day), Decimal(0)) + quantity


def _plain(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def _etag(held: Commitments | None) -> str | None:
    return f'"{held.version}"' if held else None


def app(shopfloor: Shopfloor) -> App:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, made = _route(shopfloor, scope, await read_body(receive))
        except Refused as refused:
            status, made = refused.status, {"code": refused.code, "message": refused.message}
        except msgspec.ValidationError as wrong:
            status, made = 422, {"code": "bodyInvalid", "message": str(wrong)}
        except msgspec.DecodeError as wrong:
            status, made = 400, {"code": "bodyMalformed", "message": str(wrong)}
        headers = {"etag": _etag(made) or ""} if isinstance(made, Commitments) else {}
        await reply(send, status, b"" if made is None else msgspec.json.encode(made), headers=headers)

    return answer


def _route(shopfloor: Shopfloor, scope: Scope, body: bytes) -> tuple[int, Any]:
    if header(scope, "x-api-key") != API_KEY:
        raise Refused(401, "keyInvalid", "X-API-Key is missing or unknown.")
    match (scope["method"], scope["path"]):
        case ("GET", "/v1/health"):
            return 200, {"status": "up", "planVersion": str(shopfloor.plan)}
        case ("GET", "/v1/capabilities"):
            facts = {"product": "Sandbox Scheduler", "apiVersion": "1", "plants": list(PLANTS)}
            return 200, facts | {"simulate": True, "maxLines": MAX_LINES}
        case ("POST", "/v1/scenarios"):
            return 201, shopfloor.simulate(msgspec.json.decode(body, type=ScenarioWanted))
        case ("DELETE", path) if found := re.fullmatch(r"/v1/scenarios/([^/]+)", path):
            shopfloor.discard(found[1])
            return 204, None
        case (method, path) if found := re.fullmatch(r"/v1/orders/([^/]+)/commitments", path):
            return _route_commitments(shopfloor, method, found[1], scope, body)
    raise Refused(404, "notFound", f"{scope['method']} {scope['path']} is not served here.")


def _route_commitments(shopfloor: Shopfloor, method: str, order: str, scope: Scope, body: bytes) -> tuple[int, Any]:
    match method:
        case "GET":
            return 200, shopfloor.commitments(order)
        case "DELETE":
            shopfloor.release(order)
            return 204, None
        case "PUT":
            status = 200 if order in shopfloor.orders else 201
            wanted = msgspec.json.decode(body, type=CommitWanted)
            conditions = header(scope, "if-match"), header(scope, "if-none-match")
            return status, shopfloor.commit(order, wanted.scenario_id, *conditions)
    raise Refused(405, "methodNotAllowed", f"{method} is not served on commitments.")
