"""Processes that forget together on one PostgreSQL: killed and frozen in the middle, nothing goes wrong by half."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncEngine

from process_apis.tables import converted_lines, operation_steps, operations
from tests.integration.retention.past import count, operation, total

pytestmark = [pytest.mark.parametrize("store", ["postgresql"], indirect=True), pytest.mark.timeout(90)]
OLD, YOUNG = 300, 5
ROOT = Path(__file__).parents[3]


class Purgers:
    """Processes that forget, all on one store."""

    def __init__(self, store: AsyncEngine) -> None:
        quickly = {"options": "-c idle_in_transaction_session_timeout=1s"}
        self._url = store.url.update_query_dict(quickly).render_as_string(hide_password=False)
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.integration.retention.purger", self._url, *words]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
        self.processes.append(process)
        return process

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()


@pytest_asyncio.fixture
async def purgers(store: AsyncEngine) -> AsyncIterator[Purgers]:
    for _ in range(OLD):
        await operation(store, ended=20)
    for _ in range(YOUNG):
        await operation(store, ended=5)
    running = Purgers(store)
    yield running
    running.end()


async def left(store: AsyncEngine, good: Callable[[int], bool]) -> int:
    async with asyncio.timeout(40):
        while not good(seen := await count(store, operations)):  # noqa: ASYNC110  another process changes it
            await asyncio.sleep(0.02)
    return seen


def is_frozen(process: subprocess.Popen[bytes]) -> bool:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


async def assert_whole(store: AsyncEngine, left_over: int) -> None:
    """What is gone is gone with everything, what is there is there with everything, and each was counted once."""
    assert await count(store, operations) == await count(store, operation_steps) == left_over
    assert await count(store, converted_lines) == OLD + YOUNG
    assert await total(store, "rows_purged", kind="operations") == OLD + YOUNG - left_over
    orphan = ~exists().where(operations.c.operation_id == operation_steps.c.operation_id)
    async with store.connect() as connection:
        assert (await connection.scalars(select(operation_steps.c.operation_id).where(orphan))).all() == []


async def test_a_purger_killed_in_the_middle_is_replaced_by_the_others(store: AsyncEngine, purgers: Purgers) -> None:
    victim, _ = purgers.start(), purgers.start()
    await left(store, lambda seen: seen < OLD)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    purgers.start()
    await left(store, lambda seen: seen == YOUNG)
    await assert_whole(store, YOUNG)


async def test_a_purger_frozen_in_the_middle_loses_its_turn_and_what_it_did(
    store: AsyncEngine, purgers: Purgers
) -> None:
    sleeper = purgers.start("freezes")
    async with asyncio.timeout(20):
        while not is_frozen(sleeper):  # noqa: ASYNC110  likewise
            await asyncio.sleep(0.02)
    await assert_whole(store, OLD + YOUNG)
    purgers.start()
    await left(store, lambda seen: seen == YOUNG)
    sleeper.send_signal(signal.SIGCONT)
    _, said = await asyncio.to_thread(sleeper.communicate, timeout=20)
    assert b"the server let go of me" in said
    await assert_whole(store, YOUNG)
