"""What the world is to this process: the wire and the clock. Tests replace them here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Outside:
    """`transport` carries every call to every neighbour and issuer; None is the real network."""

    transport: httpx.AsyncBaseTransport | None = None
    now: Callable[[], datetime] = utc_now
