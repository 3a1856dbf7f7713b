"""The figures by name: what each says, in which unit, by which labels. Everything that shows them reads this."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple


class Counted(NamedTuple):
    """A total that only grows. `begins` are labels shown as 0 before there is anything: a total that is first seen at 1
    has, for an alert, never grown."""

    name: str
    says: str
    labels: tuple[str, ...]
    begins: tuple[tuple[str, ...], ...] = ()


class Measured(NamedTuple):
    """A distribution; `buckets` are upper bounds, the last one is infinity and goes without saying."""

    name: str
    says: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...]


class Standing(NamedTuple):
    """What stands open at this moment."""

    name: str
    says: str
    labels: tuple[str, ...]


OUTCOMES = ("full", "partial", "rejected", "expired", "cancelled", "failed", "manual")
SOURCES = ("crm", "inline")

CONVERSIONS = Counted(
    "quote_conversions",
    "Ended conversions. full: every line ordered; partial: some; rejected, expired, cancelled, failed: none; "
    "manual: an operator had to help.",
    ("outcome", "source"),
    tuple(product(OUTCOMES, SOURCES)),
)
REJECTED_LINES = Counted(
    "order_lines_rejected", "Quote lines that did not become order items.", ("source",), tuple(product(SOURCES))
)
RETRIES = Counted("operation_retries", "Attempts at a step beyond its first.", ("kind", "step", "system"))
STEPS_FAILED = Counted("operation_steps_failed", "Steps that a system refused.", ("kind", "step", "system"))
SCHEDULED = Counted("schedule_confirmations", "Order lines for which a plant's plan holds capacity.", ("plant",))
PROMISED = Counted(
    "promise_lines",
    "Lines ordered on a promise, by what became of it.",
    ("outcome",),
    (("kept",), ("better",), ("worse",)),
)
CHANGES = Counted("change_requests", "Ended change requests by the state they ended in.", ("outcome",))
OPENED = Counted("exceptions_opened", "Exceptions by code and the role that looks after them.", ("code", "owner"))
PURGED = Counted("rows_purged", "What was forgotten when its time was over, by kind.", ("kind",))

CONFIRMATION_S = Measured(
    "order_confirmation_seconds",
    "From the accepted conversion to the order written back. decided: by the `policy`, or by the `caller` in between.",
    ("decided",),
    (1, 2, 5, 10, 30, 60, 300, 1800, 7200, 28800, 86400),
)
DRIFT_DAYS = Measured(
    "promise_drift_days",
    "How many days later than promised a line is complete; 0 and less: in time.",
    (),
    (0, 1, 2, 5, 10, 20),
)

COUNTED = (CONVERSIONS, REJECTED_LINES, RETRIES, STEPS_FAILED, SCHEDULED, PROMISED, CHANGES, OPENED, PURGED)
MEASURED = (CONFIRMATION_S, DRIFT_DAYS)

OPERATIONS = Standing("operations", "Operations that have not ended.", ("kind", "state"))
WAITING = Standing("operations_waiting", "Operations that wait for a system.", ("system", "instance"))
WAITING_AGE_S = Standing("operations_waiting_age_seconds", "How long the oldest of them waits.", ("system", "instance"))
EXCEPTIONS = Standing("exceptions_open", "Exceptions that nobody has ended.", ("code", "owner", "plant"))
EXCEPTIONS_AGE_S = Standing("exceptions_open_age_seconds", "The age of the oldest of them.", ("code", "owner", "plant"))
OVERDUE = Standing("exceptions_overdue", "Open exceptions past the time they were due.", ("owner",))
UNCOUNTED = Standing("figures_behind_events", "Events of the outbox that the totals do not hold yet.", ())

STANDING = (OPERATIONS, WAITING, WAITING_AGE_S, EXCEPTIONS, EXCEPTIONS_AGE_S, OVERDUE, UNCOUNTED)
