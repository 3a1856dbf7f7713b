"""The durable engine behind a port of our own: start once, step, sleep, wait. DBOS stays behind `durable_engine`.

What a workflow must know: a finished step is never run again, the step in flight at a crash runs once more. The
engine keeps the results of steps as JSON; the truth about an operation is in our own tables, not in here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from itertools import count
from typing import Any, TypeVar

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from process_apis import durable_engine as engine
from process_apis.bells import Bells, Ring
from process_apis.chores import Chore, started
from process_apis.durable_engine import EngineTrouble
from process_apis.executor import Executor, cancelled
from process_apis.hands import Hands
from process_apis.patience import through_outages
from process_apis.takeover import AfterDeath, Gone
from process_apis.turns import Superseded, Turn, engine_id
from process_apis.words import new_id

T = TypeVar("T")
Workflow = Callable[[str], Awaitable[None]]

AT_ONCE = 32
"""Steps of operations that one process does at once; further ones wait for their turn."""
MOST_HELD = 500
"""Operations that one process has begun and that wait for nobody's decision; further ones stay in the table."""
START_S = 5.0
"""The longest that somebody waits for an operation to be started."""
LONGEST_PAUSE_S = 60.0
LOOK_EVERY_S, LOOK_NOW_AND_THEN_S = 2.0, 20.0
"""How often an operation that waits looks whether it missed its bell: where no other process can ring it, or can."""

log = logging.getLogger("ordergate.durable")


@dataclass(slots=True)
class _Step:
    """A step at work. `result`, as JSON, is on its way into the store or there."""

    place: engine.Place
    result: str | None = None


_at_work: ContextVar[_Step] = ContextVar("at_work")
_turn: ContextVar[Turn] = ContextVar("turn")
_begun_here: ContextVar[bool] = ContextVar("begun_here", default=False)


