"""Equal questions under way are one question, whoever asks; kept answers are for browsing, and say how old they are."""

from __future__ import annotations

import asyncio
import time

import pytest

from process_apis.atp import inquiries as module
from process_apis.atp.inquiries import Inquiries
from process_apis.atp.models import InternalPromise, PartnerPromise
from process_apis.errors import NoSourceAnswered
from process_apis.landscape import Landscape
from tests.integration.atp.counter import check, line, request, until
from tests.integration.landscape import CRM, NORTH
from tests.sandbox import RunningSandbox

SIMULATION, AVAILABILITY = "API_SALES_ORDER_SIMULATION_SRV", "API_PRODUCT_AVAILY_INFO_BASIC"
TEN = tuple(line(str(n), f"TG1{n}", "5") for n in range(4))


def posts(sandbox: RunningSandbox, service: str) -> int:
    return sum(1 for one in sandbox.journal("sap") if service in one["path"] and one["method"] == "POST")


@pytest.fixture
async def shared(landscape: Landscape) -> Inquiries:
    """What a gateway has that has answered before: sessions are open, units are known."""
    made = Inquiries()
    await check(landscape, request(*TEN), inquiries=made)
    return made


async def test_equal_checks_of_many_clients_cost_one_question(
    landscape: Landscape, fresh_sandbox: RunningSandbox, shared: Inquiries
) -> None:
    before = posts(fresh_sandbox, SIMULATION)
    fresh_sandbox.fault("sap", "delay", path=SIMULATION, method="POST", seconds=0.2)
    clients = [CRM, NORTH] * 10
    renamed = [tuple(one | {"lineId": f"{n}-{one['lineId']}"} for one in TEN) for n in range(20)]
    answers = await asyncio.gather(
        *(
            check(landscape, request(*lines), client, inquiries=shared)
            for client, lines in zip(clients, renamed, strict=True)
        )
    )
    assert posts(fresh_sandbox, SIMULATION) == before + 1
    for n, (client, answer) in enumerate(zip(clients, answers, strict=True)):
        assert isinstance(answer, InternalPromise if client is CRM else PartnerPromise)
        assert [one.line_id for one in answer.lines] == [f"{n}-{one['lineId']}" for one in TEN]
        assert {one.status for one in answer.lines} == {"confirmed"}


async def test_what_depends_on_the_customer_is_not_shared_between_customers(
    landscape: Landscape, fresh_sandbox: RunningSandbox, shared: Inquiries
) -> None:
    before = posts(fresh_sandbox, SIMULATION)
    good, held = await asyncio.gather(
        check(landscape, request(TEN[1]), inquiries=shared),
        check(landscape, request(TEN[1], sold_to="17100003"), inquiries=shared),
    )
    assert posts(fresh_sandbox, SIMULATION) == before + 2
    assert (good.lines[0].status, held.lines[0].status) == ("confirmed", "datePending")


async def test_who_joins_lives_on_when_the_first_caller_goes_away(
    landscape: Landscape, fresh_sandbox: RunningSandbox, shared: Inquiries
) -> None:
    before = posts(fresh_sandbox, SIMULATION)
    fresh_sandbox.fault("sap", "delay", path=SIMULATION, method="POST", seconds=0.4)
    first = asyncio.create_task(check(landscape, request(*TEN), inquiries=shared))
    await asyncio.sleep(0)
    second = asyncio.create_task(check(landscape, request(*TEN), inquiries=shared))
    await until(lambda: posts(fresh_sandbox, SIMULATION) > before)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert {one.status for one in (await second).lines} == {"confirmed"}
    assert posts(fresh_sandbox, SIMULATION) == before + 1


