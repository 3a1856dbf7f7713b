"""Clients and keys in the store: rows to structs and back, and the few ways in which one may change.

Every writer draws a number first (`next_revision`); replicas follow by it. See `policies.client_tables`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Row, bindparam, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.client_tables import api_key_uses, api_keys, clients, credential_revision
from policies.clients import Client

log = logging.getLogger(__name__)
_client = msgspec.json.Decoder(Client)
_scopes = msgspec.json.Decoder(frozenset[str])


class ApiKey(Struct, frozen=True):
    """A key as the store knows it: nothing in here opens a door."""

    key_id: str
    client_id: str
    label: str
    digest: str
    pepper: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None

    def lives(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


async def revision_of(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(credential_revision.c.value))).scalar_one())


async def next_revision(connection: AsyncConnection) -> int:
    """The number of the change that this transaction makes; others wait with theirs until it ends."""
    moved = await connection.execute(
        update(credential_revision).values(value=credential_revision.c.value + 1).returning(credential_revision.c.value)
    )
    return int(moved.scalar_one())


async def clients_since(connection: AsyncConnection, revision: int) -> dict[str, Client]:
    """The clients that changed after `revision`, by id."""
    rows = await connection.execute(select(clients).where(clients.c.revision > revision))
    return {row.client_id: client_in(row) for row in rows}


async def keys_since(connection: AsyncConnection, revision: int) -> dict[str, ApiKey]:
    """The keys that changed after `revision`, by id."""
    rows = await connection.execute(select(api_keys).where(api_keys.c.revision > revision))
    return {row.key_id: key_in(row) for row in rows}


async def count_keys(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(func.count()).select_from(api_keys))).scalar_one())


async def put_client(connection: AsyncConnection, client: Client, revision: int, now: datetime) -> None:
    """Write a new client. An id that is taken is an IntegrityError."""
    await connection.execute(
        insert(clients).values(
            client_id=client.client_id,
            entry=msgspec.json.encode(client).decode(),
            enabled=client.enabled,
            revision=revision,
            created_at=now,
            updated_at=now,
        )
    )


async def set_enabled(
    connection: AsyncConnection, client_id: str, revision: int, now: datetime, *, enabled: bool
) -> None:
    await connection.execute(
        update(clients)
        .where(clients.c.client_id == client_id)
        .values(enabled=enabled, revision=revision, updated_at=now)
    )


async def client_of(connection: AsyncConnection, client_id: str) -> Client | None:
    row = (await connection.execute(select(clients).where(clients.c.client_id == client_id))).one_or_none()
    return client_in(row) if row else None


async def put_key(connection: AsyncConnection, key: ApiKey, revision: int) -> None:
    await connection.execute(
        insert(api_keys).values(
            {**msgspec.structs.asdict(key), "scopes": msgspec.json.encode(sorted(key.scopes)).decode()}
            | {"revision": revision}
        )
    )
    await connection.execute(insert(api_key_uses).values(key_id=key.key_id))


async def change_key(connection: AsyncConnection, key_id: str, revision: int, **changes: Any) -> None:
    await connection.execute(update(api_keys).where(api_keys.c.key_id == key_id).values(revision=revision, **changes))


async def keys_of(
    connection: AsyncConnection, client_id: str | None = None, *, older_than: str | None = None, limit: int = 1000
) -> list[tuple[ApiKey, datetime | None]]:
    """The keys of a client, or all, newest first, each with its last use. Ids sort by time."""
    asked = select(api_keys, api_key_uses.c.last_used_at).join(api_key_uses, isouter=True)
    if client_id is not None:
        asked = asked.where(api_keys.c.client_id == client_id)
    if older_than is not None:
        asked = asked.where(api_keys.c.key_id < older_than)
    rows = await connection.execute(asked.order_by(api_keys.c.key_id.desc()).limit(limit))
    return [(key_in(row), row.last_used_at) for row in rows]


async def key_of(connection: AsyncConnection, key_id: str) -> tuple[ApiKey, datetime | None] | None:
    asked = select(api_keys, api_key_uses.c.last_used_at).join(api_key_uses, isouter=True)
    row = (await connection.execute(asked.where(api_keys.c.key_id == key_id))).one_or_none()
    return (key_in(row), row.last_used_at) if row else None


async def note_uses(connection: AsyncConnection, uses: Mapping[str, datetime]) -> None:
    """Write down the last use of each key. It only ever changes a row that is there, and only forwards."""
    used = bindparam("used_at", type_=api_key_uses.c.last_used_at.type)
    await connection.execute(
        update(api_key_uses)
        .where(
            api_key_uses.c.key_id == bindparam("used"),
            or_(api_key_uses.c.last_used_at.is_(None), api_key_uses.c.last_used_at < used),
        )
        .values(last_used_at=used),
        # in one order everywhere: replicas that write at the same time would lock each other out
        [{"used": key_id, "used_at": at} for key_id, at in sorted(uses.items())],
    )


def client_in(row: Row[Any]) -> Client:
    """The client; one that a newer release wrote in words that this one does not know is shut out here, alone."""
    try:
        return msgspec.structs.replace(_client.decode(row.entry), enabled=row.enabled, managed_by="api")
    except msgspec.MsgspecError as trouble:
        log.warning("the client %s cannot be read here and is taken for disabled: %s", row.client_id, trouble)
        return Client(row.client_id, row.client_id, "service", frozenset(), managed_by="api", enabled=False)


def key_in(row: Row[Any]) -> ApiKey:
    return ApiKey(
        row.key_id,
        row.client_id,
        row.label,
        row.digest,
        row.pepper,
        _scopes.decode(row.scopes),
        row.created_at,
        row.expires_at,
        row.revoked_at,
    )
