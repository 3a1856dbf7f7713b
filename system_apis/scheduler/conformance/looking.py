"""The rules that change nothing over there: about itself, simulating, discarding, reading."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from system_apis.scheduler.conformance.bench import (
    MADE_UP_MATERIAL,
    Bench,
    Broken,
    NotAsked,
    commitments,
    read,
    refused,
)
from system_apis.scheduler.conformance.shapes import Changes, Scenario

MANY = 20
TRIES = 3
MOST_LINES_TRIED = 1000
MATERIAL_NEEDED = "name something that the plant makes: --material"


def it_is_up(bench: Bench) -> None:
    health = bench.health()
    if health.status != "up":
        raise Broken('"status":"up"', f"it says {health.status}")


def it_wants_its_key(bench: Bench) -> None:
    if bench.api_key is None:
        raise NotAsked("no key was given: --api-key-env")
    refused(bench.ask("GET", "/v1/capabilities", key="not-the-key"), 401)
    refused(bench.ask("GET", "/v1/capabilities", key=None), 401)


def it_says_what_it_can(bench: Bench) -> None:
    able = bench.capabilities()
    if able.api_version != "1":
        raise Broken('"apiVersion":"1"', f'"{able.api_version}"')
    if not able.simulate:
        raise Broken('"simulate":true', "false: nothing can be promised from it")
    if bench.plant is not None and bench.plant not in able.plants:
        raise Broken(f"the plant {bench.plant} among its plants", ", ".join(able.plants))


def all_speak_of_one_plan(bench: Bench) -> None:
    before, able = bench.health(), bench.capabilities()
    scenario = bench.simulate(bench.requirements())
    if bench.health().plan_version != before.plan_version:
        raise NotAsked("the plan moved while we asked")
    for name, version, horizon_end in (
        ("the capabilities", able.plan_version, able.horizon_end),
        ("the scenario", scenario.plan_version, scenario.horizon_end),
    ):
        if (version, horizon_end) != (before.plan_version, before.horizon_end):
            wanted = f"plan {before.plan_version} to {before.horizon_end}, as the health says"
            raise Broken(wanted, f"{name}: plan {version} to {horizon_end}")


def each_requirement_has_its_line(bench: Bench) -> None:
    asked = bench.requirements(2)
    scenario = bench.simulate(asked)
    wanted = sorted((one["lineId"], one["material"], one["unit"]) for one in asked)
    came = sorted((line.line_id, line.material, line.unit) for line in scenario.lines)
    if came != wanted:
        raise Broken(f"the lines {wanted}", f"{came}")
    if scenario.plant != bench.its_plant():
        raise Broken(f"the plant {bench.its_plant()}", scenario.plant)


def pieces_and_unplanned_add_up(bench: Bench) -> None:
    asked = {one["lineId"]: Decimal(one["quantity"]) for one in bench.requirements(2)}
    for line in bench.simulate(bench.requirements(2)).lines:
        if line.planned + Decimal(line.unplanned) != asked.get(line.line_id):
            came = f"pieces {line.planned} and unplanned {line.unplanned}"
            raise Broken(f"line {line.line_id}: together {asked.get(line.line_id)}", came)


def pieces_come_in_order_and_within_the_horizon(bench: Bench) -> None:
    scenario = planned(bench)
    for line in scenario.lines:
        days = [piece.date for piece in line.pieces]
        if days != sorted(days):
            raise Broken(f"line {line.line_id}: earliest first", ", ".join(map(str, days)))
        if days and days[-1] > scenario.horizon_end:
            raise Broken(f"line {line.line_id}: nothing after {scenario.horizon_end}", str(days[-1]))
        if any(Decimal(piece.quantity) <= 0 for piece in line.pieces):
            raise Broken(f"line {line.line_id}: pieces above zero", ", ".join(piece.quantity for piece in line.pieces))


def what_nobody_makes_is_no_error(bench: Bench) -> None:
    lines = bench.simulate([bench.requirement("1", MADE_UP_MATERIAL, "7.5", "C62")]).lines
    if len(lines) != 1:
        raise Broken("one line", f"{len(lines)} lines")
    line = lines[0]
    if line.pieces or Decimal(line.unplanned) != Decimal("7.5"):
        raise Broken("no pieces, 7.5 unplanned", f"{len(line.pieces)} pieces, {line.unplanned} unplanned")


def a_scenario_reserves_nothing(bench: Bench) -> None:
    """Others may move the plan while we ask; hardly three times in a row."""
    for _ in range(TRIES):
        before = bench.health().plan_version
        first, second = planned(bench), planned(bench)
        if bench.health().plan_version == before:
            if pieces(first) != pieces(second):
                raise Broken(f"the same promise twice: {shown(first)}", shown(second))
            return
    raise Broken("the plan as it was", f"another planVersion after each of {TRIES} simulations")


def a_plant_of_nobody_is_not_found(bench: Bench) -> None:
    body = {"plant": "OGCHECK-NOWHERE", "requirements": bench.requirements()}
    refused(bench.ask("POST", "/v1/scenarios", body), 404, "plantUnknown")


def what_is_no_json_is_refused(bench: Bench) -> None:
    refused(bench.ask("POST", "/v1/scenarios", b'{"plant": '), 400)


def a_quantity_is_a_string(bench: Bench) -> None:
    """A number is a float on its way; a scheduler that takes it will round one day."""
    requirement: dict[str, object] = {**bench.requirements()[0], "quantity": 5}
    body = {"plant": bench.its_plant(), "requirements": [requirement]}
    refused(bench.ask("POST", "/v1/scenarios", body), 422)


def a_line_id_is_there_once(bench: Bench) -> None:
    body = {"plant": bench.its_plant(), "requirements": bench.requirements()[:1] * 2}
    refused(bench.ask("POST", "/v1/scenarios", body), 422)


def more_lines_than_it_takes_are_refused(bench: Bench) -> None:
    most = bench.capabilities().max_lines
    if most >= MOST_LINES_TRIED:
        raise NotAsked(f"it takes {most} lines")
    body = {"plant": bench.its_plant(), "requirements": bench.requirements(most)}
    refused(bench.ask("POST", "/v1/scenarios", body), 422)


def twenty_lines_take_two_seconds_at_most(bench: Bench) -> None:
    body = {"plant": bench.its_plant(), "requirements": bench.requirements(MANY - 1)}
    came = bench.ask("POST", "/v1/scenarios", body)
    bench.scenarios.append(read(came, Scenario, 201).scenario_id)
    if came.seconds > bench.soon_s:
        raise Broken(f"an answer within {bench.soon_s:g} s", f"after {came.seconds:.1f} s")


def an_order_of_nobody_holds_nothing(bench: Bench) -> None:
    refused(bench.ask("GET", commitments(bench.reference)), 404)


def it_tells_what_changed(bench: Bench) -> None:
    if bench.capabilities().changes is not True:
        raise NotAsked("it does not say that it can")
    read(bench.ask("GET", f"/v1/commitments?since={bench.health().plan_version}&limit=1"), Changes, 200)
    refused(bench.ask("GET", "/v1/commitments?since=OGCHECK-NEVER"), 410, "planVersionGone")


def a_scenario_can_be_discarded(bench: Bench) -> None:
    scenario = bench.simulate(bench.requirements())
    path = f"/v1/scenarios/{scenario.scenario_id}"
    for allowed in ((204,), (204, 404)):
        came = bench.ask("DELETE", path)
        if came.status not in allowed:
            raise Broken(" or ".join(map(str, allowed)), str(came))


def planned(bench: Bench) -> Scenario:
    """A scenario with pieces in it, which takes something that the plant makes."""
    if bench.need is None:
        raise NotAsked(MATERIAL_NEEDED)
    scenario = bench.simulate(bench.requirements())
    if not any(line.pieces for line in scenario.lines):
        raise NotAsked(f"it plans no {bench.need.material} within its horizon")
    return scenario


def pieces(scenario: Scenario) -> list[tuple[str, date, Decimal]]:
    """Line, day and quantity, for comparing."""
    return sorted(
        (line.line_id, piece.date, Decimal(piece.quantity)) for line in scenario.lines for piece in line.pieces
    )


def shown(scenario: Scenario) -> str:
    return ", ".join(f"{line}: {quantity} on {day}" for line, day, quantity in pieces(scenario)) or "nothing"
