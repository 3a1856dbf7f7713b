"""The Salesforce client and the sandbox's CRM, two readings of one contract, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey
from msgspec.structs import replace

from system_apis.errors import (
    CredentialsRefused,
    NotFoundInSystem,
    ObjectLocked,
    OutcomeUnknown,
    SystemRefused,
    SystemUnavailable,
    UnreadableAnswer,
    VersionMoved,
)
from system_apis.salesforce.client import Salesforce
from system_apis.salesforce.models import ExceptionOutcome, LineOutcome, Quote, QuoteOutcome
from system_apis.salesforce.rest import Allowance
from tests.integration.neighbours.clients import crm_of, signed_crm_of, soon, today
from tests.sandbox import RunningSandbox


def outcome_of(quote: Quote, order: str | None = "4711", state: str = "completed") -> QuoteOutcome:
    lines = tuple(
        LineOutcome(line.line_id, "confirmed", str(place * 10), line.quantity, line.requested_date, "fine")
        for place, line in enumerate(quote.lines, start=1)
    )
    return QuoteOutcome(quote.quote_id, "op_1", state, order, "s4-1710", quote.expires_on, "done", lines)


def exception(ident: str, quote: Quote) -> ExceptionOutcome:
    opened = datetime(2026, 11, 20, 17, 0, 0, 123000, UTC)
    return ExceptionOutcome(
        exception_id=ident,
        code="shortage",
        category="availability",
        severity="error",
        state="open",
        step="schedule",
        owner="planning",
        blocking=True,
        retryable=False,
        detail="40 C62 find no capacity",
        source_system="scheduler",
        source_instance="aps-1710",
        opened_at=opened,
        due_at=opened + timedelta(days=1),
        correlation_id="corr-1",
        line_id=quote.lines[0].line_id,
    )


@contextmanager
def a_person(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    """Somebody else at work in the same org."""
    base = sandbox.urls["salesforce"]
    form = {"grant_type": "client_credentials"}
    secret = ("ordergate", "salesforce-sandbox-secret")
    token = httpx.post(f"{base}/services/oauth2/token", data=form, auth=secret).raise_for_status().json()
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    with httpx.Client(base_url=f"{base}/services/data/v68.0", headers=headers) as person:
        yield person


def kept_exceptions(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    names = "Exception_Id__c, Quote__c, Code__c, State__c, Blocking__c, Opened_At__c"
    asked = {"q": f"SELECT {names} FROM Ordergate_Exception__c ORDER BY Exception_Id__c"}
    with a_person(sandbox) as person:
        return list(person.get("/query", params=asked).raise_for_status().json()["records"])


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
    async with aclosing(crm_of(fresh_sandbox, secret="wrong")) as crm:
        with pytest.raises(CredentialsRefused):
            await crm.ping(deadline=soon())


async def test_a_refused_connection_is_unavailability(crm: Salesforce, fresh_sandbox: RunningSandbox) -> None:
    lifted = fresh_sandbox.fault("salesforce", "refuse")
    with pytest.raises(SystemUnavailable):
        await crm.ping(deadline=soon(1))
    fresh_sandbox.lift(lifted)
    await crm.ping(deadline=soon())


async def test_more_records_than_a_composite_holds_are_written_in_one_go(
    crm: Salesforce, fresh_sandbox: RunningSandbox
) -> None:
    quotes = [await crm.read_quote(one["id"], deadline=soon()) for one in fresh_sandbox.world()["quotes"]]
    lines = tuple(line for quote in quotes for line in outcome_of(quote).lines)
    told = tuple(exception(f"exc_{n}", quotes[0]) for n in range(30))
    mark = fresh_sandbox.journal("salesforce")[-1]["seq"]
    await crm.write_back(replace(outcome_with(quotes[0], lines), exceptions=told), deadline=soon())
    asked = [one["path"] for one in fresh_sandbox.journal("salesforce", mark)]
    assert asked == ["/services/data/v68.0/composite/graph"]
    assert (await crm.read_quote(quotes[0].quote_id, deadline=soon())).order_number == "4711"
    assert len(kept_exceptions(fresh_sandbox)) == 30
    stranger = LineOutcome("0QL000000000000AAA", "confirmed")
    with pytest.raises(SystemRefused):
        await crm.write_back(outcome_with(quotes[1], (*lines, stranger)), deadline=soon())
    assert (await crm.read_quote(quotes[1].quote_id, deadline=soon())).order_number is None


async def test_an_exception_is_told_twice_and_stands_once(crm: Salesforce, fresh_sandbox: RunningSandbox) -> None:
    quote = await crm.read_quote(fresh_sandbox.quote_id("Q-1001"), deadline=soon())
    outcome = replace(outcome_of(quote), exceptions=(exception("exc_1", quote), exception("exc_2/ä?#", quote)))
    fresh_sandbox.fault("salesforce", "dropAfterCommit", method="POST", path="composite", count=1)
    with pytest.raises(OutcomeUnknown):
        await crm.write_back(outcome, deadline=soon())
    await crm.write_back(outcome, deadline=soon())
    first, second = kept_exceptions(fresh_sandbox)
    assert (first["Exception_Id__c"], second["Exception_Id__c"]) == ("exc_1", "exc_2/ä?#")
    assert (first["Quote__c"], first["Code__c"], first["Blocking__c"]) == (quote.quote_id, "shortage", True)
    assert first["Opened_At__c"].startswith("2026-11-20T17:00:00."), "Salesforce keeps whole seconds"
    resolved = replace(outcome, exceptions=(replace(outcome.exceptions[0], state="resolved"),))
    await crm.write_back(resolved, deadline=soon())
    assert [one["State__c"] for one in kept_exceptions(fresh_sandbox)] == ["resolved", "open"]


async def test_a_lock_is_outwaited(crm: Salesforce, fresh_sandbox: RunningSandbox) -> None:
    quote = await crm.read_quote(fresh_sandbox.quote_id("Q-1001"), deadline=soon())
    fresh_sandbox.fault("salesforce", "locked", method="POST", path="composite", count=2)
    await crm.write_back(outcome_of(quote), deadline=soon())
    assert (await crm.read_quote(quote.quote_id, deadline=soon())).order_number == "4711"
    fresh_sandbox.fault("salesforce", "locked", method="POST", path="composite")
    with pytest.raises(ObjectLocked):
        await crm.write_back(outcome_of(quote), deadline=soon(1))


async def test_spent_calls_are_unavailability_with_a_hint(crm: Salesforce, fresh_sandbox: RunningSandbox) -> None:
    fresh_sandbox.fault("salesforce", "limitExceeded", path="query")
    with pytest.raises(SystemUnavailable) as met:
        await crm.read_quote(fresh_sandbox.quote_id("Q-1001"), deadline=soon())
    assert met.value.retry_after_s == 900


async def test_the_allowance_is_told(fresh_sandbox: RunningSandbox) -> None:
    told: list[Allowance] = []
    async with aclosing(crm_of(fresh_sandbox, metered=told.append)) as crm:
        for _ in range(2):
            await crm.read_quote(fresh_sandbox.quote_id("Q-1001"), deadline=soon())
    first, second = told
    assert second.used == first.used + 1
    assert 0 < first.used < first.most == second.most


async def test_somebody_elses_touch_is_noticed(crm: Salesforce, fresh_sandbox: RunningSandbox) -> None:
    quote = await crm.read_quote(fresh_sandbox.quote_id("Q-1001"), deadline=soon())
    before = quote.modified_at - timedelta(milliseconds=1)
    with pytest.raises(VersionMoved):
        await crm.write_back(outcome_of(quote), unless_modified_since=before, deadline=soon())
    await crm.write_back(outcome_of(quote), unless_modified_since=quote.modified_at, deadline=soon())
    assert (await crm.read_quote(quote.quote_id, deadline=soon())).order_number == "4711"


async def test_what_a_person_changes_meanwhile_stays(crm: Salesforce, fresh_sandbox: RunningSandbox) -> None:
    quote = await crm.read_quote(fresh_sandbox.quote_id("Q-1001"), deadline=soon())
    with a_person(fresh_sandbox) as person:
        changed = person.patch(f"/sobjects/Quote/{quote.quote_id}", json={"Name": "Q-1001 b", "Revision__c": "2"})
        assert changed.status_code == 204
    await crm.write_back(outcome_of(quote), deadline=soon())
    now = await crm.read_quote(quote.quote_id, deadline=soon())
    assert (now.name, now.version, now.order_number) == ("Q-1001 b", "2", "4711")


async def test_quotes_are_found_by_the_orders_of_one_erp(crm: Salesforce, fresh_sandbox: RunningSandbox) -> None:
    for name, order in (("Q-1010", "1"), ("Q-1011", "2")):
        quote = await crm.read_quote(fresh_sandbox.quote_id(name), deadline=soon())
        await crm.write_back(outcome_of(quote, order), deadline=soon())
    found = await crm.find_quotes_of_orders(["1", "2", "3"], order_instance="s4-1710", deadline=soon())
    assert {order: quote.name for order, quote in found.items()} == {"1": "Q-1010", "2": "Q-1011"}
    assert await crm.find_quotes_of_orders(["1", "2"], order_instance="other", deadline=soon()) == {}
    assert await crm.find_quote_of_order("1", order_instance="s4-1710", deadline=soon()) == found["1"]


class SmallPages(httpx.AsyncHTTPTransport):
    """Two records to a page, where the client asks for no size."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["Sforce-Query-Options"] = "batchSize=2"
        return await super().handle_async_request(request)


