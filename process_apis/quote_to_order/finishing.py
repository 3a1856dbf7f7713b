"""The end of a conversion: the CRM learns what became of its quote, then the operation closes, events and all."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from process_apis import exception_rows
from process_apis.exceptions import ExceptionView, Finding, SourceMessage, ended
from process_apis.operations import OperationLine, State
from process_apis.outages import Refused
from process_apis.quote_to_order import lines, rules
from process_apis.quote_to_order.job import Conversion, End, certain
from process_apis.remedies import with_remedies
from process_apis.telling import Note
from system_apis.errors import SystemRefused
from system_apis.salesforce.models import QuoteOutcome

WRITING_BACK: State = "writingBack"
STEP = "writeBack"
DONE, SKIPPED, REFUSED = "ok", "skipped", "refused"
"""Without a quote in the CRM there is nothing to write back to, and the step says so."""


class WrittenBack(Struct, frozen=True):
    """The state in which the operation ends; `refused` if the CRM would not take the news."""

    state: State
    refused: Finding | None = None


async def finish(
    job: Conversion,
    shown: Sequence[OperationLine],
    *,
    order: tuple[str, str] | None = None,
    without_order: End | None = None,
) -> None:
    """Write back and close. `order` is ERP instance and number; `without_order` says why there is none: then not one
    line is confirmed any more, however it looked while it was decided."""
    if without_order:
        shown = lines.without_promise(shown)

    without_crm = job.operation.quote_source == "inline"

    async def write_back() -> WrittenBack:
        if without_crm:
            met = await _exceptions(job, without_order)
            return WrittenBack(without_order.state if without_order else _end_state(met, shown))
        return await _write_back(job, shown, order, without_order)

    def noted(written: WrittenBack) -> Note:
        findings = (written.refused,) if written.refused else ()
        anew, outcome = written.state == "actionRequired", SKIPPED if without_crm else DONE
        if written.refused:
            outcome = REFUSED
        return Note({"lines": tuple(shown)}, findings, anew=anew, outcome=outcome)

    written: WrittenBack | Refused = await job.run.forward(
        STEP, WRITING_BACK, write_back, WrittenBack, system=None if without_crm else "crm", note=noted
    )
    await _close(job, shown, certain(written).state)


async def _write_back(
    job: Conversion, shown: Sequence[OperationLine], order: tuple[str, str] | None, without_order: End | None
) -> WrittenBack:
    """Repeating it writes the same again. A CRM that refuses it never undoes the order."""
    met = await _exceptions(job, without_order)
    state = without_order.state if without_order else _end_state(met, shown)
    message = without_order.message if without_order else None
    quote_id = job.terms.quote.quote_id
    as_it_ends = replace(
        job.operation,
        state=state,
        lines=tuple(shown),
        exceptions=met,
        order_instance=order[0] if order else None,
        order_number=order[1] if order else None,
    )
    told = lines.exceptions_for_crm(with_remedies(as_it_ends))
    heading = QuoteOutcome(quote_id, job.run.operation_id, state, None, None, None, message, (), told)
    outcome = lines.outcome_for_crm(heading, shown, order)
    crm = job.landscape.crm
    try:
        await crm.write_back(outcome, deadline=await job.run.before_write(WRITING_BACK))
    except SystemRefused as no:
        if not no.final:
            raise
        source = SourceMessage(no.code, no.message)
        detail = "the CRM does not take the result of the conversion"
        refused = Finding("write-back-pending", detail, "crm", crm.instance, blocking=True, source=source)
        return WrittenBack("actionRequired" if order else state, refused)
    return WrittenBack(state)


async def _exceptions(job: Conversion, without_order: End | None = None) -> tuple[ExceptionView, ...]:
    """As they stand once this news has arrived: what kept it from arriving earlier is over then, and so is whatever
    stood in the way of a proposal that nobody took."""
    async with job.run.store.connect() as connection:
        found = await exception_rows.of(connection, job.run.operation_id)
    expired = without_order is not None and without_order.state == "expired"
    return tuple(_over(one, expired=expired) for one in found[job.run.operation_id])


def _over(one: ExceptionView, *, expired: bool) -> ExceptionView:
    if ended(one):
        return one
    if one.step == STEP:
        return replace(one, state="resolved")
    return replace(one, state="expired") if expired else one


def _end_state(met: Sequence[ExceptionView], shown: Sequence[OperationLine]) -> State:
    return rules.final_state(
        open_exceptions=not all(map(ended, met)), rejected_lines=any(one.state == "rejected" for one in shown)
    )


async def _close(job: Conversion, shown: Sequence[OperationLine], state: State) -> None:
    """State, event, and the lines that stay convertible: one transaction."""
    left = tuple(line.line_id for line in shown if line.item is None)

    async def close() -> str:
        return state

    def noted(_state: str) -> Note:
        return Note(state=state, event=f"quote.conversion.{state}", release=left)

    await job.run.forward("complete", WRITING_BACK, close, str, note=noted)
