"""The scheduler's API: finite capacity, scenarios that reserve nothing, commitments that replace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from system_apis.sandbox.door import Door
from system_apis.sandbox.scheduler import Shopfloor, app
from system_apis.sandbox.scheduler.words import Requirement, ScenarioWanted

MONDAY = date(2027, 3, 1)
KEY = {"X-API-Key": "scheduler-sandbox-key"}


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2027, 3, 1, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def api(clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    """A scheduler on a socket of its own, on a Monday that never ends unless the clock is moved."""
    door = Door(app(Shopfloor(MONDAY, clock)), "127.0.0.1", 0)
    await door.open()
    async with httpx.AsyncClient(base_url=door.url, headers=KEY) as client:
        yield client
    await door.shut()


def need(line: str, quantity: str, material: str = "FG126", **more: str) -> dict[str, str]:
    plain = {"lineId": line, "material": material, "quantity": quantity, "unit": "C62", "dueDate": "2027-03-06"}
    return plain | more


async def simulate(api: httpx.AsyncClient, *needs: dict[str, str], plant: str = "1710", **more: Any) -> Any:
    answer = await api.post("/v1/scenarios", json={"plant": plant, "requirements": list(needs)} | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def commit(api: httpx.AsyncClient, scenario: Any, order: str = "7001", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    wanted = {"scenarioId": scenario["scenarioId"]}
    return await api.put(f"/v1/orders/{order}/commitments", json=wanted, headers=named)


def planned(scenario: Any) -> list[list[tuple[str, str]]]:
    return [[(piece["quantity"], piece["date"]) for piece in line["pieces"]] for line in scenario["lines"]]


async def test_health_and_capabilities_say_what_is_there(api: httpx.AsyncClient) -> None:
    assert (await api.get("/v1/health")).json() == {"status": "up", "planVersion": "8841", "horizonEnd": "2027-06-29"}
    assert (await api.get("/v1/capabilities")).json() == {
        "product": "Sandbox Scheduler",
        "apiVersion": "1",
        "plants": ["1710", "1720"],
        "simulate": True,
        "maxLines": 100,
        "changes": True,
        "frozenUntil": "2027-03-01",
        "planVersion": "8841",
        "horizonEnd": "2027-06-29",
    }


async def test_a_shortfall_is_planned_into_the_days_that_are_free(api: httpx.AsyncClient) -> None:
    scenario = await simulate(api, need("10", "40"))
    # full until Saturday the 6th, half of Monday the 8th taken, 20 a day from then on
    assert planned(scenario) == [[("10", "2027-03-08"), ("20", "2027-03-09"), ("10", "2027-03-10")]]
    (line,) = scenario["lines"]
    assert (line["unplanned"], line["workCentre"], line["unit"]) == ("0", "WC-ASSY-1", "C62")
    assert (scenario["asOf"], scenario["expiresAt"]) == ("2027-03-01T08:00:00Z", "2027-03-01T08:15:00Z")
    assert scenario["horizonEnd"] == str(MONDAY + timedelta(days=120))


async def test_a_line_says_which_revision_of_its_routing_it_was_planned_with(api: httpx.AsyncClient) -> None:
    scenario = await simulate(api, need("10", "1", material="FG300"), need("20", "1"), need("30", "1", material="TG11"))
    assert [line["routingRevision"] for line in scenario["lines"]] == ["R300-4", None, None]


def test_a_scheduler_that_nobody_told_of_a_new_routing_plans_with_the_old_one(clock: Clock) -> None:
    shopfloor = Shopfloor(MONDAY, clock)
    wanted = ScenarioWanted("1710", [Requirement("10", "FG300", "1", "C62", date(2027, 3, 6))])
    shopfloor.configure(routing_revision={"FG300": "R300-3"})
    assert shopfloor.simulate(wanted).lines[0].routing_revision == "R300-3"
    shopfloor.reset(MONDAY)
    assert shopfloor.simulate(wanted).lines[0].routing_revision == "R300-4"


async def test_weekends_are_free_and_nobody_works_in_them(api: httpx.AsyncClient) -> None:
    scenario = await simulate(api, need("10", "130"))
    days = [date.fromisoformat(day) for _, day in planned(scenario)[0]]
    assert {day.weekday() for day in days} <= {0, 1, 2, 3, 4}
    assert days[-1] > days[0] + timedelta(days=6)


async def test_lines_of_one_scenario_share_the_capacity(api: httpx.AsyncClient) -> None:
    scenario = await simulate(api, need("10", "25"), need("20", "10", material="FG128"))
    assert planned(scenario) == [
        [("10", "2027-03-08"), ("15", "2027-03-09")],
        [("5", "2027-03-09"), ("5", "2027-03-10")],
    ]


async def test_a_scenario_reserves_nothing(api: httpx.AsyncClient) -> None:
    first = await simulate(api, need("10", "40"))
    second = await simulate(api, need("10", "40"))
    assert planned(first) == planned(second)
    assert first["planVersion"] == second["planVersion"] == "8841"


@pytest.mark.parametrize(("material", "plant"), [("TG11", "1710"), ("FG126", "1720"), ("UNHEARD-OF", "1710")])
async def test_what_a_plant_cannot_make_stays_unplanned(api: httpx.AsyncClient, material: str, plant: str) -> None:
    scenario = await simulate(api, need("10", "7.5", material=material), plant=plant)
    (line,) = scenario["lines"]
    assert (line["pieces"], line["unplanned"], line["workCentre"]) == ([], "7.5", None)


async def test_what_the_horizon_cannot_hold_stays_unplanned(api: httpx.AsyncClient) -> None:
    scenario = await simulate(api, need("10", "100000"))
    made = sum(Decimal(quantity) for quantity, _ in planned(scenario)[0])
    assert made + Decimal(scenario["lines"][0]["unplanned"]) == 100000
    assert made > 1000


async def test_a_commitment_takes_the_capacity_and_moves_the_plan(api: httpx.AsyncClient) -> None:
    scenario = await simulate(api, need("10", "40"))
    made = await commit(api, scenario)
    assert made.status_code == 201
    assert made.json() == {
        "orderReference": "7001",
        "plant": "1710",
        "planVersion": "8842",
        "horizonEnd": "2027-06-29",
        "version": "8842",
        "scenarioId": scenario["scenarioId"],
        "lines": [
            {
                "lineId": "10",
                "material": "FG126",
                "quantity": quantity,
                "unit": "C62",
                "date": day,
                "workCentre": "WC-ASSY-1",
            }
            for quantity, day in planned(scenario)[0]
        ],
    }
    held = await api.get("/v1/orders/7001/commitments")
    assert (held.json(), held.headers["etag"]) == (made.json(), '"8842"')
    assert planned(await simulate(api, need("10", "40")))[0][0] == ("10", "2027-03-10")


async def test_an_order_that_is_planned_anew_gets_its_own_back_first(api: httpx.AsyncClient) -> None:
    first = await simulate(api, need("10", "40"))
    await commit(api, first)
    again = await simulate(api, need("10", "45"), orderReference="7001")
    assert planned(again) == [[("10", "2027-03-08"), ("20", "2027-03-09"), ("15", "2027-03-10")]]


async def test_a_commitment_replaces_the_lines_it_plans_and_leaves_the_others(api: httpx.AsyncClient) -> None:
    await commit(api, await simulate(api, need("10", "5"), need("20", "6")))
    changed = await commit(api, await simulate(api, need("20", "2"), orderReference="7001"))
    assert changed.status_code == 200
    assert [(line["lineId"], line["quantity"]) for line in changed.json()["lines"]] == [("10", "5"), ("20", "2")]
    gone = await commit(api, await simulate(api, need("10", "0"), orderReference="7001"))
    assert [line["lineId"] for line in gone.json()["lines"]] == ["20"]


async def test_of_two_who_want_the_same_capacity_the_second_learns_that_the_plan_moved(api: httpx.AsyncClient) -> None:
    mine, theirs = await simulate(api, need("10", "40")), await simulate(api, need("10", "40"))
    assert (await commit(api, mine, "7001")).status_code == 201
    refused = await commit(api, theirs, "7002")
    assert (refused.status_code, refused.json()["code"]) == (409, "planMoved")
    assert (await api.get("/v1/orders/7002/commitments")).status_code == 404


async def test_committing_the_same_scenario_again_doubles_nothing(api: httpx.AsyncClient) -> None:
    scenario = await simulate(api, need("10", "40"))
    first, second = await commit(api, scenario), await commit(api, scenario)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["lines"] == second.json()["lines"]


async def test_a_commitment_may_be_bound_to_the_version_that_was_seen(api: httpx.AsyncClient) -> None:
    first = await commit(api, await simulate(api, need("10", "5")), If_None_Match="*")
    assert first.status_code == 201
    more = await simulate(api, need("10", "6"), orderReference="7001")
    for headers in ({"If_None_Match": "*"}, {"If_Match": '"1"'}):
        refused = await commit(api, more, **headers)
        assert (refused.status_code, refused.json()["code"]) == (412, "versionMoved")
    assert (await commit(api, more, If_Match=first.headers["etag"])).status_code == 200
    assert (await commit(api, more, "7009", If_Match='"1"')).status_code == 412


async def test_a_version_never_comes_back(api: httpx.AsyncClient) -> None:
    first = await commit(api, await simulate(api, need("10", "5")))
    await api.delete("/v1/orders/7001/commitments")
    second = await commit(api, await simulate(api, need("10", "5")))
    assert first.headers["etag"] != second.headers["etag"]


async def test_a_released_order_gives_its_capacity_back(api: httpx.AsyncClient) -> None:
    scenario = await simulate(api, need("10", "40"))
    await commit(api, scenario)
    assert (await api.delete("/v1/orders/7001/commitments")).status_code == 204
    assert (await api.delete("/v1/orders/7001/commitments")).status_code == 404
    assert planned(await simulate(api, need("10", "40"))) == planned(scenario)


async def test_a_scenario_lives_for_a_quarter_of_an_hour(api: httpx.AsyncClient, clock: Clock) -> None:
    scenario = await simulate(api, need("10", "5"))
    clock.now += timedelta(minutes=15)
    refused = await commit(api, scenario)
    assert (refused.status_code, refused.json()["code"]) == (404, "scenarioUnknown")


async def test_a_discarded_scenario_is_gone(api: httpx.AsyncClient) -> None:
    scenario = await simulate(api, need("10", "5"))
    gone = f"/v1/scenarios/{scenario['scenarioId']}"
    assert [(await api.delete(gone)).status_code for _ in range(2)] == [204, 404]
    assert (await commit(api, scenario)).status_code == 404


async def test_a_scenario_made_for_one_order_is_not_committed_to_another(api: httpx.AsyncClient) -> None:
    scenario = await simulate(api, need("10", "5"), orderReference="7001")
    refused = await commit(api, scenario, "7002")
    assert (refused.status_code, refused.json()["code"]) == (409, "scenarioOfOtherOrder")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bodyMalformed"),
        (b"[]", 422, "bodyInvalid"),
        (b'{"plant":"1710","requirements":[]}', 422, "bodyInvalid"),
        ({"plant": "1710", "requirements": [need("10", "5")], "urgent": True}, 422, "bodyInvalid"),
        ({"plant": "1710", "requirements": [need("10", "-5")]}, 422, "bodyInvalid"),
        ({"plant": "1710", "requirements": [need("10", "1e9")]}, 422, "bodyInvalid"),
        ({"plant": "1710", "requirements": [need("10", "5", dueDate="soon")]}, 422, "bodyInvalid"),
        ({"plant": "9999", "requirements": [need("10", "5")]}, 404, "plantUnknown"),
        ({"plant": "1710", "requirements": [need("10", "5", unit="KGM")]}, 422, "unitInvalid"),
        ({"plant": "1710", "requirements": [need("10", "5"), need("10", "5")]}, 422, "linesInvalid"),
        ({"plant": "1710", "requirements": [need(str(n), "1") for n in range(101)]}, 422, "linesInvalid"),
    ],
)
async def test_what_cannot_be_planned_is_refused_with_a_code(
    api: httpx.AsyncClient, body: Any, status: int, code: str
) -> None:
    sent = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = await api.post("/v1/scenarios", **sent)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"]


async def test_nobody_gets_in_without_the_key(api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/health", headers={"X-API-Key": "guess"})
    assert (answer.status_code, answer.json()["code"]) == (401, "keyInvalid")


async def test_what_is_not_served_is_refused_in_the_same_shape(api: httpx.AsyncClient) -> None:
    assert (await api.get("/v1/nothing")).json()["code"] == "notFound"
    assert (await api.post("/v1/orders/7001/commitments")).json()["code"] == "methodNotAllowed"


async def changes(api: httpx.AsyncClient, since: str, **more: str) -> Any:
    answer = await api.get("/v1/commitments", params={"since": since, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_changed_since_a_plan_is_told_once_per_order_as_it_stands(api: httpx.AsyncClient) -> None:
    await commit(api, await simulate(api, need("10", "5")), "7001")
    await commit(api, await simulate(api, need("10", "5")), "7002")
    await commit(api, await simulate(api, need("20", "5")), "7001")
    told = await changes(api, "8841")
    assert (told["planVersion"], told["horizonEnd"], told["more"]) == ("8844", "2027-06-29", False)
    assert [(one["orderReference"], len(one["lines"])) for one in told["orders"]] == [("7002", 1), ("7001", 2)]
    assert [one["orderReference"] for one in (await changes(api, "8843"))["orders"]] == ["7001"]
    assert (await changes(api, "8844"))["orders"] == []


async def test_an_order_that_gave_all_back_is_told_without_lines(api: httpx.AsyncClient) -> None:
    await commit(api, await simulate(api, need("10", "5")))
    await api.delete("/v1/orders/7001/commitments")
    (order,) = (await changes(api, "8842"))["orders"]
    assert (order["orderReference"], order["version"], order["lines"]) == ("7001", "8843", [])
    await commit(api, await simulate(api, need("10", "5")))
    (order,) = (await changes(api, "8842"))["orders"]
    assert len(order["lines"]) == 1


async def test_many_changes_are_told_in_parts_that_lead_to_each_other(api: httpx.AsyncClient) -> None:
    for number in range(3):
        await commit(api, await simulate(api, need("10", "1")), f"700{number}")
    first = await changes(api, "8841", limit="2")
    rest = await changes(api, first["planVersion"], limit="2")
    assert (first["more"], rest["more"]) == (True, False)
    told = [one["orderReference"] for part in (first, rest) for one in part["orders"]]
    assert told == ["7000", "7001", "7002"]


@pytest.mark.parametrize("since", ["8840", "8842", "new", ""])
async def test_a_plan_version_that_is_not_known_is_gone(api: httpx.AsyncClient, since: str) -> None:
    answer = await api.get("/v1/commitments", params={"since": since})
    assert (answer.status_code, answer.json()["code"]) == (410, "planVersionGone")


async def test_nothing_is_planned_into_what_is_frozen(api: httpx.AsyncClient, clock: Clock) -> None:
    clock.now += timedelta(days=8)
    frozen = (await api.get("/v1/capabilities")).json()["frozenUntil"]
    assert frozen == "2027-03-09"
    days = [day for _, day in planned(await simulate(api, need("10", "40")))[0]]
    assert min(days) > frozen


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2027-03-10T07:59:59Z", "2027-03-09"),
        ("2027-03-10T08:00:00Z", "2027-03-10"),
        ("2027-03-15T06:59:59Z", "2027-03-14"),  # the clocks of Palo Alto were put forward the day before
        ("2027-03-15T07:00:00Z", "2027-03-15"),
    ],
)
async def test_a_day_ends_when_it_does_at_the_plant(
    api: httpx.AsyncClient, clock: Clock, moment: str, day: str
) -> None:
    clock.now = datetime.fromisoformat(moment)
    assert (await api.get("/v1/capabilities")).json()["frozenUntil"] == day


async def test_each_plant_has_capacity_of_its_own(api: httpx.AsyncClient) -> None:
    both = [await simulate(api, need("10", "15", "FG226"), plant=plant) for plant in ("1710", "1720")]
    assert [one["lines"][0]["workCentre"] for one in both] == ["WC-ASSY-2", "WC-ASSY-3"]
    await commit(api, both[1], "7009")
    again = [await simulate(api, need("10", "15", "FG226"), plant=plant) for plant in ("1710", "1720")]
    assert planned(again[0]) == planned(both[0])
    assert planned(again[1]) != planned(both[1])
