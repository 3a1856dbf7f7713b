"""The end of a conversion: the CRM learns what became of its quote, then the operation closes, events and all."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from process_apis import operation_rows as rows
from process_apis.exceptions import ExceptionView, Finding, SourceMessage
from process_apis.operations import OperationLine, State
from process_apis.quote_to_order import lines, rules
from process_apis.quote_to_order.job import Conversion, End, certain
from process_apis.stepping import Note, Refused, step_deadline
from system_apis.errors import SystemRefused
from system_apis.salesforce.models import QuoteOutcome

WRITING_BACK: State = "writingBack"


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

    async def write_back() -> WrittenBack:
        return await _write_back(job, shown, order, without_order)

    def noted(written: WrittenBack) -> Note:
        return Note({"lines": tuple(shown)}, (written.refused,) if written.refused else ())

    written: WrittenBack | Refused = await job.run.forward(
        "writeBack", WRITING_BACK, write_back, WrittenBack, system="crm", note=noted
    )
    await _close(job, shown, certain(written).state)


async def _write_back(
    job: Conversion, shown: Sequence[OperationLine], order: tuple[str, str] | None, without_order: End | None
) -> WrittenBack:
    """Repeating it writes the same again. A CRM that refuses it never undoes the order."""
    met = await _exceptions(job)
    state = without_order.state if without_order else _end_state(met, shown)
    message = without_order.message if without_order else None
    quote_id = job.terms.quote.quote_id
    told = lines.exceptions_for_crm(met)
    heading = QuoteOutcome(quote_id, job.run.operation_id, state, None, None, None, message, (), told)
    outcome = lines.outcome_for_crm(heading, shown, order)
    crm = job.landscape.crm
    try:
        await job.run.before_write(WRITING_BACK)
        await crm.write_back(outcome, deadline=step_deadline())
    except SystemRefused as no:
        if no.safe_to_repeat:
            raise
        source = SourceMessage(no.code, no.message)
        detail = "the CRM does not take the result of the conversion"
        refused = Finding("write-back-pending", detail, "crm", crm.instance, blocking=True, source=source)
        return WrittenBack("actionRequired" if order else state, refused)
    return WrittenBack(state)


async def _exceptions(job: Conversion) -> tuple[ExceptionView, ...]:
    async with job.run.store.connect() as connection:
        operation = await rows.load(connection, job.run.operation_id)
    return operation.exceptions if operation else ()


def _end_state(met: Sequence[ExceptionView], shown: Sequence[OperationLine]) -> State:
    return rules.final_state(open_exceptions=bool(met), rejected_lines=any(one.state == "rejected" for one in shown))


async def _close(job: Conversion, shown: Sequence[OperationLine], state: State) -> None:
    """State, event, and the lines that stay convertible: one transaction."""
    left = tuple(line.line_id for line in shown if line.item is None)

    async def close() -> str:
        return state

    def noted(_state: str) -> Note:
        return Note(state=state, event=f"quote.conversion.{state}", release=left)

    await job.run.forward("complete", WRITING_BACK, close, str, note=noted)
