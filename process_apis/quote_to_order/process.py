"""Quote to order as the edge calls it: start a conversion, watch it, decide on its proposal, stop it in time.

The quote is read before anything is promised. After that one transaction holds the answer, the operation, the claimed
lines and the first event; from then on nothing gets lost.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policies.access import require_customer
from policies.idempotency import Claim
from process_apis import claimed_lines, exception_rows
from process_apis import operation_rows as rows
from process_apis.caller import Caller
from process_apis.cursors import cursor_of, place_in
from process_apis.disclosure import Reader, reader_of
from process_apis.durable import Durable
from process_apis.entries import touched
from process_apis.errors import DecisionNotPossible, LinesAlreadyConverted, NoSuchThing, VersionStale
from process_apis.faults import refuse_if_any
from process_apis.landscape import Landscape
from process_apis.operation_views import (
    InternalOperation,
    InternalOperations,
    PartnerOperation,
    PartnerOperations,
    internal_view,
    partner_view,
    view,
)
from process_apis.operations import (
    AT_REST,
    CANCELLABLE,
    Operation,
    matches,
)
from process_apis.quote_to_order import convertible, inlining, starting
from process_apis.quote_to_order.letting_go import let_go
from process_apis.quote_to_order.models import (
    CancelRequest,
    ConversionRequest,
    DecisionRequest,
    InlineConversionRequest,
    Terms,
)
from process_apis.quote_to_order.resolving import quote_in_our_terms
from process_apis.quote_to_order.starting import Start
from process_apis.seals import Seals
from process_apis.tables import operations
from process_apis.telling import tell
from process_apis.words import new_id
from system_apis.errors import NotFoundInSystem
from system_apis.salesforce.models import Quote

LISTING = "operations"
MOST_LISTED = 100
FIRST_LOOK_S, LONGEST_LOOK_S = 0.02, 0.25


async def convert_quote(
    caller: Caller,
    request: ConversionRequest,
    *,
    quote_id: str,
    store: AsyncEngine,
    landscape: Landscape,
    seals: Seals,
    durable: Durable,
) -> InternalOperation | PartnerOperation:
    """Start exactly one conversion of the quote (or of the lines named), or say at once why not."""
    claim = _claim_of(caller)
    quote = quote_in_our_terms(await _readable_quote(caller, quote_id, landscape), landscape)
    convertible.refuse_unconvertible(quote, request, landscape.today)
    promised = starting.presented(seals, request.promise_token)
    faults = (
        *convertible.request_faults(request, quote),
        *starting.token_faults(caller, request.promise_token, promised, quote.customer),
    )
    refuse_if_any(faults)
    quote = replace(quote, lines=convertible.chosen_lines(quote, request))
    await _refuse_ordered(store, quote)
    beginning = Start(new_id("op"), Terms(request, quote, promised), "crm", quote.quote_id)
    begun = await starting.start(caller, claim, beginning, store=store, landscape=landscape, durable=durable)
    return await _after_waiting(caller, claim, begun, store, reader_of(caller.client, landscape))


async def convert_inline_quote(
    caller: Caller,
    request: InlineConversionRequest,
    *,
    store: AsyncEngine,
    landscape: Landscape,
    seals: Seals,
    durable: Durable,
) -> InternalOperation | PartnerOperation:
    """Start exactly one conversion of a quote that comes with the call. The CRM hears nothing of it: it has no such
    quote."""
    claim = _claim_of(caller)
    customer = inlining.customer_of(caller.client, request, landscape)
    request = inlining.granted(caller.client, request, landscape)
    promised = starting.presented(seals, request.promise_token)
    faults = (
        *inlining.inline_faults(request, customer, landscape),
        *starting.token_faults(caller, request.promise_token, promised, customer),
    )
    refuse_if_any(faults)
    operation_id = new_id("op")
    quote = inlining.quote_of(request, customer, landscape, operation_id)
    key = starting.inline_key(caller.client.client_id, request.quote_number, operation_id)
    beginning = Start(operation_id, Terms(inlining.agreed_of(request), quote, promised), "inline", key)
    begun = await starting.start(caller, claim, beginning, store=store, landscape=landscape, durable=durable)
    return await _after_waiting(caller, claim, begun, store, reader_of(caller.client, landscape))


async def get_operation(
    caller: Caller, _request: None, *, operation_id: str, store: AsyncEngine, landscape: Landscape
) -> InternalOperation | PartnerOperation:
    """The monitor. Somebody else's operation does not exist for the caller."""
    return await _viewed(caller, operation_id, store, reader_of(caller.client, landscape))


