"""Connections to a real PostgreSQL that answer in time, or are closed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from threading import Timer

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import Store, make_engine
from policies.breaker import PROBE_EVERY_S
from policies.punctual import take_your_time
from policies.punctual_sessions import PunctualSession, bound_answers
from process_apis.durable_store import engine_for
from tests.postgres import postgres  # noqa: F401  a fixture

SLEEP = text("SELECT pg_sleep(0.6)")


@pytest.fixture
async def engine(postgres: str) -> AsyncIterator[Store]:  # noqa: F811
    engine = make_engine(postgres)
    yield engine
    await engine.dispose()


async def test_an_answer_that_does_not_come_is_given_up_and_the_connection_with_it(engine: AsyncEngine) -> None:
    began = time.perf_counter()
    with pytest.raises(OperationalError, match=r"no answer within 0\.2 s"):
        async with engine.connect() as connection:
            await take_your_time(connection, answer_s=0.2)
            await connection.execute(SLEEP)
    assert time.perf_counter() - began < 0.6
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar() == 1


async def test_a_connection_that_the_server_has_just_ended_is_lent_to_nobody(
    engine: AsyncEngine,
    postgres: str,  # noqa: F811
) -> None:
    """It answered a moment ago and is asked nothing, but its end is there to be seen."""
    async with engine.connect() as connection:
        ours = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar()
    async with await psycopg.AsyncConnection.connect(postgres.replace("+psycopg", ""), autocommit=True) as another:
        await another.execute("SELECT pg_terminate_backend(%s, 5000)", [ours])
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT pg_backend_pid()"))).scalar() != ours


async def test_a_connection_that_answered_a_moment_ago_is_lent_without_a_question(
    engine: AsyncEngine,
    postgres: str,  # noqa: F811
) -> None:
    async with engine.connect() as connection:
        ours = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar()
    watching = psycopg.AsyncConnection.connect(postgres.replace("+psycopg", ""), autocommit=True)
    async with engine.connect(), await watching as another:
        said = await another.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [ours])
        assert await said.fetchone() == ("SELECT pg_backend_pid()",)


async def test_who_may_take_its_time_does(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await take_your_time(connection, answer_s=0.2)
        await take_your_time(connection)
        await connection.execute(SLEEP)


async def test_a_caller_that_gives_up_is_let_go(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await connection.execute(text("SELECT pg_sleep(30)"))
        await connection.invalidate()
    async with engine.connect() as connection:
        asleep = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)' AND state = 'active'"
        assert (await connection.execute(text(asleep))).scalar() == 0, "the server was told to stop"


def test_a_thread_gives_up_an_answer_that_does_not_come_once_it_has_a_limit(postgres: str) -> None:  # noqa: F811
    threads = engine_for(postgres, threads=1)
    with threads.connect() as connection:
        connection.execute(SLEEP)
    bound_answers(threads, 0.2)
    began = time.perf_counter()
    with pytest.raises(OperationalError, match=r"no answer within 0\.2 s") as late, threads.connect() as connection:
        connection.execute(SLEEP)
    assert time.perf_counter() - began < 0.6
    assert late.value.connection_invalidated, "so the engine asks again, on another one"
    with threads.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    threads.dispose()


def test_a_thread_that_listens_may_hear_nothing_for_longer(postgres: str) -> None:  # noqa: F811
    threads = engine_for(postgres, threads=1)
    bound_answers(threads, 0.2)
    with threads.connect() as connection:
        session = connection.connection.driver_connection
        assert isinstance(session, PunctualSession)
        connection.execute(text("LISTEN quiet"))
        connection.commit()
        Timer(0.5, tell_quietly, [threads.url.set(drivername="postgresql").render_as_string()]).start()
        (heard,) = session.notifies(stop_after=1)
        assert heard.channel == "quiet"
    threads.dispose()


def tell_quietly(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("NOTIFY quiet")


async def test_those_who_wait_for_a_lock_turn_nobody_away_for_long(
    engine: Store,
    postgres: str,  # noqa: F811
) -> None:
    """Late, each of them, behind one who holds it; the store itself is well, and says so at once."""

    async def waits() -> None:
        with pytest.raises(OperationalError, match="no answer"):
            async with engine.begin() as connection:
                await take_your_time(connection, answer_s=0.3)
                await connection.execute(text("SELECT pg_advisory_xact_lock(7)"))

    async with await psycopg.AsyncConnection.connect(postgres.replace("+psycopg", "")) as holder:
        await holder.execute("SELECT pg_advisory_xact_lock(7)")
        await asyncio.gather(*(waits() for _ in range(5)))
        async with asyncio.timeout(PROBE_EVERY_S / 2):
            while engine.breaker.is_open:  # noqa: ASYNC110  it has nothing to wait for
                await asyncio.sleep(0.01)
            async with engine.connect() as connection:
                assert (await connection.execute(text("SELECT 1"))).scalar() == 1
