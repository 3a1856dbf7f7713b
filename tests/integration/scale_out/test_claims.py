"""A key in flight at a replica that dies is free for its repeat within seconds, and no deed is done twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from app.cli.pair import Gateway
from tests.e2e.portal import Portal
from tests.integration.scale_out import sleeper
from tests.integration.scale_out.fleet import Fleet, Replica, until
from tests.integration.scale_out.toys import SETTLING_S

QUOTE, KEY = "Q-1010", "key-of-a-repeat"
IN_FLIGHT = "idempotency-key-in-flight"


@pytest.fixture(scope="module")
def worker(fleet: Fleet) -> Replica:
    """Up for long enough to take the silent for dead."""
    started = fleet.start("all")
    up_at = time.monotonic()
    until(lambda: time.monotonic() - up_at, lambda passed: passed > SETTLING_S, SETTLING_S + 5)
    return started


@pytest.fixture(autouse=True)
def fresh_world(fleet: Fleet, worker: Replica) -> Iterator[None]:
    fleet.sandbox.reset()
    for table in ("converted_lines", "idempotency_claims"):
        fleet.rows(f"DELETE FROM {table} RETURNING 1")
    yield
    fleet.sandbox.lift()
    fleet.end(worker)


class Caller(threading.Thread):
    """Converts the quote at one replica, in a thread, and keeps what it was answered."""

    def __init__(self, fleet: Fleet, replica: Replica) -> None:
        super().__init__(daemon=True)
        gateway = Gateway(replica.url, replica.internal_url, replica.process, replica.log)
        self._portal = Portal(gateway, fleet.neighbours)
        self._quote_id = fleet.sandbox.quote_id(QUOTE)
        self.answer: httpx.Response | None = None

    def convert(self) -> httpx.Response:
        return self._portal.convert(self._quote_id, key=KEY, onLate="accept")

    def run(self) -> None:
        with suppress(httpx.TransportError):
            self.answer = self.convert()


def in_flight_at(fleet: Fleet, replica: Replica) -> Caller:
    """A call that reads its quote, slowly, with its key in hand."""
    fault = fleet.sandbox.fault("salesforce", "delay", method="GET", path="/query", seconds=6, count=1)
    first = Caller(fleet, replica)
    first.start()
    until(lambda: any(one["id"] == fault and one["fired"] for one in fleet.sandbox.faults()), bool, within_s=15)
    held = fleet.rows("SELECT state, executor FROM idempotency_claims")
    assert held == [("inFlight", fleet.executor_of(replica))]
    return first


def answered(fleet: Fleet, replica: Replica, since: float) -> tuple[dict[str, Any], float]:
    """The repeat, as often as it takes; how long that was."""
    repeat = Caller(fleet, replica)
    told = until(repeat.convert, lambda answer: answer.is_success, within_s=15)
    return dict(told.json()), time.monotonic() - since


def ended_once(fleet: Fleet, operation_id: str) -> None:
    until(lambda: fleet.operation(operation_id)[0], lambda state: state == "completed", within_s=20)
    assert fleet.orders_of(operation_id) == 1
    posts = [one for one in fleet.sandbox.journal("sap") if one["method"] == "POST"]
    assert sum(one["path"].endswith("/A_SalesOrder") for one in posts) == 1
    assert fleet.rows("SELECT count(DISTINCT operation_id) FROM converted_lines") == [(1,)]


@pytest.mark.parametrize("role", ["all", "api"])
def test_the_key_of_a_killed_replica_is_free_within_seconds(
    fleet: Fleet, worker: Replica, capsys: Any, role: str
) -> None:
    """Of one that runs operations, and of one that only answers."""
    victim = fleet.start(role)
    in_flight_at(fleet, victim)
    assert Caller(fleet, worker).convert().json()["code"] == IN_FLIGHT
    began, passed = answered(fleet, worker, victim.kill())
    with capsys.disabled():
        print(f"\n  {role} replica killed: its key was taken by the repeat after {passed:.2f} s", end="")  # noqa: T201
    assert passed < 5
    ended_once(fleet, began["operationId"])


@pytest.mark.parametrize("role", ["all", "api"])
def test_a_frozen_replica_that_wakes_up_settles_nothing_that_another_has_taken(
    fleet: Fleet, worker: Replica, capsys: Any, role: str
) -> None:
    """It falls asleep with all checks behind it, right before it writes the first of its rows."""
    victim = fleet.start(role, program="tests.integration.scale_out.sleeper", SLEEPER_AT=sleeper.SETTLING)
    first = Caller(fleet, victim)
    first.start()
    until(lambda: victim.is_frozen, bool, within_s=15)
    began, passed = answered(fleet, worker, time.monotonic())
    with capsys.disabled():
        print(f"\n  {role} replica frozen: its key was taken by the repeat after {passed:.2f} s", end="")  # noqa: T201
    assert passed < 6
    victim.thaw()
    first.join(timeout=20)
    assert first.answer is not None
    assert (first.answer.status_code, first.answer.json()["code"]) == (409, IN_FLIGHT)
    ended_once(fleet, began["operationId"])
    replayed = Caller(fleet, victim).convert()  # and it is good for the same key again
    assert (replayed.headers["idempotency-replayed"], replayed.json()["operationId"]) == ("true", began["operationId"])


def test_a_replica_frozen_and_replaced_by_nobody_still_settles(fleet: Fleet, worker: Replica) -> None:
    victim = fleet.start("all")
    first = in_flight_at(fleet, victim)
    executor = fleet.executor_of(victim)
    victim.freeze()
    gone = "SELECT 1 FROM executors WHERE executor_id = %s"
    until(lambda: fleet.rows(gone, executor), lambda rows: not rows, within_s=10)
    victim.thaw()
    first.join(timeout=20)
    assert first.answer is not None
    assert first.answer.is_success, first.answer.text
    ended_once(fleet, first.answer.json()["operationId"])
