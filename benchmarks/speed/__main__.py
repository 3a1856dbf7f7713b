"""The gateway beside the same composition made by hand: `make bench`, about four minutes.

Neighbours repeat what the sandbox said, at once or after 20 ms; every server answers every wish rightly before anything
is measured. Writes `benchmarks/results/speed.md`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import uvloop

from app.cli.processes import ended_by_signals
from benchmarks.process.gateways import stage
from benchmarks.speed.report import budgets, page
from benchmarks.speed.rounds import Measured, measure
from benchmarks.speed.stage import cast, require_right

RESULTS = Path(__file__).parents[1] / "results" / "speed.md"


async def run(peer_python: Path, rounds: int, seconds: float) -> Measured:
    with tempfile.TemporaryDirectory(prefix="speed-") as scratch, stage(Path(scratch), embedded=False) as on:
        sys.stderr.write("asking the sandbox everything once\n")
        async with cast(on, peer_python, Path(scratch)) as servers:
            sys.stderr.write("checking that every server answers right\n")
            await require_right(servers)
            return await measure(servers, rounds, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--peer-python", type=Path, required=True, help="with benchmarks/requirements.lock installed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="length of each load in each round (4)")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--strict", action="store_true", help="end with 1 where a budget is missed")
    given = parser.parse_args()
    with ended_by_signals():
        measured = uvloop.run(run(given.peer_python.absolute(), given.rounds, given.seconds))
    text = page(measured, given.rounds, given.seconds)
    given.results.write_text(text)
    sys.stdout.write(text)
    if given.strict and not all(budget.met for budget in budgets(measured)):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
