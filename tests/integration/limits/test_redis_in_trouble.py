"""Redis killed, frozen, late, only to be read, restarted without its scripts: under traffic, at the doors of a gateway.

What each cell shows: every call is answered as if nothing were, hardly later; limits are counted here meanwhile, and
there again afterwards. That Redis counted before and counts afterwards is asked of Redis itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from policies import redis_door
from policies.redis_door import MOST_FAILURES
from tests.integration.limits.gateways import LIMIT, Gateways, Kind, running_gateways, steadily
from tests.redis_server import RedisServer, Wire, running_redis, wire_to
from tests.sandbox import RunningSandbox

CHARGES = 'ordergate_redis_seconds_count{command="charge"'
DEADLINE_MS = 100
"""More than the default: gateways, callers and the wire share one busy loop here. The door is tested with 30."""
UNDER_WAY = 15
"""Calls that may have asked a replica's Redis before the fifth failure came back."""

Change = Callable[["Site"], Awaitable[None]]


@dataclass
class Site:
    """Two replicas, their Redis, and the wire between."""

    gateways: Gateways
    redis: RedisServer
    wire: Wire

    async def counted_by_redis(self, kind: Kind, calls: int) -> bool:
        """Whether so many calls made Redis run the script so often."""
        before = self.redis.calls("evalsha") + self.redis.calls("eval")
        seen = await steadily(self.gateways, kind, calls=calls)
        assert seen.statuses.keys() <= {200, 202, 409}
        return self.redis.calls("evalsha") + self.redis.calls("eval") - before >= calls

    async def all_count_there_again(self) -> None:
        for replica in range(len(self.gateways.external)):
            await self.gateways.counting_there_again(replica)

    async def sum_of(self, metric: str) -> float:
        return sum([await self.gateways.metric(metric, each) for each in range(len(self.gateways.external))])


@asynccontextmanager
async def site(
    sandbox: RunningSandbox, directory: Path, deadline_ms: float | None = DEADLINE_MS
) -> AsyncIterator[Site]:
    """Without `deadline_ms` with the one that everybody gets who sets none."""
    with running_redis() as redis:
        async with wire_to(redis.port) as wire:
            redis_at = {"ORDERGATE_REDIS_URL": wire.url}
            if deadline_ms is not None:
                redis_at["ORDERGATE_REDIS_DEADLINE_MS"] = str(deadline_ms)
            async with running_gateways(sandbox, directory, replicas=2, **redis_at) as gateways:
                yield Site(gateways, redis, wire)


async def killed(it: Site) -> None:
    it.redis.kill()


async def frozen(it: Site) -> None:
    it.redis.freeze()


async def late(it: Site) -> None:
    it.wire.delay_s = 0.2


async def a_replica_now(it: Site) -> None:
    """After a failover: it follows a master (that is gone), answers everything and takes no writes."""
    it.redis.ask("REPLICAOF", "127.0.0.1", "1")


async def without_its_replicas(it: Site) -> None:
    """It may take no writes that nobody else keeps."""
    it.redis.ask("CONFIG", "SET", "min-replicas-to-write", "1")


