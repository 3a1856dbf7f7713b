"""Clients in the hands of those who administer them. What the configuration file names is changed there, not here."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from policies.audit import Touched
from policies.client_rows import client_of, next_revision, put_client, set_enabled
from policies.clients import Client
from policies.directory import Directory
from policies.plans import read_limit
from process_apis.caller import Caller
from process_apis.credentials.following import claim_of, follow, registered
from process_apis.credentials.models import ClientChange, ClientPage, ClientView, NewClient, client_view
from process_apis.credentials.rules import Known, client_faults
from process_apis.cursors import cursor_of, place_in
from process_apis.errors import ClientExists, ClientOfFile, NoSuchThing
from process_apis.faults import refuse_if_any
from process_apis.seals import Seals

LISTING = "clients"


async def list_clients(
    caller: Caller,
    _request: None,
    *,
    directory: Directory,
    seals: Seals,
    limit: int = 100,
    cursor: str | None = None,
) -> ClientPage:
    """Who may call, by id: the clients of the configuration file and those registered here."""
    after = place_in(cursor, caller.client, LISTING, seals) if cursor else ""
    found = [client for client in directory.all() if client.client_id > after]
    page = tuple(client_view(client) for client in found[:limit])
    more = len(found) > limit
    return ClientPage(page, cursor_of(caller.client, LISTING, page[-1].client_id, seals) if more else None)


async def get_client(_caller: Caller, _request: None, *, directory: Directory, client_id: str) -> ClientView:
    """One client: what it may do, for whom, and whom to ask about it."""
    client = await registered(directory, client_id)
    if client is None:
        raise NoSuchThing("client", client_id)
    return client_view(client)


async def create_client(caller: Caller, request: NewClient, *, directory: Directory, known: Known) -> ClientView:
    """Registers a client. Its tokens are taken at once; a key is made for it in a second step, if it wants one."""
    refuse_if_any(client_faults(request, known, limit_is_readable=_readable(request.limit)))
    asked = msgspec.structs.asdict(request) | {"scopes": frozenset(request.scopes)}
    client = Client(**asked, managed_by="api")
    now = datetime.now(UTC)
    async with claim_of(caller).settle() as settlement:
        revision = await next_revision(settlement.connection)
        if directory.find(client.client_id) or await client_of(settlement.connection, client.client_id):
            raise ClientExists(client.client_id)
        await put_client(settlement.connection, client, revision, now)
        settlement.answer = view = client_view(client)
        settlement.touched = Touched(subject=client.client_id, outcome="created", after=msgspec.to_builtins(view))
    await follow(directory)
    return view


async def disable_client(
    caller: Caller, request: ClientChange | None, *, directory: Directory, client_id: str
) -> ClientView:
    """Switches a client off: neither its tokens nor its keys open anything two seconds from now."""
    return await _switch(caller, request, directory, client_id, enabled=False)


async def enable_client(
    caller: Caller, request: ClientChange | None, *, directory: Directory, client_id: str
) -> ClientView:
    """Switches a client on again."""
    return await _switch(caller, request, directory, client_id, enabled=True)


async def _switch(
    caller: Caller, request: ClientChange | None, directory: Directory, client_id: str, *, enabled: bool
) -> ClientView:
    if directory.is_of_file(client_id):
        raise ClientOfFile(client_id)
    async with claim_of(caller).settle() as settlement:
        revision = await next_revision(settlement.connection)
        before = await client_of(settlement.connection, client_id)
        if before is None:
            raise NoSuchThing("client", client_id)
        await set_enabled(settlement.connection, client_id, revision, datetime.now(UTC), enabled=enabled)
        settlement.answer = view = client_view(msgspec.structs.replace(before, enabled=enabled))
        settlement.touched = Touched(
            subject=client_id,
            outcome="enabled" if enabled else "disabled",
            reason=request.reason if request else None,
            before={"enabled": before.enabled},
            after={"enabled": enabled},
        )
    await follow(directory)
    return view


def _readable(limit: str) -> bool:
    try:
        read_limit(limit)
    except ValueError:
        return False
    return True
