"""`ordergate operations`: what is under way, what stands in its way, and stepping in."""

from __future__ import annotations

from typing import Any

import rich_click as click

from app.cli.at_the_desk import (
    Span,
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
from app.cli.internal_door import NOT_POSSIBLE, DoorRefused, InternalDoor, at_the_internal_door

PATH = "/internal/v1/operations"
STATES = {"actionRequired": "red", "failed": "red", "awaitingDecision": "yellow", "completedWithExceptions": "yellow",
          "completed": "green", "committed": "green"}  # fmt: skip
COLUMNS = ("operation", "state", "waits for", "age", "order", "customer", "open", "owner", "due")
ENDS = {
    "noOrder": "End it as rejected: the ERP has no order of it",
    "doneByHand": "Close it: what was left was done by hand",
    "notDone": "End the change as failed: nothing of it was done",
}


@click.group(
    epilog=examples(
        what_is_stuck="ordergate operations list --state actionRequired",
        why_and_what_can_be_done="ordergate operations show op_01JDA7Q4Z5W9X2Y3V4T5S6R7Q8",
    )
)
def operations() -> None:
    """Conversions and change requests of all clients: what is stuck, why, who owns it, and how it goes on.

    Speaks to the internal door of a gateway, as a client of the kind `operator`.
    """


@operations.command(
    "list",
    epilog=examples(
        all_that_has_not_ended="ordergate operations list",
        what_nobody_goes_on_with="ordergate operations list --state actionRequired",
        held_up_by_the_erp_for_a_quarter_of_an_hour="ordergate operations list --waiting-for erp --older-than 15m",
        given_up_after_processes_died_over_them="ordergate operations list --dead-letters --state any",
    ),
)
@click.option("--state", default="unfinished", show_default=True, help="A state, `unfinished`, or `any`.")
@click.option("--waiting-for", metavar="SYSTEM", help="erp, crm, scheduler, an instance, or `any`.")
@click.option("--customer", metavar="NUMBER", help="The ERP's sold-to party.")
@click.option("--quote", "quote_id", metavar="ID", help="The CRM's id of the quote.")
@click.option("--order", "order_id", metavar="ID", help="`<ERP instance>.<number>`.")
@click.option("--older-than", type=Span(), metavar="SPAN", help="Begun so long ago: 30s, 15m, 4h, 2d.")
@click.option("--code", "exception_code", metavar="CODE", help="With an open exception of this code.")
@click.option("--dead-letters", is_flag=True, help="Those that are not tried any more: short for --code dead-letter.")
@listed
@as_json
@at_the_internal_door
def list_(
    door: InternalDoor,
    *,
    state: str,
    older_than: int | None,
    exception_code: str | None,
    dead_letters: bool,
    limit: int,
    as_json: bool,
    **query: str | None,
) -> None:
    """The newest first, with who has to act and by when."""
    asked = {
        **query,
        "state": None if state == "any" else state,
        "minimum_age_seconds": older_than,
        "exception_code": "dead-letter" if dead_letters else exception_code,
    }
    found = list(door.pages(PATH, "operations", limit, **asked))
    if as_json:
        print_json(found)
        return
    table(COLUMNS, map(_row, found), "Nothing of the kind is under way.")


@operations.command(epilog=examples(all_of_it="ordergate operations show op_01JDA7Q4Z5W9X2Y3V4T5S6R7Q8"))
@click.argument("operation_id")
@as_json
@at_the_internal_door
def show(door: InternalDoor, *, operation_id: str, as_json: bool) -> None:
    """All about one operation: its steps and lines, its exceptions, and what you can do about it now."""
    found = door.get(f"{PATH}/{operation_id}")
    if as_json:
        print_json(found)
        return
    _show(found)


@operations.command(
    epilog=examples(
        once_the_cause_is_gone="ordergate operations retry op_01JDA7Q4Z5W9X2Y3V4T5S6R7Q8 --reason 'the quote is back'"
    )
)
@click.argument("operation_id")
@because
@as_json
@at_the_internal_door
def retry(door: InternalDoor, *, operation_id: str, reason: str, as_json: bool) -> None:
    """Have it tried again from where it stopped. What was done is not done again: an order that may exist is looked for
    before another one is sent."""
    seen = door.get(f"{PATH}/{operation_id}")
    _done(door.post(f"{PATH}/{operation_id}/retry", {"reason": reason}, if_match=seen["etag"]), as_json=as_json)


@operations.command(
    epilog=examples(
        the_order_is_in_sap="ordergate operations resolve op_01J… --order s4-1710.4711 --reason 'it has our reference'",
        sap_has_none="ordergate operations resolve op_01J… --no-order --reason 'asked the SAP desk'",
        the_rest_was_done_elsewhere="ordergate operations resolve op_01J… --done-by-hand --reason 'quote was deleted'",
    )
)
@click.argument("operation_id")
@click.option("--order", "order_id", metavar="ID", help="This order of the ERP is its: go on with it.")
@click.option("--no-order", is_flag=True, help="The ERP has none: end it as rejected, its lines are free again.")
@click.option("--done-by-hand", is_flag=True, help="The order stands and the rest was done elsewhere: close it.")
@click.option("--not-done", is_flag=True, help="Of a change request: nothing was changed, end it.")
@because
@without_asking
@as_json
@at_the_internal_door
def resolve(
    door: InternalDoor,
    *,
    operation_id: str,
    order_id: str | None,
    no_order: bool,
    done_by_hand: bool,
    not_done: bool,
    reason: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Say what became of an operation that cannot go on by itself. What you say about an order is looked at in the ERP
    before anything goes on with it."""
    said = {"orderFound": bool(order_id), "noOrder": no_order, "doneByHand": done_by_hand, "notDone": not_done}
    named = [outcome for outcome, chosen in said.items() if chosen]
    if len(named) != 1:
        hint = "--order ID, --no-order, --done-by-hand or --not-done"
        raise DoorRefused("what became of it? say one of", hint, NOT_POSSIBLE)
    outcome = named[0]
    seen = door.get(f"{PATH}/{operation_id}")
    if outcome in ENDS:
        sure(f"{operation_id} of customer {seen['customer']} is {seen['state']}. {ENDS[outcome]}?", yes=yes)
    body = {"outcome": outcome, "reason": reason} | ({"orderId": order_id} if order_id else {})
    _done(door.post(f"{PATH}/{operation_id}/resolve", body, if_match=seen["etag"]), as_json=as_json)


@operations.command(
    epilog=examples(before_there_is_an_order="ordergate operations cancel op_01J… --reason 'ordered twice by mistake'")
)
@click.argument("operation_id")
@because
@without_asking
@as_json
@at_the_internal_door
def cancel(door: InternalDoor, *, operation_id: str, reason: str, yes: bool, as_json: bool) -> None:
    """Stop a conversion before there is an order; its quote lines may be converted again."""
    seen = door.get(f"{PATH}/{operation_id}")
    sure(f"{operation_id} of customer {seen['customer']} is {seen['state']}. Stop it?", yes=yes)
    _done(door.post(f"{PATH}/{operation_id}/cancel", {"reason": reason}), as_json=as_json)


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return (
        plain(one["operationId"]),
        _state(one["state"]),
        _waits(one["waitingFor"]),
        span(one["ageSeconds"]),
        plain(one["orderId"] or "-"),
        plain(one["customer"]),
        str(one["openExceptions"] or ""),
        plain(one["owner"]),
        due(one["dueAt"]),
    )


def _state(state: str) -> str:
    colour = STATES.get(state)
    return f"[{colour}]{plain(state)}[/]" if colour else plain(state)


def _waits(waiting: dict[str, Any] | None) -> str:
    return f"[yellow]{plain(waiting['system'])}[/] {plain(waiting['instance'])}" if waiting else ""


def _done(one: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(one)
        return
    to = console()
    to.print(f"[green]✓[/] {plain(one['operationId'])} is {_state(one['state'])}, run {one['run']}")
    to.print(f"[dim]  ordergate operations show {plain(one['operationId'])}[/]")


def _show(one: dict[str, Any]) -> None:
    to = console()
    to.print(f"[bold]{plain(one['operationId'])}[/]  {plain(one['kind'])}  {_state(one['state'])}")
    about = (
        ("customer", one["customer"]),
        ("quote", one["quoteId"]),
        ("order", one["orderId"]),
        ("asked by", one["clientId"]),
        ("age", span(one["ageSeconds"])),
        ("run", f"{one['run']}, {one['takeovers']} processes died over its step" if one["takeovers"] else one["run"]),
        ("correlation", one["correlationId"]),
    )
    for name, value in about:
        if value is not None:
            to.print(f"  [dim]{name:<12}[/] {plain(value)}")
    if one["waitingFor"]:
        to.print(f"  [dim]{'waits for':<12}[/] {_waits(one['waitingFor'])} since {plain(one['waitingFor']['since'])}")
    if one["steps"]:
        steps = ((plain(s["name"]), plain(s["system"]), str(s["attempts"]), plain(s["outcome"] or "under way"))
                 for s in one["steps"])  # fmt: skip
        table(("\nstep", "\nsystem", "\ntries", "\noutcome"), steps, "")
    if one["lines"]:
        lines = ((plain(line["number"]), plain(line["product"]), plain(line["state"]), plain(line["item"]))
                 for line in one["lines"])  # fmt: skip
        table(("\nline", "\nproduct", "\nstate", "\nitem"), lines, "")
    for each in one["exceptions"]:
        ended = each["state"] in ("resolved", "waived", "expired")
        mark = "[green]✓[/]" if ended else "[red]![/]"
        when = each["state"] if ended else f"{each['state']}, due {due(each['dueAt'])}"
        to.print(
            f"\n{mark} {plain(each['code'])} [dim]{plain(each['exceptionId'])}[/]  {each['owner']['role']}, {when}"
        )
        to.print(f"  {plain(each['detail'])}")
        if each["sourceMessage"]:
            said = each["sourceMessage"]
            to.print(f"  [dim]{plain(each['detectedBy']['instance'])}: {plain(said['code'])} {plain(said['text'])}[/]")
        if each["reason"]:
            to.print(f"  [dim]{plain(each['endedBy'] or each['acknowledgedBy'])}: {plain(each['reason'])}[/]")
    for deed in one["remediation"]:
        which = " (--order ID | --no-order | --done-by-hand | --not-done)" if deed["action"] == "resolve" else ""
        to.print(f"\n→ ordergate operations {deed['action']} {plain(one['operationId'])}{which} --reason …")
