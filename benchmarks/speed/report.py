"""The figures as a page: what was measured, and each budget beside what it holds."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from benchmarks.speed.rounds import ALONE, CELLS, HUNDRED, RATES, REPLAY, TEN, Cell, Figures, Measured
from benchmarks.speed.stage import EMBEDDED, PEER, PRODUCTION, PYDANTIC


class Budget(NamedTuple):
    what: str
    measured: float
    most: float
    unit: str

    @property
    def met(self) -> bool:
        return self.measured <= self.most


def budgets(measured: Measured) -> list[Budget]:
    peer, production, embedded = (Cell(name, TEN) for name in (PEER, PRODUCTION, EMBEDDED))
    model = Cell(PYDANTIC, TEN)
    found = [
        Budget("ATP check, production: CPU against FastAPI and aiohttp", measured.ratio(production, peer), 0.38, "x"),
        Budget("the same against it with pydantic", measured.ratio(production, model), 0.38, "x"),
        Budget("ATP check, embedded: CPU against FastAPI and aiohttp", measured.ratio(embedded, peer), 0.33, "x"),
        Budget("the same against it with pydantic", measured.ratio(embedded, model), 0.33, "x"),
        Budget("each further line, 10 to 100: CPU", _line_us(measured, PRODUCTION), 1.5 * 8.6, "us"),
        Budget("the same against the peer's own", _line_us(measured, PRODUCTION) / _line_us(measured, PEER), 1.5, "x"),
        Budget(
            "a replayed answer: CPU against an ATP check",
            measured.ratio(Cell(PRODUCTION, REPLAY), production),
            0.5,
            "x",
        ),
    ]
    for rate in RATES:
        ours, alone = Cell(PRODUCTION, TEN, rate), Cell(ALONE, TEN, rate)
        p50, p99 = (measured.difference(ours, alone, value) for value in (_p50, _p99))
        found += [
            Budget(f"added to the upstream at {rate} calls/s, p50", p50, 2.0, "ms"),
            Budget(f"added to the upstream at {rate} calls/s, p99", p99, 5.0, "ms"),
        ]
    return [*found, Budget("memory at rest, production", measured.at_rest[PRODUCTION], 150, "MiB")]


def page(measured: Measured, rounds: int, seconds: float) -> str:
    return "\n".join(_lines(measured, rounds, seconds)) + "\n"


def _lines(measured: Measured, rounds: int, seconds: float) -> Iterator[str]:
    yield "# Speed: the gateway and the same composition by hand"
    yield ""
    how = f"{rounds} interleaved rounds, {seconds:g} s a cell"
    yield f"{datetime.now(UTC):%Y-%m-%d}, `make bench` at {_commit()}, {_machine()}; {how}."
    yield "Binding are the ratios of this run; times belong to the machine and to what else ran on it."
    yield ""
    yield "| budget | measured | at most | |"
    yield "|---|---|---|---|"
    for one in budgets(measured):
        verdict = "met" if one.met else "**missed**"
        yield f"| {one.what} | {one.measured:.2f} {one.unit} | {one.most:g} {one.unit} | {verdict} |"
    yield ""
    yield "`no core`: share of time in which the server could have run and others did; latencies hold near 0."
    yield ""
    yield "| server | load | calls/s | CPU us a call | against the peer | p50 ms | p99 ms | no core |"
    yield "|---|---|---|---|---|---|---|---|"
    for cell in CELLS:
        yield _row(measured, cell)
    yield ""
    memory = (f"{name} {measured.at_rest[name]:.0f} and {mib:.0f} MiB" for name, mib in measured.after.items())
    yield f"Memory at rest and after all of it: {', '.join(memory)}."


def _row(measured: Measured, cell: Cell) -> str:
    figures = measured.usual(cell)
    against = ""
    peer = Cell(PEER, cell.load, cell.rate)
    if peer in measured.of and cell.server != ALONE:
        against = f"{measured.ratio(cell, peer):.2f}"
    load = f"{cell.load}, {f'{cell.rate}/s, neighbours 20 ms' if cell.rate else 'saturated'}"
    cpu = f"{figures.cpu_us:.0f}" if cell.server != ALONE else ""
    cells = (
        cell.server,
        load,
        f"{figures.per_second:.0f}",
        cpu,
        against,
        f"{figures.p50_ms:.1f}",
        f"{figures.p99_ms:.1f}",
        f"{figures.waited:.0%}" if cell.server != ALONE else "",
    )
    return f"| {' | '.join(cells)} |"


def _line_us(measured: Measured, server: str) -> float:
    return measured.difference(Cell(server, HUNDRED), Cell(server, TEN), lambda each: each.cpu_us) / 90


def _p50(figures: Figures) -> float:
    return figures.p50_ms


def _p99(figures: Figures) -> float:
    return figures.p99_ms


def _commit() -> str:
    """The commit that was measured, and whether there was more in the tree than it says."""
    told = _git("rev-parse", "--short", "HEAD")
    return f"{told} and changes not committed" if _git("status", "--porcelain") else told


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout.strip() or ("unknown" if words[0] == "rev-parse" else "")


def _machine() -> str:
    return f"{os.cpu_count()} cores, Python {platform.python_version()}"
