"""The entry of a call and its answer are one thing: in the transaction of the claim, once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policies.answer import Answer
from policies.audit import Act, Touched, record
from policies.audit_tables import audit_entries
from policies.errors import IdempotencyKeyInFlight
from policies.idempotency import Claim, Ledger

WISH = ("crm", "POST /v1/things", "key-1", "f" * 64)


def act(name: str, subject: str) -> Act:
    who = {"client_id": "crm", "credential": "token:1", "outcome": "done", "correlation_id": "c"}
    return Act(act=name, subject=subject, **who)


async def witness(connection: AsyncConnection, touched: Touched | None) -> None:
    await record(connection, act("POST /v1/things", touched.subject if touched else "?"), datetime.now(UTC))


async def claimed(store: AsyncEngine) -> Claim:
    claim = await Ledger(store).claim(*WISH, encode=lambda view: Answer(201, {}, str(view).encode()), witness=witness)
    assert isinstance(claim, Claim)
    return claim


async def told(store: AsyncEngine) -> list[tuple[str, str]]:
    async with store.connect() as connection:
        rows = await connection.execute(select(audit_entries).order_by(audit_entries.c.sequence))
        return [(row.act, row.subject) for row in rows]


async def test_what_the_process_touched_is_written_once_with_its_answer(store: AsyncEngine) -> None:
    claim = await claimed(store)
    async with claim, claim.settle() as settlement:
        settlement.answer, settlement.touched = "x", Touched(subject="op_1")
    assert await told(store) == [("POST /v1/things", "op_1")]
    kept = await Ledger(store).look_up(*WISH)
    assert kept is not None
    assert (kept.subject, await told(store)) == ("op_1", [("POST /v1/things", "op_1")])


async def test_a_process_that_accounts_for_itself_is_not_told_twice(store: AsyncEngine) -> None:
    claim = await claimed(store)
    async with claim, claim.settle() as settlement:
        await record(settlement.connection, act("key.create", "key_1"), datetime.now(UTC))
        settlement.answer = "x"
    assert await told(store) == [("key.create", "key_1")]


@pytest.mark.parametrize("trouble", [RuntimeError("refused"), IdempotencyKeyInFlight()])
async def test_an_act_that_did_not_happen_leaves_no_entry(store: AsyncEngine, trouble: Any) -> None:
    claim = await claimed(store)
    with pytest.raises(type(trouble)):
        async with claim, claim.settle() as settlement:
            settlement.answer, settlement.touched = "x", Touched(subject="op_1")
            raise trouble
    assert await told(store) == []
    async with store.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(audit_entries)) == 0
    async with await claimed(store) as again, again.settle() as settlement:
        settlement.answer = "y"
    assert await told(store) == [("POST /v1/things", "?")]
