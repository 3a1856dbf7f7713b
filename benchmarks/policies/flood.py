"""One dealer floods, another one goes on working: `python -m benchmarks.policies.flood`.

Binding is the ratio, in one run, of what a check of the quiet dealer takes beside the flood and without it: its p99 may
not double. Gateway and sandbox are processes of their own; rounds with and without the flood take turns. The flood
keeps coming at its rate whatever it is answered, on connections of its own. What it is refused costs next to nothing;
what its plan lets through takes the ERP's time like any other call, so that plan and ERP have to fit each other.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import httpx

from app import settings
from app.cli.pair import access_token, running_gateway, running_sandbox
from benchmarks.policies.rungs import redis_running

PLAN = """
[plans.flooding]
burst = "{burst} per 1 second"
concurrent = {concurrent}
"""


@dataclass(frozen=True)
class Stage:
    url: str
    quiet: str
    flooding: str


@dataclass(frozen=True)
class Load:
    """Calls per second of each, how long a round is, and lines of a check that floods."""

    quiet: float
    flood: float
    seconds: float
    lines: int


@contextmanager
def staged(store: str, plan: str) -> Iterator[Stage]:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = home / "world.toml"
        world = settings.SANDBOX_FILE.read_text().replace('limit = "3 per 1 minute"', 'plan = "flooding"')
        roomy = world.replace('disclosure = "internal"', 'disclosure = "internal"\nlimit = "99999 per 1 minute"')
        config.write_text(roomy + plan)
        more = {"ORDERGATE_CONFIG": str(config), "ORDERGATE_DRIFT_CHECK": "off", "ORDERGATE_LOG_LEVEL": "WARNING"}
        if store == "redis":
            more["ORDERGATE_REDIS_URL"] = stack.enter_context(redis_running()).url
        sandbox = stack.enter_context(running_sandbox(home, free_ports=True))
        gateway = stack.enter_context(running_gateway(sandbox, home / "bench.db", home, more=more))
        delay = {"system": "sap", "kind": "delay", "seconds": 0.02}
        httpx.post(f"{sandbox.control}/faults", json=delay, trust_env=False).raise_for_status()
        tokens = [access_token(sandbox.issuer, who, f"{who}-sandbox-secret") for who in ("crm", "trickle")]
        yield Stage(gateway.url, *tokens)


def body(lines: int) -> dict[str, Any]:
    day = (datetime.now(UTC).date() + timedelta(days=5)).isoformat()
    line = {"product": {"id": "TG11"}, "quantity": {"value": "1", "unit": "C62"}, "requestedDate": day}
    return {"soldTo": {"id": "17100001"}, "lines": [{"lineId": str(n), **line} for n in range(lines)]}


async def calls(stage: Stage, token: str, lines: int, per_second: float, seconds: float) -> list[tuple[int, float]]:
    """Status and milliseconds of each call, at a fixed rate."""
    wish, answers = body(lines), []
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(stage.url, headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:

        async def one() -> None:
            began = time.perf_counter()
            async with session.post("/v1/atp-checks", json=wish) as answer:
                await answer.read()
            answers.append((answer.status, (time.perf_counter() - began) * 1000))

        started = time.perf_counter()
        async with asyncio.TaskGroup() as under_way:
            for number in range(round(per_second * seconds)):
                await asyncio.sleep(max(0.0, started + number / per_second - time.perf_counter()))
                under_way.create_task(one())
    return answers


async def rounds(stage: Stage, load: Load, times: int) -> tuple[list[list[float]], list[list[float]], Counter[int]]:
    """Milliseconds of the quiet dealer in each round, alone and beside the flood, and what the flood was answered."""
    alone: list[list[float]] = []
    beside: list[list[float]] = []
    told: Counter[int] = Counter()
    await calls(stage, stage.quiet, 1, load.quiet, 2)  # caches and connections
    for _ in range(times):
        alone.append([took for _, took in await calls(stage, stage.quiet, 1, load.quiet, load.seconds)])
        quiet, flood = await asyncio.gather(
            calls(stage, stage.quiet, 1, load.quiet, load.seconds),
            calls(stage, stage.flooding, load.lines, load.flood, load.seconds),
        )
        beside.append([took for _, took in quiet])
        told.update(status for status, _ in flood)
        refused = [status for status, _ in quiet if status != httpx.codes.OK]
        if refused:
            raise SystemExit(f"the quiet dealer was answered {Counter(refused)}")
    return alone, beside, told


def share(of_rounds: list[list[float]], part: float) -> float:
    """The median over the rounds of each one's percentile: a neighbour that is busy for a moment spoils one of them."""
    return statistics.median(sorted(each)[min(len(each) - 1, int(len(each) * part))] for each in of_rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flood", type=float, default=200, help="checks per second of the flooding dealer")
    parser.add_argument("--burst", type=int, default=5, help="lines per second that its plan lets through")
    parser.add_argument("--concurrent", type=int, default=1, help="and checks at the same time")
    parser.add_argument("--lines", type=int, default=5, help="lines of each")
    parser.add_argument("--quiet", type=float, default=20, help="checks per second of the quiet one, a line each")
    parser.add_argument("--seconds", type=float, default=10, help="length of a round")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    load = Load(given.quiet, given.flood, given.seconds, given.lines)
    sys.stdout.write(f"{'limits in':10}{'':>6}{'alone ms':>10}{'beside ms':>11}{'ratio':>7}   the flood was answered\n")
    for store in ("memory", "redis"):
        with staged(store, PLAN.format(burst=given.burst, concurrent=given.concurrent)) as stage:
            alone, beside, told = asyncio.run(rounds(stage, load, given.rounds))
        for name, part in (("p50", 0.5), ("p99", 0.99)):
            before, after = share(alone, part), share(beside, part)
            answers = ", ".join(f"{number} x {status}" for status, number in sorted(told.items()))
            sys.stdout.write(f"{store:10}{name:>6}{before:10.1f}{after:11.1f}{after / before:7.2f}   {answers}\n")


if __name__ == "__main__":
    main()
