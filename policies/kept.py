"""What is kept only for a while: the words for it. Each table that grows says beside it how it is cut."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

MOST_COUNTED: Final = 100_000
"""Nobody who asks how much would go needs a larger number than this, and counting costs the store time."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction forgot, and whether it was as much as it may: then there is probably more."""

    gone: int
    more: bool


Purge = Callable[[AsyncConnection, datetime, int], Awaitable[Batch]]
"""Forget, on this connection, what ended before a moment: so many things at most."""
Due = Callable[[datetime], Select[Any]]
"""One row for each thing that would go, were that the moment."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of things, how long each is kept after its end, and how they are forgotten.

    `most` things go in one transaction: few enough that nobody waits for it.
    """

    kind: str
    kept_for: timedelta
    purge: Purge
    due: Due
    most: int = 500


async def count_due(connection: AsyncConnection, kept: Kept, before: datetime) -> int:
    """How much would go; MOST_COUNTED stands for any larger number too."""
    found = kept.due(before).limit(MOST_COUNTED).subquery()
    return int(await connection.scalar(select(func.count()).select_from(found)) or 0)
