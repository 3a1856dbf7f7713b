"""The plan: finite capacity, scenarios that reserve nothing, commitments that replace."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import msgspec

from system_apis.sandbox.scheduler.words import (
    Commitments,
    CommittedLine,
    Piece,
    PlannedLine,
    Refused,
    Requirement,
    Scenario,
    ScenarioWanted,
)
from system_apis.sandbox.world.capacity import HORIZON_DAYS, REC20, ROUTINGS, WORK_CENTRES, planned_before, working_days
from system_apis.sandbox.world.materials import MATERIALS
from system_apis.sandbox.world.plants import PLANTS, plant_day
from system_apis.sandbox.world.recipes import current_routing

MAX_LINES = 100
SCENARIO_LIFE = timedelta(minutes=15)
COMMITMENTS = re.compile(r"/v1/orders/([^/]+)/commitments")
_FIRST_PLAN = 8841

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
        self._released: dict[str, Commitments] = {}
        self._old_routings: dict[str, str] = {}

    def configure(self, *, routing_revision: dict[str, str]) -> None:
        """Until the next reset: materials that are planned with another revision of their routing."""
        self._old_routings = dict(routing_revision)

    def simulate(self, wanted: ScenarioWanted) -> Scenario:
        """Plans each line forward from tomorrow into what is free, in the order of the lines; reserves nothing."""
        _check(wanted)
        now, horizon = self._now(), self.facts()["horizonEnd"]
        given_back = {one.line_id for one in wanted.requirements}
        load = self._load(wanted.order_reference, given_back)
        days = list(working_days(self.frozen_until() + timedelta(days=1), horizon))
        scenario = Scenario(
            scenario_id=f"scn-{next(self._ids):06d}",
            plant=wanted.plant,
            plan_version=str(self.plan),
            horizon_end=horizon,
            as_of=now,
            expires_at=now + SCENARIO_LIFE,
            lines=[self._planned(wanted.plant, one, days, load) for one in wanted.requirements],
            order_reference=wanted.order_reference,
        )
        self.scenarios = {key: old for key, old in self.scenarios.items() if old.expires_at > now}
        self.scenarios[scenario.scenario_id] = scenario
        return scenario

    def commit(self, order: str, scenario_id: str, if_match: str | None, if_none_match: str | None) -> Commitments:
        """Puts the scenario's lines in place of the order's own of the same id; the order's other lines stay."""
        held = self.orders.get(order)
        if (if_none_match == "*" and held) or (if_match is not None and if_match != etag(held)):
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
        plan, horizon = str(self.plan), scenario.horizon_end
        made = Commitments(order, scenario.plant, plan, horizon, plan, scenario_id, kept + _committed(scenario))
        self.orders[order] = made
        self._released.pop(order, None)
        return made

    def release(self, order: str) -> None:
        held = self.commitments(order)
        del self.orders[order]
        self.plan += 1
        self._released[order] = msgspec.structs.replace(held, version=str(self.plan), lines=[])

    def commitments(self, order: str) -> Commitments:
        if order not in self.orders:
            raise Refused(404, "orderUnknown", f"Order {order} has no commitments.")
        return self._as_of_now(self.orders[order])

    def discard(self, scenario_id: str) -> None:
        if self.scenarios.pop(scenario_id, None) is None:
            raise Refused(404, "scenarioUnknown", f"There is no scenario {scenario_id}.")

    def changes(self, since: str, limit: str) -> dict[str, Any]:
        """Orders by their last change after that plan version, each as it stands now."""
        if not (limit.isdecimal() and 0 < int(limit) <= MAX_LINES):
            raise Refused(422, "limitInvalid", f"limit is 1 to {MAX_LINES}.")
        if not since.isdecimal() or not _FIRST_PLAN <= int(since) <= self.plan:
            raise Refused(410, "planVersionGone", f"What has changed since plan {since} is not known.")
        found = sorted(
            (one for one in (*self.orders.values(), *self._released.values()) if int(one.version) > int(since)),
            key=lambda one: int(one.version),
        )
        shown = found[: int(limit)]
        more = len(found) > len(shown)
        upto = shown[-1].version if more else str(self.plan)
        orders = [self._as_of_now(one) for one in shown]
        return self.facts() | {"planVersion": upto, "more": more, "orders": orders}

    def facts(self) -> dict[str, Any]:
        """What every answer names: the plan it speaks of."""
        return {"planVersion": str(self.plan), "horizonEnd": self._start() + timedelta(days=HORIZON_DAYS)}

    def frozen_until(self) -> date:
        """The last day into which nothing is planned any more."""
        return self._start()

    def _start(self) -> date:
        return max(self.today, plant_day(self._now()))

    def _as_of_now(self, held: Commitments) -> Commitments:
        return msgspec.structs.replace(held, plan_version=str(self.plan), horizon_end=self.facts()["horizonEnd"])

    def edited_by_hand(self, path: str, _body: bytes) -> None:
        """A planner saves the commitments that a request names, just before the request is handled."""
        found = COMMITMENTS.fullmatch(path)
        if found and found[1] in self.orders:
            self.plan += 1
            self.orders[found[1]].version = str(self.plan)

    def fill(self, _path: str, body: bytes) -> None:
        """Others take all the days that the scenario which a request names counts on."""
        scenario = next((one for key, one in self.scenarios.items() if key.encode() in body), None)
        for line in _committed(scenario) if scenario else ():
            self._planned_before[line.work_centre, line.day] = WORK_CENTRES[line.work_centre].per_day
        self.plan += 1

    def _planned(self, plant: str, wanted: Requirement, days: list[date], load: Load) -> PlannedLine:
        line = _plan(plant, wanted, days, load)
        known = self._old_routings.get(wanted.material) or current_routing(wanted.material, plant, self.today)
        return msgspec.structs.replace(line, routing_revision=known if line.work_centre else None)

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


def etag(held: Commitments | None) -> str | None:
    return f'"{held.version}"' if held else None
