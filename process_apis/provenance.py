"""Where an answer comes from: asking a neighbour in the time that is left, and naming it as a source afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct

from process_apis.exceptions import SourceMessage
from process_apis.words import Instant, View
from system_apis.deadline import Deadline
from system_apis.errors import NotFoundInSystem, SystemRefused, SystemTimeout, SystemUnavailable, UpstreamError

Answer = TypeVar("Answer")
Outcome = Literal["ok", "timeout", "error", "skipped"]
System = Literal["erp", "scheduler", "crm"]
Rung = Literal["simulation", "availability", "stock", "masterData", "scenario"]
"""By which of its interfaces a system answered a promise."""


class Heard(Struct, Generic[Answer], frozen=True):
    """What came of asking: `answer` means something exactly when `outcome` is ok.

    `refusal` is there when the system understood and said no, `absent` when it said that there is no such thing.
    """

    outcome: Outcome
    answer: Answer | None
    at: datetime
    refusal: SourceMessage | None = None
    absent: bool = False


async def ask(call: Awaitable[Answer], deadline: Deadline) -> Heard[Answer]:
    """Await `call` until the deadline: an answer, or a plain word for why there is none. A late call is cancelled
    here, so that nothing runs on after our own answer has gone out."""
    try:
        async with asyncio.timeout(deadline.remaining_s):
            return Heard("ok", await call, datetime.now(UTC))
    except (TimeoutError, SystemTimeout):
        return Heard("timeout", None, datetime.now(UTC))
    except SystemRefused as refused:
        said = SourceMessage(refused.code, refused.message)
        return Heard("error", None, datetime.now(UTC), said, isinstance(refused, NotFoundInSystem))
    except SystemUnavailable as absent:
        return Heard("skipped" if absent.held_by == "maintenance" else "error", None, datetime.now(UTC))
    except UpstreamError:
        return Heard("error", None, datetime.now(UTC))


class Source(Struct, frozen=True):
    """An entry of an answer's `sources`, before it is decided who may read which of it."""

    id: str
    system: System
    instance: str
    api: str
    outcome: Outcome
    fetched_at: datetime | None = None
    as_of: datetime | None = None
    as_of_basis: Literal["stated", "inferred"] | None = None
    rung: Rung | None = None
    kept: bool = False
    """Whether the answer was read for an earlier question and kept."""


class SourceView(View, frozen=True):
    """Where a part of the answer comes from. `asOfBasis` says whether the system stated the time its data stands for,
    or whether it was inferred from the time of reading. `live`: it was read for this call. `rung` says by which of its
    interfaces a system answered a promise."""

    id: str
    system: System
    api: str
    outcome: Outcome
    live: bool
    fetched_at: Instant | None
    as_of: Instant | None
    as_of_basis: Literal["stated", "inferred"] | None
    age_ms: int | None
    rung: Rung | None = None


class InternalSource(SourceView, frozen=True, kw_only=True):
    """Where a part of the answer comes from, down to the instance."""

    instance: str


class AnswerWarning(View, frozen=True):
    """Something about the whole answer that a reader should know. `source` is the id of an entry of `sources`."""

    code: str
    message: str
    source: str | None = None


def internal_source(source: Source, now: datetime) -> InternalSource:
    return InternalSource(**_origin(source, now), instance=source.instance)


def partner_source(source: Source, now: datetime) -> SourceView:
    return SourceView(**_origin(source, now))


def gap_warnings(sources: list[Source]) -> tuple[AnswerWarning, ...]:
    """One warning for each source that the answer had to do without."""
    return tuple(_warning(source) for source in sources if source.outcome != "ok")


_WHY = {
    "timeout": "did not answer in time",
    "error": "could not answer",
    "skipped": "was not asked: it is in a maintenance window, or what to ask it for is unknown",
}


def _warning(source: Source) -> AnswerWarning:
    text = f"the {source.system} {_WHY[source.outcome]}: what depends on it is unknown"
    return AnswerWarning(f"source-{source.outcome}", text, source.id)


def _origin(source: Source, now: datetime) -> dict[str, Any]:
    as_of = source.as_of
    return {
        "id": source.id,
        "system": source.system,
        "api": source.api,
        "outcome": source.outcome,
        "live": source.outcome == "ok" and not source.kept,
        "rung": source.rung,
        "fetched_at": source.fetched_at,
        "as_of": as_of,
        "as_of_basis": source.as_of_basis,
        "age_ms": max(0, int((now - as_of).total_seconds() * 1000)) if as_of else None,
    }
