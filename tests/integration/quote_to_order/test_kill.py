"""Killed at the worst moments, with -9, and started again: the operation finishes, one order."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from process_apis.operation_views import OperationView
from system_apis.sap.books import SalesOrderApi
from tests.integration.quote_to_order import witness
from tests.integration.quote_to_order.shop import open_shop
from tests.sandbox import RunningSandbox

PATIENCE_S = 20


@contextmanager
def gateway(
    database: Path, sandbox: RunningSandbox, *quote_id: str, sales_orders: SalesOrderApi = "v2"
) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.integration.quote_to_order.gateway", str(database)]
    process = subprocess.Popen(
        [*command, msgspec.json.encode(sandbox.urls).decode(), sales_orders, *quote_id],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def started(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def wait_for(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < ends, "it did not come to pass"
        time.sleep(0.01)


async def finished(
    database: Path, sandbox: RunningSandbox, operation_id: str, sales_orders: SalesOrderApi = "v2"
) -> OperationView:
    async with open_shop(database, sandbox.urls, sales_orders=sales_orders) as shop:
        return await shop.ended(operation_id, within_s=90)


@pytest.mark.parametrize(
    ("system", "path"),
    [
        ("sap", "SIMULATION"),
        ("sap", "/A_SalesOrder$|/A_SalesOrder\\?$"),
        ("scheduler", "/v1/scenarios"),
        ("scheduler", "/commitments"),
        ("salesforce", "/composite"),
    ],
)
async def test_a_process_killed_while_a_neighbour_works_leaves_one_order_behind(
    tmp_path: Path, fresh_sandbox: RunningSandbox, system: str, path: str
) -> None:
    """The request has left, the answer comes into the void."""
    quote_id = fresh_sandbox.quote_id("Q-1001")
    armed = fresh_sandbox.fault(system, "delay", path=path, seconds=1.0, count=1)
    with gateway(tmp_path / "o.db", fresh_sandbox, quote_id) as process:
        operation_id = started(process)
        wait_for(lambda: any(one["id"] == armed and one["fired"] for one in fresh_sandbox.faults()))
        process.kill()
        process.wait()
    done = await finished(tmp_path / "o.db", fresh_sandbox, operation_id)
    assert done.state == "completed"
    (order,) = witness.orders_of(fresh_sandbox, operation_id)
    assert done.order_id == f"s4-1710.{order['SalesOrder']}"
    assert witness.quote(fresh_sandbox, quote_id)["ERP_Order_Number__c"] == order["SalesOrder"]
    planned = witness.commitments(fresh_sandbox, order["SalesOrder"])
    assert sum(int(line["quantity"]) for line in planned) == 40


async def test_a_process_killed_after_the_order_was_made_and_before_it_heard_of_it_sends_no_second(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1010")
    armed = fresh_sandbox.fault("sap", "delay", method="GET", path="/A_SalesOrder\\('", seconds=5, count=1)
    with gateway(tmp_path / "o.db", fresh_sandbox, quote_id) as process:
        operation_id = started(process)
        # the order exists, its maker is just reading it
        wait_for(lambda: any(one["id"] == armed and one["fired"] for one in fresh_sandbox.faults()))
        process.kill()
        process.wait()
    assert len(witness.orders_of(fresh_sandbox, operation_id)) == 1
    done = await finished(tmp_path / "o.db", fresh_sandbox, operation_id)
    assert done.state == "completed"
    assert witness.posts(fresh_sandbox) == 1
    assert len(witness.orders_of(fresh_sandbox, operation_id)) == 1


async def test_a_process_killed_while_the_order_comes_late_waits_for_it_after_the_restart(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1010")
    armed = fresh_sandbox.fault("sap", "commitLate", method="POST", path="/A_SalesOrder$", seconds=2.5, count=1)
    with gateway(tmp_path / "o.db", fresh_sandbox, quote_id) as process:
        operation_id = started(process)
        wait_for(lambda: any(one["id"] == armed and one["fired"] for one in fresh_sandbox.faults()))
        process.kill()
        process.wait()
    done = await finished(tmp_path / "o.db", fresh_sandbox, operation_id)
    assert done.state == "completed"
    assert witness.posts(fresh_sandbox) == 1
    assert len(witness.orders_of(fresh_sandbox, operation_id)) == 1


async def test_a_process_killed_again_and_again_finishes_what_it_started(
    tmp_path: Path, fresh_sandbox: RunningSandbox
) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1001")
    fresh_sandbox.fault("sap", "delay", seconds=0.15)
    fresh_sandbox.fault("scheduler", "delay", seconds=0.15)
    fresh_sandbox.fault("salesforce", "delay", seconds=0.15)
    with gateway(tmp_path / "o.db", fresh_sandbox, quote_id) as process:
        operation_id = started(process)
        wait_for(lambda: len(fresh_sandbox.journal()) > 3)  # in the middle: where exactly is not the point
    for _ in range(3):
        reached = len(fresh_sandbox.journal())
        with gateway(tmp_path / "o.db", fresh_sandbox):
            wait_for(lambda seen=reached: len(fresh_sandbox.journal()) > seen + 1)
    done = await finished(tmp_path / "o.db", fresh_sandbox, operation_id)
    assert done.state == "completed"
    assert len(witness.orders_of(fresh_sandbox, operation_id)) == 1
