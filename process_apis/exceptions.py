"""Business problems with an owner: one schema for every process. Exceptions are data; nothing here is ever raised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from msgspec import Struct

from process_apis.words import Instant, View, new_id

Role = Literal["sales", "credit", "planning", "masterData", "pricing", "integration", "operations"]
Severity = Literal["info", "warning", "error"]
ExceptionState = Literal["open", "acknowledged", "proposed", "resolved", "expired", "waived"]
ENDED: frozenset[ExceptionState] = frozenset({"resolved", "expired", "waived"})
SubjectKind = Literal["operation", "changeRequest"]


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
OPERATION_BROKEN = "operation-broken"
"""Its execution ended in an error that no rule foresaw."""
DEAD_LETTER = "dead-letter"
"""It was taken up again and again and never got on: nobody takes it up any more by itself."""
BREAKDOWNS = frozenset({OPERATION_BROKEN, DEAD_LETTER})
_HOURS_4, _DAY = timedelta(hours=4), timedelta(days=1)

KINDS: dict[str, Kind] = {
    "customer-unknown": Kind("reference", "masterData", _DAY),
    "item-unknown": Kind("reference", "masterData", _DAY),
    "item-discontinued": Kind("reference", "sales", _DAY),
    "order-refused": Kind("reference", "sales", _HOURS_4),
    "item-refused": Kind("reference", "sales", _DAY),
    "item-not-at-plant": Kind("reference", "masterData", _DAY),
    "uom-invalid": Kind("reference", "masterData", _DAY),
    "quantity-multiple": Kind("reference", "sales", _DAY),
    "quantity-below-minimum": Kind("reference", "sales", _DAY),
    "ship-to-invalid": Kind("reference", "sales", _DAY),
    "configuration-invalid": Kind("configuration", "sales", _DAY),
    "bom-revision-outdated": Kind("configuration", "sales", _DAY),
    "routing-outdated": Kind("configuration", "sales", _DAY),
    "price-mismatch": Kind("price", "pricing", _DAY),
    "credit-hold": Kind("credit", "credit", _HOURS_4),
    "delivery-block": Kind("hold", "sales", _DAY),
    "approval-hold": Kind("hold", "sales", _DAY),
    "shortage": Kind("availability", "planning", _DAY),
    "backordered": Kind("availability", "planning", _DAY),
    "capacity-conflict": Kind("availability", "planning", _HOURS_4),
    "substitute-not-allowed": Kind("availability", "sales", _DAY),
    "date-not-feasible": Kind("availability", "planning", _DAY),
    "version-conflict": Kind("concurrency", "sales", _HOURS_4, retryable=True),
    "duplicate-order": Kind("integrity", "operations", _HOURS_4),
    OWNER_VIOLATION: Kind("integrity", "operations", _DAY),
    "mapping-failed": Kind("integrity", "integration", _DAY),
    "source-unavailable": Kind("technical", "integration", _HOURS_4, retryable=True),
    "source-timeout-unknown-outcome": Kind("technical", "operations", _HOURS_4),
    "write-back-pending": Kind("technical", "integration", _HOURS_4, retryable=True),
    OPERATION_BROKEN: Kind("technical", "operations", _HOURS_4, retryable=True),
    DEAD_LETTER: Kind("technical", "operations", _HOURS_4),
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


class Subject(Struct, frozen=True):
    """What an exception is about. `plants` of its lines, by line id, as far as they are known."""

    kind: SubjectKind
    ident: str
    customer: str
    correlation_id: str
    traceparent: str | None = None
    order_id: str | None = None
    plants: Mapping[str, str] = {}

    def plant_of(self, line_id: str | None) -> str | None:
        """The plant of a line; of the whole, where all its lines come from one."""
        if line_id is not None:
            return self.plants.get(line_id)
        all_of_them = set(self.plants.values())
        return all_of_them.pop() if len(all_of_them) == 1 else None


def opened(
    finding: Finding, *, step: str, at: datetime, correlation_id: str, remediation: tuple[Remedy, ...] = ()
) -> ExceptionView:
    """The exception that a finding becomes when a step reports it."""
    code = code_of(finding)
    kind = KINDS.get(code, _UNLISTED)
    return ExceptionView(
        exception_id=new_id("exc"),
        code=code,
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


def ended(exception: ExceptionView) -> bool:
    """Nobody has to do anything about it any more."""
    return exception.state in ENDED


class Compared(NamedTuple):
    """What a repeat of a step changed. `again` has what is said now of an exception that was there before."""

    again: tuple[tuple[ExceptionView, Finding], ...]
    gone: tuple[ExceptionView, ...]
    new: tuple[Finding, ...]


def compared(known: Iterable[ExceptionView], step: str, findings: Iterable[Finding]) -> Compared:
    """`known` of a step against what the step finds now. One that was waived stays so, however often it is found; with
    any step that ends, an operation that had broken down is moving again."""
    told = [one for one in known if one.step == step and (one.state == "waived" or not ended(one))]
    again, new = [], []
    for finding in findings:
        same = next((one for one in told if (one.code, one.line_id) == (code_of(finding), finding.line_id)), None)
        if same is None:
            new.append(finding)
        else:
            told.remove(same)
            again.append((same, finding))
    gone = [one for one in told if not ended(one)]
    gone += [one for one in known if one.code in BREAKDOWNS and one.step != step and not ended(one)]
    return Compared(tuple(again), tuple(gone), tuple(new))


def code_of(finding: Finding) -> str:
    """A write that was held back because its field belongs to another system is that, whichever step tried it."""
    return OWNER_VIOLATION if finding.source and finding.source.code == OWNER_VIOLATION else finding.code
