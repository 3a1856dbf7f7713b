"""`ordergate openapi`: the documents that callers build against, made from the routes."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import rich_click as click

from app.cli.examples import examples

_SHOWN_LINES = 40


@click.command(
    epilog=examples(
        write_the_documents_of_both_doors="ordergate openapi",
        are_the_committed_documents_what_the_routes_say="ordergate openapi --check",
    )
)
@click.option("--check", is_flag=True, help="Write nothing; fail if a document on disk differs.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("openapi"),
    show_default=True,
    help="Where the documents live.",
)
def openapi(check: bool, directory: Path) -> None:
    """Write the OpenAPI documents of both doors from the routes, their sheets and their types."""
    from app import contract  # noqa: PLC0415  all routes and their types: not to be loaded for --help

    made = {directory / name: text for name, text in contract.texts().items()}
    if check:
        differing = [path for path, text in made.items() if not _same(path, text)]
        sys.exit(1 if differing else 0)
    directory.mkdir(parents=True, exist_ok=True)
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
        click.echo(f"wrote {path} ({len(text.encode()):,} bytes)")


def _same(path: Path, made: str) -> bool:
    committed = path.read_text(encoding="utf-8") if path.exists() else ""
    if committed == made:
        click.echo(f"{path} is what the routes say")
        return True
    lines = difflib.unified_diff(
        committed.splitlines(), made.splitlines(), f"{path} (committed)", f"{path} (from the routes)", lineterm=""
    )
    for line in list(lines)[:_SHOWN_LINES]:
        click.echo(line, err=True)
    click.echo(f"{path} is out of date: run `make openapi` and commit it", err=True)
    return False
