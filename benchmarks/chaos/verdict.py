"""What a campaign tells people: a line while it runs, and at the end a table that can be read without the code."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.chaos.asked import Asked
from benchmarks.chaos.campaign import Progress
from benchmarks.chaos.reconciler import Finding, Kind, Manual
from benchmarks.chaos.troubles import pairs

_MOST_SHOWN = 12
console = Console(soft_wrap=True, highlight=False)


def tell_progress(progress: Progress, elapsed_s: float, struck: int) -> None:
    """On a terminal one line that changes, elsewhere a new line each time."""
    told = (
        f"{elapsed_s:5.0f} s  {progress.phase:<16}  begun {progress.begun}/{len(progress.asked)}, "
        f"accepted {progress.answered}, at rest {progress.at_rest}, faults struck {struck}"
    )
    if sys.stdout.isatty():
        console.print(told, end="\r")
    else:
        console.print(told)


def tell_troubles(done: Counter[str], struck: Counter[tuple[str, str]], deaths: int) -> None:
    """What was really done to it: a campaign without troubles proves nothing."""
    blows = ", ".join(f"{what} {count}" for what, count in sorted(done.items()))
    everything = {(kind, call.step) for call, kind in pairs()}
    met = everything & struck.keys()
    console.print(f"\nblows: {blows or 'none'} ({deaths} deaths of replicas)")
    console.print(
        f"faults: {sum(struck.values())} requests struck; {len(met)} of {len(everything)} pairs of call and kind"
    )


def tell(asked: Sequence[Asked], found: Sequence[Finding], left: Sequence[Manual], orders: int) -> None:
    """The verdict, kind by kind."""
    states = Counter(state for one in asked for state in one.states)
    told = ", ".join(f"{state} {count}" for state, count in states.most_common())
    console.print(f"clients were told: {told or 'nothing'}; the ERP holds {orders} orders for {len(asked)} quotes")
    troubles = Counter[str]()
    for one in asked:
        troubles.update(one.troubles)
    met = ", ".join(f"{name} {count}" for name, count in troubles.most_common(10))
    console.print(f"clients met on their way: {met or 'nothing'}\n")
    table = Table("", "count", "first of them", box=None, pad_edge=False)
    counts = Counter(finding.kind for finding in found)
    for kind in get_args(Kind):
        first = next((f"{one.about}: {one.says}" for one in found if one.kind == kind), "")
        style = "red" if counts[kind] else "green"
        table.add_row(kind, f"[{style}]{counts[kind]}[/]", first)
    reasons = Counter(reason for one in left for reason in one.reasons)
    why = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
    table.add_row("left to people", str(len(left)), why)
    console.print(table)
    for finding in found[:_MOST_SHOWN]:
        console.print(f"  [red]{finding.kind}[/] {finding.about}: {finding.says}")
    if len(found) > _MOST_SHOWN:
        console.print(f"  … and {len(found) - _MOST_SHOWN} more")


def keep(where: Path, asked: Sequence[Asked], found: Sequence[Finding], left: Sequence[Manual]) -> None:
    """Everything that was found and told, for whoever looks into it."""
    told = msgspec.json.encode({"findings": found, "leftToPeople": left, "asked": asked})
    (where / "findings.json").write_bytes(msgspec.json.format(told, indent=1))
