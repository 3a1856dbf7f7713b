"""`ordergate keys`: API keys of clients, made, listed, rotated, revoked at the internal door."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import rich_click as click

from app.cli.at_the_desk import as_json, console, listed, plain, print_json, sure, table, without_asking
from app.cli.examples import examples
from app.cli.internal_door import NOT_POSSIBLE, DoorRefused, InternalDoor, at_the_internal_door

PATH = "/internal/v1/api-keys"
COLUMNS = ("key", "client", "label", "state", "scopes", "expires", "last used")
STATES = {"live": "green", "expired": "yellow", "revoked": "red"}
SOME_KEY = "key_01JDA7Q4Z5W9X2Y3V4T5S6R7Q8"
as_key_admin = functools.partial(at_the_internal_door, role="keyAdmin")
to_file = click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the key into this new file, readable by you only, and not to the screen.",
)
days = click.option(
    "--days", type=click.IntRange(1, 730), default=90, show_default=True, help="For how many days it is good."
)
why = click.option("--reason", metavar="TEXT", help="Why, for whoever reads the audit later.")


@click.group(
    epilog=examples(
        a_key_for_a_dealers_portal="ordergate keys create --client dealer-north --label portal",
        which_keys_are_there="ordergate keys list",
        the_yearly_change=f"ordergate keys rotate {SOME_KEY} --overlap-hours 168",
        a_key_was_leaked=f"ordergate keys revoke {SOME_KEY} --reason 'seen in a public repository'",
    )
)
def keys() -> None:
    """API keys: what a client may call with instead of an access token.

    A key is shown once, when it is made; kept is only a keyed hash. A client has at most two living keys: one in use,
    and one to change to. Revoked ones are refused by every replica within two seconds. Needs a client with the role
    `keyAdmin` and the scope ops:keys.
    """


@keys.command(
    epilog=examples(
        all_that_the_client_may="ordergate keys create --client dealer-north --label portal",
        only_to_ask="ordergate keys create --client dealer-north --label kiosk --scope atp:read --days 30",
        straight_into_a_file="ordergate keys create --client dealer-north --label portal --to portal.key",
    )
)
@click.option("--client", "client_id_of_key", required=True, metavar="ID", help="Whose key it is.")
@click.option("--label", required=True, help="What it is for, in your words.")
@click.option("--scope", "scopes", multiple=True, help="What it may; several times for several. [default: all]")
@days
@to_file
@as_json
@as_key_admin
def create(
    door: InternalDoor,
    *,
    client_id_of_key: str,
    label: str,
    scopes: tuple[str, ...],
    days: int,
    to: Path | None,
    as_json: bool,
) -> None:
    """Make a key and show it, this once."""
    _refuse_taken(to)
    wish: dict[str, Any] = {"clientId": client_id_of_key, "label": label, "expiresInDays": days}
    _hand_over(door.post(PATH, wish | ({"scopes": list(scopes)} if scopes else {})), to, as_json=as_json)


@keys.command(
    "list",
    epilog=examples(of_everybody="ordergate keys list", of_one_client="ordergate keys list --client dealer-north"),
)
@click.option("--client", "client_id_of_key", metavar="ID", help="Only of this client.")
@listed
@as_json
@as_key_admin
def list_(door: InternalDoor, *, client_id_of_key: str | None, limit: int, as_json: bool) -> None:
    """Which keys there are, the newest first: whose, for what, until when, and when each was last used."""
    found = list(door.pages(PATH, "apiKeys", limit, client_id=client_id_of_key))
    if as_json:
        print_json(found)
        return
    table(COLUMNS, map(_row, found), "There are no keys yet: `ordergate keys create` makes one.")


@keys.command(
    epilog=examples(
        with_a_day_to_change_over=f"ordergate keys rotate {SOME_KEY}",
        with_a_week="ordergate keys rotate key_01J… --overlap-hours 168 --to new.key",
    )
)
@click.argument("key_id")
@click.option(
    "--overlap-hours",
    type=click.IntRange(0, 720),
    default=24,
    show_default=True,
    help="For how long the old key goes on.",
)
@days
@why
@to_file
@as_json
@as_key_admin
def rotate(
    door: InternalDoor,
    *,
    key_id: str,
    overlap_hours: int,
    days: int,
    reason: str | None,
    to: Path | None,
    as_json: bool,
) -> None:
    """Make the successor of a key, with the same client and scopes. Both open until the overlap is over."""
    _refuse_taken(to)
    wish = {"overlapHours": overlap_hours, "expiresInDays": days, "reason": reason}
    _hand_over(door.post(f"{PATH}/{key_id}/rotate", wish), to, as_json=as_json)


@keys.command(
    epilog=examples(it_was_leaked=f"ordergate keys revoke {SOME_KEY} --reason 'seen in a public repository' --yes")
)
@click.argument("key_id")
@why
@without_asking
@as_json
@as_key_admin
def revoke(door: InternalDoor, *, key_id: str, reason: str | None, yes: bool, as_json: bool) -> None:
    """End a key for good. Every replica refuses it two seconds from now."""
    key = door.get(f"{PATH}/{key_id}")
    sure(f"End {key['label']!r} of {key['clientId']} for good?", yes=yes)
    done = door.post(f"{PATH}/{key_id}/revoke", {"reason": reason})
    if as_json:
        print_json(done)
        return
    console().print(f"{plain(key_id)} is [red]revoked[/] since {done['revokedAt']}")


def _row(key: dict[str, Any]) -> tuple[str, ...]:
    state = f"[{STATES.get(key['state'], 'default')}]{plain(key['state'])}[/]"
    used = (key.get("lastUsedAt") or "never")[:16].replace("T", " ")
    expires = key["expiresAt"][:10]
    return (
        plain(key["keyId"]),
        plain(key["clientId"]),
        plain(key["label"]),
        state,
        " ".join(key["scopes"]),
        expires,
        used,
    )


def _refuse_taken(to: Path | None) -> None:
    """Before the key is made: afterwards there would be no second chance to see it."""
    if to is not None and (to.exists() or not to.parent.is_dir()):
        raise DoorRefused(f"{to} is there already, or its directory is not", "name a new file", NOT_POSSIBLE)


def _hand_over(made: dict[str, Any], to: Path | None, *, as_json: bool) -> None:
    """The key alone on stdout, so that it can be piped; what a person needs to know beside it."""
    text = made["key"]
    if to is not None:
        with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text + "\n")
        made = made | {"key": None}
    if as_json:
        print_json(made)
        return
    where = f"is in {to}" if to else "is shown this once; keep it now"
    click.echo(
        f"{made['keyId']} of {made['clientId']}, good until {made['expiresAt'][:10]}: the key {where}.", err=True
    )
    if to is None:
        click.echo(text)