async def test_pages_within_pages_are_followed(crm: Salesforce, fresh_sandbox: RunningSandbox) -> None:
    quotes = [await crm.read_quote(one["id"], deadline=soon()) for one in fresh_sandbox.world()["quotes"]]
    for order, quote in enumerate(quotes):
        await crm.write_back(outcome_of(quote, str(order)), deadline=soon())
    orders = [str(order) for order in range(len(quotes))]
    whole = await crm.find_quotes_of_orders(orders, deadline=soon())
    mark = fresh_sandbox.journal("salesforce")[-1]["seq"]
    async with aclosing(crm_of(fresh_sandbox, transport=SmallPages())) as small:
        assert await small.find_quotes_of_orders(orders, deadline=soon()) == whole
    pages = [one for one in fresh_sandbox.journal("salesforce", mark) if "/query/" in one["path"]]
    assert len(whole) == len(quotes)
    assert len(pages) > len(quotes) / 2, "pages of quotes, and pages of the lines of one quote"


async def test_as_many_orders_as_one_likes_are_asked_for(crm: Salesforce) -> None:
    numbers = [str(number) for number in range(3000)]
    assert await crm.find_quotes_of_orders(numbers, deadline=soon()) == {}


async def test_the_org_serves_what_we_use(crm: Salesforce) -> None:
    assert await crm.drift(deadline=soon()) == ()


