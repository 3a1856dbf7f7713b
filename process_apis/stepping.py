"""Forward, step by step: how an operation gets over a neighbour that is down, and how it notices that it is no longer
the one to act. Each step is remembered by the engine, shown in our tables, and harmless when it runs twice.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from msgspec import Struct, field
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from process_apis import operation_rows as rows
from process_apis import step_rows
from process_apis.durable import Durable
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


class Lost(Struct, frozen=True, tag="lost"):
    """The operation moved without us: cancelled, or taken over by another process."""


class Superseded(Exception):
    """This execution has nothing more to do for the operation."""


class NotYet(Exception):
    """A step cannot go on now, though no neighbour failed; it is tried again after `delay_s`."""

    def __init__(self, instance: str, reason: str, delay_s: float) -> None:
        super().__init__(reason)
        self.instance = instance
        self.delay_s = delay_s


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

        async def attempt() -> Done[T] | Wait | Refused | Lost:
            return await through_outages(lambda: self._attempt(name, state, body, system, note, entering or {}))

        while True:
            outcome: Any = await self.durable.step(name, attempt, Done[shape] | Wait | Refused | Lost)
            match outcome:
                case Done():
                    value: T = outcome.value
                    return value
                case Refused():
                    return outcome
                case Wait():
                    await self.durable.sleep(outcome.delay_s)
                case _:
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
    ) -> Done[T] | Wait | Refused | Lost:
        try:
            attempts = await self._begin(name, state, system, entering)
            value = await body()
            await self._end(name, "ok", note(value))
        except Superseded:
            return Lost()
        except SystemRefused as no:
            if not no.safe_to_repeat:
                await self._end(name, "refused", Note())
                return Refused(no.instance, no.code, no.message)
            return await self._wait(name, system, no.instance, _pause_s(attempts, no), str(no))
        except UpstreamError as trouble:
            return await self._wait(name, system, trouble.instance, _pause_s(attempts, trouble), str(trouble))
        except NotYet as later:
            return await self._wait(name, system, later.instance, later.delay_s, str(later))
        return Done(value)

    async def _begin(self, name: str, state: State, system: str | None, entering: dict[str, Any]) -> int:
        executor, at = self.durable.executor_id, self.clock()
        async with self.store.begin() as connection:
            attempts = await step_rows.begin(connection, self.operation_id, name, system, at)
            entered = await rows.enter(connection, self.operation_id, state, at, executor=executor, **entering)
            if not entered and not await self._change(connection, operations.c.state == state):
                raise Superseded(self.operation_id)  # and nothing of this transaction is kept
        return attempts

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

    async def _wait(self, name: str, system: str | None, instance: str, delay_s: float, reason: str) -> Wait | Lost:
        log.info("operation %s waits %.1f s in %s: %s", self.operation_id, delay_s, name, reason)
        at = self.clock()
        async with self.store.begin() as connection:
            await step_rows.end(connection, self.operation_id, name, "waiting", at)
            before = (await self._loaded(connection)).waiting_for
            since = before.since if before and before.instance == instance else at
            waiting = WaitingFor(system or "ordergate", instance, since)
            ours = await self._change(connection, waiting_for=waiting, retry_at=at + timedelta(seconds=delay_s))
        return Wait(delay_s) if ours else Lost()

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


def _pause_s(attempts: int, trouble: UpstreamError) -> float:
    """Longer with each attempt, and never shorter than the neighbour asked for."""
    pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * float(2 ** min(attempts - 1, _MOST_DOUBLINGS)))
    wished = trouble.retry_after_s if isinstance(trouble, SystemUnavailable) else None
    return max(pause, min(wished or 0.0, LONGEST_PAUSE_S))
