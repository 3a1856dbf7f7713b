"""How availability is decided: facts in, promises out (docs/promising.md §5 to §9). No clock, neighbour or store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from process_apis.atp.alternatives import alternatives
from process_apis.atp.confirming import confirmed_by, estimated_by
from process_apis.atp.facts import (
    ZERO,
    AnswerStatus,
    Asked,
    ErpFact,
    ErpLine,
    Estimate,
    Factor,
    LinePromise,
    Piece,
    PlanFact,
    Terms,
    There,
)
from process_apis.atp.models import LineStatus
from process_apis.atp.pieces import earliest, from_erp, from_plan, total
from process_apis.atp.units import Conversion
from process_apis.exceptions import Finding, SourceMessage
from process_apis.provenance import Outcome
from system_apis.sap.reasons import reason_of

ANSWERED = "ok"


def shortfall(asked: Asked, told: ErpLine | None) -> Decimal:
    """What the ERP, although it answered, does not confirm on any day: the scheduler is asked for it. To what the
    ERP would deliver of another material, nothing is added of the one asked."""
    if told is None or told.unit != asked.unit or told.material != asked.material:
        return ZERO
    return max(ZERO, asked.quantity - sum((one.quantity for one in told.arrivals), ZERO))


def promise_line(
    asked: Asked,
    erp: ErpFact,
    plan: PlanFact | None = None,
    *,
    terms: Terms = Terms(),  # noqa: B008 - frozen
    estimate: Estimate | None = None,
    elsewhere: Sequence[There] = (),
    conversion: Conversion | None = None,
) -> LinePromise:
    """One line from what each source said of it; no plan means that the scheduler was rightly not asked.

    `elsewhere` is what can be had of it at other plants, `estimate` what lead time promises where nothing else does.
    """
    if erp.refused:
        return _refused(asked, erp, erp.refused)
    if plan and erp.line and plan.material != erp.line.material:
        plan = None
    findings = _findings(asked, erp, plan)
    offered = earliest(asked.quantity, [*from_erp(asked, erp), *from_plan(plan)])
    if not _known(asked, erp, plan, offered):
        return LinePromise(asked, "unknown", None, None, None, offered, (), (), findings, conversion=conversion)
    other = erp.line.material if erp.line and erp.line.material != asked.material else None
    if other and not terms.substitutes:
        return _not_that(asked, erp, other)
    kept = confirmed_by(terms, asked, offered)
    guessed = estimated_by(terms, asked, offered, kept, estimate)
    confirmed = total(kept)
    on_time = total(piece for piece in kept if piece.date <= asked.due)
    return LinePromise(
        asked,
        _status(asked, confirmed, on_time, erp, guessed=bool(guessed), other=other),
        confirmed,
        on_time,
        asked.quantity - confirmed,
        (*kept, *guessed),
        _factors(asked, erp, plan, on_time),
        alternatives(asked, offered, kept, elsewhere) if on_time < asked.quantity else (),
        findings,
        substitute=other if confirmed > 0 else None,
        conversion=conversion,
    )


def answer_status(lines: Sequence[LinePromise], outcomes: Sequence[Outcome]) -> AnswerStatus:
    """`rejected` if no line is usable, `degraded` if any source that was needed is silent."""
    if all(line.status == "rejected" for line in lines):
        return "rejected"
    return "complete" if all(outcome == ANSWERED for outcome in outcomes) else "degraded"


def _refused(asked: Asked, erp: ErpFact, said: SourceMessage) -> LinePromise:
    finding = Finding(
        reason_of(said.code), said.text, "erp", erp.instance, blocking=True, line_id=asked.line_id, source=said
    )
    return LinePromise(asked, "rejected", ZERO, ZERO, asked.quantity, (), (), (), (finding,))


def _not_that(asked: Asked, erp: ErpFact, other: str) -> LinePromise:
    text = f"the ERP would deliver {other} in place of {asked.material}, and no substitute is allowed"
    finding = Finding("substitute-not-allowed", text, "erp", erp.instance, blocking=True, line_id=asked.line_id)
    return LinePromise(asked, "unavailable", ZERO, ZERO, asked.quantity, (), (), (), (finding,))


def _known(asked: Asked, erp: ErpFact, plan: PlanFact | None, offered: tuple[Piece, ...]) -> bool:
    """Is enough known to say a number? A silent scheduler does not matter where the ERP alone covers the line, nor does
    what an order withholds from its own line where all is in time without it."""
    if erp.line is None or erp.line.unit != asked.unit:
        return False
    if _withheld(erp, plan) and total(piece for piece in offered if piece.date <= asked.due) < asked.quantity:
        return False
    if total(offered) >= asked.quantity or plan is None:
        return True
    return plan.outcome == ANSWERED and plan.arrivals is not None


def _withheld(erp: ErpFact, plan: PlanFact | None) -> bool:
    return erp.withheld or (plan is not None and plan.withheld)


def _status(
    asked: Asked, confirmed: Decimal, on_time: Decimal, erp: ErpFact, *, guessed: bool, other: str | None
) -> LineStatus:
    if confirmed <= 0:
        return "backordered" if guessed else "unavailable"
    if erp.credit == "blocked":
        return "datePending"
    if other:
        return "substituted"
    if confirmed < asked.quantity:
        return "partiallyConfirmed"
    return "confirmed" if on_time >= asked.quantity else "confirmedLate"


def _factors(asked: Asked, erp: ErpFact, plan: PlanFact | None, on_time: Decimal) -> tuple[Factor, ...]:
    """Why a line is late or short: the ERP's stock first, then the work centre that the plan ran into."""
    if on_time >= asked.quantity or erp.line is None:
        return ()
    stock = total(piece for piece in from_erp(asked, erp) if piece.date <= asked.due)
    factors = []
    if stock < asked.quantity:
        text = f"stock covers {min(stock, asked.quantity):f} of {asked.quantity:f} by {asked.due}"
        factors.append(Factor("material", asked.material, erp.line.plant, text))
    if plan and plan.arrivals is not None and plan.work_centre:
        last = max((one.delivery for one in plan.arrivals), default=None)
        text = f"capacity is loaded until {last}" if last else "no capacity within the planning horizon"
        factors.append(Factor("capacity", plan.work_centre, plan.plant, text))
    return tuple(factors)


