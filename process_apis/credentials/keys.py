"""API keys in the hands of those who administer them: made, listed, rotated, revoked. Each act stands in the audit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policies.audit import Touched
from policies.client_rows import ApiKey, change_key, key_of, keys_of, next_revision, put_key
from policies.clients import Client
from policies.directory import Directory
from process_apis.caller import Caller
from process_apis.credentials import rules
from process_apis.credentials.following import claim_of, follow, registered
from process_apis.credentials.making import KeyMaking
from process_apis.credentials.models import (
    KeyPage,
    KeyRevocation,
    KeyRotation,
    KeyView,
    MadeKey,
    NewKey,
    key_view,
    made_key,
)
from process_apis.cursors import cursor_of, place_in
from process_apis.errors import Fault, KeyNotLive, NoSuchThing, RequestFaulty
from process_apis.faults import refuse_if_any
from process_apis.seals import Seals

LISTING = "api-keys"


async def list_keys(
    caller: Caller,
    _request: None,
    *,
    store: AsyncEngine,
    seals: Seals,
    client_id: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> KeyPage:
    """The keys, newest first, of one client or of all; what they are, never what they say."""
    listing = f"{LISTING}?clientId={client_id or ''}"
    older_than = place_in(cursor, caller.client, listing, seals) if cursor else None
    async with store.connect() as connection:
        found = await keys_of(connection, client_id, older_than=older_than, limit=limit + 1)
    now = datetime.now(UTC)
    page = tuple(key_view(key, used_at, now) for key, used_at in found[:limit])
    more = len(found) > limit
    return KeyPage(page, cursor_of(caller.client, listing, page[-1].key_id, seals) if more else None)


async def get_key(_caller: Caller, _request: None, *, store: AsyncEngine, key_id: str) -> KeyView:
    """One key: whose it is, what it may, until when, and when it was last used."""
    async with store.connect() as connection:
        key, used_at = await _known(connection, key_id)
    return key_view(key, used_at, datetime.now(UTC))


async def create_key(caller: Caller, request: NewKey, *, directory: Directory, making: KeyMaking) -> MadeKey:
    """Makes a key and shows its text, once. A client has at most two that live."""
    client = await _client_of(directory, request.client_id)
    refuse_if_any(rules.scope_faults(client, request.scopes))
    scopes = rules.scopes_for(client, request.scopes)
    rules.refuse_foreign_roles(caller.client, client, scopes)
    now = datetime.now(UTC)
    expires_at = now + timedelta(days=request.expires_in_days)
    key, text = making.make(client.client_id, request.label, scopes, now=now, expires_at=expires_at)
    async with claim_of(caller).settle() as settlement:
        revision = await next_revision(settlement.connection)
        await _add(settlement.connection, key, revision, now)
        settlement.answer = made_key(key, now)  # without the text: a repeat must not find it
        settlement.touched = Touched(subject=key.key_id, outcome="created", after=_facts(key))
    await follow(directory)
    return made_key(key, now, text)


async def rotate_key(
    caller: Caller,
    request: KeyRotation | None,
    *,
    key_id: str,
    store: AsyncEngine,
    directory: Directory,
    making: KeyMaking,
) -> MadeKey:
    """Makes a successor with the same scopes; the old key ends after the overlap, or as it would have anyway."""
    wish = request or KeyRotation()
    async with store.connect() as connection:
        old, _ = await _known(connection, key_id)
    client = await _client_of(directory, old.client_id)
    rules.refuse_foreign_roles(caller.client, client, old.scopes)
    now = datetime.now(UTC)
    expires_at = now + timedelta(days=wish.expires_in_days)
    key, text = making.make(old.client_id, old.label, old.scopes, now=now, expires_at=expires_at)
    async with claim_of(caller).settle() as settlement:
        revision = await next_revision(settlement.connection)
        old, _ = await _known(settlement.connection, key_id)
        if not old.lives(now):
            raise KeyNotLive(key_id, key_view(old, None, now).state)
        ends_at = min(old.expires_at, now + timedelta(hours=wish.overlap_hours))
        await change_key(settlement.connection, key_id, revision, expires_at=ends_at)
        await _add(settlement.connection, key, revision, now)
        settlement.answer = made_key(key, now)
        settlement.touched = Touched(
            subject=key_id,
            outcome="rotated",
            reason=wish.reason,
            before={"expiresAt": old.expires_at.isoformat()},
            after={"expiresAt": ends_at.isoformat(), "successor": _facts(key)},
        )
    await follow(directory)
    return made_key(key, now, text)


async def revoke_key(caller: Caller, request: KeyRevocation | None, *, key_id: str, directory: Directory) -> KeyView:
    """Ends a key: no replica takes it two seconds from now. One that has ended already stays as it is."""
    now = datetime.now(UTC)
    async with claim_of(caller).settle() as settlement:
        revision = await next_revision(settlement.connection)
        before, _ = await _known(settlement.connection, key_id)
        if before.revoked_at is None:
            await change_key(settlement.connection, key_id, revision, revoked_at=now)
        key, used_at = await _known(settlement.connection, key_id)
        settlement.answer = view = key_view(key, used_at, now)
        settlement.touched = Touched(
            subject=key_id,
            outcome="revoked",
            reason=request.reason if request else None,
            before={"state": key_view(before, None, now).state},
            after={"state": view.state},
        )
    await follow(directory)
    return view


async def _add(connection: AsyncConnection, key: ApiKey, revision: int, now: datetime) -> None:
    """Under the lock of the revision: two administrators together cannot make a third key either."""
    others = [each for each, _ in await keys_of(connection, key.client_id)]
    rules.refuse_third(key.client_id, others, now)
    await put_key(connection, key, revision)


async def _known(connection: AsyncConnection, key_id: str) -> tuple[ApiKey, datetime | None]:
    found = await key_of(connection, key_id)
    if found is None:
        raise NoSuchThing("key", key_id)
    return found


async def _client_of(directory: Directory, client_id: str) -> Client:
    client = await registered(directory, client_id)
    if client is None:
        raise RequestFaulty((Fault("#/clientId", f"no client {client_id} is registered", "client-unknown"),))
    return client


def _facts(key: ApiKey) -> dict[str, object]:
    return {
        "keyId": key.key_id,
        "clientId": key.client_id,
        "label": key.label,
        "scopes": sorted(key.scopes),
        "expiresAt": key.expires_at.isoformat(),
    }
