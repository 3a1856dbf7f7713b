"""Single flight: many need a value, one goes and fetches it (an OAuth token, a CSRF token with its cookies)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """A value that is fetched once for all who wait for it, and kept until somebody says it is stale.

    The fetch is a task of its own: a caller who gives up leaves the others their answer.
    """

    def __init__(self, fetch: Callable[[], Awaitable[T]]) -> None:
        self._fetch = fetch
        self._kept: T | None = None
        self._flight: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The kept value, or the one that is being fetched. The caller bounds the wait (`asyncio.timeout`)."""
        if self._kept is not None:
            return self._kept
        if self._flight is None:
            self._flight = asyncio.get_running_loop().create_task(self._go())
            self._flight.add_done_callback(self._landed)
        return await asyncio.shield(self._flight)

    def stale(self, seen: T) -> None:
        """`seen` was refused. Does nothing if somebody has replaced it already, so that ten refusals cost one fetch."""
        if self._kept is seen:
            self._kept = None

    async def _go(self) -> T:
        return await self._fetch()

    def _landed(self, flight: asyncio.Task[T]) -> None:
        self._flight = None
        # Reading the exception marks it as seen: whoever still waits gets it, and nobody may be waiting any more.
        if not flight.cancelled() and flight.exception() is None:
            self._kept = flight.result()
