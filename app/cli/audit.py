"""`ordergate audit`: who did what, and whether the record of it is whole."""

from __future__ import annotations

import functools
import json
import sys
from datetime import datetime
from typing import Any

import rich_click as click

from app.cli.at_the_desk import in_line, plain
from app.cli.examples import examples
from app.cli.internal_door import InternalDoor, at_the_internal_door

LIST, PROOF = "/internal/v1/audit", "/internal/v1/audit/proof"
AT_ONCE = 2000
BROKEN = 1
as_auditor = functools.partial(at_the_internal_door, role="auditor")


@click.group(
    epilog=examples(
        what_happened_to_an_order="ordergate audit list --order s4-1710.4711",
        is_the_record_whole="ordergate audit verify",
    )
)
def audit() -> None:
    """Who did what, when, with which credential, and what came of it: mutations and administrative acts.

    Entries are written with the act and never changed; each carries the digest of the one before it. Needs a client
    with the role `auditor` and the scope ops:audit.
    """


def _conditions(command: Any) -> Any:
    for option in (
        click.option("--order", help="An order id, with the operations and change requests that worked on it."),
        click.option("--po", help="The customer's purchase order number."),
        click.option("--client", help="Who did it, by client id."),
        click.option("--subject", help="The id of one thing: op_…, ocr_…, key_…, a client."),
        click.option("--act", help="What was done, as an entry names it."),
        click.option("--since", type=click.DateTime(), help="From this moment on, your local time."),
        click.option("--until", type=click.DateTime(), help="Before this moment, your local time."),
    ):
        command = option(command)
    return command


@audit.command(
    name="list",
    epilog=examples(
        by_the_customers_number="ordergate audit list --po PO-4711",
        what_operators_did_since_monday="ordergate audit list --client operator --since 2026-11-16",
        for_a_script="ordergate audit list --order s4-1710.4711 --json | jq -r '.at + \" \" + .act'",
    ),
)
@_conditions
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with everything an entry holds.")
@as_auditor
def list_(door: InternalDoor, limit: int, as_json: bool, **conditions: Any) -> None:
    """Entries that meet all conditions, newest first."""
    entries = door.pages(LIST, "entries", limit, **_query(**conditions))
    if as_json:
        for entry in entries:
            click.echo(json.dumps(entry))
        return
    _table(list(entries))


@audit.command(epilog=examples(one_entry_in_full="ordergate audit show op_01JDA7Q4Z5W9X2Y3V4T5S6R7Q8"))
@click.argument("subject")
@as_auditor
def show(door: InternalDoor, subject: str) -> None:
    """Everything that was done to SUBJECT (an operation, change request, key, client), oldest first, in full."""
    entries = list(door.pages(LIST, "entries", 1000, subject=subject))
    if not entries:
        click.echo(f"nothing was done to {subject}, or its time is over", err=True)
        sys.exit(BROKEN)
    for entry in reversed(entries):
        _in_full(entry)


@audit.command(
    epilog=examples(
        is_it_whole="ordergate audit verify",
        and_still_the_one_of_last_month="ordergate audit verify --seen $(cat mark-of-october)",
        keep_a_mark_for_later="ordergate audit verify --quiet > mark-of-november",
    )
)
@click.option("--seen", metavar="MARK", help="A mark that an earlier run printed: shows a log cut or replaced since.")
@click.option("--quiet", is_flag=True, help="Print the mark only.")
@as_auditor
def verify(door: InternalDoor, seen: str | None, quiet: bool) -> None:
    """Recompute the whole record: every entry, the chain of each order, the seals over all, the signed checkpoints.

    Exit code 0: whole; 1: somebody laid hands on it. Prints a mark at the end. Keep it outside the database: an
    administrator who takes away the triggers can cut the end off, and only a mark shows that.
    """
    checked, flaws, proof = 0, [], door.get(PROOF, limit=AT_ONCE, seen=seen)
    while True:
        checked += proof["checked"]
        flaws += [flaw for flaw in proof["flaws"] if flaw not in flaws]
        if proof["done"]:
            break
        if not quiet and sys.stderr.isatty():
            click.echo(f"\r{checked} of {proof['entries']} entries", err=True, nl=False)
        proof = door.get(PROOF, limit=AT_ONCE, seen=seen, after=proof["through"])
    if not quiet:
        _tell(checked, flaws, proof)
    click.echo(proof["mark"])
    if flaws:
        for flaw in flaws if quiet else ():
            click.echo(f"entry {flaw['sequence']}: {flaw['what']}", err=True)
        sys.exit(BROKEN)


def _tell(checked: int, flaws: list[dict[str, Any]], proof: dict[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415  not to be loaded for --help
    from rich.markup import escape  # noqa: PLC0415

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    if flaws:
        console.print(f"[red]✗[/] {checked} entries checked; somebody laid hands on the record:")
        for flaw in flaws:
            console.print(f"  entry {flaw['sequence']}: {escape(flaw['what'])}")
    else:
        console.print(f"[green]✓[/] {checked} entries checked, all of them as they were written")
    if proof["purgedThrough"]:
        console.print(f"  entries up to {proof['purgedThrough']} were forgotten when their time was over")
    sealed = f"up to {proof['sealedThrough']}, {proof['sealedAt']}" if proof["sealedThrough"] else "not yet"
    console.print(f"  sealed {sealed}; the mark to keep elsewhere:")


def _query(po: str | None, since: datetime | None, until: datetime | None, **others: Any) -> dict[str, Any]:
    """A moment that was typed is meant where it was typed."""
    return {
        **others,
        "customer_po": po,
        "since": since.astimezone().isoformat() if since else None,
        "until": until.astimezone().isoformat() if until else None,
    }


def _table(entries: list[dict[str, Any]]) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    if not entries:
        console.print("nothing was done that meets these conditions")
        return
    table = Table("at (UTC)", "who", "with", "what", "outcome", "on", "order", box=None, padding=(0, 2, 0, 0))
    for entry in entries:
        row = (
            entry["at"][:19].replace("T", " "),
            entry["clientId"],
            entry["credential"],
            entry["act"],
            entry["outcome"],
            entry["subject"],
            entry["orderId"] or "",
        )
        table.add_row(*map(plain, row))
    console.print(table)


def _in_full(entry: dict[str, Any]) -> None:
    _say(f"{entry['at']}  {entry['act']}  {entry['outcome']}")
    _say(f"  by {entry['clientId']} with {entry['credential']}, correlation {entry['correlationId']}")
    for name, label in (("reason", "because"), ("orderId", "order"), ("customerPo", "PO"), ("customer", "customer")):
        if entry[name]:
            _say(f"  {label} {entry[name]}")
    for document in entry["documents"]:
        _say(f"  made {document}")
    for name in ("before", "after"):
        if entry[name] is not None:
            _say(f"  {name} {json.dumps(entry[name])}")
    _say(f"  {entry['entryId']} is entry {entry['position']} of {entry['chain']}, digest {entry['digest'][:16]}…")


def _say(line: str) -> None:
    click.echo(in_line(line))
