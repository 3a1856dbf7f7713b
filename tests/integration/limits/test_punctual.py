"""Connections to a real PostgreSQL that answer in time, or are closed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import make_engine
from policies.punctual import take_your_time
from tests.postgres import postgres  # noqa: F401  a fixture

SLEEP = text("SELECT pg_sleep(0.6)")


@pytest.fixture
async def engine(postgres: str) -> AsyncIterator[AsyncEngine]:  # noqa: F811
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
