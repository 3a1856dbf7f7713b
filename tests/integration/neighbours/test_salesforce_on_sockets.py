"""The Salesforce client and the sandbox's CRM, two readings of one contract, over a real socket."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from system_apis.errors import CredentialsRefused, NotFoundInSystem, OutcomeUnknown, SystemRefused, SystemUnavailable
from system_apis.salesforce.client import Salesforce
from system_apis.salesforce.models import LineOutcome, Quote, QuoteOutcome
from tests.integration.neighbours.clients import crm_of, soon, today
from tests.sandbox import RunningSandbox


def outcome_of(quote: Quote, order: str | None = "4711", state: str = "completed") -> QuoteOutcome:
    lines = tuple(
        LineOutcome(line.line_id, "confirmed", str(place * 10), line.quantity, line.requested_date, "fine")
        for place, line in enumerate(quote.lines, start=1)
    )
    return QuoteOutcome(quote.quote_id, "op_1", state, order, "s4-1710", quote.expires_on, "done", lines)


def outcome_with(quote: Quote, lines: tuple[LineOutcome, ...]) -> QuoteOutcome:
    return QuoteOutcome(quote.quote_id, "op_1", "completed", "4711", "s4-1710", None, None, lines)


async def test_the_demo_quote_is_read(crm: Salesforce, fresh_sandbox: RunningSandbox) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1001")
    quote = await crm.read_quote(quote_id, deadline=soon())
    assert (quote.quote_id, quote.name, quote.state, quote.version) == (quote_id, "Q-1001", "approved", "1")
    assert (quote.customer, quote.currency, quote.order_number) == ("17100001", "USD", None)
    assert [(line.material, line.quantity, line.unit) for line in quote.lines] == [
        ("TG11", Decimal(40), "C62"),
        ("TG12", Decimal(100), "C62"),
        ("FG126", Decimal(50), "C62"),
    ]
    assert {line.requested_date for line in quote.lines} == {today(fresh_sandbox) + timedelta(days=5)}
    assert quote.lines[0].unit_price == Decimal("16.975"), "17.50 less this customer's 3 %"
    assert quote.modified_at.tzinfo is not None
    assert await crm.read_quote(quote_id[:15], deadline=soon()) == quote, "15 characters name the same record"


@pytest.mark.parametrize(("name", "state"), [("Q-1003", "draft"), ("Q-1004", "rejected"), ("Q-1005", "approved")])
async def test_states_are_told_apart(crm: Salesforce, fresh_sandbox: RunningSandbox, name: str, state: str) -> None:
    assert (await crm.read_quote(fresh_sandbox.quote_id(name), deadline=soon())).state == state


async def test_an_unknown_quote_is_not_found(crm: Salesforce) -> None:
    for ident in ("0Q0000000000000AAA", "001000000000000AAA", "nonsense"):
        with pytest.raises(NotFoundInSystem):
            await crm.read_quote(ident, deadline=soon())


async def test_an_outcome_is_written_twice_and_stands_once(crm: Salesforce, fresh_sandbox: RunningSandbox) -> None:
    quote = await crm.read_quote(fresh_sandbox.quote_id("Q-1001"), deadline=soon())
    for _ in range(2):
        await crm.write_back(outcome_of(quote), deadline=soon())
    now = await crm.read_quote(quote.quote_id, deadline=soon())
    assert now.order_number == "4711"
    assert (now.version, now.state) == (quote.version, quote.state), "our writing is no revision of theirs"
    assert await crm.find_quote_of_order("4711", deadline=soon()) == now
    assert await crm.find_quote_of_order("47' OR Name != '", deadline=soon()) is None


async def test_a_write_back_with_one_unknown_line_writes_nothing(
    crm: Salesforce, fresh_sandbox: RunningSandbox
) -> None:
    quote = await crm.read_quote(fresh_sandbox.quote_id("Q-1001"), deadline=soon())
    good = outcome_of(quote)
    bad = LineOutcome("0QL000000000000AAA", "confirmed")
    with pytest.raises(NotFoundInSystem):
        await crm.write_back(outcome_with(quote, (*good.lines, bad)), deadline=soon())
    assert (await crm.read_quote(quote.quote_id, deadline=soon())).order_number is None


async def test_a_lost_write_back_is_unknown_and_may_be_repeated(crm: Salesforce, fresh_sandbox: RunningSandbox) -> None:
    quote = await crm.read_quote(fresh_sandbox.quote_id("Q-1001"), deadline=soon())
    fresh_sandbox.fault("salesforce", "dropAfterCommit", method="POST", path="composite", count=1)
    with pytest.raises(OutcomeUnknown):
        await crm.write_back(outcome_of(quote), deadline=soon())
    await crm.write_back(outcome_of(quote), deadline=soon())
    assert (await crm.read_quote(quote.quote_id, deadline=soon())).order_number == "4711"


async def test_expired_sessions_are_renewed_unseen(crm: Salesforce, fresh_sandbox: RunningSandbox) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1001")
    quote = await crm.read_quote(quote_id, deadline=soon())
    fresh_sandbox.expire_sessions()
    mark = fresh_sandbox.journal("salesforce")[-1]["seq"]
    await asyncio.gather(*(crm.read_quote(quote_id, deadline=soon()) for _ in range(5)))
    tokens = [one for one in fresh_sandbox.journal("salesforce", mark) if one["path"].endswith("/token")]
    assert len(tokens) == 1, "one renewal for all who wait"
    fresh_sandbox.expire_sessions()
    await crm.write_back(outcome_of(quote), deadline=soon())
    assert (await crm.read_quote(quote_id, deadline=soon())).order_number == "4711"


async def test_a_wrong_secret_calls_for_an_operator(fresh_sandbox: RunningSandbox) -> None:
    crm = crm_of(fresh_sandbox, secret="wrong")
    with pytest.raises(CredentialsRefused):
        await crm.ping(deadline=soon())
    await crm.aclose()


async def test_a_refused_connection_is_unavailability(crm: Salesforce, fresh_sandbox: RunningSandbox) -> None:
    lifted = fresh_sandbox.fault("salesforce", "refuse")
    with pytest.raises(SystemUnavailable):
        await crm.ping(deadline=soon(1))
    fresh_sandbox.lift(lifted)
    await crm.ping(deadline=soon())


async def test_more_lines_than_a_composite_holds_are_written_in_one_go(
    crm: Salesforce, fresh_sandbox: RunningSandbox
) -> None:
    quotes = [await crm.read_quote(one["id"], deadline=soon()) for one in fresh_sandbox.world()["quotes"]]
    lines = tuple(line for quote in quotes for line in outcome_of(quote).lines)
    assert len(lines) >= 25, "a composite holds the quote and 24 lines"
    await crm.write_back(outcome_with(quotes[0], lines), deadline=soon())
    assert (await crm.read_quote(quotes[0].quote_id, deadline=soon())).order_number == "4711"
    stranger = LineOutcome("0QL000000000000AAA", "confirmed")
    with pytest.raises(SystemRefused):
        await crm.write_back(outcome_with(quotes[1], (*lines, stranger)), deadline=soon())
    assert (await crm.read_quote(quotes[1].quote_id, deadline=soon())).order_number is None
