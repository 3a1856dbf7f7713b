"""SAP S/4HANA as the ERP: promise by simulation, create, find, read and change sales orders (OData version 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import httpx
import msgspec

from system_apis.bodies import decoded
from system_apis.deadline import Deadline
from system_apis.errand import Errand
from system_apis.errors import UpstreamError
from system_apis.http import Exchange, Upstream
from system_apis.sap import batch, complaints, odata, reading, wire, writing
from system_apis.sap.models import Demand, NewOrder, Order, OrderPatch, SalesArea, Simulation
from system_apis.sap.session import Session
from system_apis.sap.simulator import Question, Simulator
from system_apis.sap.units import UnitUnknown

ORDERS = "/sap/opu/odata/sap/API_SALES_ORDER_SRV"
MOST_PAGES = 50
_JSON = "application/json"
_VERSION = msgspec.json.Decoder(wire.Envelope[wire.Version])
_ITEMS = msgspec.json.Decoder(wire.Envelope[wire.Results[wire.Item]])


def connect(
    *,
    instance: str,
    base_url: str,
    user: str,
    password: str,
    sap_client: str,
    settle_s: float,
    reference_field: str = wire.DEFAULT_REFERENCE_FIELD,
    order_type: str = "OR",
    transport: httpx.AsyncBaseTransport | None = None,
    timeout_s: float = 10,
    observe: Callable[[Exchange], None] | None = None,
) -> SapErp:
    """An SAP system by its address (scheme and host) and a communication user."""
    upstream = Upstream(
        system="sap",
        instance=instance,
        base_url=base_url,
        transport=transport,
        auth=httpx.BasicAuth(user, password),
        timeout_s=timeout_s,
        observe=observe,
    )
    return SapErp(
        instance=instance,
        upstream=upstream,
        sap_client=sap_client,
        settle_s=settle_s,
        reference_field=reference_field,
        order_type=order_type,
    )


class SapErp:
    """One SAP client of one system. `settle_s`: how long a request whose answer was lost may still be at work.

    `reference_field` is the field of the order that holds our reference: creatable, filterable, 35 characters.
    """

    def __init__(
        self,
        *,
        instance: str,
        upstream: Upstream,
        sap_client: str,
        settle_s: float,
        reference_field: str = wire.DEFAULT_REFERENCE_FIELD,
        order_type: str = "OR",
        lock_codes: Iterable[str] = complaints.LOCK_CODES,
    ) -> None:
        self.instance = instance
        self.settle_s = settle_s
        self._upstream = upstream
        self._reference_field = reference_field
        self._order_type = order_type
        self._lock_codes = frozenset(lock_codes)
        # The language is fixed: partner functions and commercial units are language-dependent keys.
        headers = {"sap-client": sap_client, "sap-language": "EN", "Accept-Language": "en"}
        self._orders = Session(upstream, ORDERS, headers)
        self._simulator = Simulator(upstream, headers, self._lock_codes)
        order = wire.order_type(reference_field)
        self._order_decoder = msgspec.json.Decoder(wire.Envelope[order])  # type: ignore[valid-type]
        self._orders_decoder = msgspec.json.Decoder(wire.Envelope[wire.Results[order]])  # type: ignore[valid-type]
        self._shape = {"expand": wire.EXPAND, "select": wire.selection(reference_field)}

    async def simulate(
        self,
        sold_to: str,
        sales_area: SalesArea,
        lines: Sequence[Demand],
        *,
        deadline: Deadline,
        order: str | None = None,
    ) -> Simulation:
        """Price, credit and availability of an order that is never saved (API_SALES_ORDER_SIMULATION_SRV).

        SAP refuses the whole document for one bad line: such lines are set aside with SAP's message and the others
        asked again. `order` names an existing order whose own demand is not to count against it.
        """
        question = Question(sold_to, sales_area, self._order_type, order)
        return await self._simulator.simulate(question, lines, deadline)

    async def create_order(self, order: NewOrder, *, deadline: Deadline) -> Order:
        """One POST, never repeated here. After OutcomeUnknown look for the reference, and only after `settle_s`
        conclude anything from not finding it."""
        errand = self._upstream.errand("create an order", writes=True)
        try:
            body = msgspec.json.encode(writing.new_order(order, self._order_type, self._reference_field))
        except UnitUnknown as unknown:
            raise _refused_unit(unknown, errand) from unknown
        answer = await self._orders.ask(f"{ORDERS}/A_SalesOrder", body, _JSON, errand=errand, deadline=deadline)
        created = self._one_order(self._granted(answer, errand), errand)
        try:
            # The answer to the insert has no schedule lines: they exist only once it is saved.
            return await self.read_order(created.number, deadline=deadline)
        except UpstreamError:
            return created  # the order exists, and that is the news; who needs its dates reads it again

    async def find_by_reference(self, reference: str, sold_to: str, *, deadline: Deadline) -> tuple[Order, ...]:
        """The orders with exactly this reference of this customer. None found proves nothing before `settle_s`."""
        errand = self._upstream.errand("find an order", writes=False)
        condition = f"{self._reference_field} eq {odata.text(reference)} and SoldToParty eq {odata.text(sold_to)}"
        path: str | None = f"{ORDERS}/A_SalesOrder{odata.query(filter=condition, **self._shape)}"
        found: list[Order] = []
        for _ in range(MOST_PAGES):
            if path is None:
                break
            answer = await self._get(path, errand, deadline)
            page: wire.Results[wire.Order] = decoded(self._orders_decoder, answer.content, errand).d
            found += [await self._complete(read, errand, deadline) for read in page.results]
            path = odata.next_page(page.next, ORDERS) if page.next else None
        else:
            raise errand.unreadable(f"the list does not end after {MOST_PAGES} pages")
        return tuple(one for one in found if one.reference == reference)

    async def read_order(self, number: str, *, deadline: Deadline) -> Order:
        """The order with items and schedule lines as it stands. NotFoundInSystem if SAP does not know the number."""
        errand = self._upstream.errand("read an order", writes=False)
        path = f"{ORDERS}/{odata.entity('A_SalesOrder', SalesOrder=number)}{odata.query(**self._shape)}"
        answer = await self._get(path, errand, deadline)
        read: wire.Order = decoded(self._order_decoder, answer.content, errand).d
        return await self._complete(read, errand, deadline, answer.headers.get("etag"))

    async def read_version(self, number: str, *, deadline: Deadline) -> str:
        """The order's ETag alone, byte for byte."""
        errand = self._upstream.errand("read the version of an order", writes=False)
        return (await self._version(number, errand, deadline))[0]

    async def change_order(self, patch: OrderPatch, *, deadline: Deadline) -> None:
        """All of the patch or nothing, if the order still is at `patch.etag` (else VersionMoved).

        After OutcomeUnknown, and after a VersionMoved met on a repeat, read the order: the change may be in it.
        A line in `added` gets its item number from SAP and the header's date: its own date is a further change.
        """
        errand = self._upstream.errand("change an order", writes=True)
        customer_po = ""
        if patch.requested_date is None:
            etag, customer_po = await self._version(patch.number, errand, deadline)
            if etag != patch.etag:
                raise errand.moved("ETAG", "the order was changed since")
        try:
            parts = writing.change(patch, customer_po)
        except UnitUnknown as unknown:
            raise _refused_unit(unknown, errand) from unknown
        content_type, body = batch.changeset(parts)
        answer = await self._orders.ask(f"{ORDERS}/$batch", body, content_type, errand=errand, deadline=deadline)
        self._check_batch(self._granted(answer, errand), len(parts), errand)

    async def ping(self, *, deadline: Deadline) -> None:
        """Raises unless SAP answers at the service root and takes our credentials."""
        errand = self._upstream.errand("ping", writes=False)
        answer = await self._orders.read(f"{ORDERS}/", operation=errand.operation, deadline=deadline, method="HEAD")
        self._granted(answer, errand)

    async def aclose(self) -> None:
        await self._upstream.aclose()

    async def _get(self, path: str, errand: Errand, deadline: Deadline) -> httpx.Response:
        answer = await self._orders.read(path, operation=errand.operation, deadline=deadline)
        return self._granted(answer, errand)

    async def _version(self, number: str, errand: Errand, deadline: Deadline) -> tuple[str, str]:
        """The ETag and the customer's PO number. Part of a change too, hence the failures of a read, whatever asks."""
        reading_errand = self._upstream.errand(errand.operation, writes=False)
        options = odata.query(select="SalesOrder,PurchaseOrderByCustomer,LastChangeDateTime")
        path = f"{ORDERS}/{odata.entity('A_SalesOrder', SalesOrder=number)}{options}"
        answer = await self._get(path, reading_errand, deadline)
        read = decoded(_VERSION, answer.content, reading_errand).d
        etag = read.metadata.etag or answer.headers.get("etag")
        if not etag:
            raise reading_errand.unreadable("an order without an ETag")
        return etag, read.customer_po

    def _one_order(self, answer: httpx.Response, errand: Errand) -> Order:
        read: wire.Order = decoded(self._order_decoder, answer.content, errand).d
        return reading.order(read, errand, answer.headers.get("etag"))

    async def _complete(
        self, read: wire.Order, errand: Errand, deadline: Deadline, header_etag: str | None = None
    ) -> Order:
        """The order with the items of all pages: an expanded list is paged like any other."""
        items, more = list(read.items.results), read.items.next
        for _ in range(MOST_PAGES):
            if more is None:
                break
            answer = await self._get(odata.next_page(more, ORDERS), errand, deadline)
            page = decoded(_ITEMS, answer.content, errand).d
            items, more = items + list(page.results), page.next
        else:
            raise errand.unreadable(f"the items do not end after {MOST_PAGES} pages")
        whole = msgspec.structs.replace(read, items=wire.Results(tuple(items)))
        return reading.order(whole, errand, header_etag)

    def _granted(self, answer: httpx.Response, errand: Errand) -> httpx.Response:
        if answer.is_success:
            return answer
        said = complaints.complaint(answer.status_code, answer.content)
        raise complaints.failure(answer.status_code, said, errand, self._lock_codes)

    def _check_batch(self, answer: httpx.Response, expected: int, errand: Errand) -> None:
        """Every part succeeded, or the reason of the one that did not (then all were rolled back)."""
        try:
            parts = batch.answers(answer.headers.get("content-type", ""), answer.content)
        except batch.BatchUnreadable as wrong:
            raise errand.unreadable(f"the batch answer is no multipart: {wrong}") from wrong
        for part in parts:
            if not httpx.codes.is_success(part.status):
                said = complaints.complaint(part.status, part.body)
                raise complaints.failure(part.status, said, errand, self._lock_codes)
        if len(parts) != expected:
            raise errand.unreadable(f"{len(parts)} answers to {expected} parts of a batch")


def _refused_unit(unknown: UnitUnknown, errand: Errand) -> UpstreamError:
    return errand.refused(UnitUnknown.CODE, str(unknown), 0)
