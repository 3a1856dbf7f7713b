"""Hands: how many steps of operations a process does at once. The rest of an operation's life costs no hand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Hands:
    """`full` are the tasks that have one now."""

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)
        self.full: set[asyncio.Task[Any]] = set()

    async def lent(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do `work` as soon as a hand is free; those who wait get theirs in the order in which they came."""
        task = asyncio.current_task()
        async with self._free:
            if task is not None:
                self.full.add(task)
            try:
                return await work()
            finally:
                if task is not None:
                    self.full.discard(task)
