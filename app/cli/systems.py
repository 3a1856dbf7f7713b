"""`ordergate systems`: ERP, CRM and schedulers as the configuration names them."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import rich_click as click

from app.cli.examples import examples

if TYPE_CHECKING:
    from app.drift import Compared
    from app.settings import Settings

DRIFTED, NOT_COMPARED = 1, 2


@click.group(epilog=examples(has_anything_changed_over_there="ordergate systems check"))
def systems() -> None:
    """ERP, CRM and schedulers as the configuration names them."""


@systems.command(
    epilog=examples(
        before_a_start="ORDERGATE_CONFIG=/etc/ordergate.toml ordergate systems check",
        of_the_sandbox="ORDERGATE_ENV=sandbox ordergate systems check",
    )
)
def check() -> None:
    """Compare what each system serves today with what we use of it: SAP's metadata, Salesforce's describe, and a
    scheduler's capabilities and document. Reads only.

    Names what is missing, renamed, or no longer possible. Exit code 0: all is there; 1: something has drifted;
    2: a system could not be compared, or the configuration is not fit to start.
    """
    from app import settings  # noqa: PLC0415  the whole gateway: not to be loaded for --help

    try:
        found = settings.load()
    except settings.SettingsError as fault:
        click.echo(str(fault), err=True)
        sys.exit(NOT_COMPARED)
    compared = asyncio.run(_compare(found))
    _show(compared)
    if any(each.findings for each in compared):
        sys.exit(DRIFTED)
    if any(each.unread for each in compared):
        sys.exit(NOT_COMPARED)


async def _compare(found: Settings) -> list[Compared]:
    from app.drift import compare  # noqa: PLC0415
    from app.neighbours import connect  # noqa: PLC0415

    neighbours = connect(found.world, None, lambda _exchange: None)
    async with AsyncExitStack() as stack:
        neighbours.close_with(stack)
        return await compare(neighbours)


def _show(compared: list[Compared]) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    for each in compared:
        name = f"{each.system} [bold]{escape(each.instance)}[/]"
        if each.unread:
            console.print(f"[yellow]?[/] {name} could not be compared: {escape(each.unread)}")
        elif not each.findings:
            console.print(f"[green]✓[/] {name} serves all that we use")
        else:
            console.print(f"[red]✗[/] {name} has drifted: {len(each.findings)} finding(s)")
            table = Table("kind", "where", "field", "what to mend", box=None, padding=(0, 2, 0, 0), header_style="dim")
            for finding in each.findings:
                row = (finding.kind, finding.entity, finding.field or "", finding.detail)
                table.add_row(*map(escape, row))
            console.print(table)
