"""How the story is told: chapters, calls with their times, claims with ✓ or ✗."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

LOG_WIDTH = 120
SHOWN = 400


class ClaimFalse(Exception):
    """The story said something that is not so. The rest of it would stand on sand, so it ends here."""

    def __init__(self, claim: str, reason: str) -> None:
        super().__init__(f"{claim}: {reason}")
        self.claim = claim
        self.reason = reason


@dataclass
class Narrator:
    """Prints the story and counts its claims. Colours are left to rich: a terminal, and NO_COLOR not set."""

    console: Console = field(
        default_factory=lambda: Console(highlight=False, width=None if sys.stdout.isatty() else LOG_WIDTH)
    )
    claims: int = 0
    started: float = field(default_factory=time.monotonic)

    @contextmanager
    def chapter(self, title: str) -> Iterator[None]:
        """A chapter and the time that it took."""
        began = time.monotonic()
        self.console.print(f"\n[bold cyan]{escape(title)}[/]")
        yield
        self.console.print(f"  [dim]{time.monotonic() - began:.2f} s[/]")

    def say(self, text: str) -> None:
        self.console.print(f"  {escape(text)}")

    def called(self, method: str, path: str, status: int, took_ms: float) -> None:
        self.console.print(f"  [dim]{method:<4} {escape(path)}[/] → [bold]{status}[/] [dim]in {took_ms:.0f} ms[/]")

    def table(self, columns: tuple[str, ...], rows: Sequence[Sequence[str]]) -> None:
        table = Table(*columns, box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
        for row in rows:
            table.add_row(*(escape(cell) for cell in row))
        self.console.print(Padding(table, (0, 0, 0, 4)))

    def claim(self, sentence: str, holds: bool, *, found: Any = "") -> None:
        """State something and prove it; `found` is what was there instead."""
        if not holds:
            reason = f"found {str(found)[:SHOWN]}" if found != "" else "it is not so"
            self.console.print(f"  [bold red]✗[/] {escape(sentence)} [red]({escape(reason)})[/]")
            raise ClaimFalse(sentence, reason)
        self.claims += 1
        self.console.print(f"  [green]✓[/] {escape(sentence)}")

    def ended(self, text: str, *, well: bool) -> None:
        """The last line of the story."""
        mark, colour = ("✓", "green") if well else ("✗", "red")
        self.console.print(f"\n[bold {colour}]{mark} {escape(text)}[/]")
