"""`ordergate clients`: who may call, at the internal door."""

from __future__ import annotations

import functools
from typing import Any

import rich_click as click

from app.cli.at_the_desk import as_json, console, listed, plain, print_json, sure, table, without_asking
from app.cli.examples import examples
from app.cli.internal_door import InternalDoor, at_the_internal_door

PATH = "/internal/v1/clients"
COLUMNS = ("client", "name", "kind", "scopes", "customers", "plants", "managed by", "state")
as_key_admin = functools.partial(at_the_internal_door, role="keyAdmin")
why = click.option("--reason", metavar="TEXT", help="Why, for whoever reads the audit later.")


@click.group(
    epilog=examples(
        who_may_call="ordergate clients list",
        a_new_dealer="ordergate clients create dealer-east --name 'Eastbrook' --scope atp:read --customer 17100003",
        a_contract_ended="ordergate clients disable dealer-east --reason 'contract ended'",
    )
)
def clients() -> None:
    """Clients: who may call, what each may do, and for which customers, plants and sales organisations.

    Those of the configuration file are shown and changed there; others are registered here, while the gateway runs.
    Needs a client with the role `keyAdmin` and the scope ops:keys.
    """


@clients.command(
    "list", epilog=examples(everybody="ordergate clients list", for_programs="ordergate clients list --json")
)
@listed
@as_json
@as_key_admin
def list_(door: InternalDoor, *, limit: int, as_json: bool) -> None:
    """Who may call, by id."""
    found = list(door.pages(PATH, "clients", limit))
    if as_json:
        print_json(found)
        return
    table(COLUMNS, map(_row, found), "Nobody may call.")


@clients.command(epilog=examples(all_of_it="ordergate clients show dealer-north"))
@click.argument("client")
@as_json
@as_key_admin
def show(door: InternalDoor, *, client: str, as_json: bool) -> None:
    """What one client may do, and whom to ask about it."""
    found = door.get(f"{PATH}/{client}")
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        said = ", ".join(value) if isinstance(value, list) else value
        console().print(f"[dim]{name:<20}[/] {plain('none' if said in ('', None) else said)}")


@clients.command(
    epilog=examples(
        a_dealer="ordergate clients create dealer-east --name 'Eastbrook' --scope atp:read --scope orders:read "
        "--customer 17100003 --plant 1710 --sales-organization 1710 --contact it@eastbrook.example",
        then_a_key_if_it_has_no_tokens="ordergate keys create --client dealer-east --label portal",
    )
)
@click.argument("client")
@click.option("--name", required=True, help="What people call it.")
@click.option(
    "--kind", type=click.Choice(["crm", "partner", "portal", "service"]), default="partner", show_default=True
)
@click.option("--scope", "scopes", multiple=True, required=True, help="atp:read, orders:read or orders:write.")
@click.option("--customer", "customers", multiple=True, help="A sold-to party it may speak for; * is all.")
@click.option("--plant", "plants", multiple=True, help="A plant it may name; * is all.")
@click.option("--sales-organization", "sales_organizations", multiple=True, help="One it may name; * is all.")
@click.option("--disclosure", type=click.Choice(["partner", "internal"]), default="partner", show_default=True)
@click.option("--plan", default="", help="A plan of the configuration.")
@click.option("--contact", default="", help="Whom to ask when it misbehaves.")
@as_json
@as_key_admin
def create(door: InternalDoor, *, client: str, as_json: bool, **wish: Any) -> None:
    """Register a client. Its tokens are taken at once; `ordergate keys create` makes it a key."""
    scopes, customers, plants = wish.pop("scopes"), wish.pop("customers"), wish.pop("plants")
    body = {"clientId": client, "scopes": scopes, "customers": customers, "plants": plants}
    body["salesOrganizations"] = wish.pop("sales_organizations")
    _done(door.post(PATH, body | wish), "is registered", as_json=as_json)


@clients.command(epilog=examples(a_contract_ended="ordergate clients disable dealer-east --reason 'contract ended'"))
@click.argument("client")
@why
@without_asking
@as_json
@as_key_admin
def disable(door: InternalDoor, *, client: str, reason: str | None, yes: bool, as_json: bool) -> None:
    """Switch a client off: neither its tokens nor its keys open anything two seconds from now."""
    sure(f"Switch {client} off?", yes=yes)
    _done(door.post(f"{PATH}/{client}/disable", {"reason": reason}), "is switched off", as_json=as_json)


@clients.command(epilog=examples(it_goes_on="ordergate clients enable dealer-east --reason 'contract renewed'"))
@click.argument("client")
@why
@as_json
@as_key_admin
def enable(door: InternalDoor, *, client: str, reason: str | None, as_json: bool) -> None:
    """Switch a client on again."""
    _done(door.post(f"{PATH}/{client}/enable", {"reason": reason}), "is switched on", as_json=as_json)


def _done(client: dict[str, Any], what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(client)
        return
    console().print(f"{plain(client['clientId'])} {what}")


def _row(client: dict[str, Any]) -> tuple[str, ...]:
    state = "[green]on[/]" if client["enabled"] else "[red]off[/]"
    scopes = " ".join([*client["scopes"], *(f"({role})" for role in client["roles"])])
    named = (client["clientId"], client["name"], client["kind"], scopes)
    places = (_several(client["customers"]), _several(client["plants"]))
    return (*map(plain, named), *map(plain, places), client["managedBy"], state)


def _several(idents: list[str]) -> str:
    return " ".join(idents[:3]) + (f" +{len(idents) - 3}" if len(idents) > 3 else "")  # noqa: PLR2004  a line has its width
