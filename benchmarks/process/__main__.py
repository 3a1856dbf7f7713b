"""Start to ready, memory at rest, and CPU of a promise by what is traced: `python -m benchmarks.process`.

Binding are the ratios, all of one run and in interleaved rounds; times and sizes belong to the machine. A promise has
ten lines and asks the sandbox's SAP each time; CPU is user and system time of the gateway's process.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import aiohttp

from benchmarks.process.gateways import Process, Stage, calling, collecting, stage
from benchmarks.promises.stage import wish

AT_ONCE = 8
WARM_UP = 60
REST_S = 5.0
BUDGETS = {"never": 1.05, "always": 1.8}
"""CPU against a gateway without a collector: docs/operating/figures.md."""

_different = count(1)


def say(line: str = "") -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def checked(session: aiohttp.ClientSession, checks: int) -> None:
    """So many checks, some at a time, none like another."""
    ahead = iter(range(checks))

    async def one_after_another() -> None:
        for _ in ahead:
            async with session.post("/v1/atp-checks", json=wish(10, first=1 + next(_different) % 997)) as answer:
                await answer.read()
                answer.raise_for_status()

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))


async def traced(on: Stage, checks: int, rounds: int) -> None:
    """The same checks at gateways that record nothing, one call in a hundred, and every call."""
    async with collecting() as collector, AsyncExitStack() as ends:
        to = {"ORDERGATE_OTLP_ENDPOINT": collector.url}
        kinds = {
            "no collector": {},
            "never": to | {"ORDERGATE_TRACE_RATIO": "0"},
            "1 in 100": to | {"ORDERGATE_TRACE_RATIO": "0.01"},
            "always": to | {"ORDERGATE_TRACE_RATIO": "1"},
        }
        processes: dict[str, tuple[Process, aiohttp.ClientSession]] = {}
        for name, more in kinds.items():
            process = ends.enter_context(on.gateway(f"traced-{len(processes)}", **more))
            session = await ends.enter_async_context(calling(process, on.token()))
            processes[name] = process, session
            await checked(session, WARM_UP)
        spent: dict[str, list[float]] = {name: [] for name in kinds}
        for turn in range(rounds):
            order = list(processes.items())
            for name, (process, session) in order[turn % 4 :] + order[: turn % 4]:
                before = process.cpu_s()
                await checked(session, checks)
                spent[name].append((process.cpu_s() - before) / checks * 1e6)
        if not collector.batches:
            raise RuntimeError("no span reached the collector: nothing was traced")
    say(f"\n{'traced':14} {'CPU us a promise':>17} {'ratio':>6}  budget")
    base = statistics.median(spent["no collector"])
    for name, figures in spent.items():
        usual = statistics.median(figures)
        budget = f"{BUDGETS[name]:.2f}" if name in BUDGETS else ""
        say(f"{name:14} {usual:17.0f} {usual / base:6.2f}  {budget}")


def started(on: Stage, rounds: int) -> None:
    """Each time a new process on stores that are there already; the first makes the tables."""
    with on.gateway("first") as first:
        made = first.ready_after_s
    times, cpu = [], []
    for number in range(rounds):
        with on.gateway(f"start-{number}") as process:
            times.append(process.ready_after_s)
            cpu.append(process.cpu_s())
    say(
        f"start to ready: {statistics.median(times):.2f} s, {statistics.median(cpu):.2f} s of CPU; "
        f"making the tables {made:.2f} s (budget 2 s)"
    )


async def remembered(on: Stage, checks: int) -> None:
    with on.gateway("resting") as process:
        await asyncio.sleep(REST_S)
        idle = process.rss_mib()
        async with calling(process, on.token()) as session:
            await checked(session, checks)
        say(f"memory at rest: {idle:.0f} MiB, after {checks} promises {process.rss_mib():.0f} MiB (budget 150 MiB)")


async def run(checks: int, rounds: int) -> None:
    for embedded in (False, True):
        with tempfile.TemporaryDirectory(prefix="process-") as scratch, stage(Path(scratch), embedded=embedded) as on:
            say("embedded: one process, a SQLite file" if embedded else "--role api on PostgreSQL and Redis")
            started(on, rounds)
            await remembered(on, checks)
            if not embedded:  # several gateways on one store
                await traced(on, checks, rounds)
        say()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.process", description=__doc__)
    parser.add_argument("--checks", type=int, default=300, help="promises per gateway and round (300)")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    asyncio.run(run(chosen.checks, chosen.rounds))


if __name__ == "__main__":
    main()
