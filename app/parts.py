"""The parts of a running gateway that live as long as it does, and how they begin and end."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import make_engine, migrate
from app.drift import keep_comparing
from app.health import Meters
from app.neighbours import Neighbours, Observe, connect
from app.outside import Outside
from app.settings import Settings
from policies.clients import ClientRegistry
from policies.errors import StoreUnavailable
from policies.failed_logins import FailedLogins
from policies.idempotency import Ledger
from policies.oauth import OAuth
from policies.rate_limit import RateLimits
from policies.stack import Stack
from process_apis.durable import Durable
from process_apis.landscape import Landscape
from process_apis.order_change import commit as order_change
from process_apis.quote_to_order import workflow as quote_to_order
from process_apis.seals import Seals
from process_apis.systems.watch import Watch
from system_apis.http import Exchange

PURGE_EVERY_S = 600.0
log = logging.getLogger("ordergate")


class Elsewhere(Durable):
    """The engine as a process of `--role api` knows it: workers run the operations, their sweep finds them."""

    async def launch(self) -> None:
        """Nothing runs here."""

    async def close(self) -> None:
        """So nothing ends here."""

    async def start_once(self, workflow: str, operation_id: str) -> None:
        """A worker starts it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Made once, handed to whoever names them."""

    engine: AsyncEngine
    neighbours: Neighbours
    landscape: Landscape
    seals: Seals
    oauth: OAuth
    ledger: Ledger
    stack: Stack
    durable: Durable
    watch: Watch
    compares: bool

    def named(self) -> Mapping[str, Any]:
        """What a process may ask for, by the name of its keyword-only parameter."""
        return {
            "landscape": self.landscape,
            "seals": self.seals,
            "store": self.engine,
            "durable": self.durable,
            "watch": self.watch,
        }

    @asynccontextmanager
    async def running(self, _app: Litestar) -> AsyncIterator[None]:
        """From the migrations to the last closed connection."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.engine.dispose)
            await migrate(self.engine)
            self.neighbours.close_with(stack)
            stack.push_async_callback(self.oauth.aclose)
            await self.durable.launch()
            stack.push_async_callback(self.durable.close)
            for beside in self._beside():
                stack.callback(asyncio.create_task(beside).cancel)
            gc.freeze()  # what exists now stays: the collector need not look at it again
            yield

    def _beside(self) -> Iterator[Coroutine[Any, Any, None]]:
        """What goes on while calls are answered; nobody waits for it."""
        yield self._purge()
        if self.compares:
            yield keep_comparing(self.neighbours, self.watch)

    async def _purge(self) -> None:
        while True:
            try:
                await self.ledger.purge()
            except StoreUnavailable as trouble:
                log.warning("kept answers are not purged now: %s", trouble)
            await asyncio.sleep(PURGE_EVERY_S)


def assemble(settings: Settings, outside: Outside, meters: Meters) -> Parts:
    """All parts, by hand and in order. Nothing is opened yet."""
    world = settings.world
    engine = make_engine(settings.database_url)
    watch = Watch(outside.now)
    neighbours = connect(world, outside.transport, _heard_by(meters.exchange, watch.exchanged), meters.allowance)
    registry = ClientRegistry(each.client() for each in world.clients)
    oauth = OAuth(neighbours.issuers.values(), world.audience, registry, now=lambda: outside.now().timestamp())
    ledger = Ledger(engine, clock=outside.now)
    landscape = neighbours.landscape(world)
    durable = Elsewhere(settings.database_url) if settings.role == "api" else Durable(settings.database_url)
    quote_to_order.register(durable, store=engine, landscape=landscape)
    order_change.register(durable, store=engine, landscape=landscape)
    return Parts(
        engine=engine,
        neighbours=neighbours,
        landscape=landscape,
        seals=Seals(settings.token_keys),
        oauth=oauth,
        ledger=ledger,
        stack=Stack(FailedLogins(world.limits.failed_logins), oauth, RateLimits(), ledger),
        durable=durable,
        watch=watch,
        compares=settings.drift_check,
    )


def _heard_by(*listeners: Observe) -> Observe:
    def heard(exchange: Exchange) -> None:
        for each in listeners:
            each(exchange)

    return heard
