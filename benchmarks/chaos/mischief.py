"""The one who does it: brings the plan about, each trouble at its time, and heals everything at the end."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from functools import partial

import httpx

from benchmarks.chaos.replicas import Replica
from benchmarks.chaos.stage import Stage
from benchmarks.chaos.troubles import Trouble

log = logging.getLogger("chaos")


class Mischief:
    """`done` counts the blows by kind, `struck` the requests that met a fault, by kind and call, when last counted."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._by_name = {replica.name: replica for replica in stage.replicas}
        self._armed: dict[str, Trouble] = {}
        self._healed = False
        self._at_a_server = asyncio.Lock()  # what takes long to recover from is left to do so before a server goes
        self._rising = asyncio.Lock()  # nobody waits for a replica that another blow has killed meanwhile
        self.done: Counter[str] = Counter()
        self.struck: Counter[tuple[str, str]] = Counter()

    async def bring_about(self, troubles: Sequence[Trouble]) -> None:
        """All of them, at their times. A blow that lasts does not hold up the next."""
        begins = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as crew:
            for trouble in troubles:
                await asyncio.sleep(max(0.0, begins + trouble.at_s - asyncio.get_running_loop().time()))
                crew.create_task(self._do(trouble))

    async def heal(self) -> None:
        """Nothing is broken after this, though much may still have to recover."""
        await asyncio.to_thread(self.count_struck)
        self._healed = True
        await asyncio.to_thread(self._stage.sandbox.lift)
        for replica in self._stage.replicas:
            replica.thaw()
            replica.start()
        for replica in self._stage.replicas:
            await asyncio.to_thread(replica.await_ready)

    def count_struck(self) -> int:
        """How many requests have met a fault so far, as the sandbox counts. Lifted faults are not counted any more."""
        if self._healed:
            return sum(self.struck.values())
        try:
            fired = {str(one["id"]): int(one["fired"]) for one in self._stage.sandbox.faults()}
        except httpx.TransportError:
            return sum(self.struck.values())  # busy: what was known last
        found: Counter[tuple[str, str]] = Counter()
        for fault_id, trouble in self._armed.items():
            found[trouble.what, trouble.target.removeprefix("at ")] += fired.get(fault_id, 0)
        self.struck = +found
        return sum(self.struck.values())

    async def _do(self, trouble: Trouble) -> None:
        log.info("%s", trouble)
        if trouble.fault:
            await self._arm(trouble)
            return
        self.done[trouble.what] += 1
        match trouble.what:
            case "kill":
                await self._kill(trouble.seconds, self._by_name[trouble.target])
            case "kill both":
                await self._kill(trouble.seconds, *self._stage.replicas)
            case "freeze":
                await self._freeze(trouble.seconds, self._by_name[trouble.target])
            case "flush redis":
                await asyncio.to_thread(self._stage.redis.ask, "FLUSHALL")
            case "restart redis":
                await self._restart_redis(trouble.seconds)
            case "restart postgres":
                await self._restart_postgres(trouble.seconds)
            case "close a door":
                closed = partial(self._stage.sandbox.fault, trouble.target, "refuse", seconds=trouble.seconds)
                await asyncio.to_thread(closed)

    async def _arm(self, trouble: Trouble) -> None:
        try:
            fault_id = await asyncio.to_thread(self._stage.sandbox.fault, **trouble.fault)
        except httpx.TransportError as busy:
            log.warning("a fault could not be armed: %r", busy)
            return
        self._armed[fault_id] = trouble

    async def _kill(self, down_s: float, *victims: Replica) -> None:
        async with self._rising:
            for victim in victims:
                await asyncio.to_thread(victim.kill)
            await asyncio.sleep(down_s)
            async with self._at_a_server:  # one that finds no server when it starts ends, and nobody starts it again
                for victim in victims:
                    victim.start()
                for victim in victims:
                    await asyncio.to_thread(victim.await_ready)

    async def _freeze(self, seconds: float, victim: Replica) -> None:
        victim.freeze()
        await asyncio.sleep(seconds)
        victim.thaw()

    async def _restart_postgres(self, down_s: float) -> None:
        """As a crash would: no farewell to anybody, recovery at the start."""
        async with self._at_a_server:
            await asyncio.to_thread(self._stage.postgres.stop, "immediate")
            await asyncio.sleep(down_s)
            await asyncio.to_thread(self._stage.postgres.start)

    async def _restart_redis(self, down_s: float) -> None:
        async with self._at_a_server:
            await asyncio.to_thread(self._stage.redis.kill)
            await asyncio.sleep(down_s)
            await asyncio.to_thread(self._stage.redis.start)
