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
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.database import BUSY_TIMEOUT_MS, MOST_FAILURES, make_engine
from policies.api_keys import new_key
from policies.punctual import ANSWER_S, CONNECT_S, POOL_WAIT_S, take_your_time
from process_apis.operations import AT_REST
from process_apis.words import new_id
from tests.integration.limits.gateways import Gateways, Kind, running_gateways, steadily
from tests.integration.quote_to_order import witness
from tests.postgres import Postgres, running_postgres
from tests.sandbox import RunningSandbox

LONGEST_S = ANSWER_S + CONNECT_S + POOL_WAIT_S
AT_ONCE_S = 0.9
"""Less than anything that waits for the store takes, on a busy machine too."""
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
    await gateways.turned("store", is_open=False)
    assert await served_again(gateways)
    assert (await gateways.call("ready")).json()["store"]["state"] == "up"


@pytest.mark.timeout(120)
async def test_a_frozen_store_costs_a_few_calls_a_second_or_two_and_then_nobody_anything(
    gateways: Gateways, server: Postgres
) -> None:
    known, unknown = await gateways.new_key(), new_key("ogtest", new_id("key")).written()
    assert (await gateways.call("promise", key=known)).status_code == 200
    assert (await gateways.call("promise", key=unknown)).status_code == 401
    frozen(server)
    first = await steadily(gateways, "operation", calls=140, per_second=20)
    assert first.statuses == {503: 140}
    assert max(first.seconds) < ANSWER_S + 1
    waited = sum(each > AT_ONCE_S for each in first.seconds)
    assert 0 < waited <= 20 * ANSWER_S, "those that came before it was clear"

    await gateways.turned("store", is_open=True)
    for kind in NEEDS_THE_STORE:
        refused = await steadily(gateways, kind, calls=20)
        for answer in refused.answers:
            told_to_come_again(answer)
        assert max(refused.seconds) < AT_ONCE_S
    for key in ("", known):
        promises = await steadily(gateways, "promise", calls=30, key=key)
        assert promises.statuses == {200: 30}
        assert max(promises.seconds) < AT_ONCE_S, "nothing on their way asks the store"
    strangers = await steadily(gateways, "promise", calls=20, key=new_key("ogtest", new_id("key")).written())
    for answer in strangers.answers:
        told_to_come_again(answer)  # it may have been made a moment ago, elsewhere
    assert max(strangers.seconds) < AT_ONCE_S

    mended(server)
    await gateways.turned("store", is_open=False)
    assert await served_again(gateways)
    assert (await gateways.call("promise", key=known)).status_code == 200


@pytest.mark.timeout(60)
async def test_who_waits_for_a_lock_says_nothing_of_the_server(server: Postgres) -> None:
    """Nor does an answer that takes longer than it may: the next one comes at once."""
    turns: list[bool] = []
    store = make_engine(server.url, turned=lambda *, is_open: turns.append(is_open))

    async def too_long() -> None:
        async with store.connect() as connection:
            await take_your_time(connection, answer_s=0.1)
            await connection.execute(text("SELECT pg_sleep(1)"))

    for _ in range(2 * MOST_FAILURES):
        with pytest.raises(OperationalError, match="no answer"):
            await too_long()
    await store.dispose()
    assert turns == []


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
            waited = time.perf_counter() - began  # for the file, or for its turn behind who waits for the file
            assert POOL_WAIT_S - 0.5 < waited < BUSY_TIMEOUT_MS / 1000 + 3
            assert (await steadily(gateways, "promise", calls=5)).statuses == {200: 5}
            assert (await gateways.call("read")).status_code == 200, "readers do not wait for a writer"
        finally:
            other.rollback()
            other.close()
        assert (await gateways.call("operation")).status_code == 202


@pytest.mark.timeout(90)
async def test_operations_wait_for_a_locked_sqlite_file_and_go_on_when_it_is_free(
    fresh_sandbox: RunningSandbox, tmp_path: Path
) -> None:
    async with running_gateways(fresh_sandbox, tmp_path, ORDERGATE_ROLE="all") as gateways:
        fresh_sandbox.fault("sap", "unavailable")  # nothing is ordered before the file is locked
        begun = (await gateways.call("operation")).json()
        other = sqlite3.connect(tmp_path / "ordergate.db", isolation_level=None, check_same_thread=False)
        await asyncio.to_thread(other.execute, "BEGIN EXCLUSIVE")
        try:
            fresh_sandbox.lift()
            await asyncio.sleep(BUSY_TIMEOUT_MS / 1000 + 2)  # a writer that waits has given up by now, and come again
            assert await state_of(gateways, begun["operationId"]) not in AT_REST
            assert (await steadily(gateways, "promise", calls=5)).statuses == {200: 5}
            assert (await gateways.call("ready")).json()["store"]["state"] == "up"
        finally:
            other.rollback()
            other.close()
        async with asyncio.timeout(60):
            while (state := await state_of(gateways, begun["operationId"])) not in AT_REST:  # noqa: ASYNC110  by polling
                await asyncio.sleep(0.1)
        assert state in ("completed", "completedWithExceptions")
        assert len(witness.orders_of(fresh_sandbox, begun["operationId"])) == 1


async def state_of(gateways: Gateways, operation_id: str) -> str:
    headers = {"Authorization": f"Bearer {gateways.tokens['crm']}"}
    answer = await gateways.http.get(f"{gateways.external[0]}/v1/operations/{operation_id}", headers=headers)
    return str(answer.json()["state"])