async def list_operations(
    caller: Caller,
    _request: None,
    *,
    store: AsyncEngine,
    landscape: Landscape,
    seals: Seals,
    limit: int = 20,
    cursor: str | None = None,
) -> InternalOperations | PartnerOperations:
    """The caller's operations, newest first."""
    limit = max(1, min(limit, MOST_LISTED))
    older_than = place_in(cursor, caller.client, LISTING, seals) if cursor else None
    async with store.connect() as connection:
        found = await rows.page(connection, caller.client, older_than=older_than, limit=limit + 1)
        page = found[:limit]
        steps = await rows.steps_of(connection, *(one.operation_id for one in page))
    now = datetime.now(UTC)
    more = cursor_of(caller.client, LISTING, page[-1].operation_id, seals) if len(found) > limit else None
    if caller.client.disclosure == "internal":
        return InternalOperations(tuple(internal_view(one, steps[one.operation_id], now) for one in page), more)
    plants = landscape.plants
    return PartnerOperations(tuple(partner_view(one, steps[one.operation_id], now, plants) for one in page), more)


async def decide_operation(
    caller: Caller,
    request: DecisionRequest,
    *,
    operation_id: str,
    store: AsyncEngine,
    landscape: Landscape,
    durable: Durable,
) -> InternalOperation | PartnerOperation:
    """Accept or reject the proposal as the caller saw it."""
    claim, reader = _claim_of(caller), reader_of(caller.client, landscape)
    seen = await _visible(caller, operation_id, store)
    if seen.state != "awaitingDecision" or seen.decision is not None:
        raise DecisionNotPossible("operation", operation_id, seen.state)
    if not matches(caller.if_match or "", seen.etag):
        raise VersionStale("operation", operation_id, seen.etag)
    unmoved = operations.c.revision == seen.revision
    async with claim.settle() as settlement:
        now = datetime.now(UTC)
        if seen.decide_by is not None and now >= seen.decide_by:
            raise DecisionNotPossible("operation", operation_id, "expired")
        if not await rows.change(settlement.connection, operation_id, now, unmoved, decision=request.decision):
            raise VersionStale("operation", operation_id, seen.etag)
        decided = await _reloaded(settlement.connection, operation_id)
        await tell(settlement.connection, decided, "quote.conversion.decided")
        steps = await rows.steps_of(settlement.connection, operation_id)
        settlement.answer = answer = view(decided, steps[operation_id], now, reader)
        settlement.touched = touched(decided, before=seen)
    durable.deliver_decision(operation_id)
    return await _after_waiting(caller, claim, answer, store, reader, decided=True)


async def cancel_operation(
    caller: Caller,
    request: CancelRequest | None,
    *,
    operation_id: str,
    store: AsyncEngine,
    landscape: Landscape,
    durable: Durable,
) -> InternalOperation | PartnerOperation:
    """Stop it before there can be an order; its lines may be converted again."""
    claim, reader = _claim_of(caller), reader_of(caller.client, landscape)
    seen = await _visible(caller, operation_id, store)
    async with claim.settle() as settlement:
        now = datetime.now(UTC)
        stopped = await rows.enter(
            settlement.connection, operation_id, "cancelled", now, executor=None, waiting_for=None, retry_at=None
        )
        cancelled = await _reloaded(settlement.connection, operation_id)
        if not stopped:
            raise DecisionNotPossible("operation", operation_id, cancelled.state)
        await let_go(settlement.connection, cancelled, now)
        over = exception_rows.Ending("waived", now, caller.client.client_id, "the conversion was cancelled")
        await exception_rows.end_all(settlement.connection, cancelled, over)
        cancelled = await _reloaded(settlement.connection, operation_id)
        await tell(settlement.connection, cancelled, "quote.conversion.cancelled")
        steps = await rows.steps_of(settlement.connection, operation_id)
        settlement.answer = answer = view(cancelled, steps[operation_id], now, reader)
        settlement.touched = touched(cancelled, before=seen, reason=request.reason if request else None)
    if seen.state in CANCELLABLE:
        durable.deliver_decision(operation_id)
    return answer


