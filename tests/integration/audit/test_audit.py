"""The audit on both stores: written with the act, never changed, never forked, and whole or seen to be broken."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import make_engine
from policies.audit import LONGEST_JSON, START, WITHHELD, Act, record
from policies.audit_proof import Proof, verify
from policies.audit_seals import Mark, Notary, checkpoint, purge_audit
from policies.audit_tables import audit_checkpoints, audit_entries, audit_head
from tests.purging import all_purged, purged

AT = datetime(2026, 11, 20, 12, 0, 0, 123456, UTC)
NOTARY = Notary(["k" * 32])
PURGE = partial(purge_audit, NOTARY)


def act(subject: str = "op_1", **more: Any) -> Act:
    return Act(
        **{
            "act": "operation.retry",
            "client_id": "operator",
            "credential": "token:1",
            "subject": subject,
            "outcome": "ok",
            "correlation_id": "c-1",
            **more,
        }
    )


async def written(store: AsyncEngine, *acts: Act, at: datetime = AT) -> None:
    for each in acts:
        async with store.begin() as connection:
            await record(connection, each, at)


async def proven(store: AsyncEngine, **more: Any) -> Proof:
    """The whole log, a few entries at a time, as `ordergate audit verify` goes through it."""
    after, flaws = 0, []
    while True:
        page = await verify(store, NOTARY, after=after, limit=3, **more)
        flaws += page.flaws
        if page.done:
            return Proof(**{name: getattr(page, name) for name in page.__struct_fields__} | {"flaws": tuple(flaws)})
        after = page.through


async def rows(store: AsyncEngine) -> list[Any]:
    async with store.connect() as connection:
        return list((await connection.execute(select(audit_entries).order_by(audit_entries.c.sequence))).all())


async def tampered(store: AsyncEngine, *statements: Any) -> None:
    """As an administrator of the database can: the triggers are taken away first."""
    async with store.begin() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            found = await connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
            for name in [row.name for row in found]:
                await connection.execute(text(f"DROP TRIGGER {name}"))
        for statement in statements:
            await connection.execute(statement)


async def test_an_entry_exists_with_its_act_and_not_without(store: AsyncEngine) -> None:
    with pytest.raises(RuntimeError, match="did not happen"):
        async with store.begin() as connection:
            await record(connection, act(), AT)
            raise RuntimeError("did not happen")
    await written(store, act())
    assert [(row.sequence, row.position, row.previous) for row in await rows(store)] == [(1, 1, START)]


async def test_each_order_has_a_chain_of_its_own_in_one_log(store: AsyncEngine) -> None:
    await written(store, act("op_1"), act("op_2"), act("op_1"), act("op_1", order_id="s4.4711"))
    found = await rows(store)
    assert [(row.sequence, row.chain, row.position) for row in found] == [
        (1, "op_1", 1),
        (2, "op_2", 1),
        (3, "op_1", 2),
        (4, "s4.4711", 1),
    ]
    assert found[2].previous == found[0].digest
    assert (await proven(store)).flaws == ()


async def test_writers_at_the_same_time_fork_nothing(store: AsyncEngine, request: pytest.FixtureRequest) -> None:
    """Two replicas: two engines on the same store, forty acts at once on three subjects."""
    other = make_engine(store.url.render_as_string(hide_password=False))
    acts = [act(f"op_{number % 3}", reason=str(number)) for number in range(40)]
    await asyncio.gather(*(written((store, other)[n % 2], each) for n, each in enumerate(acts)))
    await other.dispose()
    found = await rows(store)
    assert [row.sequence for row in found] == list(range(1, 41))
    for subject in ("op_0", "op_1", "op_2"):
        chain = [row for row in found if row.chain == subject]
        assert [row.position for row in chain] == list(range(1, len(chain) + 1))
    assert {row.reason for row in found} == {str(number) for number in range(40)}
    assert (await proven(store)).flaws == ()


async def test_the_store_itself_refuses_changes(store: AsyncEngine) -> None:
    await written(store, act(), act())
    await checkpoint(store, NOTARY, AT)
    for statement in (
        update(audit_entries).values(client_id="somebody else"),
        delete(audit_entries),
        update(audit_checkpoints).values(seal=START),
        delete(audit_checkpoints),
        delete(audit_head),
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            async with store.begin() as connection:
                await connection.execute(statement)
    if store.dialect.name == "postgresql":
        with pytest.raises(DBAPIError, match="append-only"):
            async with store.begin() as connection:
                await connection.execute(text("TRUNCATE audit_entries"))
    assert len(await rows(store)) == 2


@pytest.mark.parametrize("column", ["client_id", "outcome", "reason", "at", "after", "subject", "order_id"])
async def test_a_changed_entry_is_found(store: AsyncEngine, column: str) -> None:
    await written(store, *(act(after={"state": "received"}, reason="because") for _ in range(5)))
    value = AT + timedelta(seconds=1) if column == "at" else "other"
    await tampered(store, update(audit_entries).where(audit_entries.c.sequence == 3).values({column: value}))
    flaws = (await proven(store)).flaws
    assert (3, "the entry does not say what it said when it was written") in [(f.sequence, f.what) for f in flaws]


async def test_a_removed_entry_is_found_wherever_it_was(store: AsyncEngine) -> None:
    await written(store, *(act(f"op_{number}") for number in range(6)))
    for gone, told in ((6, "missing at the end"), (3, "3 to 3 are missing"), (1, "1 to 1 are missing")):
        await tampered(store, delete(audit_entries).where(audit_entries.c.sequence == gone))
        assert any(told in flaw.what for flaw in (await proven(store)).flaws), gone


async def test_a_log_that_was_rewritten_with_all_its_digests_does_not_fit_its_checkpoints(store: AsyncEngine) -> None:
    """Whoever may write to the database can recompute every digest; the signature under the seal is out of reach."""
    await written(store, act("op_1"), act("op_2", reason="mine"))
    await checkpoint(store, NOTARY, AT)
    await tampered(
        store,
        delete(audit_entries),
        update(audit_head).values(sequence=0, seal=START),
    )
    await written(store, act("op_1"), act("op_2", reason="not mine"))
    flaws = (await proven(store)).flaws
    assert [(f.sequence, f.what) for f in flaws] == [(2, "the log is not what it was when it was sealed here")]
    forged = Notary(["x" * 32])
    await tampered(store, delete(audit_checkpoints))
    await checkpoint(store, forged, AT)
    assert [f.what for f in (await proven(store)).flaws] == ["a checkpoint here is not signed by us"]


async def test_a_log_cut_back_with_everything_that_says_so_is_seen_by_who_kept_a_mark(store: AsyncEngine) -> None:
    await written(store, act("op_1"), act("op_2"))
    kept = (await proven(store)).head
    second = (await rows(store))[0]
    await tampered(
        store,
        delete(audit_entries).where(audit_entries.c.sequence == 2),
        update(audit_head).values(sequence=1, seal=second.seal),
    )
    assert (await proven(store)).flaws == ()  # said plainly: from inside alone, this cannot be seen
    assert [f.what for f in (await proven(store, seen=kept)).flaws] == [
        "the log is not the one that this mark was taken from"
    ]


async def test_what_is_old_is_forgotten_and_the_rest_still_verifies(store: AsyncEngine) -> None:
    await written(store, act("op_1"), act("op_1"), act("op_2"), at=AT)
    await written(store, act("op_1"), act("op_2"), at=AT + timedelta(days=10))
    mark = (await proven(store)).head
    assert await purged(store, PURGE, AT + timedelta(days=1)) == 3
    assert [(row.sequence, row.chain, row.position) for row in await rows(store)] == [(4, "op_1", 3), (5, "op_2", 2)]
    proof = await proven(store, seen=mark)
    assert (proof.flaws, proof.purged_through, proof.checked) == ((), 3, 2)
    assert await purged(store, PURGE, AT + timedelta(days=1)) == 0
    await written(store, act("op_1"), at=AT + timedelta(days=12))
    assert await purged(store, PURGE, AT + timedelta(days=20)) == 3
    assert ((await proven(store)).flaws, await rows(store)) == ((), [])
    await written(store, act("op_1"))
    assert (await proven(store)).flaws == ()
    await tampered(store, delete(audit_entries))
    assert (await proven(store)).flaws != ()


async def test_much_is_forgotten_a_batch_at_a_time_and_verifies_after_each(store: AsyncEngine) -> None:
    """Of the seals below the cut none stays: what they were about is gone."""
    for number in range(7):
        await written(store, act(f"op_{number % 2}"), at=AT)
        await checkpoint(store, NOTARY, AT)
    await written(store, act("op_1"), at=AT + timedelta(days=10))
    mark = (await proven(store)).head
    assert await purged(store, PURGE, AT + timedelta(days=1), most=3) == 3
    proof = await proven(store, seen=mark)
    assert (proof.flaws, proof.purged_through, proof.checked) == ((), 3, 2)
    assert await all_purged(store, PURGE, AT + timedelta(days=1), most=3) == [3, 1]
    proof = await proven(store, seen=mark)
    assert (proof.flaws, proof.purged_through, proof.checked) == ((), 7, 1)
    async with store.connect() as connection:
        points = (await connection.execute(select(audit_checkpoints.c.sequence, audit_checkpoints.c.purged))).all()
    assert sorted(tuple(point) for point in points) == [(7, False), (7, True)]


async def test_the_last_cut_cannot_be_taken_back(store: AsyncEngine) -> None:
    await written(store, act(), act())
    await purged(store, PURGE, AT + timedelta(days=1), most=1)
    with pytest.raises(DBAPIError, match="append-only"):
        async with store.begin() as connection:
            await connection.execute(delete(audit_checkpoints))


async def test_a_purge_nobody_signed_is_no_purge(store: AsyncEngine) -> None:
    await written(store, act("op_1"), act("op_2"))
    first = (await rows(store))[0]
    forged = {"sequence": 1, "purged": True, "seal": first.seal, "at": AT, "mac": "0" * 64}
    async with store.begin() as connection:
        await connection.execute(audit_checkpoints.insert().values(forged))
        await connection.execute(delete(audit_entries).where(audit_entries.c.sequence == 1))
    assert [f.what for f in (await proven(store)).flaws] == [
        "entries were purged under a checkpoint that is not signed by us"
    ]


async def test_replicas_seal_one_place_once(store: AsyncEngine) -> None:
    await written(store, act())
    marks = await asyncio.gather(*(checkpoint(store, NOTARY, AT) for _ in range(5)))
    assert [mark for mark in marks if mark is not None] == [Mark(1, (await rows(store))[0].seal)]
    assert (await proven(store)).sealed_through == 1


async def test_no_secret_and_no_endless_document_is_kept(store: AsyncEngine) -> None:
    await written(
        store,
        act(after={"name": "north", "secret": "abc", "nested": [{"promiseToken": "eyJ", "state": "x"}]}),
        act(after={"lines": ["x" * LONGEST_JSON]}, reason="r" * 5000, customer_po="P\0O" + "9" * 100),
    )
    first, second = await rows(store)
    assert (
        first.after
        == f'{{"name":"north","secret":"{WITHHELD}","nested":[{{"promiseToken":"{WITHHELD}","state":"x"}}]}}'
    )
    assert second.after.startswith('{"omittedBytes":')
    assert (len(second.reason), second.customer_po) == (2000, ("PO" + "9" * 100)[:64])
    assert (await proven(store)).flaws == ()
