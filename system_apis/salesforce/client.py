"""Salesforce as the CRM: read a quote, find the quotes of orders, write back what became of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import httpx
import msgspec

from system_apis.deadline import Deadline
from system_apis.drift import Finding
from system_apis.errand import Errand
from system_apis.http import Exchange, Upstream
from system_apis.maintenance import Rests
from system_apis.salesforce import drift, fields, logon, refusals, soql, wire
from system_apis.salesforce.logon import Logon, Secret
from system_apis.salesforce.models import Quote, QuoteOutcome
from system_apis.salesforce.rest import Allowance, Org
from system_apis.salesforce.transaction import Node, commit
from system_apis.tls import Tls

DEFAULT_VERSION = "v68.0"
DEFAULT_TIMEOUT_S = 15.0
"""Longer than the ten seconds that Salesforce waits for a lock: shorter, a lock would look like a lost answer."""
LONGEST_ORDER_NUMBER = next(one.longest for one in fields.QUOTE.fields if one.name == "ERP_Order_Number__c")
_QUOTES = msgspec.json.Decoder(wire.Page[wire.Quote])
_LINES = msgspec.json.Decoder(wire.Page[wire.Line])
_TOUCHED = msgspec.json.Decoder(wire.Page[wire.Touched])


def connect(
    *,
    instance: str,
    base_url: str,
    client_id: str,
    client_secret: str | None = None,
    signed: logon.SignedLogon | None = None,
    token_url: str | None = None,
    api_version: str = DEFAULT_VERSION,
    home_currency: str = "USD",
    multi_currency: bool = False,
    transport: httpx.AsyncBaseTransport | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    observe: Callable[[Exchange], None] | None = None,
    rests: Rests | None = None,
    metered: Callable[[Allowance], None] | None = None,
    tls: Tls | None = None,
) -> Salesforce:
    """A Salesforce org by its My Domain address and a connected app: either its secret or a signed log-on."""
    if (client_secret is None) == (signed is None):
        raise ValueError("a connected app has either a secret or a signed log-on")
    how: Logon = signed or Secret(client_secret or "")
    auth = logon.tokens(
        how,
        instance=instance,
        token_url=token_url or f"{base_url.rstrip('/')}/services/oauth2/token",
        client_id=client_id,
        transport=transport,
        observe=observe,
        tls=tls,
    )
    upstream = Upstream(
        system="salesforce",
        instance=instance,
        base_url=base_url,
        transport=transport,
        auth=auth,
        timeout_s=timeout_s,
        observe=observe,
        rests=rests,
        tls=tls,
    )
    org = Org(upstream, api_version, metered=metered)
    return Salesforce(org, home_currency=home_currency, multi_currency=multi_currency)


class Salesforce:
    """One org. `home_currency` is used where the org has no CurrencyIsoCode (it exists in multi-currency orgs only)."""

    def __init__(self, org: Org, *, home_currency: str = "USD", multi_currency: bool = False) -> None:
        self.instance = org.instance
        self._org = org
        self._home_currency = home_currency
        self._multi_currency = multi_currency
        self._select = wire.selection(multi_currency=multi_currency)

    async def read_quote(self, quote_id: str, *, deadline: Deadline) -> Quote:
        """The quote with all its lines. An id that can't be one is not found, without a call."""
        errand = self._org.errand("read a quote", writes=False)
        _refuse_strange_ids([quote_id], errand)
        found = await self._quotes(f"WHERE Id = {soql.literal(quote_id)}", errand, deadline)
        if not found:
            raise errand.not_found("NOT_FOUND", f"no quote {quote_id}")
        return found[0]

    async def find_quote_of_order(
        self, order_number: str, *, order_instance: str | None = None, deadline: Deadline
    ) -> Quote | None:
        """The quote that names this order, the one touched last if several do. Two ERP systems may use one number:
        `order_instance` says which of them is meant."""
        found = await self.find_quotes_of_orders([order_number], order_instance=order_instance, deadline=deadline)
        return found.get(order_number)

    async def find_quotes_of_orders(
        self, order_numbers: Sequence[str], *, order_instance: str | None = None, deadline: Deadline
    ) -> dict[str, Quote]:
        """The quotes that name these orders, by order number. An order without a quote is left out."""
        errand = self._org.errand("find the quotes of orders", writes=False)
        numbers = [number for number in order_numbers if 0 < len(number) <= LONGEST_ORDER_NUMBER]
        of_instance = f" AND ERP_Instance__c = {soql.literal(order_instance)}" if order_instance else ""
        found: dict[str, Quote] = {}
        for condition in soql.one_of("ERP_Order_Number__c", numbers):
            where = f"WHERE {condition}{of_instance} ORDER BY LastModifiedDate"
            # Touched last comes last: it stays.
            found |= {quote.order_number or "": quote for quote in await self._quotes(where, errand, deadline)}
        return found

    async def write_back(
        self, outcome: QuoteOutcome, *, unless_modified_since: datetime | None = None, deadline: Deadline
    ) -> None:
        """All fields of the outcome or none; writing it twice changes nothing more.

        Only fields of ours are written, which nobody else keeps: what a person changes meanwhile stays as it is.
        `unless_modified_since` refuses (VersionMoved) where somebody touched the quote later than that. Our own
        write touches it too, so that a repeat with the same moment is refused: look whether ours is there already.
        Exceptions that the org refuses are told by that failure after quote and lines are written.
        """
        errand = self._org.errand("write the outcome back", writes=True)
        _refuse_strange_ids([outcome.quote_id, *(line.line_id for line in outcome.lines)], errand)
        if unless_modified_since is not None:
            await self._refuse_if_touched(outcome.quote_id, unless_modified_since, errand, deadline)
        await commit(self._org, _nodes(outcome), errand, deadline)

    async def ping(self, *, deadline: Deadline) -> None:
        """Raises unless the org answers, gave us a token and serves our version. Not metered."""
        errand = self._org.errand("ping", writes=False)
        served = await self._org.versions(errand, deadline)
        if self._org.version not in served:
            raise errand.refused(refusals.VERSION, drift.not_served(self._org.version, served), httpx.codes.NOT_FOUND)

    async def drift(self, *, deadline: Deadline) -> tuple[Finding, ...]:
        """What the org lacks of what we use; nothing if all is as we know it."""
        used = fields.entities(multi_currency=self._multi_currency)
        return await drift.findings(self._org, used, deadline=deadline)

    async def aclose(self) -> None:
        """Closes connections. The session is not revoked: others who act as our user may be working with it."""
        await self._org.aclose()

    async def _quotes(self, condition: str, errand: Errand, deadline: Deadline) -> list[Quote]:
        quotes = []
        for read in await self._org.query(f"{self._select} {condition}", _QUOTES, errand, deadline):
            lines = await self._org.every(read.lines, _LINES, errand, deadline) if read.lines else ()
            quotes.append(wire.quote(read, lines, self._home_currency, errand))
        return quotes

    async def _refuse_if_touched(self, quote_id: str, since: datetime, errand: Errand, deadline: Deadline) -> None:
        """Read and compared, to the millisecond: If-Unmodified-Since knows whole seconds only."""
        question = "SELECT LastModifiedDate FROM Quote WHERE Id = "
        found = await self._org.query(question + soql.literal(quote_id), _TOUCHED, errand, deadline)
        if not found:
            raise errand.not_found("NOT_FOUND", f"no quote {quote_id}")
        touched = wire.instant(found[0].last_modified, errand)
        if touched > since:
            raise errand.moved("MODIFIED", f"the quote was touched at {touched.isoformat()}")


def _nodes(outcome: QuoteOutcome) -> list[Node]:
    """The quote comes last: where one transaction does not hold all, its order number says that the rest is there."""
    lines = [Node("QuoteLineItem", line.line_id, wire.line_row(line)) for line in outcome.lines]
    told = [
        Node(
            fields.EXCEPTION.name,
            met.exception_id,
            wire.exception_row(outcome.quote_id, outcome.operation_id, met),
            key=fields.EXCEPTION_KEY,
            spare=True,
        )
        for met in outcome.exceptions
    ]
    return [*lines, *told, Node("Quote", outcome.quote_id, wire.quote_row(outcome))]


def _refuse_strange_ids(ids: Sequence[str], errand: Errand) -> None:
    if not all(soql.is_record_id(one) for one in ids):
        raise errand.not_found("MALFORMED_ID", "not a record id")
