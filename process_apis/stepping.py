"""Forward, step by step: how an operation gets over a neighbour that is down, and how it notices that it is no longer
the one to act. Each step is remembered by the engine, shown in our tables, and harmless when it runs twice.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar

from msgspec import Struct, field
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from process_apis import operation_rows as rows
from process_apis import step_rows
from process_apis.durable import Durable
from process_apis.errors import NoSourceAnswered
from process_apis.exceptions import Finding, after_step, opened
from process_apis.operations import Operation, State, WaitingFor, order_id_of
from process_apis.outbox import append_event
from process_apis.patience import through_outages
from process_apis.tables import operations
from system_apis.deadline import Deadline
from system_apis.errors import SystemRefused, SystemUnavailable, UpstreamError

T = TypeVar("T")
log = logging.getLogger("ordergate.operations")

STEP_S = 30.0
"""How long one attempt at a step may take; waiting for a neighbour happens between attempts."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
_MOST_DOUBLINGS = 10


class Done(Struct, Generic[T], frozen=True, tag="done"):
    value: T


class Wait(Struct, frozen=True, tag="wait"):
    """The neighbour did not do it; ask again after a pause."""

    delay_s: float


class Refused(Struct, frozen=True, tag="refused"):
    """The neighbour understood and said no; `code` and `text` are its own."""

    instance: str
    code: str
    text: str
    system: str = "erp"


class Lost(Struct, frozen=True, tag="lost"):
    """The operation moved without us: cancelled, or taken over by another process."""


class Superseded(Exception):
    """This execution has nothing more to do for the operation."""


Guard = Callable[[], Awaitable[None]]
"""Asked right before a write to a neighbour; raises Superseded where somebody else acts by now."""


class NotYet(Exception):
    """A step cannot go on now, though no neighbour failed; it is tried again after `delay_s`.

    None: after a pause that grows, as after a failure.
    """

    def __init__(self, instance: str, reason: str, delay_s: float | None = None, *, system: str | None = None) -> None:
        super().__init__(reason)
        self.system = system
        self.instance = instance
        self.delay_s = delay_s


class Obstacle(Struct, frozen=True):
    """Why a step cannot go on now, whom it waits for, and for how long. `system`: None if that is the step's own."""

    system: str | None
    instance: str
    reason: str
    delay_s: float


