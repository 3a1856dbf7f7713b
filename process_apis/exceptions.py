"""Business problems with an owner: one schema for every process. Exceptions are data; nothing here is ever raised."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from process_apis.words import Instant, View, new_id

Role = Literal["sales", "credit", "planning", "masterData", "pricing", "integration", "operations"]
Severity = Literal["info", "warning", "error"]
ExceptionState = Literal["open", "acknowledged", "proposed", "resolved", "expired", "waived"]


class DetectedBy(View, frozen=True):
    """The kind of system (`erp`, `crm`, `scheduler`, `ordergate`) and which one of them."""

    system: str
    instance: str


class SourceMessage(View, frozen=True):
    """What the system itself said: its own code and text."""

    code: str
    text: str


class Owner(View, frozen=True):
    """Who has to act, by role."""

    role: Role


class Remedy(View, frozen=True):
    """A link that fixes it: what it does, where, and with which method."""

    action: str
    href: str
    method: str


class ExceptionView(View, frozen=True):
    """One exception. `blocking` says that the line (or, without `lineId`, the whole operation) did not go on.

    `detail` is for people; programs read `code`. Days to solve it end in `dueAt`.
    """

    exception_id: str
    code: str
    category: str
    severity: Severity
    step: str
    detected_by: DetectedBy
    retryable: bool
    blocking: bool
    owner: Owner
    state: ExceptionState
    opened_at: Instant
    due_at: Instant
    correlation_id: str
    detail: str
    line_id: str | None = None
    source_message: SourceMessage | None = None
    remediation: tuple[Remedy, ...] = ()


class Kind(NamedTuple):
    """What a code means once and for all: who looks after it, how soon, and whether trying again may help."""

    category: str
    owner: Role
    due_in: timedelta
    retryable: bool = False


OWNER_VIOLATION = "owner-violation"
_HOURS_4, _DAY = timedelta(hours=4), timedelta(days=1)

KINDS: dict[str, Kind] = {
    "customer-unknown": Kind("reference", "masterData", _DAY),
    "item-unknown": Kind("reference", "masterData", _DAY),
    "item-discontinued": Kind("reference", "sales", _DAY),
    "order-refused": Kind("reference", "sales", _HOURS_4),
    "item-refused": Kind("reference", "sales", _DAY),
    "item-not-at-plant": Kind("reference", "masterData", _DAY),
    "uom-invalid": Kind("reference", "masterData", _DAY),
    "configuration-invalid": Kind("configuration", "sales", _DAY),
    "price-mismatch": Kind("price", "pricing", _DAY),
    "credit-hold": Kind("credit", "credit", _HOURS_4),
    "delivery-block": Kind("hold", "sales", _DAY),
    "shortage": Kind("availability", "planning", _DAY),
    "backordered": Kind("availability", "planning", _DAY),
    "capacity-conflict": Kind("availability", "planning", _HOURS_4),
    "date-not-feasible": Kind("availability", "planning", _DAY),
    "version-conflict": Kind("concurrency", "sales", _HOURS_4, retryable=True),
    "duplicate-order": Kind("integrity", "operations", _HOURS_4),
    OWNER_VIOLATION: Kind("integrity", "operations", _DAY),
    "mapping-failed": Kind("integrity", "integration", _DAY),
    "source-unavailable": Kind("technical", "integration", _HOURS_4, retryable=True),
    "source-timeout-unknown-outcome": Kind("technical", "operations", _HOURS_4),
    "write-back-pending": Kind("technical", "integration", _HOURS_4, retryable=True),
    "operation-broken": Kind("technical", "operations", _HOURS_4),
}
_UNLISTED = Kind("other", "operations", _DAY)


class Finding(Struct, frozen=True):
    """What a rule found wrong, before it has an id and a clock: rules make these, steps open them."""

    code: str
    detail: str
    system: str
    instance: str
    blocking: bool
    line_id: str | None = None
    source: SourceMessage | None = None


def opened(
    finding: Finding, *, step: str, at: datetime, correlation_id: str, remediation: tuple[Remedy, ...] = ()
) -> ExceptionView:
    """The exception that a finding becomes when a step reports it. A write that was held back because its field belongs
    to another system is that, whichever step tried it."""
    if finding.source and finding.source.code == OWNER_VIOLATION:
        finding = replace(finding, code=OWNER_VIOLATION)
    kind = KINDS.get(finding.code, _UNLISTED)
    return ExceptionView(
        exception_id=new_id("exc"),
        code=finding.code,
        category=kind.category,
        severity="error" if finding.blocking else "warning",
        step=step,
        detected_by=DetectedBy(finding.system, finding.instance),
        retryable=kind.retryable,
        blocking=finding.blocking,
        owner=Owner(kind.owner),
        state="open",
        opened_at=at,
        due_at=at + kind.due_in,
        correlation_id=correlation_id,
        detail=finding.detail,
        line_id=finding.line_id,
        source_message=finding.source,
        remediation=remediation,
    )


def after_step(
    known: tuple[ExceptionView, ...], step: str, fresh: tuple[ExceptionView, ...]
) -> tuple[ExceptionView, ...]:
    """`known` with those of `step` replaced by `fresh`; one that was reported before keeps its id and its clock."""
    before = {(one.code, one.line_id): one for one in known if one.step == step}
    kept = tuple(one for one in known if one.step != step)
    return kept + tuple(_same(before.get((one.code, one.line_id)), one) for one in fresh)


def _same(before: ExceptionView | None, now: ExceptionView) -> ExceptionView:
    if before is None:
        return now
    return replace(now, exception_id=before.exception_id, opened_at=before.opened_at, due_at=before.due_at)
