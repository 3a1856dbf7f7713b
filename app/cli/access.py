"""`ordergate access`: who may call what, made from the routes."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click

from app.cli.examples import examples


@click.command(
    epilog=examples(
        look_at_it="ordergate access",
        write_the_page="ordergate access --write docs/access.md",
        is_the_page_what_the_routes_say="ordergate access --check docs/access.md",
    )
)
@click.option("--write", type=click.Path(path_type=Path, dir_okay=False), help="Write the page there.")
@click.option("--check", type=click.Path(path_type=Path, dir_okay=False), help="Fail if that page differs.")
def access(write: Path | None, check: Path | None) -> None:
    """Show which scope each route asks for, and which kinds and roles of clients it lets in.

    The table is made from the routes themselves: what it says is what the gateway does. Without an option it is
    printed as Markdown.
    """
    from app import access_table  # noqa: PLC0415  all routes and their types: not to be loaded for --help

    page = access_table.text()
    if write is not None:
        write.write_text(page, encoding="utf-8")
        click.echo(f"wrote {write}")
    elif check is not None:
        written = check.read_text(encoding="utf-8") if check.exists() else ""
        if written != page:
            click.echo(f"{check} is out of date: run `ordergate access --write {check}` and commit it", err=True)
            sys.exit(1)
        click.echo(f"{check} is what the routes say")
    else:
        click.echo(page, nl=False)
