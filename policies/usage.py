"""Who still calls what: calls per client, operation and day, counted in memory and written in batches.

Bounded by the number of clients and routes. What was counted since the last writing is lost with a killed process:
this answers "may we switch it off?", it is no invoice.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Date, Index, Integer, Select, String, Table, delete, func, literal, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policies.columns import UtcDateTime
from policies.kept import Batch
from policies.store import store_answers
from policies.tables import metadata

version_usage = Table(
    "version_usage",
    metadata,
    Column("client_id", String(255), primary_key=True),
    Column("operation", String(200), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Index("version_usage_by_day", "day"),
)
_rows = version_usage.c


async def purge_usage(connection: AsyncConnection, before: datetime, most: int) -> Batch:
    """Forget days, of one client and operation each."""
    own = tuple_(_rows.client_id, _rows.operation, _rows.day)
    some = select(_rows.client_id, _rows.operation, _rows.day).where(_rows.day < before.date()).limit(most)
    gone = await connection.execute(delete(version_usage).where(own.in_(some)))
    return Batch(gone.rowcount, more=gone.rowcount == most)


def due_usage(before: datetime) -> Select[Any]:
    return select(literal(1)).select_from(version_usage).where(_rows.day < before.date())


class Usage:
    """Admitted calls. `count` costs two dictionary writes; `write` is for a loop beside."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._calls: Counter[tuple[str, str, date]] = Counter()
        self._last: dict[tuple[str, str, date], datetime] = {}

    def count(self, client_id: str, operation: str, at: datetime) -> None:
        key = (client_id, operation, at.date())
        self._calls[key] += 1
        self._last[key] = at

    async def write(self) -> None:
        """Add what was counted to the rows. What cannot be written now stays counted."""
        calls, last = self._calls, self._last
        self._calls, self._last = Counter(), {}
        if not calls:
            return
        rows = [
            dict(zip(("client_id", "operation", "day"), key, strict=True), calls=calls[key], last_at=last[key])
            for key in sorted(calls)  # so that replicas lock the rows in one order
        ]
        try:
            with store_answers():
                async with self._engine.begin() as connection:
                    for row in rows:
                        await connection.execute(self._adding(row))
        except BaseException:
            self._calls.update(calls)
            self._last = {**last, **self._last}
            raise

    async def since(self, day: date) -> list[tuple[str, str, int, datetime]]:
        """Client, operation, calls, last call; most calls first."""
        asked = (
            select(_rows.client_id, _rows.operation, func.sum(_rows.calls).label("calls"), func.max(_rows.last_at))
            .where(_rows.day >= day)
            .group_by(_rows.client_id, _rows.operation)
            .order_by(func.sum(_rows.calls).desc(), _rows.client_id, _rows.operation)
        )
        with store_answers():
            async with self._engine.connect() as connection:
                found = await connection.execute(asked)
        return [(row[0], row[1], int(row[2]), row[3]) for row in found]

    def _adding(self, row: dict[str, Any]) -> Any:
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        adding = insert(version_usage).values(**row)
        return adding.on_conflict_do_update(
            index_elements=["client_id", "operation", "day"],
            set_={"calls": _rows.calls + adding.excluded.calls, "last_at": adding.excluded.last_at},
        )
