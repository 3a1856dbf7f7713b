"""What an ended operation adds to the figures. Pure: rows in, additions out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from process_apis.figures import names
from process_apis.operations import Operation, Step

INFINITE = "+Inf"
_WITH_ORDER = frozenset({"completed", "completedWithExceptions"})


class Addition(NamedTuple):
    """`amount` more of a figure. `labels` are JSON, so that they can be a key."""

    name: str
    labels: str
    amount: float


def addition(figure: names.Counted, amount: float = 1, **labels: str) -> Addition:
    return Addition(figure.name, key_of(labels), amount)


def key_of(labels: Mapping[str, str]) -> str:
    return msgspec.json.encode(dict(sorted(labels.items()))).decode()


def observed(figure: names.Measured, value: float, **labels: str) -> tuple[Addition, Addition]:
    """One more in its bucket, and the value in the sum."""
    place = bisect_left(figure.buckets, value)
    bound = f"{figure.buckets[place]:g}" if place < len(figure.buckets) else INFINITE
    return (
        Addition(f"{figure.name}_bucket", key_of({**labels, "le": bound}), 1),
        Addition(f"{figure.name}_sum", key_of(labels), value),
    )


def of_conversion(operation: Operation, steps: Sequence[Step], ended_at: datetime) -> Iterator[Addition]:
    """An operation in one of its last states, with its steps; `ended_at` is when the event of it was written."""
    rejected = sum(line.state == "rejected" for line in operation.lines)
    yield addition(names.CONVERSIONS, outcome=outcome_of(operation), source=operation.quote_source)
    if rejected:
        yield addition(names.REJECTED_LINES, rejected, source=operation.quote_source)
    yield from _of_steps(operation.kind, steps)
    if operation.state not in _WITH_ORDER:
        return
    seconds = (ended_at - operation.created_at).total_seconds()
    yield from observed(names.CONFIRMATION_S, seconds, decided="caller" if operation.decide_by else "policy")
    for line in operation.lines:
        if any(piece.source == "scheduler" for piece in line.schedule):
            yield addition(names.SCHEDULED, plant=line.plant)
    yield from _of_promise(operation)


def outcome_of(operation: Operation) -> str:
    if operation.run > 1:
        return "manual"
    if operation.state not in _WITH_ORDER:
        return operation.state
    return "partial" if any(line.state == "rejected" for line in operation.lines) else "full"


def of_exception(data: Mapping[str, Any]) -> Addition:
    """The data of an `exception.opened` event."""
    return addition(names.OPENED, code=str(data["code"]), owner=str(data["ownerRole"]))


def of_change(state: str) -> Addition:
    return addition(names.CHANGES, outcome=state)


def _of_steps(kind: str, steps: Iterable[Step]) -> Iterator[Addition]:
    for step in steps:
        about = {"kind": kind, "step": step.name, "system": step.system or "ordergate"}
        if step.attempts > 1:
            yield addition(names.RETRIES, step.attempts - 1, **about)
        if step.outcome == "refused":
            yield addition(names.STEPS_FAILED, 1, **about)


def _of_promise(operation: Operation) -> Iterator[Addition]:
    for line in operation.promise.lines if operation.promise else ():
        yield addition(names.PROMISED, outcome=line.outcome)
        if line.days_later is not None:
            yield from observed(names.DRIFT_DAYS, line.days_later)
