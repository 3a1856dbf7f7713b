"""The start of a conversion, wherever its quote comes from: one transaction holds the answer, the operation, the
claimed lines and the first event. From then on nothing gets lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from policies.idempotency import Claim
from process_apis import claimed_lines
from process_apis import operation_rows as rows
from process_apis.atp.token import PromiseFact, open_evidence
from process_apis.caller import Caller
from process_apis.disclosure import reader_of
from process_apis.durable import Durable
from process_apis.entries import touched
from process_apis.errors import Fault, LinesAlreadyConverted
from process_apis.landscape import Landscape
from process_apis.operation_views import InternalOperation, PartnerOperation, view
from process_apis.operations import Operation, QuoteSource
from process_apis.quote_to_order import lines
from process_apis.quote_to_order.admission import refuse_if_full
from process_apis.quote_to_order.models import KIND, Terms
from process_apis.seals import SealBroken, Seals
from process_apis.telling import tell
from process_apis.words import bare
from system_apis import trail

STARTED = "quote.conversion.started"


@dataclass(frozen=True, slots=True)
class Start:
    """What is to be started. `key` is what its lines are claimed under: the quote they belong to."""

    operation_id: str
    terms: Terms
    source: QuoteSource
    key: str


def inline_key(client_id: str, quote_number: str | None, operation_id: str) -> str:
    """Of a quote without a CRM: the client and its own number. Two clients may use the same one."""
    if quote_number is None:
        return operation_id
    return "inline:" + sha256(f"{client_id}\0{quote_number}".encode()).hexdigest()[:48]


def presented(seals: Seals, token: str | None) -> PromiseFact | None:
    """The promise behind a token; None if none was presented, or if it is none of ours."""
    if token is None:
        return None
    try:
        return open_evidence(seals, token, datetime.now(UTC))
    except SealBroken:
        return None


def token_faults(caller: Caller, token: str | None, promised: PromiseFact | None, customer: str) -> Iterator[Fault]:
    """A promise may be presented by whom it was made to, for the customer it was made for; old ones stay evidence."""
    if token is None:
        return
    if promised is None or (promised.client, bare(promised.sold_to)) != (caller.client.client_id, bare(customer)):
        yield Fault("#/promiseToken", "this is no promise made to you for this customer", "promise-token-invalid")


async def start(
    caller: Caller, claim: Claim, beginning: Start, *, store: AsyncEngine, landscape: Landscape, durable: Durable
) -> InternalOperation | PartnerOperation:
    """Start it exactly once; as it stands then.

    Raises QueueFull, and LinesAlreadyConverted where another operation holds a line.
    """
    quote, now = beginning.terms.quote, datetime.now(UTC)
    operation = _received(caller, beginning, landscape, now)
    line_ids = [line.line_id for line in quote.lines]
    try:
        async with claim.settle() as settlement:
            connection = settlement.connection
            await rows.insert_operation(connection, operation)
            with_crm = beginning.source == "crm"
            await refuse_if_full(connection, operation.operation_id, landscape, quote, with_crm=with_crm)
            await claimed_lines.claim(connection, beginning.key, quote.version, line_ids, operation.operation_id)
            await tell(connection, operation, STARTED)
            settlement.answer = begun = view(operation, (), now, reader_of(caller.client, landscape))
            settlement.touched = touched(operation)
    except IntegrityError as clash:
        async with store.connect() as connection:
            holder = await claimed_lines.holder_of(connection, beginning.key, line_ids)
        if holder is None:
            raise
        raise LinesAlreadyConverted(quote.quote_id, holder) from clash
    await durable.start_once(KIND, operation.operation_id)
    return begun


def _received(caller: Caller, beginning: Start, landscape: Landscape, now: datetime) -> Operation:
    quote = beginning.terms.quote
    return Operation(
        operation_id=beginning.operation_id,
        kind=KIND,
        state="received",
        waiting_for=None,
        retry_at=None,
        revision=1,
        executor=None,
        client_id=caller.client.client_id,
        customer=quote.customer,
        quote_id=quote.quote_id,
        quote_version=quote.version,
        quote_source=beginning.source,
        terms=msgspec.json.encode(beginning.terms).decode(),
        lines=lines.first_lines(quote, landscape.default_plant, landscape.today_at),
        exceptions=(),
        order_instance=None,
        order_number=None,
        decide_by=None,
        decision=None,
        correlation_id=caller.correlation_id,
        traceparent=trail.traceparent(),
        created_at=now,
        updated_at=now,
    )
