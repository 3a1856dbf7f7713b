"""Killed, as a process, at every point of every step: before and after its row, between the neighbour's answer and its
record, between our record and the engine's. Whatever the point: one order, known to the CRM and the plan, finished.

The steps are read from a conversion that nobody disturbed, so that a new step is tried without being named here. Each
point gets a conversion and a process of its own, and each process also goes on with what the dead ones left behind.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks.chaos.asked import Asked, Quote
from benchmarks.chaos.neighbours import Neighbours, plan_version, read_neighbours
from benchmarks.chaos.reconciler import WITH_ORDER, reconcile
from tests.integration.quote_to_order.fatal import EVERYWHERE, SETTLE_S, Fatal, Moment, convert_and_die
from tests.integration.quote_to_order.quotes import copies_of
from tests.integration.quote_to_order.shop import Shop, open_shop
from tests.sandbox import RunningSandbox, start_sandbox, stop_sandbox

POINT_S = 30
FINISHED_S = 60

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.integration.quote_to_order.fatal"])


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A sandbox of these tests alone."""
    running = start_sandbox(tmp_path_factory.mktemp("crowd"))
    yield running
    stop_sandbox(running)


async def undisturbed(sandbox: RunningSandbox, database: Path, quote: Quote) -> tuple[str, ...]:
    async with open_shop(database, sandbox.urls) as shop:
        done = await shop.convert(quote.quote_id, customerPo=quote.po)
        assert done.state == "completed"
        return tuple(step.name for step in done.steps)


def killed_at(sandbox: RunningSandbox, database: Path, quote: Quote, step: str, moment: Moment) -> str:
    """The operation that a process died of, at this very point."""
    fatal = Fatal(step, moment, database.with_name(f"{quote.name}.told"))
    process = _processes.Process(target=convert_and_die, args=(database, sandbox.urls, quote.quote_id, quote.po, fatal))
    process.start()
    process.join(POINT_S)
    if process.exitcode != -signal.SIGKILL:
        process.kill()
        process.join()
        pytest.fail(f"no process died of {step}, {moment}: it ended with {process.exitcode}")
    return fatal.told.read_text()


async def finished(shop: Shop, quote: Quote, operation_id: str) -> Asked:
    """Perhaps with the exception that others had taken the days meanwhile: that is what the plan is for."""
    done = await shop.ended(operation_id, FINISHED_S)
    assert done.state in WITH_ORDER, (quote.name, done)
    return Asked(quote, told={operation_id: msgspec.to_builtins(done)})


@pytest.mark.timeout(150)
@pytest.mark.parametrize("moment", [*EVERYWHERE, "about to send"])
async def test_a_conversion_outlives_its_process_at_every_step(
    tmp_path: Path, crowd: RunningSandbox, moment: Moment
) -> None:
    crowd.reset()
    since = plan_version(crowd.urls)
    first, *quotes = copies_of(crowd, "Q-1001", "17100001", 20)
    steps = await undisturbed(crowd, tmp_path / "first.db", first)
    chosen = ("createOrder",) if moment == "about to send" else steps
    database = tmp_path / "operations.db"
    begun = [
        (quote, killed_at(crowd, database, quote, step, moment)) for quote, step in zip(quotes, chosen, strict=False)
    ]
    async with open_shop(database, crowd.urls, settle_s=SETTLE_S) as shop:
        told = [await finished(shop, *one) for one in begun]
    assert wrong(told, read_neighbours(crowd.urls, since), first) == []


def wrong(told: Sequence[Asked], held: Neighbours, undisturbed_one: Quote) -> list[Any]:
    """What the judge of the campaign has to say of it."""
    return [one for one in reconcile(told, held) if one.about != undisturbed_one.po]
