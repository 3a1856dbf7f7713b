"""A change request: simulated before it is proposed, decided by the caller, committed by the durable engine."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from policies.access import require_customer
from process_apis import exception_news, exception_rows
from process_apis.caller import Caller
from process_apis.durable import Durable
from process_apis.errors import (
    ChangeRequestOpen,
    DecisionNotPossible,
    Fault,
    NoSourceAnswered,
    NoSuchThing,
    OrderInTheMaking,
    RequestFaulty,
    VersionStale,
)
from process_apis.exceptions import opened
from process_apis.landscape import Landscape
from process_apis.operations import matches
from process_apis.order_change import rows
from process_apis.order_change.checks import read_steps
from process_apis.order_change.commit import WORKFLOW
from process_apis.order_change.entries import touched
from process_apis.order_change.models import (
    MOVING,
    ChangeDecision,
    ChangeRequest,
    ChangeRequestBody,
    InternalChangeRequest,
    PartnerChangeRequest,
    State,
)
from process_apis.order_change.rules import wanted_items
from process_apis.order_change.showing import view
from process_apis.order_change.simulation import propose
from process_apis.order_change.telling import tell
from process_apis.order_ids import canonical
from process_apis.orders.reading import OrderFacts, visible_facts
from process_apis.orders.tables import unfinished_maker
from process_apis.orders.versions import OrderVersion, etag_of, moved_parts, version_in
from process_apis.seals import Seals
from process_apis.words import bare, new_id
from system_apis import trail

KIND = "change request"
LOOK_EVERY_S = 0.05
DECIDED: dict[str, State] = {"accept": "committing", "reject": "rejected", "withdraw": "withdrawn"}


async def request_change(
    caller: Caller,
    request: ChangeRequestBody,
    *,
    order_id: str,
    landscape: Landscape,
    seals: Seals,
    store: AsyncEngine,
    durable: Durable,
) -> InternalChangeRequest | PartnerChangeRequest:
    """Simulate the wish against the order at the version the caller saw, and propose what comes of it.

    Raises NoSuchThing, OrderInTheMaking, VersionStale, RequestFaulty, ChangeRequestOpen, and NoSourceAnswered where a
    system that has to be asked is silent; then nothing is stored.
    """
    facts = await visible_facts(caller, order_id, landscape=landscape, store=store)
    order_id = facts.order_id
    await _refuse_unfinished(store, facts)
    await _refuse_second(store, order_id)
    version = _seen_version(caller, facts, seals)
    held = await _proposed(caller, request, facts, version, landscape)
    if caller.claim is None:
        raise RuntimeError("a change request is made under an idempotency claim")
    try:
        async with caller.claim.settle() as settlement:
            await rows.expire_due(settlement.connection, order_id, held.created_at)
            await rows.insert_request(settlement.connection, held)
            for one in held.exceptions:
                await exception_news.tell(settlement.connection, held.subject, one, exception_news.OPENED)
            await tell(settlement.connection, held, "order.change.proposed")
            settlement.answer = view(held, seals, held.created_at, caller.client.disclosure)
            settlement.touched = touched(held)
    except IntegrityError:
        await _refuse_second(store, order_id)
        raise
    if held.state == "committing":
        await durable.start_once(WORKFLOW, held.run_id)
        return await _patiently(caller, held, seals, store)
    return view(held, seals, held.created_at, caller.client.disclosure)


async def get_change_request(
    caller: Caller, _request: None, *, order_id: str, change_request_id: str, seals: Seals, store: AsyncEngine
) -> InternalChangeRequest | PartnerChangeRequest:
    """A change request as it stands: the monitor of a commit."""
    now = datetime.now(UTC)
    async with store.begin() as connection:
        await rows.expire_due(connection, canonical(order_id), now)
        held = await _visible(connection, caller, order_id, change_request_id)
    return view(held, seals, now, caller.client.disclosure)


async def decide_change(
    caller: Caller,
    decision: ChangeDecision,
    *,
    order_id: str,
    change_request_id: str,
    seals: Seals,
    store: AsyncEngine,
    durable: Durable,
) -> InternalChangeRequest | PartnerChangeRequest:
    """Accept a proposal, turn it down, or take the wish back. An accepted one is committed; look at it again, or
    wait for the end with `Prefer: wait`."""
    if decision.decision == "acceptAlternative":
        text = "there are no alternatives to accept yet"
        raise RequestFaulty((Fault("#/decision", text, "operation-not-supported-yet"),))
    if caller.claim is None:
        raise RuntimeError("a decision is made under an idempotency claim")
    now = datetime.now(UTC)
    async with caller.claim.settle() as settlement:
        connection = settlement.connection
        await rows.expire_due(connection, canonical(order_id), now)
        held = await _visible(connection, caller, order_id, change_request_id)
        _refuse_undecidable(held, caller, accepting=decision.decision == "accept")
        seen = held
        state = DECIDED[decision.decision]
        moved = await rows.move(
            connection, change_request_id, state, now, version=held.version, decision=decision.decision, conflicts=()
        )
        if not moved:
            raise VersionStale(KIND, change_request_id, held.etag)
        held = await _visible(connection, caller, order_id, change_request_id)
        if state != "committing":  # nothing comes of it, and what stood in its way does no longer matter
            await exception_rows.end_all(connection, held, exception_rows.Ending("waived", now))
            held = await _visible(connection, caller, order_id, change_request_id)
        await tell(connection, held, "order.change.accepted" if state == "committing" else f"order.change.{state}")
        settlement.answer = view(held, seals, now, caller.client.disclosure)
        settlement.touched = touched(held, before=seen, reason=decision.reason)
    if held.state == "committing":
        await durable.start_once(WORKFLOW, held.run_id)
    return await _patiently(caller, held, seals, store)


def _refuse_undecidable(held: ChangeRequest, caller: Caller, *, accepting: bool) -> None:
    if not matches(caller.if_match or "", held.etag):
        raise VersionStale(KIND, held.change_request_id, held.etag)
    if held.state != "proposed":
        raise DecisionNotPossible(KIND, held.change_request_id, held.state)
    if accepting and not held.proposal.acceptable:
        raise DecisionNotPossible(KIND, held.change_request_id, "blocked by an exception")


def _seen_version(caller: Caller, facts: OrderFacts, seals: Seals) -> OrderVersion:
    """The version that the caller saw, if it still is the current one."""
    disclosure = caller.client.disclosure
    now = facts.version(disclosure)
    if now is None:
        raise NoSourceAnswered((facts.instance,))
    seen = version_in(caller.if_match or "", facts.order_id, disclosure, seals)
    if seen is None or moved_parts(seen, now):
        raise VersionStale("order", facts.order_id, etag_of(now, seals))
    return now


async def _proposed(
    caller: Caller, request: ChangeRequestBody, facts: OrderFacts, version: OrderVersion, landscape: Landscape
) -> ChangeRequest:
    order = facts.order
    if order is None:
        raise NoSourceAnswered((facts.instance,))
    steps = read_steps(request.operations, order, facts.line_ids, landscape.today_at, landscape.units)
    wanted = wanted_items(order, steps, landscape.today_at)
    proposal, findings = await propose(facts, order, wanted, landscape=landscape, deadline=caller.deadline)
    now = datetime.now(UTC)
    at_once = request.mode == "commitIfClean" and proposal.clean
    return ChangeRequest(
        change_request_id=new_id("ocr"),
        order_id=facts.order_id,
        open_order_id=facts.order_id,
        state="committing" if at_once else "proposed",
        waiting_for=None,
        retry_at=None,
        revision=1,
        version=1,
        executor=None,
        client_id=caller.client.client_id,
        customer=bare(order.sold_to),
        wish=request,
        based_on=version,
        proposal=proposal,
        conflicts=(),
        exceptions=tuple(
            opened(one, step="simulation", at=now, correlation_id=caller.correlation_id) for one in findings
        ),
        decision="accept" if at_once else None,
        correlation_id=caller.correlation_id,
        traceparent=trail.traceparent(),
        expires_at=now + timedelta(seconds=request.expires_in_seconds),
        created_at=now,
        updated_at=now,
    )


async def _refuse_unfinished(store: AsyncEngine, facts: OrderFacts) -> None:
    """Conversion and change both write days, plan and quote: the conversion comes first, also while it waits for an
    operator, and before it has heard its order's number. Once it has ended it never begins again."""
    if facts.maker is not None:
        if facts.maker.unfinished:
            raise OrderInTheMaking(facts.order_id, facts.maker.operation_id)
    elif facts.order is not None and facts.order.reference:
        async with store.connect() as connection:
            maker = await unfinished_maker(connection, facts.order.reference)
        if maker is not None:
            raise OrderInTheMaking(facts.order_id, maker)


