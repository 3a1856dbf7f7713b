"""What is measured, in interleaved rounds: a noisy machine spoils a round of everybody, not everything of one."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmarks.processes import cpu_s, rss_mib, waited_s
from benchmarks.speed.load import Caller, Heard
from benchmarks.speed.stage import EMBEDDED, PEER, PRODUCTION, PYDANTIC, WISHES, Cast

CONNECTIONS = 32
SLOW_MS = 20
RATES = (300, 500)
ALONE = "upstream alone"
REPLAY = "a replayed answer"
TEN, HUNDRED, STOCK = WISHES


class Cell(NamedTuple):
    """One load on one server. `rate` is calls per second; 0 is as many as it can."""

    server: str
    load: str
    rate: int = 0


class Figures(NamedTuple):
    cpu_us: float
    per_second: float
    p50_ms: float
    p99_ms: float
    waited: float
    """Share of the time in which the server could have run and had no core: above a few hundredths its latencies, and
    how many calls it got done, are those of the machine's other guests."""


CELLS = (
    *(Cell(server, TEN) for server in (PEER, PYDANTIC, PRODUCTION, EMBEDDED)),
    *(Cell(server, HUNDRED) for server in (PEER, PRODUCTION)),
    *(Cell(server, STOCK) for server in (PEER, PRODUCTION)),
    Cell(PRODUCTION, REPLAY),
    *(Cell(server, TEN, rate) for rate in RATES for server in (ALONE, PEER, PRODUCTION, EMBEDDED)),
)


@dataclass
class Measured:
    """The figures of each cell, one per round, and memory (MiB) at rest and after all of it."""

    at_rest: Mapping[str, float]
    of: dict[Cell, list[Figures]] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)

    def usual(self, cell: Cell) -> Figures:
        return Figures(*(statistics.median(column) for column in zip(*self.of[cell], strict=True)))

    def ratio(self, one: Cell, other: Cell, value: Callable[[Figures], float] = lambda each: each.cpu_us) -> float:
        """The median of the rounds' own ratios."""
        pairs = zip(self.of[one], self.of[other], strict=True)
        return statistics.median(value(ours) / value(theirs) for ours, theirs in pairs)

    def difference(self, one: Cell, other: Cell, value: Callable[[Figures], float]) -> float:
        pairs = zip(self.of[one], self.of[other], strict=True)
        return statistics.median(value(ours) - value(theirs) for ours, theirs in pairs)


async def measure(on: Cast, rounds: int, seconds: float) -> Measured:
    measured, began, slow = Measured(on.at_rest), time.monotonic(), False
    for number, cell in _turns(rounds):
        gone = f"round {number + 1} of {rounds}, {time.monotonic() - began:.0f} s"
        _show(f"{gone}: {cell.server}, {cell.load} {cell.rate or ''}")
        if slow != bool(cell.rate):
            slow = bool(cell.rate)
            await on.slowness(SLOW_MS if slow else 0)
        measured.of.setdefault(cell, []).append(await _figures(on, cell, seconds))
    _show("")
    measured.after = {name: rss_mib(server.process.pid) for name, server in on.servers.items()}
    return measured


def _turns(rounds: int) -> Iterator[tuple[int, Cell]]:
    """Who begins moves on from round to round."""
    for number in range(rounds):
        first = number * len(CELLS) // rounds
        for cell in (*CELLS[first:], *CELLS[:first]):
            yield number, cell


async def _figures(on: Cast, cell: Cell, seconds: float) -> Figures:
    calls, caller = _calls(on, cell), Caller(_address(on, cell))
    pid = on.servers[cell.server].process.pid if cell.server in on.servers else 0
    try:
        await caller.saturate(calls, 8, 0.3)  # connections, caches
        before = _used(pid)
        heard = await _heard(caller, calls, cell, seconds)
        spent, waited = (now - then for now, then in zip(_used(pid), before, strict=True))
    finally:
        caller.close()
    heard.require_success(f"{cell.server}, {cell.load}")
    number = len(heard.took)
    return Figures(
        spent / number * 1e6,
        number / heard.seconds,
        heard.percentile_ms(0.5),
        heard.percentile_ms(0.99),
        waited / heard.seconds,
    )


def _used(pid: int) -> tuple[float, float]:
    """Seconds of CPU, and seconds without one. The neighbours are no server that is measured."""
    return (cpu_s(pid), waited_s(pid)) if pid else (0.0, 0.0)


async def _heard(caller: Caller, calls: Sequence[bytes], cell: Cell, seconds: float) -> Heard:
    if cell.rate:
        return await caller.arrive(calls, cell.rate, seconds)
    return await caller.saturate(calls, CONNECTIONS, seconds)


def _calls(on: Cast, cell: Cell) -> Sequence[bytes]:
    if cell.server == ALONE:
        return on.upstream_alone
    return [on.repeated] if cell.load == REPLAY else on.calls(cell.server, cell.load)


def _address(on: Cast, cell: Cell) -> str:
    return on.neighbours if cell.server == ALONE else on.servers[cell.server].process.url


def _show(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}")
    elif line:
        sys.stderr.write(line + "\n")
