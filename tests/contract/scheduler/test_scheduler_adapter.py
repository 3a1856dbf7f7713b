"""The scheduler adapter against payloads of our own scheduler API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal

import httpx
import msgspec
import pytest

from system_apis.deadline import Deadline
from system_apis.errors import (
    CredentialsRefused,
    NotFoundInSystem,
    OutcomeUnknown,
    SystemRefused,
    SystemUnavailable,
    UnreadableAnswer,
    VersionMoved,
)
from system_apis.scheduler.http_adapter import HttpScheduler, connect
from system_apis.scheduler.models import PlannedPiece, Requirement, Scenario
from system_apis.scheduler.port import Scheduler
from tests.contract.tape import Player, json_answer, tape

NEEDS = (
    Requirement("3", "FG126", Decimal("40.0"), "C62", date(2026, 11, 25)),
    Requirement("4", "TG11", Decimal(5), "C62", date(2026, 11, 25)),
)


def soon() -> Deadline:
    return Deadline.after(5)


def aps(player: Player) -> HttpScheduler:
    return connect(instance="aps-1710", base_url="https://aps.example/", api_key="s3cret", transport=player.transport)


def refusal(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": "because"})


async def scenario() -> Scenario:
    player = Player([("POST", json_answer("scheduler_scenario", 201))])
    return await aps(player).simulate("1710", NEEDS, order_reference=None, deadline=soon())


async def test_the_adapter_is_a_scheduler() -> None:
    port: Scheduler = aps(Player([]))
    assert port.instance == "aps-1710"


async def test_a_scenario_is_asked_and_read() -> None:
    player = Player([("POST", json_answer("scheduler_scenario", 201))])
    read = await aps(player).simulate("1710", NEEDS, order_reference="4711", deadline=soon())
    (request,) = player.seen
    assert request.headers["x-api-key"] == "s3cret"
    assert str(request.url) == "https://aps.example/v1/scenarios"
    assert msgspec.json.decode(request.content) == {
        "plant": "1710",
        "orderReference": "4711",
        "requirements": [
            {"lineId": "3", "material": "FG126", "quantity": "40.0", "unit": "C62", "dueDate": "2026-11-25"},
            {"lineId": "4", "material": "TG11", "quantity": "5", "unit": "C62", "dueDate": "2026-11-25"},
        ],
    }
    assert (read.scenario_id, read.plan_version, read.horizon_end) == ("sc_1", "8841", date(2027, 2, 20))
    assert read.expires_at.tzinfo is not None
    made, bought = read.lines
    assert made.pieces == (
        PlannedPiece(Decimal(20), date(2026, 11, 26)),
        PlannedPiece(Decimal(20), date(2026, 11, 27)),
    )
    assert made.work_centre == "WC-ASSY-1"
    assert (bought.pieces, bought.unplanned, bought.work_centre) == ((), Decimal(5), None)


async def test_without_an_order_none_is_named() -> None:
    player = Player([("POST", json_answer("scheduler_scenario", 201))])
    await aps(player).simulate("1710", NEEDS, order_reference=None, deadline=soon())
    assert "orderReference" not in msgspec.json.decode(player.seen[0].content)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"20.000"', b'"NaN"'),
        (b'"20.000"', b'"-1"'),
        (b'"lineId": "4"', b'"lineId": "5"'),
        (b"2026-11-20T10:00:00Z", b"2026-11-20T10:00:00"),
        (b'"2026-11-27"', b'"27.11.2026"'),
        (b'"planVersion": "8841",', b""),
    ],
)
async def test_a_scenario_that_is_not_as_agreed_is_unreadable(before: bytes, after: bytes) -> None:
    body = tape("scheduler_scenario")
    assert before in body
    player = Player([("POST", httpx.Response(201, content=body.replace(before, after)))])
    with pytest.raises(UnreadableAnswer):
        await aps(player).simulate("1710", NEEDS, order_reference=None, deadline=soon())


async def test_a_simulation_is_asked_again_after_a_hiccup() -> None:
    player = Player([("POST", httpx.Response(503)), ("POST", json_answer("scheduler_scenario", 201))])
    assert (await aps(player).simulate("1710", NEEDS, order_reference=None, deadline=soon())).scenario_id == "sc_1"


@pytest.mark.parametrize(("version", "condition"), [(None, None), ("2", '"2"')])
async def test_a_commit_names_the_version_it_replaces(version: str | None, condition: str | None) -> None:
    player = Player([("PUT", json_answer("scheduler_commitments"))])
    held = await aps(player).commit(await scenario(), "47/11", if_version=version, deadline=soon())
    (request,) = player.seen
    assert request.url.raw_path == b"/v1/orders/47%2F11/commitments"
    assert request.headers.get("if-match") == condition
    assert request.content == b'{"scenarioId":"sc_1"}'
    assert (held.version, held.plan_version, held.lines[0].quantity) == ("3", "8842", Decimal(20))


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (refusal(404, "scenarioUnknown"), NotFoundInSystem, "scenarioUnknown"),
        (refusal(409, "planMoved"), SystemRefused, "planMoved"),
        (refusal(412, "versionMoved"), VersionMoved, "versionMoved"),
        (httpx.Response(400, text="<html>"), SystemRefused, "HTTP 400"),
    ],
)
async def test_a_refused_commit_says_why(answer: httpx.Response, kind: type[SystemRefused], code: str) -> None:
    player = Player([("PUT", answer)])
    with pytest.raises(kind) as met:
        await aps(player).commit(await scenario(), "4711", if_version=None, deadline=soon())
    assert (type(met.value), met.value.code) == (kind, code)


@pytest.mark.parametrize("answer", [httpx.Response(200, text="{}"), httpx.Response(500), httpx.Response(503)])
async def test_a_commit_without_a_readable_answer_is_unknown(answer: httpx.Response) -> None:
    player = Player([("PUT", answer)])
    with pytest.raises(OutcomeUnknown):
        await aps(player).commit(await scenario(), "4711", if_version=None, deadline=soon())
    assert len(player.seen) == 1


async def test_no_commitments_are_none() -> None:
    player = Player([("GET", refusal(404, "none")), ("GET", json_answer("scheduler_commitments"))])
    scheduler = aps(player)
    assert await scheduler.commitments("4711", deadline=soon()) is None
    held = await scheduler.commitments("4711", deadline=soon())
    assert held is not None
    assert held.lines[0].work_centre == "WC-ASSY-1"


Deed = Callable[[HttpScheduler], Awaitable[None]]


@pytest.mark.parametrize(
    ("deed", "path"),
    [
        (lambda scheduler: scheduler.release("4711", deadline=soon()), "/v1/orders/4711/commitments"),
        (lambda scheduler: scheduler.discard("sc_1", deadline=soon()), "/v1/scenarios/sc_1"),
    ],
)
async def test_giving_back_what_is_gone_already_is_fine(deed: Deed, path: str) -> None:
    player = Player(
        [("DELETE", httpx.Response(204)), ("DELETE", refusal(404, "none")), ("DELETE", httpx.Response(500))]
    )
    scheduler = aps(player)
    await deed(scheduler)
    await deed(scheduler)
    with pytest.raises(OutcomeUnknown):
        await deed(scheduler)
    assert {request.url.path for request in player.seen} == {path}


async def test_capabilities_are_read() -> None:
    body = {"product": "APS", "apiVersion": "1", "plants": ["1710"], "simulate": True, "maxLines": 100, "new": 1}
    player = Player([("GET", httpx.Response(200, json=body))])
    assert (await aps(player).capabilities(deadline=soon())).plants == ("1710",)


async def test_ping_believes_only_up() -> None:
    up, down = {"status": "up", "planVersion": "1"}, {"status": "starting", "planVersion": "1"}
    player = Player([("GET", httpx.Response(200, json=up)), ("GET", httpx.Response(200, json=down))])
    scheduler = aps(player)
    await scheduler.ping(deadline=soon())
    with pytest.raises(SystemUnavailable):
        await scheduler.ping(deadline=soon())


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_calls_for_an_operator(status: int) -> None:
    player = Player([("GET", httpx.Response(status, json={"code": "key", "message": "s3cret"}))])
    with pytest.raises(CredentialsRefused) as met:
        await aps(player).ping(deadline=soon())
    assert "s3cret" not in str(met.value)


async def test_every_answer_names_plan_and_horizon() -> None:
    plan = {"planVersion": "8841", "horizonEnd": "2027-02-20"}
    abilities = {"product": "APS", "apiVersion": "1", "plants": ["1710"], "simulate": True, "maxLines": 100, **plan}
    changes = {**plan, "more": False, "orders": [{**msgspec.json.decode(tape("scheduler_commitments")), **plan}]}
    player = Player(
        [("GET", httpx.Response(200, json=each)) for each in ({"status": "up", **plan}, abilities, changes)]
    )
    scheduler = aps(player)
    health = await scheduler.health(deadline=soon())
    able = await scheduler.capabilities(deadline=soon())
    told = await scheduler.changes("88/40", limit=7, deadline=soon())
    named = {(each.plan_version, each.horizon_end) for each in (health, able, told, *told.orders)}
    assert named == {("8841", date(2027, 2, 20))}
    assert player.seen[2].url.raw_path == b"/v1/commitments?since=88%2F40&limit=7"


async def test_a_scheduler_that_hides_its_horizon_is_still_read() -> None:
    player = Player(
        [("GET", httpx.Response(200, json={"status": "up"})), ("GET", json_answer("scheduler_commitments"))]
    )
    scheduler = aps(player)
    assert (await scheduler.health(deadline=soon())).horizon_end is None
    held = await scheduler.commitments("4711", deadline=soon())
    assert held is not None
    assert held.horizon_end is None


async def test_a_plan_version_that_is_gone_is_refused_by_its_code() -> None:
    player = Player([("GET", refusal(410, "planVersionGone"))])
    with pytest.raises(SystemRefused) as met:
        await aps(player).changes("1", deadline=soon())
    assert (met.value.code, met.value.status) == ("planVersionGone", 410)
