"""The words of operators: what is under way, what stands in its way, and what they do about it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from process_apis.exceptions import ExceptionState, ExceptionView, Role, SubjectKind
from process_apis.operations import OperationLine, Step, WaitingFor
from process_apis.words import Instant, View, Word

Reason = Annotated[
    str,
    Meta(min_length=3, max_length=1000, pattern=r"\S", description="Why, for whoever reads the audit later."),
]
Ident = Annotated[str, Meta(min_length=1, max_length=128)]
Limit = Annotated[int, Meta(ge=1, le=100, description="How many at most.")]
Cursor = Annotated[str, Meta(min_length=1, max_length=1024, description="`next` of the page before.")]


class OperatedQuery(Word, frozen=True):
    """Which operations: all that is named must hold."""

    state: (
        Annotated[str, Meta(max_length=32, description="A state, or `unfinished` for all that have not ended.")] | None
    ) = None
    waiting_for: (
        Annotated[str, Meta(max_length=255, description="`erp`, `crm`, `scheduler`, an instance, or `any`.")] | None
    ) = None
    customer: Annotated[Ident, Meta(description="The ERP's sold-to party.")] | None = None
    quote_id: Annotated[Ident, Meta(description="The CRM's id of the quote.")] | None = None
    order_id: Annotated[Ident, Meta(description="`<ERP instance>.<number>`.")] | None = None
    exception_code: Annotated[Ident, Meta(description="With an exception of this code that is not over.")] | None = None
    minimum_age_seconds: Annotated[int, Meta(ge=0, le=10**9, description="Begun at least so long ago.")] | None = None
    limit: Limit = 20
    cursor: Cursor | None = None


class ExceptionQuery(Word, frozen=True):
    """Which exceptions: all that is named must hold."""

    state: Annotated[
        Literal["active", "any", "open", "acknowledged", "proposed", "resolved", "expired", "waived"],
        Meta(description="`active`: not over yet."),
    ] = "active"
    code: Annotated[Ident, Meta(description="For instance `credit-hold`.")] | None = None
    owner: Annotated[Role, Meta(description="Who has to act.")] | None = None
    plant: Annotated[Ident, Meta(description="The plant of the line.")] | None = None
    customer: Annotated[Ident, Meta(description="The ERP's sold-to party.")] | None = None
    subject_id: Annotated[Ident, Meta(description="The operation or change request.")] | None = None
    overdue: Annotated[bool, Meta(description="Only those whose due time has passed.")] = False
    limit: Limit = 20
    cursor: Cursor | None = None


class Because(Word, frozen=True):
    """Whoever steps in says why."""

    reason: Reason


class OperationOutcome(Word, frozen=True):
    """What an operator found out about an operation that nobody could go on with.

    `orderFound`: the ERP's order is `orderId`; it is looked at before anything goes on with it. `noOrder`: the ERP has
    none, the conversion ends as rejected. `doneByHand`: what was left was done elsewhere. `notDone`: nothing of a
    change was done, it ends as failed.
    """

    outcome: Literal["orderFound", "noOrder", "doneByHand", "notDone"]
    reason: Reason
    order_id: (
        Annotated[str, Meta(max_length=128, pattern=r"^[^.\s]+\.\S+$(?!\n)", examples=["s4-1710.4711"])] | None
    ) = None


class ExceptionOutcome(Word, frozen=True):
    """`resolved`: its cause is gone; `waived`: we live with it."""

    reason: Reason
    resolution: Literal["resolved", "waived"] = "resolved"


class OperatorException(ExceptionView, frozen=True, kw_only=True):
    """An exception with what it is about and who took care of it. A decision on it names `etag`."""

    href: str
    etag: str
    subject_kind: SubjectKind
    subject_id: str
    order_id: str | None
    customer: str
    plant: str | None
    age_seconds: int
    overdue: bool
    acknowledged_at: Instant | None
    acknowledged_by: str | None
    ended_at: Instant | None
    ended_by: str | None
    reason: str | None


class OperatorExceptions(View, frozen=True):
    """Exceptions, the most urgent first. `next` is the cursor of the following page, null on the last one."""

    exceptions: tuple[OperatorException, ...]
    next: str | None


class Deed(View, frozen=True):
    """What an operator can do about it now, where, and with which method."""

    action: str
    href: str
    method: str


class OperationSummary(View, frozen=True):
    """An operation or a change request in one line. `owner` and `dueAt` are those of its most urgent exception.

    `run` counts how often it was begun, `takeovers` the processes that died over the step under way.
    """

    operation_id: str
    kind: str
    state: str
    href: str
    etag: str
    customer: str
    client_id: str
    quote_id: str | None
    order_id: str | None
    waiting_for: WaitingFor | None
    retry_at: Instant | None
    owner: Role | None
    due_at: Instant | None
    open_exceptions: int
    run: int
    takeovers: int
    age_seconds: int
    created_at: Instant
    updated_at: Instant
    correlation_id: str


class OperationSummaries(View, frozen=True):
    """Operations, newest first. `next` is the cursor of the following page, null on the last one."""

    operations: tuple[OperationSummary, ...]
    next: str | None


class OperatedOperation(OperationSummary, frozen=True):
    """An operation with all that an operator needs to decide on it. `lines` and `steps` are those of a conversion."""

    decide_by: Instant | None
    decision: str | None
    lines: tuple[OperationLine, ...]
    steps: tuple[Step, ...]
    exceptions: tuple[OperatorException, ...]
    remediation: tuple[Deed, ...]


ACTIVE: frozenset[ExceptionState] = frozenset({"open", "acknowledged", "proposed"})