def _findings(asked: Asked, erp: ErpFact, plan: PlanFact | None) -> tuple[Finding, ...]:
    found = list(_gaps(asked, erp, plan))
    if erp.credit == "blocked":
        text = "the customer's credit is blocked: the ERP would hold the order"
        found.insert(0, Finding("credit-hold", text, "erp", erp.instance, blocking=True, line_id=asked.line_id))
    if erp.line is not None and erp.line.unit != asked.unit:
        found.append(_mapping_failed(asked, "erp", erp.instance, erp.line.unit))
    if plan is not None and plan.outcome == ANSWERED and plan.arrivals is None:
        found.append(_mapping_failed(asked, "scheduler", plan.instance, plan.unit))
    return tuple(found)


def _gaps(asked: Asked, erp: ErpFact, plan: PlanFact | None) -> Iterable[Finding]:
    for system, fact in (("erp", erp), ("scheduler", plan)):
        if fact is not None and fact.outcome not in (ANSWERED, "skipped"):
            text = f"the {system} gave no answer in time: {fact.outcome}"
            yield Finding("source-unavailable", text, system, fact.instance, blocking=False, line_id=asked.line_id)
        elif fact is not None and fact.withheld:
            text = f"the {system} did not give back what the order itself holds: there may be more than it says"
            yield Finding("source-unavailable", text, system, fact.instance, blocking=False, line_id=asked.line_id)


def _mapping_failed(asked: Asked, system: str, instance: str, unit: str) -> Finding:
    text = f"asked in {asked.unit}, answered in {unit}"
    return Finding("mapping-failed", text, system, instance, blocking=True, line_id=asked.line_id)