async def test_who_joins_does_not_inherit_a_shorter_deadline(
    landscape: Landscape, fresh_sandbox: RunningSandbox, shared: Inquiries
) -> None:
    fresh_sandbox.fault("sap", "delay", method="POST", seconds=0.5)
    hasty = asyncio.create_task(check(landscape, request(*TEN, deadlineMs=200), inquiries=shared))
    await asyncio.sleep(0)
    patient = await check(landscape, request(*TEN, deadlineMs=4000), inquiries=shared)
    assert {one.status for one in patient.lines} == {"confirmed"}
    with pytest.raises(NoSourceAnswered):
        await hasty


async def test_who_must_not_have_anything_old_asks_alone(
    landscape: Landscape, fresh_sandbox: RunningSandbox, shared: Inquiries
) -> None:
    before = posts(fresh_sandbox, AVAILABILITY)
    wish = request(*TEN, purpose="browse", maxStalenessSeconds=0)
    answers = await asyncio.gather(*(check(landscape, wish, inquiries=shared) for _ in range(3)))
    assert posts(fresh_sandbox, AVAILABILITY) == before + 3
    assert all(one.live for answer in answers for one in answer.sources if one.rung == "availability")


async def test_browsing_again_asks_nobody_and_says_how_old_the_answer_is(
    landscape: Landscape, fresh_sandbox: RunningSandbox, shared: Inquiries
) -> None:
    first = await check(landscape, request(*TEN, purpose="browse"), inquiries=shared)
    asked = posts(fresh_sandbox, AVAILABILITY)
    await asyncio.sleep(0.02)
    second = await check(landscape, request(TEN[2], purpose="browse"), NORTH, inquiries=shared)
    assert posts(fresh_sandbox, AVAILABILITY) == asked
    (fresh,), (kept,) = first.sources, second.sources
    assert (fresh.live, kept.live) == (True, False)
    assert kept.fetched_at == fresh.fetched_at and kept.age_ms >= 20
    assert [piece.confidence for piece in first.lines[2].schedule] == ["high"]
    assert [piece.confidence for piece in second.lines[0].schedule] == ["medium"]


@pytest.mark.parametrize("purpose", ["quote", "order", "orderChange"])
async def test_nothing_kept_is_used_for_anything_but_browsing(
    landscape: Landscape, fresh_sandbox: RunningSandbox, shared: Inquiries, purpose: str
) -> None:
    before = posts(fresh_sandbox, SIMULATION)
    answers = [await check(landscape, request(*TEN, purpose=purpose), inquiries=shared) for _ in range(2)]
    assert posts(fresh_sandbox, SIMULATION) == before + 2
    assert all(one.live for answer in answers for one in answer.sources)


async def test_a_bound_on_age_lowers_what_browsing_may_use(
    landscape: Landscape, fresh_sandbox: RunningSandbox, shared: Inquiries, monkeypatch: pytest.MonkeyPatch
) -> None:
    await check(landscape, request(*TEN, purpose="browse"), inquiries=shared)
    asked = posts(fresh_sandbox, AVAILABILITY)
    later = time.monotonic() + 2
    monkeypatch.setattr("process_apis.atp.shared_reads.time.monotonic", lambda: later)
    await check(landscape, request(*TEN, purpose="browse", maxStalenessSeconds=5), inquiries=shared)
    assert posts(fresh_sandbox, AVAILABILITY) == asked
    await check(landscape, request(*TEN, purpose="browse", maxStalenessSeconds=1), inquiries=shared)
    assert posts(fresh_sandbox, AVAILABILITY) == asked + 1


async def test_there_is_no_herd_when_what_was_kept_grows_old(
    landscape: Landscape, fresh_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BROWSE_KEPT_S", 0.2)
    shared = Inquiries()
    wish = request(*TEN, purpose="browse")
    await check(landscape, wish, inquiries=shared)
    before = posts(fresh_sandbox, AVAILABILITY)
    fresh_sandbox.fault("sap", "delay", path=AVAILABILITY, method="POST", seconds=0.1)
    await asyncio.sleep(0.25)
    await asyncio.gather(*(check(landscape, wish, inquiries=shared) for _ in range(50)))
    assert posts(fresh_sandbox, AVAILABILITY) == before + 1