async def mended(it: Site) -> None:
    it.wire.delay_s = 0
    if it.redis.process is None:
        it.redis.start()
    it.redis.thaw()
    it.redis.ask("REPLICAOF", "NO", "ONE")
    it.redis.ask("CONFIG", "SET", "min-replicas-to-write", "0")


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("trouble", "deadline_ms"),
    [
        *((each, DEADLINE_MS) for each in (killed, frozen, late, a_replica_now, without_its_replicas)),
        (late, None),
        (frozen, None),
    ],
)
async def test_calls_go_on_as_if_redis_were_well(
    fresh_sandbox: RunningSandbox, tmp_path: Path, trouble: Change, deadline_ms: float | None
) -> None:
    kinds: tuple[Kind, ...] = ("promise", "read", "order", "operation", "internal")
    async with site(fresh_sandbox, tmp_path, deadline_ms) as it:
        assert await it.counted_by_redis("read", 20), "the path that fails now was used before"
        assert it.redis.ask("KEYS", "ordergate:{crm}:*")
        assert not await it.sum_of("ordergate_redis_breaker")
        fallbacks = await it.sum_of("ordergate_limit_fallbacks_total")
        assert fallbacks <= (0 if deadline_ms else MOST_FAILURES), "a busy loop may miss the real deadline now and then"

        waited = await it.sum_of('ordergate_redis_seconds_sum{command="charge"')
        await trouble(it)
        for kind in kinds:
            seen = await steadily(it.gateways, kind, calls=30)
            assert seen.statuses.keys() <= ({202, 409} if kind == "operation" else {200}), kind
            if kind in ("promise", "read"):
                assert all("ratelimit" in answer.headers for answer in seen.answers)
        ready = await it.gateways.call("ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert ready.json()["counters"]["state"] == "down"
        waited = await it.sum_of('ordergate_redis_seconds_sum{command="charge"') - waited
        failed = sum([await it.sum_of(f'{CHARGES},outcome="{outcome}"') for outcome in ("timeout", "error")])
        assert 2 * MOST_FAILURES <= failed <= 2 * (MOST_FAILURES + UNDER_WAY), "after five in a row nobody waits"
        assert waited / failed < 3 * (deadline_ms or redis_door.DEADLINE_MS) / 1000, (
            "and those few wait for a deadline, on a busy machine too"
        )
        assert await it.sum_of(f'{CHARGES},outcome="refused"') >= 70
        assert await it.sum_of('ordergate_limit_fallbacks_total{mode="local"}') >= 90

        await mended(it)
        await it.all_count_there_again()
        alone = await it.sum_of("ordergate_limit_fallbacks_total")
        assert await it.counted_by_redis("read", 20), "and it counts there again, by itself"
        late = await it.sum_of("ordergate_limit_fallbacks_total") - alone
        assert late < MOST_FAILURES, "a busy loop may miss a deadline now and then"
        ready = await it.gateways.call("ready")
        assert ready.json()["counters"]["state"] == "up"


async def test_a_restart_that_forgot_the_scripts_is_not_noticed(fresh_sandbox: RunningSandbox, tmp_path: Path) -> None:
    async with site(fresh_sandbox, tmp_path) as it:
        assert await it.counted_by_redis("read", 10)
        it.redis.ask("SCRIPT", "FLUSH")
        it.redis.ask("CLIENT", "KILL", "TYPE", "normal")
        seen = await steadily(it.gateways, "read", calls=40)
        assert seen.statuses == {200: 40}
        assert await it.sum_of("ordergate_redis_breaker") == 0
        assert it.redis.calls("eval") >= 1
        assert await it.counted_by_redis("read", 10)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("trouble", "forgets"), [(killed, True), (frozen, False), (late, False), (a_replica_now, False)]
)
async def test_what_is_let_through_too_much_is_bounded(
    fresh_sandbox: RunningSandbox, tmp_path: Path, trouble: Change, forgets: bool
) -> None:
    """A limit of 30 a minute, twice as many calls before, in and after the trouble, all within the minute."""
    async with site(fresh_sandbox, tmp_path) as it:
        before = await steadily(it.gateways, "promise", calls=2 * LIMIT, per_second=20, client="trickle")
        assert before.statuses == {200: LIMIT, 429: LIMIT}
        await trouble(it)
        meanwhile = await steadily(it.gateways, "promise", calls=2 * LIMIT, per_second=20, client="trickle")
        await mended(it)
        await it.all_count_there_again()
        after = await steadily(it.gateways, "promise", calls=2 * LIMIT, per_second=20, client="trickle")
        for seen in (meanwhile, after):
            assert seen.statuses.keys() <= {200, 429}
        assert meanwhile.statuses[200] <= 5, "each replica had let through its share already"
        assert after.statuses[200] == (LIMIT if forgets else 0), "what Redis kept it still counts"


async def test_a_gateway_starts_without_redis_and_finds_it_later(fresh_sandbox: RunningSandbox, tmp_path: Path) -> None:
    with running_redis() as redis:
        redis.kill()
        async with running_gateways(fresh_sandbox, tmp_path, ORDERGATE_REDIS_URL=redis.url) as gateways:
            assert (await gateways.call("promise")).status_code == 200
            assert (await gateways.call("ready")).json()["counters"]["state"] == "down"
            redis.start()
            await gateways.counting_there_again()
            assert (await gateways.call("promise")).status_code == 200
            assert redis.calls("eval") == 1
