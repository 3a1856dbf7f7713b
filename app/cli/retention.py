"""`ordergate retention`: what is kept for how long, and what would go."""

from __future__ import annotations

import json
import sys
from typing import Any

import rich_click as click

from app.cli.examples import examples
from app.cli.internal_door import InternalDoor, at_the_internal_door

PATH = "/internal/v1/retention"


@click.command(
    epilog=examples(
        what_goes_now="ordergate retention",
        what_would_go_if_a_year_was_enough="ordergate retention --days 365",
        for_a_script="ordergate retention --json | jq '.kinds[] | select(.due > 0)'",
    )
)
@click.option("--days", type=click.IntRange(0, 36_500), help="As if everything was kept for so many days.")
@click.option("--json", "as_json", is_flag=True, help="The answer as it came, for programs.")
@at_the_internal_door
def retention(door: InternalDoor, days: int | None, as_json: bool) -> None:
    """What is kept for how long, what went so far, and what would go now.

    Nothing goes by asking: replicas forget by themselves, bit by bit, as `[retention]` says. Try other days here before
    you write them there.
    """
    said = door.get(PATH, days=days)
    if as_json:
        click.echo(json.dumps(said, indent=2))
        return
    _show(said)


def _show(said: dict[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415  not to be loaded for --help
    from rich.table import Table  # noqa: PLC0415

    table = Table("kind", "kept", "would go", "gone so far", "last", box=None, padding=(0, 2, 0, 0))
    for column in table.columns[2:4]:
        column.justify = "right"
    for each in said["kinds"]:
        table.add_row(
            each["kind"],
            "as each says" if each["keptDays"] is None else f"{each['keptDays']} days",
            f"{each['due']:,}{' or more' if each['moreDue'] else ''}",
            f"{each['purged']:,}",
            (each["purgedAt"] or "")[:16].replace("T", " "),
        )
    Console(highlight=False, width=None if sys.stdout.isatty() else 120).print(table)
