"""What operators did: accounted for with their name and their reason, in the transaction of the deed."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.audit import Act, Touched, record
from policies.idempotency import Claim
from process_apis.caller import Caller
from process_apis.errors import VersionStale
from process_apis.operations import matches


async def account_for(connection: AsyncConnection, caller: Caller, act: str, touched: Touched, at: datetime) -> None:
    """Comes last: whoever writes into the audit takes turns."""
    entry = Act(
        act=act,
        client_id=caller.client.client_id,
        credential=caller.credential,
        correlation_id=caller.correlation_id,
        **msgspec.structs.asdict(touched),
    )
    await record(connection, entry, at)


def claim_of(caller: Caller) -> Claim:
    if caller.claim is None:
        raise LookupError("whoever steps in does so once: the route must be declared once=True")
    return caller.claim


def refuse_stale(caller: Caller, kind: str, ident: str, etag: str) -> None:
    """An operator decides on what was seen."""
    if not matches(caller.if_match or "", etag):
        raise VersionStale(kind, ident, etag)
