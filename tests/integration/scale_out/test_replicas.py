"""Whole replicas on one PostgreSQL: what one of them was at goes on elsewhere, and the neighbours see it once.

A worker and an api replica live as long as these tests; what is killed, frozen or ended is started by the test.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.cli.pair import Gateway
from tests.e2e.portal import Portal
from tests.integration.scale_out import sleeper
from tests.integration.scale_out.fleet import Fleet, Replica, until
from tests.integration.scale_out.toys import SETTLING_S

ORDER_POST = "/API_SALES_ORDER_SRV/A_SalesOrder$"
ENDS = ("completed", "completedWithExceptions", "rejected", "cancelled", "expired", "actionRequired", "failed")


@pytest.fixture(scope="module")
def worker(fleet: Fleet) -> Replica:
    """Up for long enough to take the silent for dead."""
    started = fleet.start("worker")
    up_at = time.monotonic()
    until(lambda: time.monotonic() - up_at, lambda passed: passed > SETTLING_S, SETTLING_S + 5)
    return started


@pytest.fixture(scope="module")
def api(fleet: Fleet) -> Replica:
    return fleet.start("api")


@pytest.fixture(autouse=True)
def fresh_world(fleet: Fleet, worker: Replica, api: Replica) -> Iterator[None]:
    """A test converts quotes that nobody has converted, for the sandbox and for our tables. Where two tests share a
    quote, nothing of the first is under way at the sandbox any more when the second begins."""
    fleet.sandbox.reset()
    if fleet.rows("SELECT to_regclass('converted_lines')")[0][0]:
        fleet.rows("DELETE FROM converted_lines RETURNING 1")
    yield
    fleet.sandbox.lift()
    fleet.end(worker, api)


def portal(fleet: Fleet, replica: Replica) -> Portal:
    return Portal(Gateway(replica.url, replica.internal_url, replica.process, replica.log), fleet.neighbours)


def said(capsys: Any, words: str) -> None:
    with capsys.disabled():
        print(f"\n  {words}", end="")  # noqa: T201  measured, for who runs it


def begun(fleet: Fleet, replica: Replica, quote: str, **body: Any) -> str:
    started = portal(fleet, replica).convert(fleet.sandbox.quote_id(quote), onLate="accept", **body)
    assert started.is_success, started.text
    return str(started.json()["operationId"])


def struck(fleet: Fleet, fault: str) -> None:
    """The request that the fault waits for has arrived."""
    until(lambda: any(one["id"] == fault and one["fired"] for one in fleet.sandbox.faults()), bool, within_s=15)


def ended(fleet: Fleet, operation_id: str, within_s: float) -> str:
    return until(lambda: fleet.operation(operation_id), lambda seen: seen[0] in ENDS, within_s)[0]


def moved_to(fleet: Fleet, operation_id: str, executor: str, since: float) -> float:
    """Seconds until this executor acts for the operation."""
    until(lambda: fleet.operation(operation_id)[1], lambda seen: seen.startswith(executor), within_s=20)
    return time.monotonic() - since


def test_a_replica_is_killed_and_its_operation_goes_on_elsewhere_within_three_seconds(
    fleet: Fleet, worker: Replica, capsys: Any
) -> None:
    """While the ERP creates the order."""
    victim = fleet.start("all")
    fault = fleet.sandbox.fault("sap", "delay", method="POST", path=ORDER_POST, seconds=3, count=1)
    operation_id = begun(fleet, victim, "Q-1010")
    struck(fleet, fault)
    assert fleet.operation(operation_id)[1].startswith(fleet.executor_of(victim))
    passed = moved_to(fleet, operation_id, fleet.executor_of(worker), victim.kill())
    said(capsys, f"replica killed: its operation went on elsewhere after {passed:.2f} s")
    assert passed < 3
    assert ended(fleet, operation_id, within_s=30) == "completed"
    assert fleet.orders_of(operation_id) == 1


def test_a_replica_is_frozen_replaced_and_writes_nothing_when_it_wakes_up(
    fleet: Fleet, worker: Replica, capsys: Any
) -> None:
    """It sleeps right before the order is created, and wakes up while another one is at work behind it."""
    victim = fleet.start("all")
    fault = fleet.sandbox.fault("sap", "delay", path="SIMULATION", seconds=1, count=1)
    operation_id = begun(fleet, victim, "Q-1001")
    struck(fleet, fault)
    since = victim.freeze()
    executor = fleet.executor_of(victim)
    later = fleet.sandbox.fault("sap", "delay", method="POST", path=ORDER_POST, seconds=3, count=1)
    passed = moved_to(fleet, operation_id, fleet.executor_of(worker), since)
    said(capsys, f"replica frozen: its operation went on elsewhere after {passed:.2f} s")
    struck(fleet, later)
    victim.thaw()
    until(lambda: victim.said("goes on without this run"), bool, within_s=15)
    assert ended(fleet, operation_id, within_s=30) == "completed"
    assert fleet.orders_of(operation_id) == 1
    posts = [one for one in fleet.sandbox.journal("sap") if one["method"] == "POST"]
    assert sum(one["path"].endswith("/A_SalesOrder") for one in posts) == 1
    kept = fleet.rows("SELECT status, executor_id FROM dbos.workflow_status WHERE workflow_uuid = %s", operation_id)
    assert kept == [("SUCCESS", fleet.executor_of(worker))]
    assert fleet.executor_of(victim) == executor
    again = begun(fleet, victim, "Q-1012")  # and it is good for new work
    assert ended(fleet, again, within_s=20) == "completed"


@pytest.mark.parametrize("moment", [sleeper.RECORDED, sleeper.BEFORE_THE_BYTES])
def test_a_replica_that_freezes_on_the_way_to_the_erp_sends_nothing_when_it_wakes_up_after_all_was_over(
    fleet: Fleet, worker: Replica, moment: str
) -> None:
    """By then another one has waited, found no order, and made it. Only the clock can tell the sleeper."""
    victim = fleet.start("all", program="tests.integration.scale_out.sleeper", SLEEPER_AT=moment)
    operation_id = begun(fleet, victim, "Q-1010")
    until(lambda: victim.is_frozen, bool, within_s=15)
    assert fleet.operation(operation_id)[0] == "creatingOrder"
    assert ended(fleet, operation_id, within_s=40) == "completed"
    assert fleet.operation(operation_id)[1].startswith(fleet.executor_of(worker))
    assert fleet.orders_of(operation_id) == 1
    victim.thaw()
    until(lambda: victim.said("goes on without this run"), bool, within_s=15)
    assert fleet.orders_of(operation_id) == 1
    posts = [one for one in fleet.sandbox.journal("sap") if one["method"] == "POST"]
    assert sum(one["path"].endswith("/A_SalesOrder") for one in posts) == 1


def test_whoever_takes_over_from_a_slow_clock_still_waits_for_the_order_that_may_appear(
    fleet: Fleet, worker: Replica
) -> None:
    """By the clock of the killed one, the settle time was over before it had sent anything."""
    victim = fleet.start("all", program="tests.integration.scale_out.sleeper", SLEEPER_BEHIND_S="300")
    fault = fleet.sandbox.fault("sap", "commitLate", method="POST", path=ORDER_POST, seconds=2.7, count=1)
    operation_id = begun(fleet, victim, "Q-1010")
    struck(fleet, fault)
    victim.kill()
    assert ended(fleet, operation_id, within_s=40) == "completed"
    assert fleet.operation(operation_id)[1].startswith(fleet.executor_of(worker))
    posts = [one for one in fleet.sandbox.journal("sap") if one["method"] == "POST"]
    assert sum(one["path"].endswith("/A_SalesOrder") for one in posts) == 1
    assert fleet.orders_of(operation_id) == 1


def test_a_replica_that_is_ended_hands_over_at_once(fleet: Fleet, worker: Replica, capsys: Any) -> None:
    victim = fleet.start("all", ORDERGATE_DRAIN_S="0")
    fault = fleet.sandbox.fault("sap", "delay", path="SIMULATION", seconds=4, count=1)
    operation_id = begun(fleet, victim, "Q-1013")
    struck(fleet, fault)
    since = time.monotonic()
    victim.process.send_signal(signal.SIGTERM)
    passed = moved_to(fleet, operation_id, fleet.executor_of(worker), since)
    said(capsys, f"replica ended: its operation went on elsewhere {passed:.2f} s after SIGTERM")
    assert passed < 3
    assert ended(fleet, operation_id, within_s=30) == "completed"
    assert fleet.rows("SELECT takeovers FROM operations WHERE operation_id = %s", operation_id) == [(0,)]


def test_what_an_api_replica_receives_a_worker_begins_at_once_and_its_decisions_are_heard(
    fleet: Fleet, worker: Replica, api: Replica, capsys: Any
) -> None:
    client = portal(fleet, api)
    quote_id = fleet.sandbox.quote_id("Q-1001")
    operation_id = client.convert(quote_id, onLate="propose").raise_for_status().json()["operationId"]
    since = time.monotonic()
    picked_up = moved_to(fleet, operation_id, fleet.executor_of(worker), since)
    shown = until(lambda: client.operation(operation_id), lambda seen: seen["state"] == "awaitingDecision", 20)
    answer = client.call(
        "POST",
        f"/v1/operations/{operation_id}/decision",
        {"decision": "accept"},
        **{"Idempotency-Key": operation_id, "If-Match": shown["etag"], "Prefer": "respond-async"},
    )
    assert answer.is_success, answer.text
    since = time.monotonic()
    until(lambda: fleet.operation(operation_id)[0], lambda state: state != "awaitingDecision", within_s=10)
    heard = time.monotonic() - since
    said(capsys, f"api to worker: begun after {picked_up * 1000:.0f} ms, decision heard after {heard * 1000:.0f} ms")
    assert picked_up < 0.5
    assert heard < 0.5
    assert ended(fleet, operation_id, within_s=20) == "completed"
    assert not api.said("ERROR")


def test_a_worker_that_hears_nothing_finds_what_waits_in_the_table(fleet: Fleet, worker: Replica, api: Replica) -> None:
    """The bell is lost where the api replica dies between its answer and the bell."""
    operation_id = begun(fleet, api, "Q-1014")
    assert ended(fleet, operation_id, within_s=20) == "completed"
    worker.freeze()
    try:
        lost = begun(fleet, api, "Q-1015")
        server = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ordergate executor'"
        fleet.rows(server)  # its ear
    finally:
        worker.thaw()
    assert ended(fleet, lost, within_s=20) == "completed"


def test_a_restart_of_the_server_under_load_leaves_nobody_stuck(
    fleet: Fleet, worker: Replica, api: Replica, capsys: Callable[..., Any]
) -> None:
    second = fleet.start("all")
    executors = {fleet.executor_of(worker), fleet.executor_of(second)}
    fleet.sandbox.fault("sap", "delay", seconds=0.3)
    made = [begun(fleet, each, f"Q-10{n}") for n, each in ((16, api), (17, api), (18, second), (19, second))]
    made += [begun(fleet, api, f"Q-10{n}") for n in (10, 11)]
    fleet.postgres.stop("fast")  # this server of the tests forgets its last commits in a crash; ours must not
    fleet.postgres.start()
    since = time.monotonic()
    assert [ended(fleet, one, within_s=60) for one in made] == ["completed"] * len(made)
    said(
        capsys, f"server restarted under load: six operations ended {time.monotonic() - since:.1f} s after it was back"
    )
    assert [fleet.orders_of(one) for one in made] == [1] * len(made)
    assert {str(row[0]) for row in fleet.rows("SELECT executor_id FROM executors")} >= executors
    assert not any(each.said(f"{one} died with") for each in (worker, second) for one in executors)
    assert ended(fleet, begun(fleet, api, "Q-1012"), within_s=20) == "completed"
