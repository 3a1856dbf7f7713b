"""The rules that hold capacity for a made-up order reference and give it back (`--commit`)."""

from __future__ import annotations

from decimal import Decimal

from system_apis.scheduler.conformance.bench import (
    NO_CONTENT,
    NOT_FOUND,
    Bench,
    Broken,
    NotAsked,
    commitments,
    read,
    refused,
)
from system_apis.scheduler.conformance.looking import pieces, planned, shown
from system_apis.scheduler.conformance.shapes import Changes, Commitments, Scenario

ONLY_WITH_COMMIT = "it would hold capacity: --commit"
NEVER_MADE = "OGCHECK-NEVER"


def a_scenario_of_nobody_is_not_found(bench: Bench) -> None:
    reference = _another(bench)
    bench.claim(reference)
    came = bench.ask("PUT", commitments(reference), {"scenarioId": NEVER_MADE})
    refused(came, 404, "scenarioUnknown")


def a_commit_holds_what_was_planned(bench: Bench) -> None:
    before = bench.health().plan_version
    scenario = planned(bench)
    came = bench.commit(scenario, bench.reference, If_None_Match="*")
    held = read(came, Commitments, 201)
    _same_as_planned(held, scenario)
    if came.headers.get("etag") != f'"{held.version}"':
        raise Broken(f'ETag: "{held.version}"', came.headers.get("etag", "none"))
    if (held.order_reference, held.scenario_id) != (bench.reference, scenario.scenario_id):
        raise Broken(f"{bench.reference} by {scenario.scenario_id}", f"{held.order_reference} by {held.scenario_id}")
    if held.plan_version == before:
        raise Broken("another planVersion than before", held.plan_version)


def what_is_held_can_be_read(bench: Bench) -> None:
    scenario, held = _committed(bench)
    came = bench.ask("GET", commitments(bench.reference))
    again = read(came, Commitments, 200)
    if (again.held(), again.version) != (held.held(), held.version):
        raise Broken(f"version {held.version}, {shown(scenario)}", str(came))
    if came.headers.get("etag") != f'"{again.version}"':
        raise Broken(f'ETag: "{again.version}"', came.headers.get("etag", "none"))


def a_repeated_commit_holds_the_same(bench: Bench) -> None:
    """Our answer may have been lost: then the same commit comes again."""
    scenario, _ = _committed(bench)
    _same_as_planned(read(bench.commit(scenario, bench.reference), Commitments, 200), scenario)
    _same_as_planned(bench.held(bench.reference), scenario)


def a_stale_version_is_refused(bench: Bench) -> None:
    scenario, _ = _committed(bench)
    refused(bench.commit(scenario, bench.reference, If_None_Match="*"), 412, "versionMoved")
    refused(bench.commit(scenario, bench.reference, If_Match=f'"{NEVER_MADE}"'), 412, "versionMoved")
    held = bench.held(bench.reference)
    read(bench.commit(scenario, bench.reference, If_Match=f'"{held.version}"'), Commitments, 200)


def an_order_does_not_compete_with_itself(bench: Bench) -> None:
    """Planned anew under its own reference, an order gets at least what it holds."""
    scenario, _ = _committed(bench)
    anew = bench.simulate(bench.requirements(), bench.reference)
    if _latest(anew) > _latest(scenario) or _total(anew) < _total(scenario):
        raise Broken(f"what it holds, or better: {shown(scenario)}", shown(anew))


def capacity_is_given_once(bench: Bench) -> None:
    """Two scenarios promise the same capacity; the second commit finds it taken, unless there is plenty."""
    first, second = planned(bench), planned(bench)
    reference, rival = _another(bench), _another(bench)
    read(bench.commit(first, reference), Commitments, 201)
    scarce = pieces(planned(bench)) != pieces(second)
    came = bench.commit(second, rival)
    if scarce:
        refused(came, 409, "planMoved")
    else:
        _same_as_planned(read(came, Commitments, 201), second)


def a_change_is_told(bench: Bench) -> None:
    if bench.capabilities().changes is not True:
        raise NotAsked("it does not say that it can")
    since = bench.health().plan_version
    reference = _another(bench)
    scenario = planned(bench)
    read(bench.commit(scenario, reference), Commitments, 201)
    told = _changed(bench, since, reference)
    if told is None:
        raise Broken(f"{reference} among the changes since {since}", "it is not there")
    _same_as_planned(told, scenario)
    read_back = bench.health().plan_version
    bench.ask("DELETE", commitments(reference))
    gone = _changed(bench, read_back, reference)
    if gone is None or gone.lines:
        came = "it is not there" if gone is None else "it still has lines"
        raise Broken(f"{reference} without lines, once it was given back", came)


def all_can_be_given_back(bench: Bench) -> None:
    _committed(bench)
    came = bench.ask("DELETE", commitments(bench.reference))
    if came.status != NO_CONTENT:
        raise Broken("204", str(came))
    refused(bench.ask("GET", commitments(bench.reference)), 404)
    came = bench.ask("DELETE", commitments(bench.reference))
    if came.status not in (NO_CONTENT, NOT_FOUND):
        raise Broken("204 or 404 for what is gone already", str(came))


def _committed(bench: Bench) -> tuple[Scenario, Commitments]:
    """The bench's own order, holding something."""
    bench.claim(bench.reference)
    scenario = bench.simulate(bench.requirements(), bench.reference)
    if not any(line.pieces for line in scenario.lines):
        raise NotAsked("it plans nothing that could be held")
    return scenario, read(bench.commit(scenario, bench.reference), Commitments, 200, 201)


def _another(bench: Bench) -> str:
    """A made-up reference that was not used before."""
    return f"{bench.reference}-{next(bench.names)}"


def _same_as_planned(held: Commitments, scenario: Scenario) -> None:
    if held.held() != pieces(scenario):
        came = ", ".join(f"{line}: {quantity} on {day}" for line, day, quantity in held.held()) or "nothing"
        raise Broken(f"held as planned: {shown(scenario)}", came)


def _changed(bench: Bench, since: str, reference: str) -> Commitments | None:
    """What the changes say of the order, all pages of them."""
    while True:
        page = bench.get(f"/v1/commitments?since={since}", Changes)
        for one in page.orders:
            if one.order_reference == reference:
                return one
        if not page.more or page.plan_version == since:
            return None
        since = page.plan_version


def _latest(scenario: Scenario) -> int:
    return max((day.toordinal() for _, day, _ in pieces(scenario)), default=0)


def _total(scenario: Scenario) -> Decimal:
    return sum((quantity for _, _, quantity in pieces(scenario)), Decimal(0))
