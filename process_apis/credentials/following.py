"""What every change of a client or a key begins and ends with."""

from __future__ import annotations

from contextlib import suppress

from policies.claim import Claim
from policies.clients import Client
from policies.directory import Directory
from policies.errors import StoreUnavailable
from process_apis.caller import Caller


def claim_of(caller: Caller) -> Claim:
    """The right to change something once."""
    if caller.claim is None:
        raise LookupError("this process changes who may come in: its route must be declared once=True")
    return caller.claim


async def follow(directory: Directory) -> None:
    """Here the change holds at once; elsewhere, and if the store is silent just now, within the next second."""
    with suppress(StoreUnavailable):
        await directory.look_again()


async def registered(directory: Directory, client_id: str) -> Client | None:
    """The client, also if it was registered on another replica a moment ago."""
    if directory.find(client_id) is None:
        await directory.look_again()
    return directory.find(client_id)
