"""The armed faults, what chance they have, and what they do to doors and systems."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import count
from random import Random

import msgspec

from system_apis.sandbox.door import Door
from system_apis.sandbox.faults.kinds import KINDS
from system_apis.sandbox.faults.wanted import Fault, FaultWanted, System
from system_apis.sandbox.journal import Entry

Inside = Mapping[tuple[str, str], Callable[[str, bytes], None]]
"""By system and kind: what happens in a system, given path and body of a request, before it handles that request."""
_log = logging.getLogger("ordergate.sandbox")


class Faults:
    """The armed faults of all systems, oldest first. All delays that meet a request hold it, one other fault strikes.

    Each fault draws from a generator of its own, made of the sandbox's seed and the fault's place since the last
    reset (or of the fault's own seed): equal requests in equal order fare alike.
    """

    def __init__(self, doors: Mapping[System, Iterable[Door]], inside: Inside, seed: int) -> None:
        self.inside = inside
        self._doors, self._seed = doors, seed
        self._armed: dict[str, Fault] = {}
        self._chances: dict[str, Random] = {}
        self._ids, self._place = count(1), 0
        self._later: set[asyncio.Task[None]] = set()

    def listed(self) -> list[Fault]:
        return list(self._armed.values())

    async def arm(self, wanted: FaultWanted) -> Fault:
        self._place += 1
        fault = Fault(id=f"fault-{next(self._ids)}", **msgspec.structs.asdict(wanted))
        self._armed[fault.id] = fault
        seed = f"{self._seed}/{self._place}" if fault.seed is None else str(fault.seed)
        self._chances[fault.id] = Random(seed)  # noqa: S311 - chance that can be repeated is the point
        if fault.kind == "refuse":
            fault.fired = 1
            _tell(fault, None)
            await self._move_doors(fault.system)
        if KINDS[fault.kind].lasting and fault.seconds:
            self.later(fault.seconds, lambda: self.lift(fault.id))
        return fault

    async def lift(self, fault_id: str | None = None) -> None:
        """Lifts one fault, or all of them. What a late commit still has to do, it will do."""
        lifted = list(self._armed) if fault_id is None else [fault_id]
        systems = {fault.system for one in lifted if (fault := self._armed.pop(one, None)) and fault.kind == "refuse"}
        for system in systems:
            await self._move_doors(system)

    def take(self, entry: Entry, body: bytes) -> tuple[Fault | None, float]:
        """The fault that strikes this request, if one does, and how long the request waits in any case."""
        struck, wait_s = None, 0.0
        for fault in self._armed.values():
            chance = self._chances[fault.id]
            if (struck and fault.kind != "delay") or not fault.meets(entry, body) or not fault.strikes(chance):
                continue
            wait_s += fault.wait_s(chance)
            struck = struck if fault.kind == "delay" else fault
            entry.fault = struck.kind if struck else fault.kind
            _tell(fault, entry)
        return struck, wait_s

    def later(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        async def wait_and_work() -> None:
            await asyncio.sleep(seconds)
            await work()

        task = asyncio.create_task(wait_and_work())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def forget_later(self) -> None:
        """Drops work that was still to come: a new world owes nothing to the old one, and begins chance anew."""
        self._place = 0
        for task in self._later:
            task.cancel()

    async def _move_doors(self, system: System) -> None:
        refused = any(f.kind == "refuse" and f.system == system for f in self._armed.values())
        for door in self._doors[system]:
            await (door.shut() if refused else door.open())


def _tell(fault: Fault, entry: Entry | None) -> None:
    line = {"event": "fault", "at": datetime.now(UTC), "id": fault.id, "system": fault.system, "kind": fault.kind}
    if entry is not None:
        line |= {"method": entry.method, "path": entry.path, "correlationId": entry.correlation_id}
    _log.info(msgspec.json.encode(line).decode())
