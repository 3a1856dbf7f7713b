"""How availability is decided: facts in, promises out. No clock, no neighbour, no store.

Published rules of confidence: `firm` is reserved or committed in the system of record, `high` live and on hand,
`medium` a confirmed receipt or fresh capacity of the plan, `low` everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from process_apis.atp.facts import (
    ZERO,
    Alternative,
    AnswerStatus,
    Asked,
    ErpFact,
    Factor,
    LinePromise,
    Piece,
    PlanFact,
)
from process_apis.atp.models import ConfirmationRule, LineStatus
from process_apis.exceptions import Finding, SourceMessage
from process_apis.provenance import Outcome
from system_apis.sap.models import SimulatedLine
from system_apis.sap.reasons import reason_of

ANSWERED = "ok"


def shortfall(asked: Asked, told: SimulatedLine | None) -> Decimal:
    """What the ERP, although it answered, does not confirm on any day: the scheduler is asked for this much."""
    if told is None or told.unit != asked.unit:
        return ZERO
    return max(ZERO, asked.quantity - sum((c.confirmed for c in told.confirmations if c.date), ZERO))


def promise_line(
    asked: Asked, erp: ErpFact, plan: PlanFact | None, rule: ConfirmationRule, *, split_dates: bool
) -> LinePromise:
    """One line from what each source said of it; no plan means that the scheduler was rightly not asked."""
    if erp.refused:
        return _refused(asked, erp, erp.refused)
    findings = _findings(asked, erp, plan)
    offered = _earliest(asked.quantity, _pieces(asked, erp, plan))
    if not _known(asked, erp, plan, _total(offered)):
        return LinePromise(asked, "unknown", None, None, None, offered, (), (), findings)
    kept = _kept(asked, offered, rule, split_dates=split_dates)
    confirmed = _total(kept)
    on_time = _total(piece for piece in kept if piece.date <= asked.requested_date)
    return LinePromise(
        asked,
        _status(asked, confirmed, on_time, held=any(finding.code == "credit-hold" for finding in findings)),
        confirmed,
        on_time,
        asked.quantity - confirmed,
        kept,
        _factors(asked, erp, plan, on_time),
        _alternatives(asked, offered, kept),
        findings,
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


def _pieces(asked: Asked, erp: ErpFact, plan: PlanFact | None) -> list[Piece]:
    return [*_from_erp(asked, erp), *_from_plan(asked, plan)]


def _from_erp(asked: Asked, erp: ErpFact) -> list[Piece]:
    """The ERP names no supply: what it confirms for the requested day is taken for stock, later days for receipts."""
    if erp.line is None or erp.line.unit != asked.unit:
        return []
    plant = erp.line.plant
    pieces = []
    for confirmation in erp.line.confirmations:
        if confirmation.date is None or confirmation.confirmed <= 0:
            continue
        prompt = confirmation.date <= asked.requested_date
        pieces.append(
            Piece(
                confirmation.confirmed,
                confirmation.date,
                plant,
                "onHand" if prompt else "inbound",
                "unreserved",
                "high" if prompt else "medium",
                erp.source,
            )
        )
    return pieces


def _from_plan(asked: Asked, plan: PlanFact | None) -> list[Piece]:
    if plan is None or plan.line is None or plan.line.unit != asked.unit:
        return []
    return [
        Piece(piece.quantity, piece.date, plan.plant, "production", "simulated", "medium", plan.source)
        for piece in plan.line.pieces
        if piece.quantity > 0
    ]


def _earliest(wanted: Decimal, pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The earliest pieces that make up `wanted`, the last one cut; stock before production on the same day."""
    taken: list[Piece] = []
    left = wanted
    for piece in sorted(pieces, key=lambda piece: (piece.date, piece.supply == "production")):
        if left <= 0:
            break
        taken.append(replace(piece, quantity=min(piece.quantity, left)))
        left -= taken[-1].quantity
    return tuple(taken)


