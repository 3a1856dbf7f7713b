"""The ladder of costs: CPU per call of each policy at a fixed arrival rate: `python -m benchmarks.policies`.

Binding are differences and ratios within one run; the microseconds belong to the machine. Calls arrive at their rate
whether or not the ones before were answered, rounds are interleaved, and the median of them is taken. What making the
calls costs is in every rung, so that it is in no difference.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from contextlib import AsyncExitStack

import uvloop

from benchmarks.policies.rungs import RUNGS, Call, Server, redis_running

WARM_UP = 50


async def climbed(call: Call, server: Server, calls: int, per_second: float) -> tuple[float, float, float]:
    """CPU of this process and of Redis per call, and the 99th percentile of how long one took, all in µs."""
    for _ in range(WARM_UP):
        await call()
    took: list[float] = []

    async def one() -> None:
        began = time.perf_counter()
        await call()
        took.append(time.perf_counter() - began)

    there, here, started = server.cpu_s(), time.process_time(), time.perf_counter()
    async with asyncio.TaskGroup() as under_way:
        for number in range(calls):
            await asyncio.sleep(max(0.0, started + number / per_second - time.perf_counter()))
            under_way.create_task(one())
    spent = time.process_time() - here, server.cpu_s() - there
    return spent[0] / calls * 1e6, spent[1] / calls * 1e6, sorted(took)[round(0.99 * (calls - 1))] * 1e6


async def measured(server: Server, calls: int, rounds: int, per_second: float) -> dict[str, list[tuple[float, ...]]]:
    figures: dict[str, list[tuple[float, ...]]] = {name: [] for name in RUNGS}
    async with AsyncExitStack() as stack:
        ways = {name: await stack.enter_async_context(rung(server)) for name, rung in RUNGS.items()}
        for number in range(rounds):
            for name, call in ways.items():
                sys.stderr.write(f"\r\x1b[Kround {number + 1} of {rounds}: {name}" if sys.stderr.isatty() else "")
                figures[name].append(await climbed(call, server, calls, per_second))
    sys.stderr.write("\r\x1b[K" if sys.stderr.isatty() else "")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1500, help="calls per round and rung")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=500, help="calls per second")
    given = parser.parse_args()
    with redis_running() as server:
        figures = uvloop.run(measured(server, given.calls, given.rounds, given.rate))
    sys.stdout.write(
        f"{'at ' + format(given.rate, 'g') + ' calls/s':40}{'CPU µs':>9}{'more':>8}{'Redis µs':>10}{'p99 µs':>9}\n"
    )
    first = None
    for name, each in figures.items():
        here, there, p99 = (statistics.median(column) for column in zip(*each, strict=True))
        first = here if first is None else first
        sys.stdout.write(f"{name:40}{here:9.0f}{here - first:+8.0f}{there:10.0f}{p99:9.0f}\n")


if __name__ == "__main__":
    main()
