"""How a conversion is decided: the agreed terms and the neighbours' facts in, a verdict out. No clock, no neighbour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from process_apis.conversions import LineConversion
from process_apis.exceptions import Finding, SourceMessage
from process_apis.operations import LineState, State
from process_apis.quote_to_order.configuration import planned_otherwise
from process_apis.quote_to_order.models import Acceptance, Terms
from process_apis.quote_to_order.references import HUNDRED, Piece, Resolved, erp_pieces, line_state, total
from system_apis.salesforce.models import QuoteLine
from system_apis.sap.models import Demand, SimulatedLine, Simulation
from system_apis.sap.reasons import reason_of
from system_apis.scheduler.models import PlannedLine

_NO_CENTS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
"""The currencies without a minor unit (ISO 4217)."""


class LinePlan(Struct, frozen=True):
    """What is to become of a line. A `rejected` one is not ordered; `price` is the ERP's net amount, `tax` comes on
    top of it."""

    line_id: str
    state: LineState
    pieces: tuple[Piece, ...]
    price: Decimal | None
    tax: Decimal | None = None

    @property
    def confirmed(self) -> Decimal:
        return total(self.pieces)


class Verdict(Struct, frozen=True):
    """`go` creates the order, `ask` proposes it to the caller first, `reject` ends the conversion."""

    decision: Literal["go", "ask", "reject"]
    lines: tuple[LinePlan, ...]
    findings: tuple[Finding, ...]

    @property
    def ordered(self) -> frozenset[str]:
        return frozenset(line.line_id for line in self.lines if line.state != "rejected")


class Planned(Struct, frozen=True):
    """What a scheduler could do about a line that the ERP leaves open."""

    scheduler: str
    line: PlannedLine


class _Case(NamedTuple):
    """A line with all that is known of it."""

    terms: Terms
    quoted: QuoteLine
    demand: Demand
    line: SimulatedLine
    pieces: tuple[Piece, ...]
    currency: str
    erp: str
    conversion: LineConversion | None = None

    @property
    def agreed(self) -> Decimal | None:
        """The quoted net amount of what is ordered; more than was quoted where the quantity was rounded up. None if no
        price was quoted."""
        price, by = self.quoted.unit_price, self.conversion
        if price is None:
            return None
        if by is None or not by.rounded:
            return price * self.quoted.quantity
        exact = Fraction(price) * Fraction(self.demand.quantity) / by.ratio
        return Decimal(exact.numerator) / Decimal(exact.denominator)

    def finding(self, code: str, detail: str, *, blocking: bool) -> Finding:
        return Finding(code, detail, "erp", self.erp, blocking=blocking, line_id=self.quoted.line_id)


class _Judged(NamedTuple):
    plan: LinePlan
    findings: tuple[Finding, ...]
    asks: bool


def judge(
    terms: Terms,
    resolved: Resolved,
    simulation: Simulation,
    planned: Mapping[str, Planned],
    accepted: Verdict | None = None,
) -> Verdict:
    """The verdict per policy. `planned` is a scheduler's answer by line; `accepted` a proposal the caller took."""
    simulated = {line.line_id: line for line in simulation.lines}
    demands = {demand.line_id: demand for demand in resolved.demands}
    judged: list[_Judged] = []
    for quoted in terms.quote.lines:
        demand, line = demands.get(quoted.line_id), simulated.get(quoted.line_id)
        if demand is None:
            judged.append(_refused(quoted.line_id, ()))  # its finding stands in `resolved`
        elif line is None:
            judged.append(_refused(quoted.line_id, (_not_taken(quoted.line_id, simulation, resolved.erp),)))
        else:
            plan = planned.get(quoted.line_id)
            outdated = planned_otherwise(quoted, plan.line, plan.scheduler) if plan else None
            if outdated is not None:
                judged.append(_refused(quoted.line_id, (outdated,), line.net_amount))
                continue
            made = tuple(Piece(one.quantity, one.date, "scheduler") for one in plan.line.pieces) if plan else ()
            pieces, by = (*erp_pieces(line.confirmations), *made), resolved.conversions.get(quoted.line_id)
            case = _Case(terms, quoted, demand, line, pieces, simulation.currency, resolved.erp, by)
            judged.append(_judge_line(case))
    findings = (*resolved.findings, *(finding for one in judged for finding in one.findings))
    verdict = Verdict("go", tuple(one.plan for one in judged), findings)
    held = _credit(simulation, terms.request.credit_policy, resolved.erp)
    if held is not None:
        verdict = Verdict("go", tuple(_on_hold(one) for one in verdict.lines), (*findings, held))
    hopeless = any(one.blocking and one.line_id is None for one in verdict.findings)
    if hopeless or not _acceptable(verdict, terms.request.acceptance):
        return Verdict("reject", verdict.lines, verdict.findings)
    asks = any(one.asks for one in judged) or accepted is not None
    if asks and not (accepted is not None and keeps(accepted, verdict)):
        return Verdict("ask", verdict.lines, verdict.findings)
    return verdict


def refused_as_a_whole(terms: Terms, resolved: Resolved, finding: Finding | None = None) -> Verdict:
    """Not one line can go on, or the ERP does not take the order at all."""
    lines = tuple(LinePlan(line.line_id, "rejected", (), None) for line in terms.quote.lines)
    return Verdict("reject", lines, (*resolved.findings, *((finding,) if finding else ())))