class Note(Struct, frozen=True):
    """What a finished step leaves in our tables, in one transaction: columns, findings, an event, perhaps a new state.

    `release` names the quote lines that another operation may convert from now on; None releases none.
    """

    columns: dict[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    state: State | None = None
    event: str | None = None
    release: tuple[str, ...] = ()


def say_nothing(_value: Any) -> Note:
    return Note()


def utc_now() -> datetime:
    return datetime.now(UTC)


def step_deadline() -> Deadline:
    return Deadline.after(STEP_S)


async def until_over(
    durable: Durable, name: str, attempt: Callable[[int], Awaitable[Done[Any] | Wait | Refused | Lost]], shape: Any
) -> Done[Any] | Refused | Lost:
    """Attempt a step (the first time, the second …) through any number of outages and restarts, until it does not ask
    to wait any more. `attempt` must be harmless when it runs twice; `shape` is the type of what it gets done."""
    attempts = 1
    while True:
        once_more = partial(through_outages, partial(attempt, attempts))
        outcome: Any = await durable.step(name, once_more, Done[shape] | Wait | Refused | Lost)
        if not isinstance(outcome, Wait):
            return outcome  # type: ignore[no-any-return]
        await durable.sleep(outcome.delay_s)
        attempts += 1


def obstacle(trouble: UpstreamError | NoSourceAnswered | NotYet, attempts: int) -> Obstacle | Refused:
    """What stands in the way after so many attempts: something that passes, or a no."""
    if isinstance(trouble, SystemRefused) and not trouble.safe_to_repeat:
        return Refused(trouble.instance, trouble.code, trouble.message, trouble.kind)
    if isinstance(trouble, NotYet):
        delay_s = _pause_s(attempts) if trouble.delay_s is None else trouble.delay_s
        return Obstacle(trouble.system, trouble.instance, str(trouble), delay_s)
    if isinstance(trouble, NoSourceAnswered):
        return Obstacle("source", ", ".join(trouble.systems), str(trouble), _pause_s(attempts))
    wished = trouble.retry_after_s if isinstance(trouble, SystemUnavailable) else None
    pause_s = max(_pause_s(attempts), min(wished or 0.0, LONGEST_PAUSE_S))
    return Obstacle(trouble.kind, trouble.instance, str(trouble), pause_s)


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of one operation by the engine of this process."""

    operation_id: str
    store: AsyncEngine
    durable: Durable
    clock: Callable[[], datetime] = utc_now

    async def forward(
        self,
        name: str,
        state: State,
        body: Callable[[], Awaitable[T]],
        shape: Any,
        *,
        system: str | None = None,
        note: Callable[[T], Note] = say_nothing,
        entering: dict[str, Any] | None = None,
    ) -> T | Refused:
        """Do a step until it is done or refused, through any number of outages and restarts.

        The step runs in `state`, which the operation enters if it is not there yet, changing the columns `entering`.
        Raises Superseded as soon as the operation is no longer ours.
        """

        async def attempt(attempts: int) -> Done[T] | Wait | Refused | Lost:
            return await self._attempt(name, state, body, system, note, entering or {}, attempts)

        outcome = await until_over(self.durable, name, attempt, shape)
        if isinstance(outcome, Lost):
            raise Superseded(self.operation_id)
        return outcome if isinstance(outcome, Refused) else outcome.value

    async def before_write(self, state: State) -> None:
        """Right before a write to a neighbour: raises Superseded if the operation is no longer ours, or not in `state`.

        A step may have read and simulated for long since it began; a replica that was frozen meanwhile finds out here.
        """
        async with self.store.connect() as connection:
            if not await self.still_ours(connection, state):
                raise Superseded(self.operation_id)

    async def still_ours(self, connection: AsyncConnection, state: State) -> bool:
        return await rows.is_ours(connection, self.operation_id, state, executor=self.durable.executor_id)

    async def _attempt(  # noqa: PLR0917  the body of `forward`, with its very parameters
        self,
        name: str,
        state: State,
        body: Callable[[], Awaitable[T]],
        system: str | None,
        note: Callable[[T], Note],
        entering: dict[str, Any],
        attempts: int,
    ) -> Done[T] | Wait | Refused | Lost:
        try:
            await self._begin(name, state, system, entering)
            value = await body()
            await self._end(name, "ok", note(value))
        except Superseded:
            return Lost()
        except (UpstreamError, NotYet) as trouble:
            met = obstacle(trouble, attempts)
            if isinstance(met, Refused):
                await self._end(name, "refused", Note())
                return met
            return await self._wait(name, system, met)
        return Done(value)

    async def _begin(self, name: str, state: State, system: str | None, entering: dict[str, Any]) -> None:
        executor, at = self.durable.executor_id, self.clock()
        async with self.store.begin() as connection:
            await step_rows.begin(connection, self.operation_id, name, system, at)
            entered = await rows.enter(connection, self.operation_id, state, at, executor=executor, **entering)
            if not entered and not await self._change(connection, operations.c.state == state):
                raise Superseded(self.operation_id)  # and nothing of this transaction is kept

    async def _end(self, name: str, outcome: str, note: Note) -> None:
        at = self.clock()
        async with self.store.begin() as connection:
            await step_rows.end(connection, self.operation_id, name, outcome, at)
            operation = await self._loaded(connection)
            fresh = tuple(
                opened(one, step=name, at=at, correlation_id=operation.correlation_id) for one in note.findings
            )
            changes = {
                **note.columns,
                "exceptions": after_step(operation.exceptions, name, fresh),
                "waiting_for": None,
                "retry_at": None,
            }
            await self._write(connection, note.state, at, changes)
            if note.release:
                await rows.release_lines(connection, self.operation_id, note.release)
            if note.event:
                await tell(connection, await self._loaded(connection), note.event)

    async def _write(
        self, connection: AsyncConnection, state: State | None, at: datetime, changes: dict[str, Any]
    ) -> None:
        executor = self.durable.executor_id
        if state is None:
            written = await self._change(connection, **changes)
        else:
            written = await rows.enter(connection, self.operation_id, state, at, executor=executor, **changes)
        if not written:
            raise Superseded(self.operation_id)

    async def _wait(self, name: str, system: str | None, met: Obstacle) -> Wait | Lost:
        log.info("operation %s waits %.1f s in %s: %s", self.operation_id, met.delay_s, name, met.reason)
        at = self.clock()
        async with self.store.begin() as connection:
            await step_rows.end(connection, self.operation_id, name, "waiting", at)
            before = (await self._loaded(connection)).waiting_for
            since = before.since if before and before.instance == met.instance else at
            waiting = WaitingFor(met.system or system or "ordergate", met.instance, since)
            ours = await self._change(connection, waiting_for=waiting, retry_at=at + timedelta(seconds=met.delay_s))
        return Wait(met.delay_s) if ours else Lost()

    async def _change(self, connection: AsyncConnection, *conditions: Any, **changes: Any) -> bool:
        owned = operations.c.executor == self.durable.executor_id
        return await rows.change(connection, self.operation_id, self.clock(), owned, *conditions, **changes)

    async def _loaded(self, connection: AsyncConnection) -> Operation:
        operation = await rows.load(connection, self.operation_id)
        if operation is None:
            raise Superseded(self.operation_id)
        return operation


async def tell(connection: AsyncConnection, operation: Operation, event: str) -> None:
    """Write an event about the operation, in the transaction that changed it."""
    await append_event(
        connection,
        event,
        subject=operation.operation_id,
        customer=operation.customer,
        correlation_id=operation.correlation_id,
        traceparent=operation.traceparent,
        data={
            "operationId": operation.operation_id,
            "quoteId": operation.quote_id,
            "quoteVersion": operation.quote_version,
            "state": operation.state,
            "orderId": order_id_of(operation),
        },
    )


def _pause_s(attempts: int) -> float:
    """Longer with each attempt."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * float(2 ** min(attempts - 1, _MOST_DOUBLINGS)))
