from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncEngine

from policies.columns import UtcDateTime

moments = Table("moments", MetaData(), Column("id", Integer, primary_key=True), Column("at", UtcDateTime))
NOON = datetime(2026, 3, 29, 12, 0, 0, 123456, UTC)
IN_TOKYO = NOON.astimezone(timezone(timedelta(hours=9)))


async def test_an_instant_comes_back_as_it_was_in_utc(store: AsyncEngine) -> None:
    async with store.begin() as connection:
        await connection.run_sync(moments.drop, checkfirst=True)
        await connection.run_sync(moments.create)
        await connection.execute(insert(moments), [{"id": 1, "at": IN_TOKYO}, {"id": 2, "at": None}])
        values = (await connection.execute(select(moments.c.at).order_by(moments.c.id))).scalars().all()
        assert values == [NOON, None]
        assert values[0] is not None
        assert values[0].tzinfo == UTC
        just_before = NOON - timedelta(microseconds=1)
        later = await connection.execute(select(moments.c.id).where(moments.c.at > just_before))
        assert later.scalars().all() == [1]


async def test_an_instant_without_a_zone_is_refused(store: AsyncEngine) -> None:
    async with store.connect() as connection:
        with pytest.raises(StatementError, match="time zone"):
            await connection.execute(select(moments).where(moments.c.at > NOON.replace(tzinfo=None)))
