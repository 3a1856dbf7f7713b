"""Executors come and go: what they were at goes on elsewhere, once, and nobody takes from the living."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from process_apis.executors import lock_key
from tests.integration.scale_out.fleet import until
from tests.integration.scale_out.toy import MOST_DEATHS
from tests.integration.scale_out.toys import Toy, Toyshop

MOST_S = 3.0
FROZEN_MOST_S = 5.0
"""The server notices a frozen process only by its silence."""


def said(capsys: Callable[..., object], words: str) -> None:
    with capsys.disabled():  # type: ignore[attr-defined]
        print(f"\n  {words}", end="")  # noqa: T201  measured, for who runs it


def moved_after(shop: Toyshop, toy: Toy, since: float, operations: int) -> float:
    """Seconds from `since` until others had called the neighbour for so many operations of `toy`."""
    query = (
        "SELECT operation, extract(epoch FROM min(at))::float - %s FROM toy_calls"
        " WHERE executor <> %s AND operation IN (SELECT operation FROM toy_calls WHERE executor = %s) GROUP BY 1"
    )
    found = until(
        lambda: shop.rows(query, since, toy.executor_id, toy.executor_id), lambda seen: len(seen) >= operations, 20
    )
    return max(float(seconds) for _, seconds in found)


def test_what_a_killed_process_had_goes_on_elsewhere_within_three_seconds(
    toyshop: Toyshop, capsys: Callable[..., object]
) -> None:
    others, victim = toyshop.watchers(3), toyshop.toy()
    victim.start(*toyshop.six, steps=8)
    toyshop.begun(6)
    passed = moved_after(toyshop, victim, victim.kill(), 6)
    said(capsys, f"killed: all six went on elsewhere after {passed:.2f} s")
    assert passed < MOST_S
    assert toyshop.ended(6, within_s=20) == {f"{one}/8": 1 for one in toyshop.six}
    # of three who raced for it one got it, and only what was in flight was done again
    assert sum(other.taken_for_dead(victim) for other in others) == 1
    twice = toyshop.calls("operation", "GROUP BY operation, step HAVING count(*) > 1")
    assert len({operation for (operation,) in twice}) == len(twice) <= len(toyshop.six)
    query = "SELECT 1 FROM executors WHERE executor_id = %s"
    until(lambda: toyshop.rows(query, victim.executor_id), lambda found: found == [], within_s=5)


def test_a_frozen_process_is_replaced_and_does_nothing_more_when_it_wakes_up(
    toyshop: Toyshop, capsys: Callable[..., object]
) -> None:
    others, victim = toyshop.watchers(3), toyshop.toy()
    victim.start(*toyshop.six, steps=20)
    toyshop.begun(6)
    passed = moved_after(toyshop, victim, victim.signal(signal.SIGSTOP), 6)
    said(capsys, f"frozen: all six went on elsewhere after {passed:.2f} s")
    assert passed < FROZEN_MOST_S
    before = toyshop.calls_by(victim)
    victim.signal(signal.SIGCONT)  # in the middle of the very operations that another one is at
    until(lambda: _present(toyshop, victim), bool, within_s=10)
    assert toyshop.ended(6, within_s=30) == {f"{one}/20": 1 for one in toyshop.six}
    assert toyshop.calls_by(victim) == before
    kept = toyshop.rows(
        "SELECT status, executor_id FROM dbos.workflow_status WHERE workflow_uuid LIKE %s", f"%{toyshop.name}%"
    )
    assert len(kept) == 6
    assert {status for status, _ in kept} == {"SUCCESS"}
    assert {executor for _, executor in kept} <= {other.executor_id for other in others}
    fresh = f"fresh-{toyshop.name}"
    victim.start(fresh, steps=2)  # and it is good for new work
    toyshop.ended(7, within_s=10)
    assert toyshop.calls_by(victim) == before + 2


def test_a_process_that_goes_in_peace_hands_over_at_once(toyshop: Toyshop, capsys: Callable[..., object]) -> None:
    victim = toyshop.toy()
    toyshop.watchers(3)
    victim.start(*toyshop.six, steps=8)
    toyshop.begun(6)
    passed = moved_after(toyshop, victim, victim.signal(signal.SIGTERM), 6)
    said(capsys, f"ended: all six went on elsewhere {passed:.2f} s after SIGTERM")
    assert passed < MOST_S
    assert toyshop.ended(6, within_s=20) == {f"{one}/8": 1 for one in toyshop.six}
    assert toyshop.rows("SELECT 1 FROM toy_deaths WHERE operation LIKE %s", f"%{toyshop.name}%") == []


def test_a_restart_of_the_server_makes_nobody_dead_and_leaves_nobody_stuck(
    toyshop: Toyshop, capsys: Callable[..., object]
) -> None:
    toys = toyshop.watchers(3)
    for number, toy in enumerate(toys):
        toy.start(*(f"{one}-{number}" for one in toyshop.six), steps=10)
    toyshop.begun(18)
    toyshop.server.stop("fast")
    assert toyshop.server.is_up is False
    toyshop.server.start()
    up_at = time.monotonic()
    assert set(toyshop.ended(18, within_s=60).values()) == {1}
    said(capsys, f"server restarted: all eighteen ended {time.monotonic() - up_at:.1f} s after it was back")
    assert not any(toy.taken_for_dead(other) for toy in toys for other in toys)
    assert toyshop.calls("operation", "GROUP BY 1 HAVING count(DISTINCT executor) > 1") == []
    until(lambda: [_present(toyshop, toy) for toy in toys], all, within_s=10)


def test_who_loses_its_session_again_and_again_is_not_dead(toyshop: Toyshop) -> None:
    toys = toyshop.watchers(3)
    toys[0].start(*toyshop.six, steps=10)
    toyshop.begun(6)
    query = (
        "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN executors ON locktype = 'advisory' AND granted"
        " AND ((classid::bigint << 32) | objid::bigint) = lock_key WHERE executor_id = %s"
    )
    lost = 0
    while len(toyshop.calls("1")) < 50:
        lost += len(toyshop.rows(query, toys[0].executor_id))
    assert lost > 1
    assert toyshop.ended(6, within_s=20) == {f"{one}/10": 1 for one in toyshop.six}
    assert not any(toy.taken_for_dead(toys[0]) for toy in toys)
    assert {executor for (executor,) in toyshop.calls("DISTINCT executor")} == {toys[0].executor_id}


def test_a_process_ends_though_the_server_is_away_and_what_it_had_goes_on(toyshop: Toyshop) -> None:
    victim = toyshop.toy()
    toyshop.watchers(3)
    victim.start(*toyshop.six, steps=8)
    toyshop.begun(6)
    toyshop.server.stop("fast")
    try:
        until(lambda: "lost its session" in victim.log.read_text(), bool, within_s=10)
        victim.signal(signal.SIGTERM)
        assert victim.process.wait(30) == 0
    finally:
        toyshop.server.start()
    assert toyshop.ended(6, within_s=30) == {f"{one}/8": 1 for one in toyshop.six}


def test_what_kills_every_process_that_runs_it_is_given_up(toyshop: Toyshop) -> None:
    """The last of this page: it costs watchers."""
    first = toyshop.toy()
    toyshop.watchers(3)
    first.start(f"poison-{toyshop.name}", steps=1)
    poison = f"poison-{toyshop.name}/1"
    query = "SELECT status FROM dbos.workflow_status WHERE workflow_uuid = %s"
    until(lambda: toyshop.rows(query, poison), lambda found: found == [("CANCELLED",)], within_s=30)
    assert toyshop.rows("SELECT count(*) FROM toy_deaths WHERE operation = %s", poison) == [(MOST_DEATHS + 1,)]
    assert toyshop.calls("count(*)") == [(MOST_DEATHS + 1,)]
    survivor = next(toy for toy in toyshop.toys if toy.process.poll() is None)
    survivor.start(f"fresh-{toyshop.name}", steps=2)
    assert toyshop.ended(1, within_s=10) == {f"fresh-{toyshop.name}/2": 1}


def test_the_lock_of_an_executor_is_a_number_of_its_own() -> None:
    keys = {lock_key(f"exe_{n}") for n in range(10_000)}
    assert len(keys) == 10_000
    assert all(-(2**63) <= key < 2**63 for key in keys)


def _present(shop: Toyshop, toy: Toy) -> bool:
    """It holds its lock, and its row is fresh."""
    query = (
        "SELECT 1 FROM executors JOIN pg_locks ON locktype = 'advisory' AND granted"
        " AND ((classid::bigint << 32) | objid::bigint) = lock_key"
        " WHERE executor_id = %s AND seen_at > clock_timestamp() - interval '1 second'"
    )
    return bool(shop.rows(query, toy.executor_id))