def _known(asked: Asked, erp: ErpFact, plan: PlanFact | None, offered: Decimal) -> bool:
    """Is enough known to say a number? A silent scheduler does not matter where the ERP alone covers the line."""
    if erp.line is None or erp.line.unit != asked.unit:
        return False
    if offered >= asked.quantity or plan is None:
        return True
    return plan.outcome == ANSWERED and plan.line is not None and plan.line.unit == asked.unit


def _kept(asked: Asked, offered: tuple[Piece, ...], rule: ConfirmationRule, *, split_dates: bool) -> tuple[Piece, ...]:
    """What the confirmation rule leaves of the offer: several days, one day when all is there, or one day only."""
    if rule == "oneTime":
        return tuple(piece for piece in offered if piece.date <= asked.requested_date)
    if rule == "complete" and _total(offered) < asked.quantity:
        return ()
    return offered if rule == "proposal" and split_dates else _together(offered)


def _together(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    last = max((piece.date for piece in pieces), default=None)
    return tuple(replace(piece, date=last) for piece in pieces) if last else ()


def _status(asked: Asked, confirmed: Decimal, on_time: Decimal, *, held: bool) -> LineStatus:
    if confirmed <= 0:
        return "unavailable"
    if held:
        return "datePending"
    if confirmed < asked.quantity:
        return "partiallyConfirmed"
    return "confirmed" if on_time >= asked.quantity else "confirmedLate"


def _factors(asked: Asked, erp: ErpFact, plan: PlanFact | None, on_time: Decimal) -> tuple[Factor, ...]:
    """Why a line is late or short: the ERP's stock first, then the work centre that the plan ran into."""
    if on_time >= asked.quantity or erp.line is None:
        return ()
    stock = _total(piece for piece in _from_erp(asked, erp) if piece.date <= asked.requested_date)
    factors = []
    if stock < asked.quantity:
        text = f"stock covers {min(stock, asked.quantity):f} of {asked.quantity:f} by {asked.requested_date}"
        factors.append(Factor("material", asked.material, erp.line.plant, text))
    if plan and plan.line and plan.line.work_centre:
        last = max((piece.date for piece in plan.line.pieces), default=None)
        text = f"capacity is loaded until {last}" if last else "no capacity within the planning horizon"
        factors.append(Factor("capacity", plan.line.work_centre, plan.plant, text))
    return tuple(factors)


def _alternatives(asked: Asked, offered: tuple[Piece, ...], kept: tuple[Piece, ...]) -> tuple[Alternative, ...]:
    """The other way to deliver the same pieces: all at once where the answer splits, split where it does not."""
    days = {piece.date for piece in offered}
    found: list[Alternative] = []
    if kept != offered:
        text = f"{_total(offered):f} of {asked.quantity:f} in {len(days)} deliveries until {max(days)}"
        found.append(Alternative("split", text, offered))
    together = _together(offered)
    if len(days) > 1 and kept != together and _total(offered) == asked.quantity:
        found.append(Alternative("laterDate", f"all {asked.quantity:f} together on {max(days)}", together))
    return tuple(found)


def _findings(asked: Asked, erp: ErpFact, plan: PlanFact | None) -> tuple[Finding, ...]:
    found = []
    if erp.credit == "blocked":
        text = "the customer's credit is blocked: the ERP would hold the order"
        found.append(Finding("credit-hold", text, "erp", erp.instance, blocking=True, line_id=asked.line_id))
    for system, fact in (("erp", erp), ("scheduler", plan)):
        if fact is None or fact.outcome == "skipped":
            continue
        if fact.outcome != ANSWERED:
            text = f"the {system} gave no answer in time: {fact.outcome}"
            found.append(
                Finding("source-unavailable", text, system, fact.instance, blocking=False, line_id=asked.line_id)
            )
        elif fact.line is not None and fact.line.unit != asked.unit:
            text = f"asked in {asked.unit}, answered in {fact.line.unit}"
            found.append(Finding("mapping-failed", text, system, fact.instance, blocking=True, line_id=asked.line_id))
    return tuple(found)


def _total(pieces: Iterable[Piece]) -> Decimal:
    return sum((piece.quantity for piece in pieces), ZERO)
