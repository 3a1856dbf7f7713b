"""`ordergate scheduler-check`: does a plant's scheduler, or the shim in front of it, keep to the scheduler API?"""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import rich_click as click

from app.cli.examples import examples

if TYPE_CHECKING:
    from system_apis.scheduler.conformance.examine import Verdict

BROKEN, NOT_POSSIBLE = 1, 2
TIMEOUT_S = 15.0
MARKS = {"kept": "[green]✓[/]", "broken": "[red]✗[/]", "notAsked": "[dim]·[/]"}
_QUANTITY = re.compile(r"^[0-9]{1,9}(\.[0-9]{1,6})?$")


@click.command(
    "scheduler-check",
    epilog=examples(
        looks_and_simulates_only="ordergate scheduler-check https://aps.plant-1710.example --api-key-env APS_KEY",
        plans_a_real_material_too="ordergate scheduler-check https://aps.example --material FG126",
        holds_capacity_and_gives_it_back="ordergate scheduler-check https://aps.example --material FG126 --commit",
    ),
)
@click.argument("url")
@click.option("--api-key-env", metavar="NAME", help="The environment variable that holds the key (X-API-Key).")
@click.option("--plant", help="The plant to ask for; the first that the scheduler names.")
@click.option("--material", help="Something that the plant makes: without it no rule about pieces is asked.")
@click.option("--quantity", default="1", show_default=True, help="How much of it, as a decimal.")
@click.option("--unit", default="C62", show_default=True, help="Its unit (UN/ECE Rec 20).")
@click.option("--due-date", type=click.DateTime(["%Y-%m-%d"]), help="The day it is wanted; in four weeks.")
@click.option(
    "--commit",
    is_flag=True,
    help="Hold capacity too, for order references made up for this, and give it back at once. Needs --material.",
)
def scheduler_check(
    *,
    url: str,
    api_key_env: str | None,
    plant: str | None,
    material: str | None,
    quantity: str,
    unit: str,
    due_date: datetime | None,
    commit: bool,
) -> None:
    """Ask a scheduler every question of the scheduler API, and say rule by rule what was expected and what came.

    Without --commit it only simulates, and discards what it simulated. The document is openapi/scheduler-v1.json.
    Exit code 0: every rule that was asked is kept; 1: one is broken; 2: it could not be asked.
    """
    if not url.startswith(("http://", "https://")):
        _stop(f"{url} is not an http(s) URL")
    if commit and material is None:
        _stop("--commit needs --material: something that the plant makes")
    if not _QUANTITY.match(quantity) or float(quantity) == 0:
        _stop(f"--quantity is {quantity!r}, not a decimal above zero")
    key = None if api_key_env is None else os.environ.get(api_key_env)
    if api_key_env is not None and not key:
        _stop(f"the environment variable {api_key_env} is not set")
    day = due_date.date() if due_date else datetime.now(UTC).date() + timedelta(weeks=4)
    wish = (material, quantity, unit) if material else None
    sys.exit(_examine(url, key=key, plant=plant, wish=wish, day=day, commit=commit))


def _examine(
    url: str, *, key: str | None, plant: str | None, wish: tuple[str, str, str] | None, day: date, commit: bool
) -> int:
    import httpx  # noqa: PLC0415  not to be loaded for --help
    from rich.console import Console  # noqa: PLC0415

    from system_apis.scheduler.conformance.bench import Bench, Need  # noqa: PLC0415
    from system_apis.scheduler.conformance.examine import examine  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{url}[/] against the scheduler API, version 1\n")
    verify = httpx.create_ssl_context()
    verdicts = []
    with httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False, verify=verify) as client:
        need = Need(*wish, day) if wish else None
        for verdict in examine(Bench(client, key, plant, need, day, commit)):
            verdicts.append(verdict)
            console.print(_line(verdict))
    kept, broken, not_asked = (
        sum(verdict.outcome == outcome for verdict in verdicts) for outcome in ("kept", "broken", "notAsked")
    )
    said = f"{kept} kept, {broken} broken, {not_asked} not asked"
    console.print(
        f"\n[bold red]✗ It does not conform: {said}[/]" if broken else f"\n[bold green]✓ It conforms: {said}[/]"
    )
    return BROKEN if broken else 0


def _line(verdict: Verdict) -> str:
    from rich.markup import escape  # noqa: PLC0415

    line = f"{MARKS[verdict.outcome]} {escape(verdict.rule)}"
    if verdict.outcome == "notAsked":
        return f"{line} [dim]({escape(verdict.came)})[/]"
    if verdict.outcome == "broken":
        return f"{line}\n    expected  {escape(verdict.expected)}\n    came      [red]{escape(verdict.came)}[/]"
    return line


def _stop(reason: str) -> None:
    click.echo(reason, err=True)
    sys.exit(NOT_POSSIBLE)
