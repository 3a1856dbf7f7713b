"""`ordergate openapi`: the document that callers build against, made from the routes."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import rich_click as click

from app.cli.examples import examples

_SHOWN_LINES = 40


@click.command(
    epilog=examples(
        write_openapi_v1_json="ordergate openapi",
        is_the_committed_document_what_the_routes_say="ordergate openapi --check",
    )
)
@click.option("--check", is_flag=True, help="Write nothing; fail if the document on disk differs.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("openapi"),
    show_default=True,
    help="Where the document lives.",
)
def openapi(check: bool, directory: Path) -> None:
    """Write the OpenAPI document from the routes, their sheets and their types."""
    from app import contract  # noqa: PLC0415  all routes and their types: not to be loaded for --help

    path = directory / "v1.json"
    made = contract.text()
    if check:
        _compare(path, made)
        return
    directory.mkdir(parents=True, exist_ok=True)
    path.write_text(made, encoding="utf-8")
    click.echo(f"wrote {path} ({len(made.encode()):,} bytes)")


def _compare(path: Path, made: str) -> None:
    committed = path.read_text(encoding="utf-8") if path.exists() else ""
    if committed == made:
        click.echo(f"{path} is what the routes say")
        return
    lines = difflib.unified_diff(
        committed.splitlines(), made.splitlines(), f"{path} (committed)", f"{path} (from the routes)", lineterm=""
    )
    for line in list(lines)[:_SHOWN_LINES]:
        click.echo(line, err=True)
    click.echo(f"{path} is out of date: run `make openapi` and commit it", err=True)
    sys.exit(1)
