"""The rungs of the ladder: each is the stack with one policy more, or the same policy kept elsewhere.

A further rung is an asynchronous context manager that yields one call, and a line in `RUNGS`.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import redis
from limits import parse
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from sqlalchemy.ext.asyncio import create_async_engine

from policies.answer import Answer
from policies.clients import Client, ClientRegistry
from policies.counters import Cap, Counters, Rate
from policies.errors import LimitSpent
from policies.failed_logins import FailedLogins
from policies.idempotency import Ledger
from policies.identities import Identities
from policies.issuer_keys import IssuerKeys
from policies.oauth import OAuth
from policies.plans import Allowance, Plan, Plans
from policies.rate_limit import RateLimits
from policies.redis_counters import RedisCounters
from policies.redis_door import RedisDoor
from policies.shared_counters import SharedCounters
from policies.sheet import guarded
from policies.stack import Stack
from policies.windows import MemoryCounters
from tests.calls import call_of
from tests.postgres import free_port
from tests.tokens import AUDIENCE, RSA, claims_for, jwks, mint

Call = Callable[[], Awaitable[object]]
ISSUER = "http://issuer.example"
SHEET = guarded("atp:read", weight=lambda _request: 10)
MANY = 1_000_000
NONE = Plan(Allowance(()))
ONE = Plan(Allowance((Rate("sustained", MANY, 60),)))
WINDOWS = (Rate("burst", MANY, 1), Rate("sustained", MANY, 60), Rate("daily", MANY, 86_400))
WHOLE = Plan(Allowance(WINDOWS, (Cap("concurrent", 1000),)))
SPENT = Plan(Allowance((Rate("burst", MANY, 1), Rate("sustained", 10, 3600), Rate("daily", MANY, 86_400))))


@dataclass(frozen=True)
class Server:
    """A Redis of the benchmark's own, and what it has computed so far."""

    url: str
    port: int
    process: subprocess.Popen[bytes]

    def cpu_s(self) -> float:
        with redis.Redis(port=self.port) as client:
            told: Any = client.info("cpu")
        return float(told["used_cpu_user"] + told["used_cpu_sys"])


@contextmanager
def redis_running() -> Iterator[Server]:
    port = free_port()
    with TemporaryDirectory() as home:
        command = ["redis-server", "--port", str(port), "--save", "", "--dir", home]  # found on the PATH
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603
        try:
            with redis.Redis(port=port) as client:
                ends = time.monotonic() + 10
                while True:
                    try:
                        client.ping()
                        break
                    except redis.ConnectionError:
                        if time.monotonic() > ends:
                            raise
                        time.sleep(0.02)
            yield Server(f"redis://127.0.0.1:{port}/0", port, process)
        finally:
            process.kill()
            process.wait()


async def answered(_credential: object, _request: object, _claim: object) -> bytes:
    return b"{}"


def encoded(body: bytes) -> Answer:
    return Answer(200, {"content-type": "application/json"}, body)


@asynccontextmanager
async def stacked(plan: Plan, counters: Counters) -> AsyncIterator[Call]:
    """One call through the whole stack, with a token that was verified before."""
    client = Client("crm", "Salesforce", "crm", frozenset({"atp:read"}), plan="measured")
    published = httpx.MockTransport(lambda _request: httpx.Response(200, json=jwks(RSA)))
    keys = IssuerKeys(ISSUER, jwks_uri=f"{ISSUER}/jwks", transport=published)
    identities = Identities(OAuth([keys], AUDIENCE), ClientRegistry([client]), ISSUER)
    ledger = Ledger(create_async_engine("sqlite+aiosqlite://"))
    stack = Stack(FailedLogins(), identities, RateLimits(counters, Plans({"measured": plan})), ledger)
    token = mint(claims_for(ISSUER, "crm", scope="atp:read"))

    async def call() -> object:
        try:
            return await stack.run(
                call_of(route="/v1/atp-checks", token=token),
                SHEET,
                decode=bytes,
                visible=lambda _client, _request: None,
                process=answered,
                encode=encoded,
            )
        except LimitSpent as spent:
            return spent

    yield call
    await identities.aclose()


@asynccontextmanager
async def nothing(_server: Server) -> AsyncIterator[Call]:
    async def call() -> object:
        made = call_of(route="/v1/atp-checks", token="x")  # noqa: S106  no secret
        return encoded(await answered(None, bytes(made.body), None))

    yield call


def in_memory(plan: Plan) -> Callable[[Server], AbstractAsyncContextManager[Call]]:
    return lambda _server: stacked(plan, MemoryCounters())


def in_redis(plan: Plan) -> Callable[[Server], AbstractAsyncContextManager[Call]]:
    @asynccontextmanager
    async def rung(server: Server) -> AsyncIterator[Call]:
        door = RedisDoor(server.url, deadline_ms=1000)
        await door.greet()
        async with stacked(plan, SharedCounters(RedisCounters(door), MemoryCounters())) as call:
            yield call
        await door.aclose()

    return rung


@asynccontextmanager
async def without_redis(_server: Server) -> AsyncIterator[Call]:
    """The same with a Redis that is not there: counted here, for a share."""
    door = RedisDoor(f"redis://127.0.0.1:{free_port()}/0")
    await door.greet()
    async with stacked(WHOLE, SharedCounters(RedisCounters(door), MemoryCounters(), replicas=2)) as call:
        yield call
    await door.aclose()


def of_the_package(windows: tuple[Rate, ...]) -> Callable[[Server], AbstractAsyncContextManager[Call]]:
    """What the `limits` package does itself: a test and a hit per window, and its figures for the fields."""

    @asynccontextmanager
    async def rung(server: Server) -> AsyncIterator[Call]:
        storage = RedisStorage(f"async+{server.url}", implementation="redispy", max_connections=1000)
        strategy = MovingWindowRateLimiter(storage)
        rates = [(each.name, parse(f"{each.quota} per {each.window_s} second")) for each in windows]

        async def call() -> object:
            for name, rate in rates:
                await strategy.test(rate, "crm", name)
            for name, rate in rates:
                await strategy.hit(rate, "crm", name)
            return [await strategy.get_window_stats(rate, "crm", name) for name, rate in rates]

        yield call

    return rung


RUNGS: dict[str, Callable[[Server], AbstractAsyncContextManager[Call]]] = {
    "the process alone": nothing,
    "+ a token known from before": in_memory(NONE),
    "+ one window, in memory": in_memory(ONE),
    "+ three windows and a cap, in memory": in_memory(WHOLE),
    "+ one window, in Redis": in_redis(ONE),
    "+ three windows and a cap, in Redis": in_redis(WHOLE),
    "the same while Redis is away": without_redis,
    "refused, in memory": in_memory(SPENT),
    "refused, in Redis": in_redis(SPENT),
    "(limits' own, one window in Redis)": of_the_package(ONE.common.rates),
    "(limits' own, three windows in Redis)": of_the_package(WINDOWS),
}
