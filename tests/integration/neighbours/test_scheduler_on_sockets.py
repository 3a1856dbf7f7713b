"""The scheduler adapter and the sandbox's scheduler over a real socket."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from system_apis.errors import (
    CredentialsRefused,
    NotFoundInSystem,
    OutcomeUnknown,
    SystemRefused,
    SystemUnavailable,
    VersionMoved,
)
from system_apis.scheduler.http_adapter import HttpScheduler
from system_apis.scheduler.models import Requirement, Scenario
from tests.integration.neighbours.clients import scheduler_of, soon, today
from tests.sandbox import RunningSandbox


async def plan(
    scheduler: HttpScheduler, sandbox: RunningSandbox, quantity: str = "40", order: str | None = None
) -> Scenario:
    due = today(sandbox) + timedelta(days=5)
    needs = [
        Requirement("3", "FG126", Decimal(quantity), "C62", due),
        Requirement("4", "TG11", Decimal(5), "C62", due),
    ]
    return await scheduler.simulate("1710", needs, order_reference=order, deadline=soon())


async def test_a_shortfall_is_planned_over_days(scheduler: HttpScheduler, fresh_sandbox: RunningSandbox) -> None:
    made, bought = (await plan(scheduler, fresh_sandbox)).lines
    assert sum(piece.quantity for piece in made.pieces) == 40
    assert max(piece.quantity for piece in made.pieces) <= 20
    assert (made.work_centre, made.unplanned) == ("WC-ASSY-1", Decimal(0))
    assert (bought.pieces, bought.unplanned) == ((), Decimal(5))


async def test_a_scenario_is_committed_read_and_released(
    scheduler: HttpScheduler, fresh_sandbox: RunningSandbox
) -> None:
    assert await scheduler.commitments("4711", deadline=soon()) is None
    scenario = await plan(scheduler, fresh_sandbox)
    held = await scheduler.commit(scenario, "4711", if_version=None, deadline=soon())
    assert (held.order_reference, held.scenario_id) == ("4711", scenario.scenario_id)
    assert sum(line.quantity for line in held.lines) == 40
    assert await scheduler.commitments("4711", deadline=soon()) == held
    await scheduler.release("4711", deadline=soon())
    await scheduler.release("4711", deadline=soon())
    assert await scheduler.commitments("4711", deadline=soon()) is None


async def test_a_commit_on_an_old_version_is_refused(scheduler: HttpScheduler, fresh_sandbox: RunningSandbox) -> None:
    first = await scheduler.commit(await plan(scheduler, fresh_sandbox), "4711", if_version=None, deadline=soon())
    again = await plan(scheduler, fresh_sandbox, "30", order="4711")
    second = await scheduler.commit(again, "4711", if_version=first.version, deadline=soon())
    assert second.version != first.version
    assert sum(line.quantity for line in second.lines) == 30
    third = await plan(scheduler, fresh_sandbox, "20", order="4711")
    with pytest.raises(VersionMoved):
        await scheduler.commit(third, "4711", if_version=first.version, deadline=soon())


async def test_capacity_taken_meanwhile_is_told(scheduler: HttpScheduler, fresh_sandbox: RunningSandbox) -> None:
    mine, theirs = await plan(scheduler, fresh_sandbox), await plan(scheduler, fresh_sandbox)
    await scheduler.commit(theirs, "4712", if_version=None, deadline=soon())
    with pytest.raises(SystemRefused) as met:
        await scheduler.commit(mine, "4711", if_version=None, deadline=soon())
    assert (type(met.value), met.value.code) == (SystemRefused, "planMoved")


async def test_a_discarded_scenario_is_unknown(scheduler: HttpScheduler, fresh_sandbox: RunningSandbox) -> None:
    scenario = await plan(scheduler, fresh_sandbox)
    await scheduler.discard(scenario.scenario_id, deadline=soon())
    await scheduler.discard(scenario.scenario_id, deadline=soon())
    with pytest.raises(NotFoundInSystem):
        await scheduler.commit(scenario, "4711", if_version=None, deadline=soon())


async def test_a_lost_commit_is_unknown_and_seen_by_its_scenario(
    scheduler: HttpScheduler, fresh_sandbox: RunningSandbox
) -> None:
    scenario = await plan(scheduler, fresh_sandbox)
    fresh_sandbox.fault("scheduler", "dropAfterCommit", method="PUT", count=1)
    with pytest.raises(OutcomeUnknown):
        await scheduler.commit(scenario, "4711", if_version=None, deadline=soon())
    held = await scheduler.commitments("4711", deadline=soon())
    assert held is not None
    assert held.scenario_id == scenario.scenario_id


async def test_it_says_what_it_can_and_that_it_is_up(scheduler: HttpScheduler, fresh_sandbox: RunningSandbox) -> None:
    await scheduler.ping(deadline=soon())
    capabilities = await scheduler.capabilities(deadline=soon())
    assert set(capabilities.plants) == {"1710", "1720"}
    assert (capabilities.api_version, capabilities.simulate, capabilities.max_lines) == ("1", True, 100)


async def test_a_wrong_key_and_a_closed_port(scheduler: HttpScheduler, fresh_sandbox: RunningSandbox) -> None:
    stranger = scheduler_of(fresh_sandbox, key="wrong")
    with pytest.raises(CredentialsRefused):
        await stranger.commitments("4711", deadline=soon())
    await stranger.aclose()
    fresh_sandbox.fault("scheduler", "refuse")
    with pytest.raises(SystemUnavailable):
        await scheduler.ping(deadline=soon(1))
