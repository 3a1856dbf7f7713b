"""`ordergate exceptions`: what has to be worked off, by whom and by when."""

from __future__ import annotations

from typing import Any

import rich_click as click

from app.cli.at_the_desk import (
    as_json,
    because,
    console,
    due,
    listed,
    plain,
    print_json,
    span,
    sure,
    table,
    without_asking,
)
from app.cli.examples import examples
from app.cli.internal_door import InternalDoor, at_the_internal_door

PATH = "/internal/v1/exceptions"
ROLES = ("sales", "credit", "planning", "masterData", "pricing", "integration", "operations")
STATES = ("active", "any", "open", "acknowledged", "proposed", "resolved", "expired", "waived")
COLUMNS = ("exception", "code", "owner", "state", "due", "age", "plant", "customer", "about", "what")


@click.group(
    epilog=examples(
        what_is_late="ordergate exceptions list --overdue",
        what_is_mine="ordergate exceptions list --owner credit",
    )
)
def exceptions() -> None:
    """Business problems with an owner and a due time, of all conversions and change requests.

    Speaks to the internal door of a gateway, as a client of the kind `operator`.
    """


@exceptions.command(
    "list",
    epilog=examples(
        the_most_urgent_first="ordergate exceptions list",
        of_a_plant="ordergate exceptions list --plant 1710 --owner planning",
        for_a_script="ordergate exceptions list --overdue --json | jq -r '.[].exceptionId'",
    ),
)
@click.option("--state", type=click.Choice(STATES), default="active", show_default=True, help="active: not over yet.")
@click.option("--code", metavar="CODE", help="For instance credit-hold.")
@click.option("--owner", type=click.Choice(ROLES), help="Who has to act.")
@click.option("--plant", metavar="PLANT", help="The plant of the line.")
@click.option("--customer", metavar="NUMBER", help="The ERP's sold-to party.")
@click.option("--operation", "subject_id", metavar="ID", help="Of this operation or change request.")
@click.option("--overdue", is_flag=True, help="Only those whose due time has passed.")
@listed
@as_json
@at_the_internal_door
def list_(door: InternalDoor, *, limit: int, as_json: bool, **query: Any) -> None:
    """The most urgent first."""
    found = list(door.pages(PATH, "exceptions", limit, **query))
    if as_json:
        print_json(found)
        return
    table(COLUMNS, map(_row, found), "Nothing has to be worked off.")


@exceptions.command(
    epilog=examples(i_look_after_it="ordergate exceptions ack exc_01JDA7Q4… --reason 'called the credit desk'")
)
@click.argument("exception_ids", nargs=-1, required=True, metavar="EXCEPTION_ID...")
@because
@at_the_internal_door
def ack(door: InternalDoor, *, exception_ids: tuple[str, ...], reason: str) -> None:
    """Take care of exceptions. Their due times stay."""
    for exception_id in exception_ids:
        _done(door.post(f"{PATH}/{exception_id}/ack", {"reason": reason}))


@exceptions.command(
    epilog=examples(
        its_cause_is_gone="ordergate exceptions resolve exc_01JDA7Q4… --reason 'limit raised'",
        we_live_with_it="ordergate exceptions resolve exc_01JDA7Q4… --waive --reason 'the customer takes it late'",
    )
)
@click.argument("exception_ids", nargs=-1, required=True, metavar="EXCEPTION_ID...")
@click.option("--waive", is_flag=True, help="Its cause is still there, and we live with it.")
@because
@without_asking
@at_the_internal_door
def resolve(door: InternalDoor, *, exception_ids: tuple[str, ...], waive: bool, reason: str, yes: bool) -> None:
    """End exceptions: nobody has to act any more. It changes nothing at the operation; `ordergate operations retry` or
    `resolve` has that go on."""
    for exception_id in exception_ids:
        seen = door.get(f"{PATH}/{exception_id}")
        what = "Waive" if waive else "Resolve"
        sure(f"{what} {seen['code']} of {seen['subjectId']}: {seen['detail']}?", yes=yes)
        body = {"reason": reason, "resolution": "waived" if waive else "resolved"}
        _done(door.post(f"{PATH}/{exception_id}/resolve", body, if_match=seen["etag"]))


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    over = one["state"] not in ("open", "acknowledged", "proposed")
    return (
        plain(one["exceptionId"]),
        f"[bold]{plain(one['code'])}[/]" if one["blocking"] else plain(one["code"]),
        plain(one["owner"]["role"]),
        plain(one["state"]),
        "" if over else due(one["dueAt"]),
        span(one["ageSeconds"]),
        plain(one["plant"]),
        plain(one["customer"]),
        plain(one["orderId"] or one["subjectId"]),
        plain(one["detail"]),
    )


def _done(one: dict[str, Any]) -> None:
    console().print(f"[green]✓[/] {plain(one['exceptionId'])} {plain(one['code'])} is {plain(one['state'])}")
