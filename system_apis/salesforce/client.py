"""Salesforce as the CRM: read a quote, find the quote of an order, write back what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from system_apis.bodies import decoded
from system_apis.deadline import Deadline
from system_apis.errand import Errand
from system_apis.http import Exchange, Upstream
from system_apis.oauth import ClientCredentials
from system_apis.salesforce import refusals, soql, wire
from system_apis.salesforce.models import Quote, QuoteOutcome

DEFAULT_VERSION = "v68.0"
MOST_SUBREQUESTS = 25
MOST_PAGES = 50
_JSON = {"Content-Type": "application/json"}
_QUOTES = msgspec.json.Decoder(wire.Quotes)
_LINES = msgspec.json.Decoder(wire.Lines)
_COMPOSITE = msgspec.json.Decoder(wire.CompositeAnswer)
_SAVED = msgspec.json.Decoder(tuple[wire.Saved, ...])


def connect(
    *,
    instance: str,
    base_url: str,
    client_id: str,
    client_secret: str,
    token_url: str | None = None,
    api_version: str = DEFAULT_VERSION,
    home_currency: str = "USD",
    multi_currency: bool = False,
    transport: httpx.AsyncBaseTransport | None = None,
    timeout_s: float = 10,
    observe: Callable[[Exchange], None] | None = None,
) -> Salesforce:
    """A Salesforce org by its My Domain address and a connected app with the client-credentials flow."""
    auth = ClientCredentials(
        system="salesforce",
        instance=instance,
        token_url=token_url or f"{base_url.rstrip('/')}/services/oauth2/token",
        client_id=client_id,
        client_secret=client_secret,
        expired=refusals.session_expired,
        transport=transport,
        observe=observe,
    )
    upstream = Upstream(
        system="salesforce",
        instance=instance,
        base_url=base_url,
        transport=transport,
        auth=auth,
        timeout_s=timeout_s,
        observe=observe,
    )
    return Salesforce(
        instance=instance,
        upstream=upstream,
        api_version=api_version,
        home_currency=home_currency,
        multi_currency=multi_currency,
    )


class Salesforce:
    """One org. `home_currency` is used where the org has no CurrencyIsoCode (it exists in multi-currency orgs only)."""

    def __init__(
        self,
        *,
        instance: str,
        upstream: Upstream,
        api_version: str = DEFAULT_VERSION,
        home_currency: str = "USD",
        multi_currency: bool = False,
    ) -> None:
        self.instance = instance
        self._upstream = upstream
        self._version = api_version
        self._home_currency = home_currency
        self._select = wire.selection(multi_currency=multi_currency)

    async def read_quote(self, quote_id: str, *, deadline: Deadline) -> Quote:
        """The quote with all its lines. An id that can't be one is not found, without a call."""
        errand = self._upstream.errand("read a quote", writes=False)
        if not soql.is_record_id(quote_id):
            raise errand.not_found("MALFORMED_ID", "not a record id")
        found = await self._find(f"WHERE Id = {soql.literal(quote_id)}", errand, deadline)
        if found is None:
            raise errand.not_found("NOT_FOUND", f"no quote {quote_id}")
        return found

    async def find_quote_of_order(self, order_number: str, *, deadline: Deadline) -> Quote | None:
        """The quote that names this order of the ERP, the one touched last if several do."""
        errand = self._upstream.errand("find the quote of an order", writes=False)
        condition = f"WHERE ERP_Order_Number__c = {soql.literal(order_number)} ORDER BY LastModifiedDate DESC LIMIT 1"
        return await self._find(condition, errand, deadline)

    async def write_back(self, outcome: QuoteOutcome, *, deadline: Deadline) -> None:
        """All fields of the outcome or none. Updates by record id: writing it twice changes nothing more."""
        errand = self._upstream.errand("write the outcome back", writes=True)
        ids = (outcome.quote_id, *(line.line_id for line in outcome.lines))
        if not all(soql.is_record_id(one) for one in ids):
            raise errand.not_found("MALFORMED_ID", "not a record id")
        records = [("Quote", outcome.quote_id, wire.quote_fields(outcome))]
        records += [("QuoteLineItem", line.line_id, wire.line_fields(line)) for line in outcome.lines]
        if len(records) <= MOST_SUBREQUESTS:
            await self._write_composite(records, errand, deadline)
        else:
            await self._write_collection(records, errand, deadline)

    async def ping(self, *, deadline: Deadline) -> None:
        """Raises unless the org answers and takes our credentials."""
        errand = self._upstream.errand("ping", writes=False)
        answer = await self._upstream.read("GET", "/services/data", operation=errand.operation, deadline=deadline)
        _granted(answer, errand)

    async def aclose(self) -> None:
        await self._upstream.aclose()

    async def _find(self, condition: str, errand: Errand, deadline: Deadline) -> Quote | None:
        path = soql.query_path(self._version, f"{self._select} {condition}")
        answer = await self._upstream.read("GET", path, operation=errand.operation, deadline=deadline)
        found = decoded(_QUOTES, _granted(answer, errand).content, errand).records
        if not found:
            return None
        lines = await self._all_lines(found[0].lines, errand, deadline)
        return wire.quote(found[0], lines, self._home_currency, errand)

    async def _all_lines(self, page: wire.Lines | None, errand: Errand, deadline: Deadline) -> tuple[wire.Line, ...]:
        """The lines of every page: a child list is paged like a query of its own."""
        lines: list[wire.Line] = []
        for _ in range(MOST_PAGES):
            if page is None:
                break
            lines += page.records
            if page.done or page.next_url is None:
                break
            # Only the path is followed: our token goes to the configured host and to no other.
            path = urlsplit(page.next_url).path
            answer = await self._upstream.read("GET", path, operation=errand.operation, deadline=deadline)
            page = decoded(_LINES, _granted(answer, errand).content, errand)
        else:
            raise errand.unreadable(f"the lines do not end after {MOST_PAGES} pages")
        return tuple(lines)

    async def _write_composite(
        self, records: list[tuple[str, str, dict[str, Any]]], errand: Errand, deadline: Deadline
    ) -> None:
        """Up to 25 records in one transaction. The answer is 200 also when all of it was rolled back."""
        parts = [
            {
                "method": "PATCH",
                "url": f"/services/data/{self._version}/sobjects/{kind}/{record_id}",
                "referenceId": f"record{place}",
                "body": fields,
            }
            for place, (kind, record_id, fields) in enumerate(records)
        ]
        body = {"allOrNone": True, "compositeRequest": parts}
        answer = await self._send("POST", "composite", body, errand, deadline)
        answers = decoded(_COMPOSITE, answer.content, errand).answers
        failed = [one for one in answers if not httpx.codes.is_success(one.status)]
        if failed:
            _raise_cause([(one.status, refusals.complaints(one.body)) for one in failed], errand)
        if len(answers) != len(records):
            raise errand.unreadable("the composite answer has not one part per record")

    async def _write_collection(
        self, records: list[tuple[str, str, dict[str, Any]]], errand: Errand, deadline: Deadline
    ) -> None:
        """More records than a composite holds: up to 200 in one transaction."""
        listed = [{"attributes": {"type": kind}, "id": record_id, **fields} for kind, record_id, fields in records]
        body = {"allOrNone": True, "records": listed}
        answer = await self._send("PATCH", "composite/sobjects", body, errand, deadline)
        saved = decoded(_SAVED, answer.content, errand)
        failed = [one for one in saved if not one.success]
        if failed:
            _raise_cause([(httpx.codes.BAD_REQUEST, one.errors) for one in failed], errand)
        if len(saved) != len(records):
            raise errand.unreadable("the collection answer has not one result per record")

    async def _send(
        self, method: str, resource: str, body: dict[str, Any], errand: Errand, deadline: Deadline
    ) -> httpx.Response:
        answer = await self._upstream.write(
            method,
            f"/services/data/{self._version}/{resource}",
            operation=errand.operation,
            deadline=deadline,
            headers=_JSON,
            content=msgspec.json.encode(body),
        )
        return _granted(answer, errand)


def _granted(answer: httpx.Response, errand: Errand) -> httpx.Response:
    if answer.is_success:
        return answer
    raise refusals.failure(answer.status_code, refusals.complaints(answer.content), errand)


def _raise_cause(failed: list[tuple[int, tuple[wire.Complaint, ...]]], errand: Errand) -> None:
    """The part that failed by itself, not those that were rolled back with it."""
    for status, said in failed:
        if any(one.code and one.code not in refusals.INNOCENT for one in said):
            raise refusals.failure(status, said, errand)
    status, said = failed[0]
    raise refusals.failure(status, said, errand)
