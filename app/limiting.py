"""Who counts calls, and where: the limiters of this process, from the settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app import plans
from app.limit_meters import LimitMeters
from app.settings import Settings
from policies.counters import Counters
from policies.failed_logins import FailedLogins, Knocks
from policies.plans import Plans
from policies.rate_limit import RateLimits
from policies.shared_counters import Share, SharedCounters
from policies.windows import MemoryCounters
from system_apis.deadline import Deadline

if TYPE_CHECKING:
    from policies.redis_door import RedisDoor


@dataclass(frozen=True, slots=True)
class Limiting:
    """`door` is None without ORDERGATE_REDIS_URL: then this process counts alone, for its share."""

    limits: RateLimits
    knocks: Knocks
    failed_logins: FailedLogins
    door: RedisDoor | None

    @property
    def ping(self) -> Callable[[Deadline], Awaitable[object]] | None:
        """For readiness: asks Redis like a call would, through the breaker."""
        door = self.door
        return None if door is None else lambda _deadline: door.ping()

    async def open_with(self, stack: AsyncExitStack) -> None:
        """First contact with Redis, if there is one; the start does not depend on it."""
        if self.door is not None:
            stack.push_async_callback(self.door.aclose)
            await self.door.greet()


def limiting(settings: Settings, meters: LimitMeters) -> Limiting:
    """Nothing is opened yet."""
    world = settings.world
    memory, door = MemoryCounters(), None
    counters: Counters = Share(memory, settings.replicas)
    if settings.redis_url is not None:
        from policies.redis_counters import RedisCounters  # noqa: PLC0415  with redis, which who has none never loads
        from policies.redis_door import RedisDoor  # noqa: PLC0415  likewise

        door = RedisDoor(
            settings.redis_url,
            deadline_ms=settings.redis_deadline_ms,
            observe=meters.asked,
            turned=meters.breaker,
        )
        counters = SharedCounters(RedisCounters(door), memory, replicas=settings.replicas, fell_back=meters.fell_back)
    return Limiting(
        limits=RateLimits(counters, Plans(plans.read(world.plans))),
        knocks=Knocks(world.limits.knocks, world.limits.knocks_per_key),
        failed_logins=FailedLogins(world.limits.failed_logins),
        door=door,
    )