class Durable:
    """The engine of one process. Register workflows and chores, then `launch` on the running loop, `close` at the end.

    `at_once` bounds the steps that are done at the same time, `drain_s` is how long steps in flight may take to end
    when the process goes. A neighbour that fails is asked again after `longest_pause_s` at the latest.
    """

    def __init__(
        self,
        url: str,
        *,
        threads: int = 16,
        at_once: int = AT_ONCE,
        most_held: int = MOST_HELD,
        drain_s: float = 0.0,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self.longest_pause_s = longest_pause_s
        self.executor_id = new_id("exe")
        self._executor = Executor(url, self.executor_id, threads)
        self._most_held = most_held
        self._drain_s = drain_s
        self._serial = count(1)
        self._bodies: dict[str, Workflow] = {}
        self._after_death: dict[str, AfterDeath] = {}
        self._gone: Gone = _holds_nothing
        self._entries: dict[str, engine.Entry] = {}
        self._chores: list[tuple[float, Chore]] = []
        self._beside: set[asyncio.Task[Any]] = set()
        self._running: set[asyncio.Task[Any]] = set()
        self._hands = Hands(at_once)
        self._bells = Bells()
        self._closing = False

    def workflow(self, name: str, body: Workflow, *, after_death: AfterDeath | None = None) -> None:
        """`body` gets the operation id. It must do the same steps in the same order when it is run again.

        `after_death` hears of each process that died with an operation of this kind in its hands, and says whether the
        operation may run again.
        """
        self._bodies[name] = body
        self._after_death[name] = after_death or _runs_again

    def when_gone(self, gone: Gone) -> None:
        """`gone` lets go what an executor that is no more held beside its operations."""
        self._gone = gone

    def every(self, seconds: float, chore: Chore) -> None:
        """Do `chore` at launch and then every so often, for as long as the engine runs."""
        self._chores.append((seconds, chore))

    async def launch(self) -> None:
        """Start, and go on with what others left behind. Raises StoreTaken if another process works on the file."""
        self._closing = False
        entries = {name: self._entry(name, body) for name, body in self._bodies.items()}
        self._entries = await self._executor.open(
            entries, self._after_death, heard=self._heard, back=self._bells.ring_all, gone=self._gone
        )
        for seconds, chore in self._chores:
            self._keep(started(seconds, chore), self._beside)

    async def close(self) -> None:
        """Stop without finishing: what is unfinished goes on elsewhere, or at the next launch, from its last finished
        step. Steps in flight get `drain_s` to end."""
        self._closing = True
        await self._silence()
        await cancelled(self._running - self._hands.full)
        if self._drain_s and self._hands.full:
            await asyncio.wait(self._hands.full, timeout=self._drain_s)
        await cancelled(self._running)
        await self._executor.close()

    async def _silence(self) -> None:
        """No chores, no ringing."""
        await cancelled(self._beside)

    async def start_once(self, workflow: str, operation_id: str, run: int = 1) -> None:
        """Start this run of the operation unless it was started before, here or elsewhere.

        A failure here loses nothing, and neither does a process that has its hands full: the sweep starts it later. The
        engine waits for a store that is away as long as it takes; who asked for the operation does not.
        """
        if self._closing or self.room <= 0:
            await self._executor.ring_elsewhere(Ring("start", workflow, operation_id, run))
            return
        start = self._aside(self._start(workflow, operation_id, run))
        await asyncio.wait({start}, timeout=START_S)
        if start.done() and not start.cancelled():
            start.result()

    async def _start(self, workflow: str, operation_id: str, run: int) -> None:
        _begun_here.set(True)  # in a task of its own, and so for this start alone
        try:
            await engine.start(self._entries[workflow], engine_id(operation_id, run), operation_id, run)
        except (EngineTrouble, SQLAlchemyError) as trouble:
            log.warning("operation %s is not started yet, the sweep will: %s", operation_id, trouble)

    @property
    def room(self) -> int:
        """So many operations more may be begun in this process."""
        return self._most_held - (len(self._running) - len(self._bells))

    @staticmethod
    def turn() -> Turn:
        """Which execution of the operation this is; asked by its body."""
        return _turn.get()

    @staticmethod
    def step_number() -> int:
        """Which step of its run this is: the same whenever it is run again. Asked by the body of a step."""
        return _at_work.get().place.number

    @staticmethod
    async def remember(connection: AsyncConnection, result: Any) -> None:
        """`result` is what the step at work gives: remembered with the commit of `connection`, or not at all. The last
        word of a transaction's body before it tells others; a body that does without has its result remembered after
        it."""
        step = _at_work.get()
        step.result = msgspec.json.encode(result).decode()
        await engine.remember_with(connection, step.place, step.result)

    async def step(self, name: str, body: Callable[[], Awaitable[T]], shape: Any) -> T:
        """Run `body` until the store lets it come to an end, and remember its result; on a replay the remembered one.

        `shape` is the type of both. Raises what `body` raises, and remembers nothing then.
        """

        async def tried() -> T | None:
            step = _at_work.get()
            if step.result is not None:  # of an earlier try that came to its commit and was not told how that went
                step.result = await engine.remembered_after_all(step.place)
            return None if step.result is not None else await body()

        done: T = await self._step(name, lambda: self._hands.lent(partial(through_outages, tried)), shape)
        return done

    async def _step(self, name: str, body: Callable[[], Awaitable[Any]], shape: Any) -> Any:
        step = _Step(engine.next_place(name))
        result = await engine.remembered(step.place) if _turn.get().again else None
        if result is None:
            if self._closing:
                raise asyncio.CancelledError
            _at_work.set(step)
            result = await self._done(step, body)
        # Decoded the first time too: whatever a replay could not read back shows at once.
        return _decoder(shape).decode(result)

    async def _done(self, step: _Step, body: Callable[[], Awaitable[Any]]) -> str:
        given = await body()
        if step.result is None:
            step.result = msgspec.json.encode(given).decode()
            await engine.remember(step.place, step.result)
        return step.result

    async def sleep(self, seconds: float) -> None:
        """Sleep through restarts: the time that passed while nobody ran counts."""
        if self._closing:
            raise asyncio.CancelledError
        await engine.sleep(seconds)

    async def wait_for_decision(
        self, operation_id: str, look: Callable[[], Awaitable[T | None]], shape: Any, until: datetime
    ) -> T | None:
        """What `look` finds in our tables as soon as it finds something, None at `until`.

        The tables hold the decision, so a lost wake-up costs a moment and no decision. Whoever waits here takes
        nobody's turn: neither that of a step nor that of an operation that could begin.
        """
        every_s = LOOK_NOW_AND_THEN_S if self._executor.hears_others else LOOK_EVERY_S

        async def watch() -> T | None:
            with self._bells.hung(operation_id) as bell:
                while True:
                    bell.clear()
                    found = await look()
                    left = (until - datetime.now(UTC)).total_seconds()
                    if found is not None or left <= 0:
                        return found
                    with suppress(TimeoutError):
                        await asyncio.wait_for(bell.wait(), min(left, every_s))

        decision: T | None = await self._step("awaitDecision", watch, shape)
        return decision

    def deliver_decision(self, operation_id: str) -> None:
        """Ring: a decision for this operation is in the tables."""
        self._bells.ring(operation_id)
        self._aside(self._executor.ring_elsewhere(Ring("moved", "-", operation_id)))

    async def stopped_among(self, engine_ids: Sequence[str]) -> frozenset[str]:
        """Of these runs (`engine_id`) the ones that will do nothing more, whatever the reason."""
        return await engine.stopped_among(engine_ids)

    def _entry(self, name: str, body: Workflow) -> Callable[..., Coroutine[Any, Any, None]]:
        async def enter(operation_id: str, run: int = 1) -> None:
            if self._closing:
                raise asyncio.CancelledError
            task = asyncio.current_task()
            if task is not None:
                self._keep(task, self._running)
            _turn.set(Turn(run, f"{self.executor_id}.{next(self._serial)}", again=not _begun_here.get()))
            try:
                await body(operation_id)
            except Superseded:
                log.info("%s %s goes on without this run, or not at all", name, operation_id)

        return enter

    def _heard(self, said: str) -> None:
        """Somebody rang, here or in another process."""
        ring = Ring.parsed(said)
        if ring is None or self._closing:
            return
        if ring.what == "moved":
            self._bells.ring(ring.operation_id)
        elif ring.workflow in self._entries and self.room > 0:
            self._aside(self.start_once(ring.workflow, ring.operation_id, ring.run))

    def _aside(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._keep(task, self._beside)
        return task

    @staticmethod
    def _keep(task: asyncio.Task[Any], among: set[asyncio.Task[Any]]) -> None:
        among.add(task)
        task.add_done_callback(among.discard)


@cache
def _decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape)


async def _holds_nothing(_executor_id: str | None) -> int:
    return 0


async def _runs_again(_operation_id: str, _run: int) -> bool:
    return True
