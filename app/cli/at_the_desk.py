"""How operators read and are asked: spans and due times in words, tables, and a question before something is ended."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import rich_click as click

from app.cli.internal_door import NOT_POSSIBLE, DoorRefused

if TYPE_CHECKING:
    from rich.console import Console

MOST_LISTED = 10_000
PIPED_WIDTH = 200
_SPAN = re.compile(r"^(\d{1,6})\s*(s|m|h|d)$")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_WORDS = ((86_400, "d"), (3_600, "h"), (60, "min"))


class Span(click.ParamType):  # type: ignore[type-arg]  # generic in some versions of click only
    """`30s`, `15m`, `4h` or `2d` as seconds."""

    name = "span"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """The seconds, or what a span looks like."""
        if isinstance(value, int):
            return value
        match = _SPAN.match(str(value))
        if match is None:
            self.fail(f"{value!r} is no span: write 30s, 15m, 4h or 2d", param, ctx)
        return int(match[1]) * _UNITS[match[2]]


as_json = click.option("--json", "as_json", is_flag=True, help="The answer as it came, for programs.")
listed = click.option(
    "--limit", type=click.IntRange(1, MOST_LISTED), default=50, show_default=True, help="How many at most."
)


def _asked(_context: Any, _option: Any, given: str | None) -> str:
    """A person is asked; a script has to say it."""
    if given and given.strip():
        return given
    if not sys.stdin.isatty():
        raise click.UsageError("say why with --reason: it stands in the audit")
    return str(click.prompt("Why"))


because = click.option(
    "--reason", metavar="TEXT", callback=_asked, help="Why, for whoever reads the audit later; asked for if left out."
)
without_asking = click.option("--yes", is_flag=True, help="Do it without asking.")


def span(seconds: float) -> str:
    """`4 d 3 h`, `12 min`, `7 s`: two units at most."""
    said: list[str] = []
    left = int(seconds)
    for size, word in _WORDS:
        if left >= size and len(said) < 2:  # noqa: PLR2004  two units
            said.append(f"{left // size} {word}")
            left %= size
    return " ".join(said) or f"{left} s"


def due(at: str | None) -> str:
    """How long is left until then, or for how long it is overdue, coloured."""
    if at is None:
        return ""
    left = (datetime.fromisoformat(at) - datetime.now(UTC)).total_seconds()
    return f"in {span(left)}" if left >= 0 else f"[bold red]overdue {span(-left)}[/]"


def console() -> Console:
    """Colours and the width of the terminal where there is one; wide and plain for a pipe."""
    from rich.console import Console  # noqa: PLC0415  not to be loaded for --help

    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], nothing: str) -> None:
    """Rows of markup, or one line that says that there is nothing."""
    from rich.table import Table  # noqa: PLC0415  not to be loaded for --help

    shown = Table(*columns, box=None, padding=(0, 2, 0, 0), header_style="dim")
    for row in rows:
        shown.add_row(*row)
    to = console()
    to.print(shown if shown.row_count else nothing)


def plain(text: Any) -> str:
    """Somebody else's words, which are no markup."""
    from rich.markup import escape  # noqa: PLC0415  not to be loaded for --help

    return escape(in_line(text)) if text is not None else ""


def in_line(text: Any) -> str:
    """Somebody else's words on one line: they neither steer the terminal nor write lines of their own below."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in str(text))


def print_json(answer: Any) -> None:
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def sure(question: str, *, yes: bool) -> None:
    """Ask before something is ended. Where nobody can be asked, it has to be said beforehand."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise DoorRefused(f"{question}: nobody is here to answer", "say --yes", NOT_POSSIBLE)
    click.confirm(question, abort=True)
