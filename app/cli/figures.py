"""`ordergate figures`: how the operations do, in the words of the business."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import rich_click as click

from app.cli.examples import examples
from app.cli.internal_door import InternalDoor, at_the_internal_door

if TYPE_CHECKING:
    from rich.console import Console

PATH = "/internal/v1/figures"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@click.command(
    epilog=examples(
        how_are_we_doing="ordergate figures",
        for_a_script="ordergate figures --json | jq '.standing[] | select(.name==\"operations_waiting\")'",
    )
)
@click.option("--json", "as_json", is_flag=True, help="The answer as it came, for programs.")
@at_the_internal_door
def figures(door: InternalDoor, as_json: bool) -> None:
    """Business figures of all replicas: conversions by outcome, how long a confirmation takes, what waits for which
    system, exceptions by code, owner and plant with their age, retries, refused steps, promises kept.

    Totals count since the beginning; what stands open is as of now. The same figures are at /metrics as `ordergate_…`.
    """
    said = door.get(PATH)
    if as_json:
        click.echo(json.dumps(said, indent=2))
        return
    _show(said)


def _show(said: dict[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415  not to be loaded for --help

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    _section(console, "Open now", said["standing"])
    _section(console, "Since the beginning", said["totals"])
    for each in said["distributions"]:
        about = _about(each["labels"])
        seconds = each["name"].endswith("_seconds")
        mean = each["sum"] / each["count"] if each["count"] else 0
        shown = _span(mean) if seconds else f"{mean:.1f} days"
        console.print(f"[bold]{each['name']}[/] {about} [dim]{each['says']}[/]")
        console.print(f"  {each['count']} measured, {shown} on average; {_spread(each, seconds=seconds)}")


def _section(console: Console, title: str, figures: Iterable[dict[str, Any]]) -> None:
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table("figure", "of", "value", box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.columns[2].justify = "right"
    last = ""
    for each in figures:
        shown = _span(each["value"]) if each["name"].endswith("_seconds") else f"{each['value']:g}"
        table.add_row(each["name"] if each["name"] != last else "", escape(_about(each["labels"])), shown)
        last = each["name"]
    console.print(f"[bold]{title}[/]")
    console.print(table if table.rows else "  nothing yet")


def _about(labels: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in labels.items() if value)


def _spread(each: dict[str, Any], *, seconds: bool) -> str:
    told = []
    before = 0
    for bound, count in each["upTo"].items():
        if count > before:
            limit = "longer" if bound == "+Inf" else f"≤ {_span(float(bound)) if seconds else f'{bound} d'}"
            told.append(f"{count - before} {limit}")
        before = count
    return ", ".join(told) or "none"


def _span(seconds: float) -> str:
    """A time that people read at a glance."""
    for length, letter in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= length:
            return f"{seconds / length:.1f} {letter}"
    return f"{seconds:.1f} s"
