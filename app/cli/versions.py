"""`ordergate versions`: who still calls what."""

from __future__ import annotations

import json
import sys
from typing import Any

import rich_click as click

from app.cli.examples import examples
from app.cli.internal_door import InternalDoor, at_the_internal_door

PATH = "/internal/v1/versions/usage"


@click.group(epilog=examples(who_has_to_move_before_v1_ends="ordergate versions usage --deprecated"))
def versions() -> None:
    """Majors of the API that live side by side, and who calls them."""


@versions.command(
    epilog=examples(
        who_calls_what="ordergate versions usage --days 7",
        whom_to_write_before_something_ends="ordergate versions usage --deprecated",
        for_a_script="ordergate versions usage --json | jq '.uses[] | select(.version==\"v1\")'",
    )
)
@click.option("--days", type=click.IntRange(1, 400), default=30, show_default=True, help="How many days back.")
@click.option("--deprecated", is_flag=True, help="Only what is deprecated or ended: whoever stands here has to move.")
@click.option("--json", "as_json", is_flag=True, help="The answer as it came, for programs.")
@at_the_internal_door
def usage(door: InternalDoor, days: int, deprecated: bool, as_json: bool) -> None:
    """Which client calls which operation of which version, how often and when last, over all replicas.

    Calls that a version's end refused with 410 count too: that client has not moved yet.
    """
    said = door.get(PATH, days=days)
    if deprecated:
        said["uses"] = [use for use in said["uses"] if use["deprecatedAt"]]
    if as_json:
        click.echo(json.dumps(said, indent=2))
        return
    _show(said, deprecated=deprecated)


def _show(said: dict[str, Any], *, deprecated: bool) -> None:
    from rich.console import Console  # noqa: PLC0415  not to be loaded for --help
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    if not said["uses"]:
        what = "nothing that is deprecated" if deprecated else "nothing"
        console.print(f"{what} was called since {said['since']}")
        return
    table = Table("client", "version", "operation", "calls", "last", "ends", "instead", box=None, padding=(0, 2, 0, 0))
    for use in said["uses"]:
        row = (
            use["clientId"],
            use["version"],
            use["operation"],
            str(use["calls"]),
            use["lastAt"][:16].replace("T", " "),
            _end(use),
            use["successor"] or "",
        )
        table.add_row(*map(escape, row))
    console.print(table)


def _end(use: dict[str, Any]) -> str:
    if use["sunsetAt"]:
        return str(use["sunsetAt"][:10])
    return "deprecated" if use["deprecatedAt"] else ""
