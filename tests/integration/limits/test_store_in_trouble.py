"""The store of operations killed, frozen or locked: promises go on, operations come again, nobody hangs."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from app.database import BUSY_TIMEOUT_MS
from policies.punctual import ANSWER_S, CONNECT_S, POOL_WAIT_S
from tests.integration.limits.gateways import Gateways, Kind, running_gateways, steadily
from tests.postgres import Postgres, running_postgres
from tests.sandbox import RunningSandbox

LONGEST_S = ANSWER_S + CONNECT_S + POOL_WAIT_S
NEEDS_THE_STORE: tuple[Kind, ...] = ("operation", "read", "order")


@pytest.fixture
def server() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server
        server.signal(signal.SIGCONT)


@pytest.fixture
async def gateways(fresh_sandbox: RunningSandbox, tmp_path: Path, server: Postgres) -> AsyncIterator[Gateways]:
    async with running_gateways(fresh_sandbox, tmp_path, ORDERGATE_DATABASE_URL=server.url) as gateways:
        assert (await gateways.call("operation")).status_code == 202, "the store was used before"
        assert len((await gateways.call("read")).json()["operations"]) == 1
        yield gateways


def killed(server: Postgres) -> None:
    server.stop("immediate")


def frozen(server: Postgres) -> None:
    server.signal(signal.SIGSTOP)


def mended(server: Postgres) -> None:
    if server.is_up:
        server.signal(signal.SIGCONT)
    else:
        server.start()


def told_to_come_again(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (503, "store-unavailable")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.timeout(180)
@pytest.mark.parametrize("trouble", [killed, frozen])
async def test_promises_go_on_and_operations_are_told_to_come_again(
    gateways: Gateways, server: Postgres, trouble: Callable[[Postgres], None]
) -> None:
    trouble(server)
    promises = await steadily(gateways, "promise", calls=20)
    assert promises.statuses == {200: 20}
    inside = await steadily(gateways, "internal", calls=5)
    assert inside.statuses == {200: 5}
    for kind in NEEDS_THE_STORE:
        seen = await steadily(gateways, kind, calls=30, per_second=15)
        for answer in seen.answers:
            told_to_come_again(answer)
        assert max(seen.seconds) < LONGEST_S + 2, "nobody hangs"
    began = time.perf_counter()
    ready = await gateways.call("ready")
    assert time.perf_counter() - began < 4
    assert (ready.status_code, ready.json()["status"], ready.json()["store"]["state"]) == (200, "degraded", "down")

    mended(server)
    assert await served_again(gateways)
    assert (await gateways.call("ready")).json()["store"]["state"] == "up"


async def served_again(gateways: Gateways) -> bool:
    """By itself, within a few calls: those that find a connection that broke are told to come again too."""
    for _ in range(30):
        answer = await gateways.call("read")
        if answer.status_code == 200:
            return len(answer.json()["operations"]) == 1
        told_to_come_again(answer)
    return False


@pytest.mark.timeout(60)
async def test_a_locked_sqlite_file_is_waited_for_and_no_longer(fresh_sandbox: RunningSandbox, tmp_path: Path) -> None:
    async with running_gateways(fresh_sandbox, tmp_path) as gateways:
        other = sqlite3.connect(tmp_path / "ordergate.db", isolation_level=None, check_same_thread=False)
        await asyncio.to_thread(other.execute, "BEGIN EXCLUSIVE")  # our own housekeeping may hold it for a moment
        try:
            began = time.perf_counter()
            told_to_come_again(await gateways.call("operation"))
            assert BUSY_TIMEOUT_MS / 1000 - 1 < time.perf_counter() - began < BUSY_TIMEOUT_MS / 1000 + 3
            assert (await steadily(gateways, "promise", calls=5)).statuses == {200: 5}
            assert (await gateways.call("read")).status_code == 200, "readers do not wait for a writer"
        finally:
            other.rollback()
            other.close()
        assert (await gateways.call("operation")).status_code == 202
