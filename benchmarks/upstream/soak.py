"""Twenty thousand mixed calls to neighbours that fail one time in ten: does anything grow?

`python -m benchmarks.upstream.soak` starts a sandbox, arms its faults (resets before and after the work, answers cut
short or trickled, 500, 503, stalls, expired sessions) and drives the production clients over real sockets; some
callers leave before their answer comes. Between batches nothing is under way: whatever is open then was left behind.
Ends with status 1 if connections, tasks or memory grew.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import uvloop

from system_apis.deadline import Deadline
from system_apis.errors import UpstreamError
from system_apis.http import Exchange
from system_apis.salesforce import client as salesforce
from system_apis.sap import client as sap
from system_apis.sap.models import Demand, NewOrder, SalesArea
from system_apis.scheduler import http_adapter
from system_apis.scheduler.models import Requirement
from tests.sandbox import RunningSandbox, start_sandbox, stop_sandbox

AREA, CUSTOMER, PLANT = SalesArea("1710", "10", "00"), "17100001", "1710"
WORKERS = 24
BATCHES = 10
TIMEOUT_S = 1.0
LEAVING = 0.02
"""The share of callers who leave early."""
MOST_MEMORY_MIB = 8.0
"""Growth after the warm-up that is still noise: allocator and caches."""
FAULTS: tuple[tuple[str, dict[str, float]], ...] = (
    ("dropBeforeCommit", {}),
    ("dropAfterCommit", {}),
    ("truncated", {}),
    ("trickled", {"seconds": 0.05}),
    ("delay", {"seconds": 0.05}),
    ("serverError", {}),
    ("unavailable", {}),
    ("unavailableAfterCommit", {}),
)
RARE: tuple[tuple[str, dict[str, float]], ...] = (("stall", {}), ("logonPage", {}))
Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Sample:
    calls: int
    seconds: float
    connections: int
    tasks: int
    memory_mib: float
    objects: int

    @classmethod
    def now(cls, calls: int, began: float, others: int) -> Sample:
        """`others` are sockets that the process held before, for whatever else it does."""
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(
            calls,
            time.monotonic() - began,
            _sockets() - others,
            len(asyncio.all_tasks()),
            pages * os.sysconf("SC_PAGESIZE") / 2**20,
            len(gc.get_objects()),
        )

    def __str__(self) -> str:
        return (
            f"{self.calls:7}{self.seconds:8.1f}{self.connections:13}{self.tasks:7}{self.memory_mib:9.1f}"
            f"{self.objects:10}"
        )


@dataclass
class Tallies:
    """How calls ended, and how tries did."""

    calls: Counter[str] = field(default_factory=Counter)
    tries: Counter[str] = field(default_factory=Counter)

    def tried(self, exchange: Exchange) -> None:
        self.tries[exchange.outcome] += 1


def arm(sandbox: RunningSandbox, share: float) -> None:
    """Each request is struck with about this probability."""
    for system in ("sap", "salesforce", "scheduler"):
        for place, (kind, more) in enumerate(FAULTS):
            sandbox.fault(system, kind, probability=share * 0.94 / len(FAULTS), seed=place, **more)
        for place, (kind, more) in enumerate(RARE):
            sandbox.fault(system, kind, probability=share * 0.03, seed=place, **more)
        if system != "scheduler":
            sandbox.fault(system, "sessionExpired", probability=share * 0.03, seed=99)


class Shop:
    """The three clients and the questions they are asked."""

    def __init__(self, sandbox: RunningSandbox, tallies: Tallies) -> None:
        urls, observe = sandbox.urls, tallies.tried
        self.erp = sap.connect(
            instance="s4-1710",
            base_url=urls["sap"],
            user="SANDBOX",
            password="Welcome1",  # noqa: S106  the sandbox's, known to everybody
            sap_client="100",
            settle_s=1,
            timeout_s=TIMEOUT_S,
            observe=observe,
        )
        self.crm = salesforce.connect(
            instance="crm-main",
            base_url=urls["salesforce"],
            client_id="ordergate",
            client_secret="salesforce-sandbox-secret",  # noqa: S106  likewise
            timeout_s=TIMEOUT_S,
            observe=observe,
        )
        self.scheduler = http_adapter.connect(
            instance="aps-1710",
            base_url=urls["scheduler"],
            api_key="scheduler-sandbox-key",
            timeout_s=TIMEOUT_S,
            observe=observe,
        )
        self._day = date.fromisoformat(sandbox.world()["today"]) + timedelta(days=5)
        self._quote = sandbox.quote_id("Q-1001")
        self._number = 0

    def questions(self) -> list[tuple[int, Call]]:
        """With their weights."""
        lines = (Demand("a", "TG11", Decimal(5), "C62", self._day, PLANT),)
        need = (Requirement("a", "FG126", Decimal(5), "C62", self._day),)
        return [
            (25, lambda: self.erp.simulate(CUSTOMER, AREA, lines, deadline=_soon())),
            (15, lambda: self.erp.find_by_reference("nobody", CUSTOMER, deadline=_soon())),
            (5, lambda: self.erp.create_order(self._order(lines), deadline=_soon())),
            (5, lambda: self.erp.ping(deadline=_soon())),
            (25, lambda: self.crm.read_quote(self._quote, deadline=_soon())),
            (5, lambda: self.crm.find_quote_of_order("4711", deadline=_soon())),
            (15, lambda: self.scheduler.simulate(PLANT, need, order_reference=None, deadline=_soon())),
            (5, lambda: self.scheduler.commitments("4711", deadline=_soon())),
        ]

    async def aclose(self) -> None:
        for client in (self.erp, self.crm, self.scheduler):
            await client.aclose()

    def _order(self, lines: tuple[Demand, ...]) -> NewOrder:
        self._number += 1
        return NewOrder(f"soak-{self._number}", "PO-1", AREA, CUSTOMER, CUSTOMER, self._day, lines)


async def soaked(sandbox: RunningSandbox, calls: int, share: float, tallies: Tallies) -> list[Sample]:
    others = _sockets()
    shop, dice = Shop(sandbox, tallies), random.Random(7)  # noqa: S311  a script that runs alike each time
    weights, questions = zip(*shop.questions(), strict=True)
    for question in questions:
        await question()
    arm(sandbox, share)
    began, samples = time.monotonic(), []
    try:
        for batch in range(1, BATCHES + 1):
            asked = iter(dice.choices(questions, weights, k=calls // BATCHES))
            async with asyncio.TaskGroup() as crew:
                for _ in range(WORKERS):
                    crew.create_task(_work(asked, dice, tallies))
            samples.append(Sample.now(batch * (calls // BATCHES), began, others))
            sys.stdout.write(f"{samples[-1]}\n")
            sys.stdout.flush()
    finally:
        await shop.aclose()
    return samples


async def _work(asked: Iterator[Call], dice: random.Random, tallies: Tallies) -> None:
    for question in asked:
        asking = asyncio.ensure_future(question())
        if dice.random() < LEAVING:
            asyncio.get_running_loop().call_later(dice.uniform(0, 0.01), asking.cancel)
        try:
            await asking
            tallies.calls["answered"] += 1
        except asyncio.CancelledError:
            tallies.calls["left early"] += 1
        except UpstreamError as failure:
            tallies.calls[type(failure).__name__] += 1


def grown(samples: list[Sample]) -> list[str]:
    """What is more at the end than after the warm-up (two of ten batches)."""
    warm, last = samples[1], samples[-1]
    found = []
    if last.tasks > warm.tasks:
        found.append(f"tasks: {warm.tasks} to {last.tasks}")
    # Idle connections are kept for a while: as many as were in use at once, to each of the three.
    if last.connections > max(warm.connections, 3 * WORKERS + 8):
        found.append(f"connections: {warm.connections} to {last.connections}")
    if last.memory_mib > warm.memory_mib + MOST_MEMORY_MIB:
        found.append(f"memory: {warm.memory_mib:.1f} to {last.memory_mib:.1f} MiB")
    return found


def _soon() -> Deadline:
    return Deadline.after(3)


def _sockets() -> int:
    return sum(_link(one).startswith("socket:") for one in Path("/proc/self/fd").iterdir())


def _link(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""  # the one that lists them


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.most_common())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--faults", type=float, default=0.1, help="share of requests that meet one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as where:
        sandbox, tallies = start_sandbox(Path(where)), Tallies()
        try:
            sys.stdout.write("  calls seconds  connections  tasks  RSS MiB   objects\n")
            samples = uvloop.run(soaked(sandbox, given.calls, given.faults, tallies))
            struck = sum(fault["fired"] for fault in sandbox.faults())
        finally:
            stop_sandbox(sandbox)
    sys.stdout.write(
        f"calls: {_listed(tallies.calls)}\ntries: {_listed(tallies.tries)}\nfaults that struck: {struck}\n"
    )
    if growth := grown(samples):
        sys.exit(f"grew after the warm-up: {'; '.join(growth)}")
    sys.stdout.write("nothing grew\n")


if __name__ == "__main__":
    main()
