"""May this quote, or this part of it, become an order at all? Asked before anything is promised. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from process_apis.errors import Fault, QuoteLinesOrdered, QuoteNotConvertible, QuoteVersionMoved
from process_apis.quote_to_order.models import MOST_LINES, Agreed, ConversionRequest
from process_apis.quote_to_order.references import HUNDRED
from system_apis.salesforce.models import Quote, QuoteLine

CONVERTIBLE = ("approved", "accepted")


def request_faults(request: ConversionRequest, quote: Quote) -> Iterable[Fault]:
    """Every fault of the request that the quote's lines show."""
    known = {line.line_id for line in quote.lines}
    seen: set[str] = set()
    for place, chosen in enumerate(request.lines or ()):
        at = f"#/lines/{place}/lineId"
        if chosen.line_id not in known:
            yield Fault(at, f"the quote has no line {chosen.line_id}", "unknown-line")
        if chosen.line_id in seen:
            yield Fault(at, f"line {chosen.line_id} is named twice", "duplicate-line")
        seen.add(chosen.line_id)
    yield from policy_faults(request)
    if len(request.lines or quote.lines) > MOST_LINES:
        yield Fault("#/lines", f"at most {MOST_LINES} lines become an order at once", "too-many-lines")


def policy_faults(agreed: Agreed) -> Iterable[Fault]:
    """Every fault of the policies, wherever the quote comes from."""
    if (agreed.acceptance.mode == "validLinesMin") != (agreed.acceptance.minimum_percent is not None):
        yield Fault("#/acceptance/minimumPercent", "belongs to the mode validLinesMin, and only to it", "acceptance")
    if agreed.price_policy.tolerance > HUNDRED:
        yield Fault("#/pricePolicy/tolerancePercent", "is at most 100", "tolerance-too-large")


def refuse_unconvertible(quote: Quote, request: ConversionRequest, today: date) -> None:
    """Only an approved, unexpired quote with lines, at the version the caller saw, becomes an order."""
    if request.quote_version is not None and request.quote_version != quote.version:
        raise QuoteVersionMoved(quote.quote_id, quote.version)
    if quote.state not in CONVERTIBLE:
        raise QuoteNotConvertible(quote.quote_id, f"it is {quote.state}, not approved")
    if quote.expires_on is not None and quote.expires_on < today:
        raise QuoteNotConvertible(quote.quote_id, f"it expired on {quote.expires_on}")
    if not quote.lines:
        raise QuoteNotConvertible(quote.quote_id, "it has no lines")
    if not quote.customer:
        raise QuoteNotConvertible(quote.quote_id, "its account is no customer of the ERP")


def refuse_ordered(quote: Quote) -> None:
    """A line that is an order item already is none a second time, whatever revision the quote was raised to."""
    ordered = tuple(line.line_id for line in quote.lines if line.item)
    if ordered:
        order = f"{quote.order_instance}.{quote.order_number}" if quote.order_instance and quote.order_number else None
        raise QuoteLinesOrdered(quote.quote_id, ordered, order)


def chosen_lines(quote: Quote, request: ConversionRequest) -> tuple[QuoteLine, ...]:
    """The lines to convert, in the quote's order; all of them if the request names none."""
    if request.lines is None:
        return quote.lines
    named = {chosen.line_id for chosen in request.lines}
    return tuple(line for line in quote.lines if line.line_id in named)
