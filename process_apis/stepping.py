"""Forward, step by step: how an operation gets over a neighbour that is down, and how it notices that it is no longer
the one to act. Each step is remembered by the engine, shown in our tables, and harmless when it runs twice.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from process_apis import claimed_lines, exception_rows, step_rows
from process_apis import operation_rows as rows
from process_apis.durable import Durable
from process_apis.exceptions import ExceptionView, ended
from process_apis.operations import Operation, State, WaitingFor
from process_apis.outages import Done, NotYet, Obstacle, Refused, Wait, obstacle, step_deadline, until_over
from process_apis.telling import Note, say_nothing, tell
from process_apis.turns import Superseded
from system_apis.deadline import Deadline
from system_apis.errors import UpstreamError

T = TypeVar("T")
log = logging.getLogger("ordergate.operations")

_MOVED: dict[str, Any] = {"retry_at": None, "takeovers": 0}  # a step came to an end: no process died over it

Guard = Callable[[], Awaitable[Deadline]]
"""Asked right before a write to a neighbour: by when it must have left, counted from before the question was asked. Who
is frozen between the two sends nothing when it wakes up late. Raises Superseded where somebody else acts by now."""


@dataclass(frozen=True, slots=True)
class Task(Generic[T]):
    """A step and all that belongs to it; see `Run.forward`."""

    name: str
    state: State
    body: Callable[[], Awaitable[T]]
    shape: Any
    system: str | None
    note: Callable[[T], Note]
    entering: dict[str, Any]


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of one operation by the engine of this process."""

    operation_id: str
    store: AsyncEngine
    durable: Durable
    clock: Callable[[], datetime] = utc_now
    run: int = 1

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
        What an earlier run brought about is not done again. Raises Superseded once the operation is no longer ours.
        """
        task = Task(name, state, body, shape, system, note, entering or {})

        async def attempt(attempts: int) -> Done[T] | Wait | Refused:
            return await self._attempt(task, attempts)

        outcome = await until_over(self.durable, name, attempt, shape)
        return outcome if isinstance(outcome, Refused) else outcome.value

    async def before_write(self, state: State) -> Deadline:
        """Right before a write to a neighbour: raises Superseded if the operation is no longer ours, or not in `state`.

        A step may have read and simulated for long since it began; a replica that was frozen meanwhile finds out here.
        One that is frozen right after this finds out by the deadline, which began before.
        """
        deadline = step_deadline()
        async with self.store.connect() as connection:
            if not await self.still_ours(connection, state):
                raise Superseded(self.operation_id)
        return deadline

    async def still_ours(self, connection: AsyncConnection, state: State) -> bool:
        return await rows.is_ours(connection, self.operation_id, state, executor=self.token)

    @property
    def token(self) -> str:
        """Stands in the operation's row for as long as this execution is the one to act."""
        return self.durable.turn().token

    async def _attempt(self, task: Task[T], attempts: int) -> Done[T] | Wait | Refused:
        try:
            if (self.run > 1 or self.durable.turn().again) and (kept := await self._kept(task)) is not None:
                return kept
            await self._begin(task)
            value = await task.body()
            note = task.note(value)
            await self._end(task.name, note.outcome, note, Done(value))
        except (UpstreamError, NotYet) as trouble:
            met = obstacle(trouble, attempts, self.durable.longest_pause_s)
            if isinstance(met, Refused):
                await self._end(task.name, "refused", Note(), met)
                return met
            return await self._wait(task.name, task.system, met)
        return Done(value)

    async def _kept(self, task: Task[T]) -> Done[T] | Refused | None:
        """What an earlier run, or an earlier execution of this one, brought about in this step; None if that is to be
        done anew."""
        number = self.durable.step_number()
        async with self.store.connect() as connection:
            result = await step_rows.result_before(connection, self.operation_id, task.name, self.run, number)
        shape: Any = task.shape
        return None if result is None else msgspec.json.decode(result, type=Done[shape] | Refused)

    async def _begin(self, task: Task[T]) -> None:
        executor, at = self.token, self.clock()
        async with self.store.begin() as connection:
            tried = step_rows.Tried(task.name, task.system, task.state, self.run)
            await step_rows.begin(connection, self.operation_id, tried, at)
            entered = await rows.enter(
                connection, self.operation_id, task.state, at, executor=executor, stay=True, **task.entering
            )
            if entered is None:
                raise Superseded(self.operation_id)  # and nothing of this transaction is kept

    async def _end(self, name: str, outcome: str, note: Note, came: Done[Any] | Refused) -> None:
        at = self.clock()
        over = note.state != "actionRequired" and not note.anew
        result = msgspec.json.encode(came).decode() if over else None
        async with self.store.begin() as connection:
            number = self.durable.step_number()
            await step_rows.end(connection, self.operation_id, name, outcome, at, result, number=number)
            row = await self._written(connection, note.state, at, {**note.columns, **_MOVED, "waiting_for": None})
            if note.release:
                await claimed_lines.release(connection, self.operation_id, note.release)
            await self.durable.remember(connection, came)
            if row.has_met and (note.over or note.state == "expired"):
                await exception_rows.hold(connection, self.operation_id)
            operation = await rows.whole(connection, row)
            await exception_rows.report(connection, operation, name, note.findings, at)
            if note.over:
                gone = [one for one in operation.exceptions if _is_over(one, note.over)]
                await exception_rows.end_these(
                    connection, operation.subject, gone, exception_rows.Ending("resolved", at)
                )
            if note.state == "expired":  # nobody took the proposal, and what stood in its way does no longer matter
                expired = exception_rows.Ending("expired", at)
                await exception_rows.end_all(connection, await self._loaded(connection), expired)
            if note.event:
                await tell(connection, operation, note.event)
            for news in note.news:
                await tell(connection, operation, news.event, subject=news.subject, **news.data)

    async def _written(
        self, connection: AsyncConnection, state: State | None, at: datetime, changes: dict[str, Any]
    ) -> Row[Any]:
        executor, ident = self.token, self.operation_id
        if state is None:
            row = await rows.keep_to(connection, ident, at, executor=executor, **changes)
        else:
            row = await rows.enter(connection, ident, state, at, executor=executor, **changes)
        if row is None:
            raise Superseded(ident)
        return row

    async def _wait(self, name: str, system: str | None, met: Obstacle) -> Wait:
        log.info("operation %s waits %.1f s in %s: %s", self.operation_id, met.delay_s, name, met.reason)
        at = self.clock()
        retry_at = at + timedelta(seconds=met.delay_s)
        async with self.store.begin() as connection:
            await step_rows.end(connection, self.operation_id, name, "waiting", at)
            before = (await self._loaded(connection)).waiting_for
            same = before is not None and before.instance == met.instance
            since = before.since if before and same and not _window_is_over(before, met) else at
            waiting = met.waited_for(system or "ordergate", at, since)
            changes = {**_MOVED, "waiting_for": waiting, "retry_at": retry_at}
            operation = await rows.whole(connection, await self._written(connection, None, at, changes))
            await self.durable.remember(connection, Wait(met.delay_s))
            if not same:
                await tell(connection, operation, "operation.waiting", step=name, waitingFor=waiting.system)
        return Wait(met.delay_s)

    async def _loaded(self, connection: AsyncConnection) -> Operation:
        operation = await rows.load(connection, self.operation_id)
        if operation is None:
            raise Superseded(self.operation_id)
        return operation


def _window_is_over(before: WaitingFor, met: Obstacle) -> bool:
    """What was agreed beforehand is no age: that it is not there now counts from now on."""
    return before.reason == "maintenance" and met.rests_s is None


def _is_over(one: ExceptionView, codes: frozenset[str]) -> bool:
    return one.line_id is None and one.code in codes and not ended(one)
