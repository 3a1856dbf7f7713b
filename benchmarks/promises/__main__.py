"""What a promise costs, and what it is worth when neighbours fail: `python -m benchmarks.promises`.

A gateway and a sandbox run in processes of their own on this machine. SAP times are the sandbox's: it works out each
line, as SAP does, and takes 20 ms on top. CPU is that of the gateway process, at ten checks a second.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.promises.stage import Stage, Taken, ask, at_a_rate, caller, percentile, stage, wish

SAP_MS = 20
DEADLINE_MS = 1000
RATE = 10
IDLE_S = 5


def say(line: str = "") -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def growth(on: Stage, checks: int) -> None:
    idle = await _idle_cpu(on)
    say(f"growth, SAP {SAP_MS} ms slower, {checks} checks each, one after another every 100 ms")
    say(f"CPU without the {idle * 1000:.1f} ms a second that the gateway takes while nobody asks")
    say("lines | neighbour calls, first | later | CPU ms per check | per further line us | p50 ms | p99 ms")
    before = None
    for lines in (1, 10, 100):
        async with caller(on, 20) as client:
            cold = len(on.calls())
            await ask(client, wish(lines, first=2))
            warm = len(on.calls())
            on.fault("sap", "delay", seconds=SAP_MS / 1000)
            cpu = on.cpu_s()
            taken = await at_a_rate(client, [wish(lines, first=1 + n % 3) for n in range(checks)], RATE)
            cpu = ((on.cpu_s() - cpu) / checks - idle / RATE) * 1000
            later = (len(on.calls()) - warm) / checks
            on.lift()
        further = "" if before is None else f"{(cpu - before[1]) / (lines - before[0]) * 1000:.0f}"
        before = (lines, cpu)
        say(
            f"{lines:5} | {warm - cold:22} | {later:5.2f} | {cpu:16.2f} | {further:>19} | "
            f"{percentile(taken, 0.5):6.1f} | {percentile(taken, 0.99):6.1f}"
        )


async def _idle_cpu(on: Stage) -> float:
    """Seconds of CPU a second: timers, leases and queues of the process, which no check causes."""
    await asyncio.sleep(1)
    cpu = on.cpu_s()
    await asyncio.sleep(IDLE_S)
    return (on.cpu_s() - cpu) / IDLE_S


async def crowd(on: Stage, clients: int, rounds: int) -> None:
    say(f"\n{clients} clients ask for the same ten materials, {rounds} times each, SAP {SAP_MS} ms slower")
    say("purpose | answers | SAP calls | SAP calls per answer | CPU ms per answer | p50 ms | p99 ms")
    for purpose in ("browse", "quote", "order"):
        on.fault("sap", "delay", seconds=SAP_MS / 1000)
        async with caller(on, clients) as client:
            start, cpu = len(on.calls()), on.cpu_s()
            taken: list[Taken] = []
            for _ in range(rounds):
                taken += await asyncio.gather(*(ask(client, wish(10, purpose=purpose)) for _ in range(clients)))
            cpu = (on.cpu_s() - cpu) / len(taken) * 1000
        sap = sum(1 for one in on.calls()[start:] if one["system"] == "sap")
        on.lift()
        say(
            f"{purpose:7} | {len(taken):7} | {sap:9} | {sap / len(taken):20.3f} | {cpu:17.2f} | "
            f"{percentile(taken, 0.5):6.1f} | {percentile(taken, 0.99):6.1f}"
        )


async def trouble(on: Stage, checks: int) -> None:
    say(f"\ntroubles, {checks} checks of three lines each (one needs the scheduler), deadline 1000 ms, 10 per second")
    say("trouble | answers | p50 ms | p99 ms | over the deadline ms, p99")
    troubles = {
        "none": [],
        "scheduler dead": [("scheduler", "refuse", {})],
        "scheduler silent": [("scheduler", "stall", {"path": "scenarios", "method": "POST"})],
        "SAP 400 ms slow": [("sap", "delay", {"seconds": 0.4})],
        "SAP silent": [("sap", "stall", {"path": r"SIMULATION|AVAILY", "method": "POST"})],
        "SAP dead": [("sap", "refuse", {})],
    }
    for name, faults in troubles.items():
        for system, kind, more in faults:
            on.fault(system, kind, **more)
        bodies = [_mixed(n) for n in range(checks)]
        async with caller(on, 100) as client:
            taken = await at_a_rate(client, bodies, 10)
        on.lift()
        await asyncio.sleep(1.5)  # breakers close again
        p50, p99 = percentile(taken, 0.5), percentile(taken, 0.99)
        outcomes = ", ".join(f"{count} {what}" for what, count in Counter(one.outcome for one in taken).most_common())
        say(f"{name:16} | {outcomes} | {p50:6.1f} | {p99:6.1f} | {max(0, p99 - DEADLINE_MS):.1f}")


def _mixed(n: int) -> dict:
    body = wish(2, first=1 + n % 7, deadlineMs=DEADLINE_MS)
    made = wish(1, first=40 + n % 9, material="FG126")["lines"][0] | {"lineId": "made"}
    return body | {"lines": [*body["lines"], made]}


async def run(directory: Path, checks: int) -> None:
    with stage(directory) as on:
        async with caller(on, 4) as client:
            naps = [await ask(client, wish(10, first=3)) for _ in range(5)]
        usual = statistics.median(one.seconds for one in naps) * 1000
        say(f"warm: a check of ten lines takes {usual:.1f} ms here and now")
        await growth(on, checks)
        await crowd(on, 200, 3)
        await trouble(on, checks)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.promises", description=__doc__)
    parser.add_argument("--checks", type=int, default=50, help="how many checks a figure is made of (50)")
    with tempfile.TemporaryDirectory(prefix="promises-") as directory:
        asyncio.run(run(Path(directory), parser.parse_args().checks))


if __name__ == "__main__":
    main()