def _claim_of(caller: Caller) -> Claim:
    if caller.claim is None:
        raise LookupError("this process starts or decides something: its route must be declared once=True")
    return caller.claim


async def _readable_quote(caller: Caller, quote_id: str, landscape: Landscape) -> Quote:
    try:
        quote = await landscape.crm.read_quote(quote_id, deadline=caller.deadline)
    except NotFoundInSystem:
        raise NoSuchThing("quote", quote_id) from None
    require_customer(caller.client, quote.customer, kind="quote", ident=quote_id)
    return quote


async def _refuse_ordered(store: AsyncEngine, quote: Quote) -> None:
    """Raises LinesAlreadyConverted where we know the operation behind a line, QuoteLinesOrdered where only the CRM says
    that it has become an item."""
    ordered = [line.line_id for line in quote.lines if line.item]
    if ordered:
        async with store.connect() as connection:
            holder = await claimed_lines.holder_of(connection, quote.quote_id, ordered)
        if holder is not None:
            raise LinesAlreadyConverted(quote.quote_id, holder)
        convertible.refuse_ordered(quote)


async def _visible(caller: Caller, operation_id: str, store: AsyncEngine) -> Operation:
    async with store.connect() as connection:
        operation = await rows.load(connection, operation_id)
    if operation is None:
        raise NoSuchThing("operation", operation_id)
    require_customer(caller.client, operation.customer, kind="operation", ident=operation_id)
    return operation


async def _reloaded(connection: AsyncConnection, operation_id: str) -> Operation:
    operation = await rows.load(connection, operation_id)
    if operation is None:
        raise NoSuchThing("operation", operation_id)
    return operation


async def _viewed(
    caller: Caller, operation_id: str, store: AsyncEngine, reader: Reader
) -> InternalOperation | PartnerOperation:
    async with store.connect() as connection:
        operation = await rows.load(connection, operation_id)
        steps = await rows.steps_of(connection, operation_id)
    if operation is None:
        raise NoSuchThing("operation", operation_id)
    require_customer(caller.client, operation.customer, kind="operation", ident=operation_id)
    return view(operation, steps[operation_id], datetime.now(UTC), reader)


async def _after_waiting(
    caller: Caller,
    claim: Claim,
    answer: InternalOperation | PartnerOperation,
    store: AsyncEngine,
    reader: Reader,
    *,
    decided: bool = False,
) -> InternalOperation | PartnerOperation:
    """The operation once it is at rest, or as it stands when the caller's patience is over (RFC 7240 `wait`): as it
    stood in `answer` for one who has none.

    What the caller is told is what a repeat of its call is told. Right after a decision the proposal still stands.
    """
    patience_s = min(caller.wait_s or 0.0, caller.deadline.remaining_s)
    if patience_s <= 0:
        return answer
    ends_at = asyncio.get_running_loop().time() + patience_s
    pause_s = FIRST_LOOK_S
    while True:
        answer = await _viewed(caller, answer.operation_id, store, reader)
        taken_up = not (decided and answer.state == "awaitingDecision" and answer.decision is not None)
        resting = answer.state in AT_REST and taken_up
        left_s = ends_at - asyncio.get_running_loop().time()
        if resting or left_s <= 0:
            break
        await asyncio.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * 1.5, LONGEST_LOOK_S)
    await claim.replace(answer)
    return answer