def broken_promise(promised: LinePlan, pieces: Sequence[Piece], erp: str) -> Finding | None:
    """The finding, if the order came out worse for a line than what was decided on: somebody was faster."""
    days = {piece.date for piece in promised.pieces}
    if all(_by(pieces, day) >= _by(promised.pieces, day) for day in days):
        return None
    last = max((piece.date for piece in pieces), default=None)
    detail = f"{promised.confirmed:f} until {max(days)} were expected, the order has {total(pieces):f} until {last}"
    return Finding("date-not-feasible", detail, "erp", erp, blocking=False, line_id=promised.line_id)


def keeps(proposed: Verdict, fresh: Verdict) -> bool:
    """Is what can be done now no worse than what the caller accepted? Otherwise it has to be asked again.

    A line that was rejected then and could be ordered now is none of what was accepted.
    """
    now = {line.line_id: line for line in fresh.lines}
    return fresh.ordered == proposed.ordered and all(
        _no_worse(line, now[line.line_id]) for line in proposed.lines if line.state != "rejected"
    )


def _no_worse(before: LinePlan, now: LinePlan) -> bool:
    """At no day less than was proposed by that day, and not dearer."""
    if before.price is not None and (now.price is None or now.price > before.price):
        return False
    days = {piece.date for piece in before.pieces}
    return all(_by(now.pieces, day) >= _by(before.pieces, day) for day in days)


def _by(pieces: Iterable[Piece], day: date) -> Decimal:
    return total(piece for piece in pieces if piece.date <= day)


def _judge_line(case: _Case) -> _Judged:
    demand, line = case.demand, case.line
    if line.unit != demand.unit:
        detail = f"asked in {demand.unit}, answered in {line.unit}"
        return _refused(line.line_id, (case.finding("mapping-failed", detail, blocking=True),), line.net_amount)
    state = line_state(demand.quantity, demand.requested_date, case.pieces)
    plan = LinePlan(line.line_id, state, case.pieces, line.net_amount, line.tax_amount)
    price, late = _price(case), _lateness(case, plan)
    findings = tuple(one for one in (price, late) if one is not None)
    if any(one.blocking for one in findings):
        return _refused(line.line_id, findings, line.net_amount)
    request = case.terms.request
    asks_price = price is not None and request.price_policy.on_mismatch == "hold"
    return _Judged(plan, findings, asks_price or (state != "confirmed" and request.on_late == "propose"))


def _on_hold(plan: LinePlan) -> LinePlan:
    return plan if plan.state == "rejected" else replace(plan, state="hold")


def _refused(line_id: str, findings: tuple[Finding, ...], price: Decimal | None = None) -> _Judged:
    return _Judged(LinePlan(line_id, "rejected", (), price), findings, asks=False)


def _not_taken(line_id: str, simulation: Simulation, erp: str) -> Finding:
    said = simulation.refused.get(line_id)
    source = SourceMessage(said.code, said.text) if said else None
    code = reason_of(said.code) if said else "item-refused"
    return Finding(code, "the ERP does not take this line", "erp", erp, blocking=True, line_id=line_id, source=source)


def _price(case: _Case) -> Finding | None:
    """Quoted and ERP price, both net, may differ by the tolerance. The order has the ERP's own price in any case."""
    policy, promised, quoted = case.terms.request.price_policy, case.terms.quote.currency, case.agreed
    if quoted is None:
        return None
    agreed = _payable(quoted, promised, case.line.net_amount)
    if promised == case.currency and abs(case.line.net_amount - agreed) * HUNDRED <= policy.tolerance * abs(agreed):
        return None
    detail = f"quoted {agreed:f} {promised}, the ERP's price is {case.line.net_amount:f} {case.currency}"
    return case.finding("price-mismatch", detail, blocking=policy.on_mismatch == "reject")


def _payable(amount: Decimal, currency: str, beside: Decimal) -> Decimal:
    """An amount as it can be paid: prices per unit may be finer than their currency, amounts of the ERP never are.
    Where the ERP prints more decimals than two, the currency has them."""
    decimals = 0 if currency in _NO_CENTS.split() else max(2, -int(beside.as_tuple().exponent))
    return amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def _lateness(case: _Case, plan: LinePlan) -> Finding | None:
    """A late line that the caller accepts is no exception; a quantity without any date always is."""
    if plan.state == "confirmed":
        return None
    refuses = case.terms.request.on_late == "reject"
    missing = case.demand.quantity - plan.confirmed
    if missing > 0:
        detail = f"{missing:f} of {case.demand.quantity:f} can be confirmed on no day"
        return case.finding("shortage" if refuses else "backordered", detail, blocking=refuses)
    if not refuses:
        return None
    detail = f"complete on {max(piece.date for piece in plan.pieces)}, not by {case.demand.requested_date}"
    return case.finding("date-not-feasible", detail, blocking=True)


def _credit(simulation: Simulation, policy: str, erp: str) -> Finding | None:
    if simulation.credit != "blocked":
        return None
    detail = "the customer's credit does not cover the order"
    return Finding("credit-hold", detail, "erp", erp, blocking=policy == "reject")


def _acceptable(verdict: Verdict, acceptance: Acceptance) -> bool:
    ordered, asked = len(verdict.ordered), len(verdict.lines)
    if acceptance.mode == "allOrNothing":
        return ordered == asked
    if acceptance.mode == "validLinesMin":
        return ordered * 100 >= asked * (acceptance.minimum_percent or 100)
    return ordered > 0


def final_state(*, open_exceptions: bool, rejected_lines: bool) -> State:
    """Completed without a blemish, or completed with something that somebody has to look at."""
    return "completedWithExceptions" if open_exceptions or rejected_lines else "completed"
