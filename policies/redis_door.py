"""The one door to Redis: a deadline around every command, a breaker around them all, and nobody who waits for it.

What Redis holds is worth having and not worth waiting for. A command that is not answered in time is given up by a
timer of ours (a frozen server sends nothing, not even an error); five failures in a row open the breaker, and then
nobody asks any more but a probe of our own, once a second, until it is answered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from policies.breaker import PROBE_EVERY_S, Breaker
from policies.errors import CountersUnavailable

T = TypeVar("T")
Outcome = Literal["ok", "timeout", "error", "refused"]

DEADLINE_MS = 30
MOST_FAILURES = 5
MOST_CONNECTIONS = 64
FIRST_CONTACT_S = 1.0
UNREAD_S = 0.01
PROBE_KEY = "ordergate:probe"


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one command. `refused`: the breaker was open, and Redis was not asked."""

    command: str
    outcome: Outcome
    seconds: float


class RedisDoor:
    """One per process. `deadline_ms` covers the wait for a connection too. `observe` hears of every command, `turned`
    of every turn of the breaker (`is_open`)."""

    def __init__(
        self,
        url: str,
        *,
        deadline_ms: float = DEADLINE_MS,
        observe: Callable[[Asked], None] | None = None,
        turned: Callable[..., None] | None = None,
        probe_every_s: float = PROBE_EVERY_S,
    ) -> None:
        # one try per command: the timer is the caller's whole patience, and a charge must not happen twice. RESP2 and
        # no client information: a new connection is made within the deadline, and each greeting is a round trip.
        pool = ConnectionPool.from_url(
            url,
            max_connections=MOST_CONNECTIONS + 1,  # one for the probe
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            decode_responses=True,
            driver_info=None,
        )
        self.client = Redis.from_pool(pool)
        self._connections = asyncio.Semaphore(MOST_CONNECTIONS)
        self.deadline_s = deadline_ms / 1000
        self._observe = observe or (lambda _asked: None)
        self._breaker = Breaker(
            "Redis",
            self._counts_again,
            most_failures=MOST_FAILURES,
            meanwhile="limits are counted here",
            probe_every_s=probe_every_s,
            turned=turned,
        )

    @property
    def is_open(self) -> bool:
        """Whether the breaker is: nobody but the probe asks Redis now."""
        return self._breaker.is_open

    async def greet(self) -> bool:
        """First contact, with more patience than a call has; False if nobody answers. Made before calls come in."""
        try:
            async with asyncio.timeout(FIRST_CONTACT_S):
                await self.client.ping()
        except (RedisError, OSError, TimeoutError) as trouble:
            self._breaker.open(trouble)
            return False
        return True

    async def ask(self, command: Awaitable[T], *, name: str = "command") -> T:
        """What Redis answers to `command`, an awaitable of `client` that nobody awaited yet.

        Raises CountersUnavailable if it does not answer in time, answers with an error, or is not asked at all because
        it failed a moment ago. NoScriptError passes: it is an answer.
        """
        if self._breaker.is_open:
            _close(command)
            self._observe(Asked(name, "refused", 0.0))
            raise CountersUnavailable
        began = time.perf_counter()
        outcome: Outcome = "ok"
        patience = asyncio.timeout(None)
        loop = asyncio.get_running_loop()
        timer = loop.call_at(due := loop.time() + self.deadline_s, _end, patience, due)
        try:
            async with patience, self._connections:
                answer = await command
        except NoScriptError:
            raise
        except TimeoutError as late:
            outcome = "timeout"
            self._breaker.failed(late)
            raise CountersUnavailable from None
        except (RedisError, OSError) as trouble:
            outcome = "timeout" if isinstance(trouble, TimeoutError) else "error"
            self._breaker.failed(trouble)
            raise CountersUnavailable from None
        finally:
            timer.cancel()
            _close(command)  # it may not have come to a connection in time
            self._observe(Asked(name, outcome, time.perf_counter() - began))
        self._breaker.answered()
        return answer

    async def ping(self) -> bool:
        """Like any other command: refused at once while the breaker is open."""
        return bool(await self.ask(self.client.ping(), name="ping"))

    async def aclose(self) -> None:
        self._breaker.shut_down()
        await self.client.aclose()
        await self.client.connection_pool.disconnect()

    async def _counts_again(self) -> bool:
        """Whether a key can be written in time: a server that only reads would count nothing."""
        began = time.perf_counter()
        outcome: Outcome = "ok"
        try:
            # idle connections may be dead: a probe starts from a new one, which may take longer than a command
            await self.client.connection_pool.disconnect(inuse_connections=False)
            async with asyncio.timeout(FIRST_CONTACT_S):
                await self.client.ping()
            async with asyncio.timeout(self.deadline_s):
                await self.client.set(PROBE_KEY, "1", px=1000)
        except (RedisError, OSError, TimeoutError) as trouble:
            outcome = "timeout" if isinstance(trouble, TimeoutError) else "error"
        self._observe(Asked("probe", outcome, time.perf_counter() - began))
        return outcome == "ok"


def _end(patience: asyncio.Timeout, due: float) -> None:
    """A timer that rings late says that this process was busy, and nothing of Redis: its answer may lie here unread."""
    now = asyncio.get_running_loop().time()
    patience.reschedule(now + UNREAD_S if now - due > UNREAD_S else now)


def _close(command: Any) -> None:
    """A coroutine that nobody will await is told so, or it complains."""
    close = getattr(command, "close", None)
    if close is not None:
        close()