async def _refuse_second(store: AsyncEngine, order_id: str) -> None:
    """Two changes of one order at a time would each be simulated without the other."""
    async with store.begin() as connection:
        await rows.expire_due(connection, order_id, datetime.now(UTC))
        other = await rows.open_request_of(connection, order_id)
    if other is not None:
        raise ChangeRequestOpen(order_id, other)


async def _visible(connection: AsyncConnection, caller: Caller, order_id: str, change_request_id: str) -> ChangeRequest:
    held = await rows.load(connection, change_request_id)
    if held is None or held.order_id != canonical(order_id):
        raise NoSuchThing(KIND, change_request_id)
    require_customer(caller.client, held.customer, kind=KIND, ident=change_request_id)
    return held


async def _patiently(
    caller: Caller, held: ChangeRequest, seals: Seals, store: AsyncEngine
) -> InternalChangeRequest | PartnerChangeRequest:
    """The request as it stands, or as it ended if that was within `Prefer: wait`; a repeat is then told the same."""
    ends = asyncio.get_running_loop().time() + (caller.wait_s or 0)
    while held.state in MOVING and asyncio.get_running_loop().time() < ends:
        await asyncio.sleep(LOOK_EVERY_S)
        async with store.connect() as connection:
            held = await rows.load(connection, held.change_request_id) or held
    shown = view(held, seals, datetime.now(UTC), caller.client.disclosure)
    if caller.wait_s and caller.claim is not None:
        await caller.claim.replace(shown)
    return shown
