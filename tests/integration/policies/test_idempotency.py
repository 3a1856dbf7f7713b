"""One behaviour, two real stores."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, MetaData, String, Table, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from policies.answer import Answer
from policies.errors import IdempotencyKeyInFlight, IdempotencyKeyReused, StoreUnavailable
from policies.idempotency import Claim, Ledger, purge_claims
from policies.tables import idempotency_claims
from tests.purging import all_purged, purged

WISH = ("crm", "POST /v1/things", "key-1", "f" * 64)
things = Table("things", MetaData(), Column("name", String(20), primary_key=True))


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, 0, 0, 123456, UTC)

    def __call__(self) -> datetime:
        return self.now


def encode(answer: Any) -> Answer:
    return Answer(202, {"location": f"/v1/things/{answer}"}, f'"{answer}"'.encode())


def replayed(answer: str) -> Answer:
    return encode(answer).with_headers({"idempotency-replayed": "true"})


async def claimed(ledger: Ledger, wish: tuple[str, str, str, str] = WISH, **more: Any) -> Claim:
    claim = await ledger.claim(*wish, encode=encode, **more)
    assert isinstance(claim, Claim)
    return claim


async def settled(claim: Claim, answer: str) -> None:
    async with claim.settle() as settlement:
        settlement.answer = answer


async def rows(store: AsyncEngine, table: Table = idempotency_claims) -> int:
    async with store.connect() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


async def with_things(store: AsyncEngine) -> None:
    async with store.begin() as connection:
        await connection.run_sync(things.drop, checkfirst=True)
        await connection.run_sync(things.create)


async def write(connection: AsyncConnection, name: str) -> None:
    await connection.execute(insert(things).values(name=name))


async def test_of_twenty_calls_at_once_exactly_one_wins(store: AsyncEngine) -> None:
    ledger = Ledger(store)
    outcomes = await asyncio.gather(*(ledger.claim(*WISH, encode=encode) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(outcome, Claim) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, IdempotencyKeyInFlight) for outcome in outcomes) == 19
    assert await rows(store) == 1


async def test_twenty_repeats_act_once_and_all_hear_the_same_answer(store: AsyncEngine) -> None:
    """What clients do: repeat until they hear an answer that is none of "in flight"."""
    await with_things(store)
    ledger = Ledger(store)

    async def call(number: int) -> bytes:
        while True:
            try:
                claim = await ledger.look_up(*WISH) or await ledger.claim(*WISH, encode=encode)
            except IdempotencyKeyInFlight:
                await asyncio.sleep(0.01)
                continue
            if isinstance(claim, Answer):
                return claim.body
            async with claim, claim.settle() as settlement:
                await write(settlement.connection, "the only one")
                settlement.answer = f"by {number}"
            return encode(settlement.answer).body

    answers = await asyncio.gather(*(call(number) for number in range(20)))
    assert len(set(answers)) == 1
    assert await rows(store, things) == 1


async def test_a_settled_answer_is_replayed_word_for_word(store: AsyncEngine) -> None:
    ledger = Ledger(store)
    assert await ledger.look_up(*WISH) is None
    await settled(await claimed(ledger), "a")
    assert await ledger.look_up(*WISH) == replayed("a")
    assert await ledger.claim(*WISH, encode=encode) == replayed("a")


async def test_while_the_first_call_works_its_repeat_is_in_flight(store: AsyncEngine) -> None:
    ledger = Ledger(store)
    await claimed(ledger)
    with pytest.raises(IdempotencyKeyInFlight) as refused:
        await ledger.look_up(*WISH)
    assert refused.value.retry_after_s >= 1


async def test_another_payload_is_refused_in_flight_and_after(store: AsyncEngine) -> None:
    ledger, other = Ledger(store), (*WISH[:3], "0" * 64)
    claim = await claimed(ledger)
    with pytest.raises(IdempotencyKeyReused):
        await ledger.look_up(*other)
    await settled(claim, "a")
    with pytest.raises(IdempotencyKeyReused):
        await ledger.claim(*other, encode=encode)


@pytest.mark.parametrize("position", [0, 1, 2], ids=["client", "operation", "key"])
async def test_a_key_is_one_clients_for_one_operation(store: AsyncEngine, position: int) -> None:
    ledger = Ledger(store)
    await settled(await claimed(ledger), "a")
    parts = list(WISH)
    parts[position] = "other"
    other = (parts[0], parts[1], parts[2], parts[3])
    assert await ledger.look_up(*other) is None
    await claimed(ledger, other)


async def test_rows_and_answer_come_about_together_or_not_at_all(store: AsyncEngine) -> None:
    await with_things(store)
    ledger = Ledger(store)
    with pytest.raises(LookupError):
        async with await claimed(ledger) as claim, claim.settle() as settlement:
            await write(settlement.connection, "x")
            settlement.answer = "a"
            raise LookupError
    assert await rows(store, things) == 0
    assert await rows(store) == 0  # and the key is free again

    async with await claimed(ledger) as claim, claim.settle() as settlement:
        await write(settlement.connection, "x")
        settlement.answer = "a"
    assert await rows(store, things) == 1
    assert await ledger.look_up(*WISH) == replayed("a")


async def test_a_broken_rule_of_the_process_reaches_the_process(store: AsyncEngine) -> None:
    await with_things(store)
    async with store.begin() as connection:
        await write(connection, "x")
    claim = await claimed(Ledger(store))
    with pytest.raises(IntegrityError):
        async with claim, claim.settle() as settlement:
            await write(settlement.connection, "x")
    assert await rows(store) == 0


async def test_a_settlement_without_an_answer_is_a_mistake(store: AsyncEngine) -> None:
    claim = await claimed(Ledger(store))
    with pytest.raises(RuntimeError, match="without an answer"):
        async with claim.settle():
            pass
    assert not claim.settled


async def test_a_refused_call_gives_its_key_back(store: AsyncEngine) -> None:
    ledger = Ledger(store)
    with pytest.raises(LookupError):
        async with await claimed(ledger):
            raise LookupError
    await claimed(ledger, (*WISH[:3], "0" * 64))


async def test_a_call_whose_caller_hung_up_gives_its_key_back(store: AsyncEngine) -> None:
    ledger, started = Ledger(store), asyncio.Event()

    async def work() -> None:
        async with await claimed(ledger):
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await rows(store) == 0


async def test_hanging_up_twice_does_not_keep_the_key(store: AsyncEngine) -> None:
    """The second cancellation meets the release at work; it must not stop it."""
    ledger, started = Ledger(store), asyncio.Event()

    async def work() -> None:
        async with await claimed(ledger):
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        while await rows(store):  # noqa: ASYNC110  the store tells nobody when a row is gone
            await asyncio.sleep(0.01)


async def test_a_call_cut_off_in_mid_settlement_leaves_nothing(store: AsyncEngine) -> None:
    await with_things(store)
    ledger, started = Ledger(store), asyncio.Event()

    async def work() -> None:
        async with await claimed(ledger) as claim, claim.settle() as settlement:
            await write(settlement.connection, "x")
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await rows(store), await rows(store, things)) == (0, 0)


async def test_giving_back_after_settling_keeps_the_answer(store: AsyncEngine) -> None:
    ledger = Ledger(store)
    claim = await claimed(ledger)
    await settled(claim, "a")
    await claim.release()
    assert await ledger.look_up(*WISH) == replayed("a")


async def test_a_later_answer_replaces_the_first(store: AsyncEngine) -> None:
    ledger = Ledger(store)
    claim = await claimed(ledger)
    await settled(claim, "accepted")
    await claim.replace("done")
    assert await ledger.look_up(*WISH) == replayed("done")


async def test_a_dead_holders_key_is_taken_over_by_exactly_one(store: AsyncEngine) -> None:
    clock = Clock()
    ledger = Ledger(store, lease=timedelta(seconds=60), clock=clock)
    await claimed(ledger)
    clock.now += timedelta(seconds=59, milliseconds=999)
    with pytest.raises(IdempotencyKeyInFlight):
        await ledger.claim(*WISH, encode=encode)
    clock.now += timedelta(milliseconds=1)
    assert await ledger.look_up(*WISH) is None
    outcomes = await asyncio.gather(*(ledger.claim(*WISH, encode=encode) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(outcome, Claim) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, IdempotencyKeyInFlight) for outcome in outcomes) == 19


async def test_a_repeat_is_told_to_come_when_the_key_of_a_dead_holder_is_free(store: AsyncEngine) -> None:
    clock = Clock()
    ledger = Ledger(store, lease=timedelta(seconds=60), clock=clock)
    await claimed(ledger)
    waits: list[int] = []
    while not waits or sum(waits) < 60:
        with pytest.raises(IdempotencyKeyInFlight) as refused:
            await ledger.look_up(*WISH)
        waits.append(refused.value.retry_after_s)
        clock.now += timedelta(seconds=waits[-1])
    assert waits == [1, 1, 2, 4, 8, 16, 28]
    assert await ledger.look_up(*WISH) is None


async def test_a_former_holder_that_wakes_up_can_neither_settle_nor_replace_nor_release(store: AsyncEngine) -> None:
    await with_things(store)
    clock = Clock()
    ledger = Ledger(store, lease=timedelta(seconds=60), clock=clock)
    former = await claimed(ledger)
    clock.now += timedelta(seconds=61)
    current = await claimed(ledger)

    await former.release()
    with pytest.raises(IdempotencyKeyInFlight):
        async with former.settle() as settlement:
            await write(settlement.connection, "x")
    assert not former.settled
    assert await rows(store, things) == 0

    await settled(current, "current")
    with pytest.raises(IdempotencyKeyInFlight):
        await settled(former, "former")
    with pytest.raises(IdempotencyKeyInFlight):
        await former.replace("former")
    assert await ledger.look_up(*WISH) == replayed("current")


async def test_a_late_holder_that_nobody_replaced_may_still_settle(store: AsyncEngine) -> None:
    clock = Clock()
    ledger = Ledger(store, clock=clock)
    claim = await claimed(ledger)
    clock.now += timedelta(hours=1)
    await settled(claim, "late")
    assert await ledger.look_up(*WISH) == replayed("late")


async def test_a_take_over_waits_for_a_settlement_that_has_begun(store: AsyncEngine) -> None:
    clock = Clock()
    ledger = Ledger(store, clock=clock)
    claim = await claimed(ledger)
    clock.now += timedelta(hours=1)
    async with claim.settle() as settlement:
        rival = asyncio.create_task(ledger.claim(*WISH, encode=encode))
        done, _ = await asyncio.wait([rival], timeout=0.2)
        assert not done
        settlement.answer = "first"
    assert await rival == replayed("first")


async def test_what_a_dead_process_had_claimed_is_anybodys_at_once(store: AsyncEngine) -> None:
    dead, living = Ledger(store, executor="exe_1"), Ledger(store, executor="exe_2")
    lost = await claimed(dead)
    settling = await claimed(dead, ("crm", "op", "settled", "f" * 64))
    await settled(settling, "kept")
    working = await claimed(living, ("crm", "op", "living", "f" * 64))
    with pytest.raises(IdempotencyKeyInFlight):
        await living.look_up(*WISH)
    assert await living.let_go("exe_1") == 0
    assert await living.look_up(*WISH) is None
    taken = await claimed(living)
    with pytest.raises(IdempotencyKeyInFlight):  # it was only frozen, and wakes up: nothing of it is written
        async with lost.settle() as settlement:
            settlement.answer = "twice"
    await settled(taken, "by another one")
    assert await living.look_up(*WISH) == replayed("by another one")
    assert await living.look_up("crm", "op", "settled", "f" * 64) == replayed("kept")
    await settled(working, "undisturbed")


async def test_who_was_taken_for_dead_and_replaced_by_nobody_may_still_settle(store: AsyncEngine) -> None:
    asleep, living = Ledger(store, executor="exe_1"), Ledger(store, executor="exe_2")
    claim = await claimed(asleep)
    assert await living.let_go("exe_1") == 0
    await settled(claim, "awake")
    assert await living.look_up(*WISH) == replayed("awake")


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
async def test_a_settlement_that_has_begun_is_not_waited_for_and_decides_itself(store: AsyncEngine) -> None:
    """On a server: who is gone on a file was its only process, and is in no transaction."""
    asleep, living = Ledger(store, executor="exe_1"), Ledger(store, executor="exe_2")
    claim, other = await claimed(asleep), await claimed(asleep, ("crm", "op", "other", "f" * 64))
    async with claim.settle() as settlement:
        assert await asyncio.wait_for(living.let_go("exe_1"), 2) == 1
        assert await living.look_up("crm", "op", "other", "f" * 64) is None
        settlement.answer = "first"
    assert await living.let_go("exe_1") == 0
    assert await living.look_up(*WISH) == replayed("first")
    await other.release()


async def test_what_earlier_boots_of_the_only_process_had_claimed_is_free_when_it_starts(store: AsyncEngine) -> None:
    await claimed(Ledger(store))  # of a release that did not name itself
    await claimed(Ledger(store, executor="exe_1"), ("crm", "op", "named", "f" * 64))
    booted = Ledger(store, executor="exe_2")
    own = await claimed(booted, ("crm", "op", "own", "f" * 64))
    assert await booted.let_go(None) == 0
    assert await booted.look_up(*WISH) is None
    assert await booted.look_up("crm", "op", "named", "f" * 64) is None
    with pytest.raises(IdempotencyKeyInFlight):
        await booted.look_up("crm", "op", "own", "f" * 64)
    await settled(own, "own")


async def test_an_answer_is_kept_as_long_as_promised_and_then_purged(store: AsyncEngine) -> None:
    clock = Clock()
    ledger = Ledger(store, clock=clock)
    await settled(await claimed(ledger, kept=timedelta(days=7)), "order")
    await settled(await claimed(ledger, ("crm", "other", "k", "f" * 64)), "day")
    clock.now += timedelta(hours=24)
    assert await purged(store, purge_claims, clock()) == 1
    clock.now += timedelta(days=6) - timedelta(microseconds=1)
    assert await ledger.look_up(*WISH) == replayed("order")
    clock.now += timedelta(microseconds=1)
    assert await ledger.look_up(*WISH) is None
    claim = await claimed(ledger, (*WISH[:3], "0" * 64))  # not purged yet, but nobody's any more
    assert await purged(store, purge_claims, clock()) == 0
    await settled(claim, "anew")


async def test_much_that_is_over_is_forgotten_bit_by_bit(store: AsyncEngine) -> None:
    clock = Clock()
    ledger = Ledger(store, clock=clock)
    for number in range(12):
        await settled(await claimed(ledger, ("crm", "op", f"k{number}", "f" * 64)), "old")
    clock.now += timedelta(hours=24)
    await settled(await claimed(ledger), "young")
    assert await all_purged(store, purge_claims, clock(), most=5) == [5, 5, 2]
    assert await ledger.look_up(*WISH) == replayed("young")


async def test_a_store_that_cannot_be_reached_is_said_to_be_unavailable_and_nothing_is_quoted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = set(threading.enumerate())
    for url in (f"sqlite+aiosqlite:///{tmp_path}/no/such.db", "postgresql+psycopg://u:secret-word@127.0.0.1:1/x"):
        engine = create_async_engine(url)
        ledger = Ledger(engine)
        for attempt in (ledger.look_up(*WISH), ledger.claim(*WISH, encode=encode), ledger.let_go("exe_1")):
            with pytest.raises(StoreUnavailable) as refused:
                await attempt
            assert refused.value.__suppress_context__
        await engine.dispose()
    assert "key-1" not in caplog.text
    assert "secret-word" not in caplog.text
    for left in set(threading.enumerate()) - before:
        if "_connection_worker_thread" in left.name:  # aiosqlite's: it still has a word for this loop, before that ends
            left.join()


async def test_a_release_that_fails_leaves_the_first_error_to_the_caller(store: AsyncEngine) -> None:
    narrow = create_async_engine(store.url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    claim = await claimed(Ledger(narrow))
    async with narrow.connect():  # the only connection: the release gets none
        with pytest.raises(LookupError):
            async with claim:
                raise LookupError
        with pytest.raises(StoreUnavailable):
            await Ledger(narrow).look_up(*WISH)
    assert await rows(store) == 1
    await narrow.dispose()


async def test_a_key_that_could_not_be_given_back_is_as_soon_as_the_store_answers(store: AsyncEngine) -> None:
    narrow = create_async_engine(store.url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    ledger = Ledger(narrow)
    claim = await claimed(ledger)
    async with narrow.connect():
        await claim.release()
        with pytest.raises(StoreUnavailable):
            await ledger.give_back()
    assert await rows(store) == 1
    await ledger.give_back()
    assert await rows(store) == 0
    await settled(await claimed(ledger), "another one's")
    await ledger.give_back()
    assert await ledger.look_up(*WISH) == replayed("another one's")
    await narrow.dispose()
