"""Two replicas, one PostgreSQL, every order of events: what a key does is what a few lines of a model say it does.

Calls overlap for real: a settlement may be held open, with its row written and not committed, while the other replica
asks for the same key. Calls may be left behind, as by a killed process, and clocks move.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Column, Integer, MetaData, String, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from policies.answer import Answer
from policies.errors import IdempotencyKeyInFlight, IdempotencyKeyReused
from policies.idempotency import Claim, Ledger, purge_claims
from policies.tables import idempotency_claims, metadata
from tests.postgres import postgres  # noqa: F401  a fixture
from tests.purging import purged

STEPS = [
    timedelta(0),
    timedelta(0),
    timedelta(seconds=59),
    timedelta(seconds=61),
    timedelta(seconds=61),
    timedelta(hours=23),
    timedelta(days=3),
]
LEASE, KEPT = timedelta(seconds=60), timedelta(hours=24)
START = datetime(2026, 11, 20, 12, tzinfo=UTC)
deeds = Table(
    "deeds", MetaData(), Column("number", Integer, primary_key=True, autoincrement=False), Column("key", String(8))
)


@dataclass
class Holding:
    """A call that owns a key, or believes so. `number` is what it is about to do."""

    key: str
    payload: str
    number: int
    claim: Claim
    until: datetime


@dataclass
class Known:
    """The model of a key: who holds it, or what was answered."""

    payload: str
    holder: int
    until: datetime
    answered: bool = False

    def is_free(self, now: datetime) -> bool:
        return now >= self.until


def encode(number: Any) -> Answer:
    return Answer(202, {}, str(number).encode())


class TwoReplicas(RuleBasedStateMachine):
    server = ""
    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.now = START
        self.model: dict[str, Known] = {}
        self.done: dict[int, str] = {}
        self.numbers = iter(range(1, 10_000))
        self.open: tuple[Holding, AsyncExitStack] | None = None
        self.engines = [create_async_engine(self.server, pool_size=4) for _ in range(2)]
        self.ledgers = [Ledger(engine, lease=LEASE, clock=lambda: self.now) for engine in self.engines]
        self.run(self.emptied())

    def run(self, doing: Any) -> Any:
        return self.runner.run(doing)

    async def emptied(self) -> None:
        async with self.engines[0].begin() as connection:
            for tables in (metadata, deeds.metadata):
                await connection.run_sync(tables.create_all)
            await connection.execute(delete(idempotency_claims))
            await connection.execute(delete(deeds))

    def teardown(self) -> None:
        if self.open:
            self.run(self.open[1].aclose())
        for engine in self.engines:
            self.run(engine.dispose())
        self.runner.close()

    def is_busy(self, key: str) -> bool:
        return self.open is not None and self.open[0].key == key

    @rule(
        target=held,
        replica=st.integers(0, 1),
        key=st.sampled_from("ab"),
        payload=st.sampled_from("1112"),
        later=st.sampled_from(STEPS),
        purging=st.sampled_from([None, None, 0, 1]),
    )
    def ask(self, replica: int, key: str, payload: str, later: timedelta, purging: int | None) -> Any:
        """A call comes in after a while, as the stack treats it: looked up, then claimed."""
        assume(not self.is_busy(key))
        if self.open is None:
            self.time_passes(later, None if purging is None else self.engines[purging])
        known, ledger = self.model.get(key), self.ledgers[replica]
        wish = ("crm", "POST /v1/things", key, payload * 64)
        if known is None or known.is_free(self.now):
            assert self.run(ledger.look_up(*wish)) is None
            claim = self.run(ledger.claim(*wish, encode=encode, kept=KEPT))
            assert isinstance(claim, Claim)
            number = next(self.numbers)
            self.model[key] = Known(payload, number, self.now + LEASE)
            return Holding(key, payload, number, claim, self.now + LEASE)
        for attempt in (ledger.look_up(*wish), ledger.claim(*wish, encode=encode, kept=KEPT)):
            self.expect(known, payload, attempt)
        return multiple()

    def expect(self, known: Known, payload: str, attempt: Any) -> None:
        if known.payload != payload:
            with pytest.raises(IdempotencyKeyReused):
                self.run(attempt)
        elif known.answered:
            answer = self.run(attempt)
            assert (answer.body, answer.headers["idempotency-replayed"]) == (str(known.holder).encode(), "true")
        else:
            with pytest.raises(IdempotencyKeyInFlight):
                self.run(attempt)

    def owns(self, holding: Holding) -> bool:
        known = self.model.get(holding.key)
        return known is not None and known.holder == holding.number and not known.answered

    @precondition(lambda self: self.open is None)
    @rule(holding=consumes(held))
    def begin_to_settle(self, holding: Holding) -> None:
        """The deed and the answer are written, nothing is committed yet.

        The call may have been asleep for long, and another one may own the key by now: then nothing is written.
        """
        stack = AsyncExitStack()

        async def begun() -> None:
            settlement = await stack.enter_async_context(holding.claim.settle())
            await settlement.connection.execute(insert(deeds).values(number=holding.number, key=holding.key))
            settlement.answer = holding.number

        if self.owns(holding):
            self.run(begun())
            self.open = (holding, stack)
        else:
            with pytest.raises(IdempotencyKeyInFlight):
                self.run(begun())

    @precondition(lambda self: self.open is not None)
    @rule(meanwhile=st.booleans(), replica=st.integers(0, 1), payload=st.sampled_from(["1", "2"]))
    def commit(self, meanwhile: bool, replica: int, payload: str) -> None:
        """It is committed; perhaps a call for the key has waited for that on a replica."""
        assert self.open is not None
        holding, stack = self.open
        self.open = None
        known = self.model[holding.key] = Known(holding.payload, holding.number, self.now + KEPT, answered=True)
        self.done[holding.number] = holding.key
        wish = ("crm", "POST /v1/things", holding.key, payload * 64)

        async def both() -> Any:
            waiting = asyncio.create_task(self.ledgers[replica].claim(*wish, encode=encode, kept=KEPT))
            await asyncio.sleep(0.005)  # so that it is under way; nothing depends on how far
            await stack.aclose()
            return await waiting

        if meanwhile:
            self.expect(known, payload, both())
        else:
            self.run(stack.aclose())

    @precondition(lambda self: self.open is not None)
    @rule()
    def fail_to_commit(self) -> None:
        """The process is cut off before the commit: neither the deed nor the answer is there."""
        assert self.open is not None
        holding, stack = self.open
        self.open = None

        async def cut_off() -> None:
            async with stack:
                raise ConnectionAbortedError

        with pytest.raises(ConnectionAbortedError):
            self.run(cut_off())
        self.run(holding.claim.release())
        if self.owns(holding):
            del self.model[holding.key]

    @rule(holding=consumes(held))
    def give_back(self, holding: Holding) -> None:
        """A refusal: the call ends without having settled. One that is killed gives nothing back: it is never seen
        again, and only its lease ends."""
        assume(not self.is_busy(holding.key))
        self.run(holding.claim.release())
        if self.owns(holding):
            del self.model[holding.key]

    def time_passes(self, later: timedelta, purging: AsyncEngine | None) -> None:
        self.now += later
        if purging is not None:
            self.run(purged(purging, purge_claims, self.now))
            for key in [key for key, known in self.model.items() if self.purgeable(known)]:
                del self.model[key]

    def purgeable(self, known: Known) -> bool:
        """A lost claim is kept as long as an answer would have been, for the fingerprint's sake."""
        return self.now >= (known.until if known.answered else known.until + KEPT)

    @invariant()
    def what_was_done_is_what_was_answered(self) -> None:
        async def numbers() -> dict[int, str]:
            async with self.engines[0].connect() as connection:
                return {row.number: row.key for row in await connection.execute(select(deeds))}

        assert self.run(numbers()) == self.done


@pytest.fixture
def emptied_server(postgres: str) -> Iterator[str]:  # noqa: F811  the fixture
    yield postgres

    async def emptied() -> None:
        engine: AsyncEngine = create_async_engine(postgres)
        async with engine.begin() as connection:
            await connection.run_sync(deeds.metadata.drop_all)
        await engine.dispose()

    asyncio.run(emptied())


@pytest.mark.timeout(300)
def test_two_replicas_do_what_the_model_says(emptied_server: str) -> None:
    machine = type("OnThisServer", (TwoReplicas,), {"server": emptied_server})
    bounds = settings(
        max_examples=40,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[
            Phase.explicit,
            Phase.reuse,
            Phase.generate,
        ],  # to shrink a failure takes minutes; thirty steps can be read
    )
    run_state_machine_as_test(machine, settings=bounds)
