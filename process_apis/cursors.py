"""Cursors: where the next page of a list begins, sealed for one client and one list."""

from __future__ import annotations

from msgspec import Struct

from policies.clients import Client
from process_apis.errors import Fault, RequestFaulty
from process_apis.seals import SealBroken, Seals

CURSOR = "cursor+jws"


class Place(Struct, frozen=True, array_like=True):
    client_id: str
    listing: str
    after: str


def cursor_of(client: Client, listing: str, after: str, seals: Seals) -> str:
    """An opaque cursor behind the row `after` of the list `listing`, of use to this client only."""
    return seals.seal(CURSOR, Place(client.client_id, listing, after))


def place_in(cursor: str, client: Client, listing: str, seals: Seals) -> str:
    """The row that a cursor stands behind. Another client's, another list's or a made-up one: all one fault."""
    try:
        place = seals.open(CURSOR, cursor, Place)
    except SealBroken:
        place = None
    if place is None or (place.client_id, place.listing) != (client.client_id, listing):
        raise RequestFaulty((Fault("#/cursor", "this is no cursor of yours for this list", "cursor-invalid"),))
    return place.after
