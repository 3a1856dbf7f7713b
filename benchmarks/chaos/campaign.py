"""A campaign from the first conversion to the last answer: clients on one side, mischief on the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import httpx

from benchmarks.chaos.asked import Asked, Quote
from benchmarks.chaos.mischief import Mischief
from benchmarks.chaos.portal import Portal
from benchmarks.chaos.stage import Stage
from benchmarks.chaos.troubles import Trouble
from benchmarks.chaos.wishes import convert
from tests.sandbox import RunningSandbox

_MOST_CONNECTIONS = 500


@dataclass
class Progress:
    """How far a campaign is."""

    phase: str
    asked: Sequence[Asked]
    begun: int = 0

    @property
    def answered(self) -> int:
        return sum(bool(one.told) for one in self.asked)

    @property
    def at_rest(self) -> int:
        return sum(one.at_rest for one in self.asked)


def quotes_of(sandbox: RunningSandbox, count: int) -> list[Quote]:
    """The crowd's quotes, in the order of their names."""
    crowd = [one for one in sandbox.world()["quotes"] if str(one["name"]) > "Q-2000"]
    found = [Quote(str(one["id"]), str(one["name"]), str(one["customer"])) for one in crowd]
    return sorted(found, key=lambda quote: int(quote.name.removeprefix("Q-")))[:count]


async def run(
    stage: Stage,
    mischief: Mischief,
    troubles: Sequence[Trouble],
    progress: Progress,
    *,
    seed: int,
    duration_s: float,
    patience_s: float,
) -> None:
    """Convert everything while `troubles` happen for `duration_s`; then heal, and wait up to `patience_s` for rest."""
    limits = httpx.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=_MOST_CONNECTIONS)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as http:
        chance = Random(f"{seed}:clients")  # noqa: S311  the same clients for the same seed
        portal = Portal(stage.urls, stage.sandbox.urls["issuer"], http, chance)
        clients: list[asyncio.Task[None]] = []
        arriving = asyncio.create_task(_arrive(progress, portal, clients, seed, duration_s))
        await mischief.bring_about(troubles)
        await arriving
        progress.phase = "healing"
        await mischief.heal()
        progress.phase = "waiting for rest"
        _, late = await asyncio.wait(clients, timeout=patience_s)
        for client in late:
            client.cancel()
        for ended in await asyncio.gather(*clients, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended


async def _arrive(
    progress: Progress, portal: Portal, clients: list[asyncio.Task[None]], seed: int, duration_s: float
) -> None:
    """The clients come one after the other, evenly; the last ones while things still break."""
    loop = asyncio.get_running_loop()
    began, apart_s = loop.time(), duration_s * 0.95 / max(1, len(progress.asked))
    for number, one in enumerate(progress.asked):
        await asyncio.sleep(max(0.0, began + number * apart_s - loop.time()))
        clients.append(asyncio.create_task(convert(one, portal, Random(f"{seed}:{number}"))))  # noqa: S311  likewise
        progress.begun += 1
