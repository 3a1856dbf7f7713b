"""Who may come in, assembled: issuers, clients and keys, and what goes on in the background to keep them current."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import make_engine
from app.outside import Outside
from app.settings import Settings
from app.world import Issuer, World
from policies.api_keys import Peppers
from policies.clients import ClientRegistry
from policies.directory import Directory, Pace
from policies.errors import StoreUnavailable
from policies.identities import Identities
from policies.introspection import Introspection
from policies.issuer_keys import IssuerKeys
from policies.key_holders import KeyHolders
from policies.oauth import OAuth
from policies.store import store_answers
from process_apis.credentials.making import KeyMaking
from process_apis.credentials.rules import Known

WRITE_USES_EVERY_S = 30.0
log = logging.getLogger("ordergate")


@dataclass(frozen=True, slots=True)
class Gatehouse:
    """`directory` knows clients and keys, `making` how new keys are made, `identities` who a caller is.

    The directory looks through `lookout`, a connection of its own: where all others are busy, or waited for, a gateway
    would go on with revoked keys until there is less to do.
    """

    store: AsyncEngine
    lookout: AsyncEngine
    issuers: Mapping[str, IssuerKeys]
    directory: Directory
    holders: KeyHolders
    identities: Identities
    making: KeyMaking

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """From the first look at clients and keys to the last use that is written down."""
        try:
            await self.directory.look_again()
            yield
        finally:
            await self.write_uses()
            await self.identities.aclose()
            await self.directory.aclose()
            await self.lookout.dispose()

    def beside(self) -> Iterator[Coroutine[Any, Any, None]]:
        """What goes on while calls are answered."""
        yield self.directory.follow()
        yield self._keep_writing_uses()
        for keys in self.issuers.values():
            yield keys.keep_fresh()

    async def _keep_writing_uses(self) -> None:
        while True:
            await asyncio.sleep(WRITE_USES_EVERY_S)
            await self.write_uses()

    async def write_uses(self) -> None:
        """When each key was last used, written down; what cannot be written now is kept for the next time."""
        try:
            with store_answers():
                await self.holders.write_uses(self.store)
        except (StoreUnavailable, SQLAlchemyError) as trouble:
            log.warning("when keys were last used is not written down now: %s", trouble)


def gatehouse(settings: Settings, outside: Outside, store: AsyncEngine, issuers: Mapping[str, IssuerKeys]) -> Gatehouse:
    """All of it, by hand and in order. Nothing is opened yet."""
    world = settings.world
    pace = Pace(usable_s=world.credentials.keys_usable_seconds)
    lookout = make_engine(settings.database_url, connections=1, breaks=False)
    directory = Directory(ClientRegistry(each.client() for each in world.clients), lookout, pace=pace)
    peppers = Peppers(settings.key_peppers)
    holders = KeyHolders(directory, peppers, world.credentials.key_prefix, now=outside.now)
    oauth = OAuth(
        issuers.values(),
        world.audience,
        introspections=[each for issuer in world.issuers if (each := _introspection(issuer, world.audience, outside))],
        now=lambda: outside.now().timestamp(),
    )
    return Gatehouse(
        store=store,
        lookout=lookout,
        issuers=issuers,
        directory=directory,
        holders=holders,
        identities=Identities(oauth, directory, world.issuers[0].issuer, holders),
        making=KeyMaking(peppers, world.credentials.key_prefix),
    )


def known_to_clients(world: World) -> Known:
    """What the configuration knows and a client that is registered at runtime may name."""
    return Known(
        plants=frozenset(each.plant for each in world.plants),
        issuers=frozenset(each.issuer for each in world.issuers),
        plans=frozenset(world.plans),
    )


def _introspection(issuer: Issuer, audience: str, outside: Outside) -> Introspection | None:
    if issuer.introspection is None:
        return None
    return Introspection(
        issuer.issuer,
        issuer.introspection.url,
        issuer.introspection.client_id,
        issuer.introspection.client_secret,
        audience=audience,
        cache_s=issuer.introspection.cache_seconds,
        transport=outside.transport,
        now=lambda: outside.now().timestamp(),
    )
