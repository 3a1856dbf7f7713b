"""The parts of a running gateway that live as long as it does, and how they begin and end."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import make_engine, migrate
from app.drift import keep_comparing
from app.health import Meters
from app.housekeeping import Housekeeping
from app.identities import Gatehouse, gatehouse, known_to_clients
from app.keeping import kinds
from app.limiting import Limiting, limiting
from app.neighbours import Neighbours, Observe, connect
from app.outside import Outside
from app.settings import Settings
from policies.audit_seals import Notary
from policies.explain import Explanations
from policies.idempotency import Ledger
from policies.kept import Kept
from policies.stack import Stack
from policies.usage import Usage
from process_apis.atp.inquiries import Inquiries
from process_apis.credentials.rules import Known
from process_apis.durable import MOST_HELD, Durable
from process_apis.elsewhere import Elsewhere
from process_apis.figures.fold import FOLD_EVERY_S, fold
from process_apis.landscape import Landscape
from process_apis.order_change import commit as order_change
from process_apis.quote_to_order import workflow as quote_to_order
from process_apis.seals import Seals
from process_apis.systems.watch import Watch
from system_apis.http import Exchange

STEPS_DRAIN_S = 3.0
YOUNG_OBJECTS = 10_000
"""A promise makes thousands of objects and hardly a cycle: Python's 700 have the collector look many times in each."""
"""A step of an operation that is cut short runs again elsewhere, so there is little to wait for."""
log = logging.getLogger("ordergate")


@dataclass(frozen=True, slots=True)
class Parts:
    """Made once, handed to whoever names them."""

    engine: AsyncEngine
    neighbours: Neighbours
    landscape: Landscape
    inquiries: Inquiries
    seals: Seals
    gatehouse: Gatehouse
    known: Known
    ledger: Ledger
    limiting: Limiting
    stack: Stack
    durable: Durable
    watch: Watch
    noticed: Callable[[str], None]
    compares: bool
    explanations: Explanations
    usage: Usage
    notary: Notary
    kinds: Sequence[Kept]
    now: Callable[[], datetime]
    housekeeping: Housekeeping

    def named(self) -> Mapping[str, Any]:
        """What a process may ask for, by the name of its keyword-only parameter."""
        return {
            "landscape": self.landscape,
            "inquiries": self.inquiries,
            "seals": self.seals,
            "store": self.engine,
            "durable": self.durable,
            "watch": self.watch,
            "noticed": self.noticed,
            "directory": self.gatehouse.directory,
            "making": self.gatehouse.making,
            "known": self.known,
            "explanations": self.explanations,
            "usage": self.usage,
            "notary": self.notary,
            "kinds": self.kinds,
            "now": self.now,
        }

    @asynccontextmanager
    async def running(self, _app: Litestar) -> AsyncIterator[None]:
        """From the migrations to the last closed connection."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.engine.dispose)
            await migrate(self.engine)
            stack.push_async_callback(self.housekeeping.write_counts)
            self.neighbours.close_with(stack)
            stack.push_async_callback(self.inquiries.aclose)
            await self.limiting.open_with(stack)
            await stack.enter_async_context(self.gatehouse.open())
            await self.durable.launch()
            stack.push_async_callback(self.durable.close)
            for beside in self._beside():
                stack.callback(asyncio.create_task(beside).cancel)
            gc.freeze()  # what exists now stays: the collector need not look at it again
            gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
            yield

    def _beside(self) -> Iterator[Coroutine[Any, Any, None]]:
        """What goes on while calls are answered; nobody waits for it."""
        yield self.housekeeping.seal_now_and_then()
        if not isinstance(self.durable, Elsewhere):  # where the engine is, and its tables
            yield self.housekeeping.forget_now_and_then()
        yield self.housekeeping.count_now_and_then()
        yield self.housekeeping.give_back_now_and_then()
        yield from self.gatehouse.beside()
        if self.compares:
            yield keep_comparing(self.neighbours, self.watch)


def assemble(settings: Settings, outside: Outside, meters: Meters) -> Parts:
    """All parts, by hand and in order. Nothing is opened yet."""
    world = settings.world
    engine = make_engine(settings.database_url, turned=meters.store_breaker)
    watch = Watch(outside.now)
    heard = _heard_by(meters.exchange, watch.exchanged)
    neighbours = connect(world, outside.transport, heard, meters.allowance, outside.now)
    gate = gatehouse(settings, outside, engine, neighbours.issuers)
    counted = limiting(settings, meters.limits)
    usage, notary = Usage(engine), Notary(settings.token_keys)
    landscape = neighbours.landscape(world)
    engine_of_role = Elsewhere if settings.role == "api" else Durable
    durable = engine_of_role(
        settings.database_url,
        at_once=settings.steps_at_once,
        most_held=MOST_HELD if settings.begins_operations else 0,
        drain_s=min(settings.drain_s, STEPS_DRAIN_S),
        longest_pause_s=world.queues.longest_pause_seconds,
    )
    ledger = Ledger(engine, clock=outside.now, executor=durable.executor_id)
    durable.when_gone(ledger.let_go)
    quote_to_order.register(durable, store=engine, landscape=landscape)
    order_change.register(durable, store=engine, landscape=landscape)
    durable.every(FOLD_EVERY_S, partial(fold, engine))
    kept = kinds(
        world.retention,
        notary,
        engine.dialect.name,
        audit_days=world.audit_kept_days,
        ended_keys_days=world.credentials.ended_keys_kept_days,
    )
    return Parts(
        engine=engine,
        neighbours=neighbours,
        landscape=landscape,
        inquiries=Inquiries(),
        seals=Seals(settings.token_keys),
        gatehouse=gate,
        known=known_to_clients(world),
        ledger=ledger,
        limiting=counted,
        stack=Stack(counted.failed_logins, gate.identities, counted.limits, ledger, usage=usage, knocks=counted.knocks),
        durable=durable,
        watch=watch,
        noticed=meters.mismatch,
        compares=settings.drift_check,
        explanations=Explanations(f"{socket.gethostname()}:{settings.internal_port} (process {os.getpid()})"),
        usage=usage,
        notary=notary,
        kinds=kept,
        now=outside.now,
        housekeeping=Housekeeping(engine, ledger, usage, notary, kept, outside.now),
    )


def _heard_by(*listeners: Observe) -> Observe:
    def heard(exchange: Exchange) -> None:
        for each in listeners:
            each(exchange)

    return heard
