"""Where faults strike: between the socket and a system that knows nothing of them. It never deduplicates."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from system_apis.sandbox.asgi import App, ClientGone, Message, Receive, Scope, Send, read_body, reply, until_gone
from system_apis.sandbox.door import cut, hang_up
from system_apis.sandbox.faults.canaries import Canaries
from system_apis.sandbox.faults.kinds import KINDS, SAP_V4
from system_apis.sandbox.faults.register import Faults
from system_apis.sandbox.faults.wanted import Fault, System
from system_apis.sandbox.journal import Entry, Journal
from system_apis.sandbox.locks import LOCKED

_PIECES = 20
_V4_ROOTS = "/sap/opu/odata4/"


def behind_faults(system: System, system_app: App, faults: Faults, journal: Journal, canaries: Canaries) -> App:
    """A system's application as its callers meet it: journalled, saying more than it should, and failing as ordered."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await read_body(receive)
        except ClientGone:
            return
        entry = journal.note(system, scope)

        async def work(out: Send) -> None:
            await system_app(scope, _replay(body, receive), _noting(entry, canaries.around(entry, out)))

        fault, wait_s = faults.take(entry, body)
        if wait_s:
            await asyncio.sleep(wait_s)
        if fault is None:
            await work(send)
        else:
            await _strike(fault, _Exchange(faults, work, body, scope, receive, send))

    return app


@dataclass(frozen=True)
class _Exchange:
    """A request at the moment a fault takes hold of it. `work` has the system do it and tell the answer."""

    faults: Faults
    work: Callable[[Send], Awaitable[None]]
    body: bytes
    scope: Scope
    receive: Receive
    send: Send


async def _strike(fault: Fault, x: _Exchange) -> None:
    inside = x.faults.inside.get((fault.system, fault.kind))
    if inside is not None:
        inside(x.scope["path"], x.body)
        await x.work(x.send)
    elif fault.kind == "locked":
        held = LOCKED.set(True)
        await x.work(x.send)
        LOCKED.reset(held)
    elif fault.kind in ("truncated", "trickled"):
        await _mangle(fault, x)
    elif KINDS[fault.kind].answers:
        await _answer(fault, x)
    else:
        await _lose(fault, x)


async def _answer(fault: Fault, x: _Exchange) -> None:
    if fault.after_commit or fault.kind == "unavailableAfterCommit":
        await x.work(_unheard)
    ready = KINDS[fault.kind].answers
    speaker = SAP_V4 if x.scope["path"].startswith(_V4_ROOTS) else fault.system
    canned = ready.get(speaker) or ready.get(fault.system) or ready["*"]
    wait = {} if fault.retry_after_seconds is None else {"retry-after": str(fault.retry_after_seconds)}
    await reply(x.send, canned.status, canned.body.encode(), canned.content_type, {**canned.headers, **wait})


async def _mangle(fault: Fault, x: _Exchange) -> None:
    """The true answer, with its true length, of which half arrives, or all of it but slowly."""
    told: list[Message] = []

    async def keep(message: Message) -> None:
        told.append(message)

    await x.work(keep)
    body = b"".join(message.get("body", b"") for message in told)
    await x.send(told[0])
    if fault.kind == "truncated":
        await x.send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        hang_up(x.scope)
        await until_gone(x.receive)
        return
    size = max(1, -(-len(body) // _PIECES))
    for at in range(0, len(body), size):
        await asyncio.sleep(fault.seconds / _PIECES)
        await x.send({"type": "http.response.body", "body": body[at : at + size], "more_body": True})
    await x.send({"type": "http.response.body", "body": b""})


async def _lose(fault: Fault, x: _Exchange) -> None:
    if fault.kind == "dropAfterCommit":
        await x.work(_unheard)
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
