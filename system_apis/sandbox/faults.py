"""Faults on request: how a neighbour fails in ways that matter to whoever must not lose or double an order."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from system_apis.sandbox.asgi import App, ClientGone, Message, Receive, Scope, Send, read_body, reply, until_gone
from system_apis.sandbox.door import Door, cut
from system_apis.sandbox.journal import Entry, Journal

System = Literal["issuer", "sap", "salesforce", "scheduler"]
Kind = Literal[
    "refuse",  # the port refuses connections until the fault is lifted or `seconds` have passed
    "dropBeforeCommit",  # the request arrived, nothing was done, the connection is reset
    "dropAfterCommit",  # everything was done, the connection is reset
    "commitLate",  # the connection is reset at once, the work is done `seconds` later
    "delay",  # the answer comes `seconds` later
    "unavailable",  # 503, nothing was done
    "unavailableAfterCommit",  # 503, though everything was done
    "stall",  # never an answer
]
_log = logging.getLogger("ordergate.sandbox")
_SORRY = b"<html><head><title>503</title></head><body><h1>Service Unavailable</h1></body></html>"


class FaultWanted(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What is asked for. `path` is a regular expression searched in path and query; no `count` = for ever."""

    system: System
    kind: Kind
    method: str | None = None
    path: str | None = None
    count: Annotated[int, Meta(ge=1)] | None = None
    seconds: Annotated[float, Meta(ge=0, le=60)] = 0
    retry_after_seconds: Annotated[int, Meta(ge=0)] | None = None

    def __post_init__(self) -> None:
        if self.kind == "refuse" and (self.method, self.path, self.count) != (None, None, None):
            raise ValueError("a refused connection has no method, path or count; use seconds or lift the fault")
        try:
            re.compile(self.path or "")
        except re.error as wrong:
            raise ValueError(f"path is no regular expression: {wrong}") from wrong


class Fault(FaultWanted, kw_only=True):
    """An armed fault, and how often it has fired."""

    id: str
    fired: int = 0

    def hits(self, entry: Entry) -> bool:
        if (
            self.kind == "refuse"
            or self.system != entry.system
            or (self.count is not None and self.fired >= self.count)
        ):
            return False
        if self.method is not None and self.method.upper() != entry.method:
            return False
        target = f"{entry.path}?{entry.query}" if entry.query else entry.path
        return self.path is None or re.search(self.path, target) is not None


class Faults:
    """The armed faults of all systems, oldest first: the first that matches fires."""

    def __init__(self, doors: Mapping[System, Iterable[Door]]) -> None:
        self._doors = doors
        self._armed: dict[str, Fault] = {}
        self._ids = count(1)
        self._later: set[asyncio.Task[None]] = set()

    def listed(self) -> list[Fault]:
        return list(self._armed.values())

    async def arm(self, wanted: FaultWanted) -> Fault:
        fault = Fault(id=f"fault-{next(self._ids)}", **msgspec.structs.asdict(wanted))
        self._armed[fault.id] = fault
        if fault.kind == "refuse":
            fault.fired = 1
            _tell(fault, None)
            await self._move_doors(fault.system)
            if fault.seconds:
                self.later(fault.seconds, lambda: self.lift(fault.id))
        return fault

    async def lift(self, fault_id: str | None = None) -> None:
        """Lifts one fault, or all of them. What a late commit still has to do, it will do."""
        lifted = list(self._armed) if fault_id is None else [fault_id]
        systems = {fault.system for one in lifted if (fault := self._armed.pop(one, None)) and fault.kind == "refuse"}
        for system in systems:
            await self._move_doors(system)

    def take(self, entry: Entry) -> Fault | None:
        fault = next((f for f in self._armed.values() if f.hits(entry)), None)
        if fault is not None:
            fault.fired += 1
            entry.fault = fault.kind
            _tell(fault, entry)
        return fault

    def later(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        async def wait_and_work() -> None:
            await asyncio.sleep(seconds)
            await work()

        task = asyncio.create_task(wait_and_work())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def forget_later(self) -> None:
        """Drops work that was still to come: a new world owes nothing to the old one."""
        for task in self._later:
            task.cancel()

    async def _move_doors(self, system: System) -> None:
        refused = any(f.kind == "refuse" and f.system == system for f in self._armed.values())
        for door in self._doors[system]:
            await (door.shut() if refused else door.open())


def behind_faults(system: System, system_app: App, faults: Faults, journal: Journal) -> App:
    """A system's application as its callers meet it: journalled, and failing as ordered. It never deduplicates."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(receive)
        except ClientGone:
            return
        entry = journal.note(system, scope)

        async def work(out: Send) -> None:
            await system_app(scope, _replay(body, receive), _noting(entry, out))

        fault = faults.take(entry)
        if fault is None:
            await work(send)
        else:
            await _fail(fault, _Exchange(faults, work, scope, receive, send))

    return app


@dataclass(frozen=True)
class _Exchange:
    """A request at the moment a fault takes hold of it. `work` has the system do it and tell the answer."""

    faults: Faults
    work: Callable[[Send], Awaitable[None]]
    scope: Scope
    receive: Receive
    send: Send


async def _fail(fault: Fault, x: _Exchange) -> None:
    if fault.kind == "delay":
        await asyncio.sleep(fault.seconds)
        await x.work(x.send)
        return
    if fault.kind in ("dropAfterCommit", "unavailableAfterCommit"):
        await x.work(_unheard)
    if fault.kind in ("unavailable", "unavailableAfterCommit"):
        wait = {} if fault.retry_after_seconds is None else {"retry-after": str(fault.retry_after_seconds)}
        await reply(x.send, 503, _SORRY, "text/html", wait)
        return
    if fault.kind != "stall":
        cut(x.scope)
    if fault.kind == "commitLate":
        x.faults.later(fault.seconds, lambda: x.work(_unheard))
    await until_gone(x.receive)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The request again for the application, then whatever the connection says next."""
    ahead: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return ahead.pop() if ahead else await receive()

    return again


def _noting(entry: Entry, send: Send) -> Send:
    async def noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            entry.status = message["status"]
        await send(message)

    return noting


async def _unheard(message: Message) -> None:
    """Where answers go that nobody hears."""


def _tell(fault: Fault, entry: Entry | None) -> None:
    line = {"event": "fault", "at": datetime.now(UTC), "id": fault.id, "system": fault.system, "kind": fault.kind}
    if entry is not None:
        line |= {"method": entry.method, "path": entry.path, "correlationId": entry.correlation_id}
    _log.info(msgspec.json.encode(line).decode())