async def test_a_version_that_is_not_served_is_a_clear_failure(fresh_sandbox: RunningSandbox) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1001")
    for version in ("v99.0", "v30.0"):
        async with aclosing(crm_of(fresh_sandbox, api_version=version)) as crm:
            with pytest.raises(SystemRefused) as met:
                await crm.read_quote(quote_id, deadline=soon())
            assert (type(met.value), met.value.code) == (SystemRefused, "UNSUPPORTED_API_VERSION")
            with pytest.raises(SystemRefused, match="UNSUPPORTED_API_VERSION"):
                await crm.ping(deadline=soon())
            (finding,) = await crm.drift(deadline=soon())
            assert finding.kind == "versionNotServed"


@pytest.mark.parametrize("kind", ["serverError", "unavailable", "truncated", "logonPage"])
async def test_pages_and_broken_answers_are_typed(crm: Salesforce, fresh_sandbox: RunningSandbox, kind: str) -> None:
    quote = await crm.read_quote(fresh_sandbox.quote_id("Q-1001"), deadline=soon())
    armed = fresh_sandbox.fault("salesforce", kind, path="composite|query")
    with pytest.raises((SystemUnavailable, UnreadableAnswer)):
        await crm.read_quote(quote.quote_id, deadline=soon(1))
    with pytest.raises((OutcomeUnknown, SystemUnavailable)):
        await crm.write_back(outcome_of(quote), deadline=soon(1))
    fresh_sandbox.lift(armed)
    await crm.write_back(outcome_of(quote), deadline=soon())


async def test_a_signed_log_on_is_let_in(fresh_sandbox: RunningSandbox) -> None:
    quote_id = fresh_sandbox.quote_id("Q-1001")
    async with aclosing(signed_crm_of(fresh_sandbox)) as crm:
        assert (await crm.read_quote(quote_id, deadline=soon())).name == "Q-1001"
        fresh_sandbox.expire_sessions()
        assert (await crm.read_quote(quote_id, deadline=soon())).name == "Q-1001"


async def test_a_stranger_who_signs_is_not_let_in(fresh_sandbox: RunningSandbox, tmp_path: Path) -> None:
    forged = tmp_path / "forged.pem"
    forged.write_bytes(RSAKey.generate_key(2048).as_pem(private=True))
    for wrong in ({"key_file": forged}, {"audience": "https://elsewhere"}, {"username": "stranger@elsewhere"}):
        async with aclosing(signed_crm_of(fresh_sandbox, **wrong)) as crm:
            with pytest.raises(CredentialsRefused, match="invalid_grant"):
                await crm.ping(deadline=soon())
