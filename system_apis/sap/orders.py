"""Sales orders in SAP (API_SALES_ORDER_SRV): created once, found by our reference, read, and changed as a whole."""

from __future__ import annotations

from functools import partial

import httpx
import msgspec

from system_apis.bodies import decoded
from system_apis.deadline import Deadline
from system_apis.errors import SystemRefused, UpstreamError
from system_apis.sap import blame, complaints, odata, owners, reading, wire, writing
from system_apis.sap.asking import SapErrand
from system_apis.sap.books import Between
from system_apis.sap.models import Changed, NewOrder, Order, OrderPatch
from system_apis.sap.repeatability import DONE_BEFORE, Repeatability
from system_apis.sap.service import Service
from system_apis.sap.units import UnitUnknown

SERVICE = "API_SALES_ORDER_SRV"
_VERSION = msgspec.json.Decoder(wire.Envelope[wire.Version])
_ITEMS = msgspec.json.Decoder(wire.Envelope[wire.Results[wire.Item]])
_SCHEDULE = msgspec.json.Decoder(wire.Envelope[wire.Results[wire.ScheduleLine]])
_PARTNERS = msgspec.json.Decoder(wire.Envelope[wire.Results[wire.Partner]])


class Orders:
    """`reference_field` is the field of the order that holds our reference: creatable, filterable, 35 characters."""

    def __init__(self, service: Service, *, reference_field: str, order_type: str, repeatable: Repeatability) -> None:
        self._service = service
        self._reference_field = reference_field
        self._order_type = order_type
        self._repeatable = repeatable
        self._words = owners.words_with(reference_field)
        order = wire.order_type(reference_field)
        self._order = msgspec.json.Decoder(wire.Envelope[order])  # type: ignore[valid-type]
        self._found = msgspec.json.Decoder(wire.Envelope[wire.Results[order]])  # type: ignore[valid-type]
        self._shape = {"expand": wire.EXPAND, "select": wire.selection(order)}

    async def create(self, order: NewOrder, deadline: Deadline) -> Order:
        errand = self._service.errand("create an order", writes=True)
        try:
            body = writing.new_order(order, self._order_type, self._reference_field, self._service.units)
        except UnitUnknown as unknown:
            raise errand.refused(UnitUnknown.CODE, str(unknown), 0) from unknown
        owners.guard_body(errand, self._words, owners.ORDER, body)
        headers = self._repeatable.headers(order)
        content = msgspec.json.encode(body)
        answer = await self._service.post("A_SalesOrder", content, errand, deadline, headers=headers)
        self._repeatable.note(answer)
        created = self._created(answer, errand)
        try:
            # The answer to the insert has no schedule lines: they exist only once it is saved.
            read = await self.read(created.number, deadline)
        except UpstreamError:
            return created  # the order exists, and that is the news; who needs its dates reads it again
        return msgspec.structs.replace(read, warnings=created.warnings)

    async def find(self, reference: str, sold_to: str, deadline: Deadline) -> tuple[Order, ...]:
        errand = self._service.errand("find an order")
        condition = f"{self._reference_field} eq {odata.text(reference)} and SoldToParty eq {odata.text(sold_to)}"
        path = f"A_SalesOrder{odata.query(filter=condition, **self._shape)}"
        listed: tuple[wire.Order, ...] = await self._service.collection(path, self._found, errand, deadline)
        # SAP may compare without regard to case or blanks at the end; ours is the one that is ours to the letter.
        exact = [one for one in listed if one.reference == reference]
        return tuple([await self._complete(one, errand, deadline) for one in exact])

    async def read(self, number: str, deadline: Deadline) -> Order:
        errand = self._service.errand("read an order")
        path = f"{odata.entity('A_SalesOrder', SalesOrder=number)}{odata.query(**self._shape)}"
        answer = await self._service.get(path, errand, deadline)
        read: wire.Order = decoded(self._order, answer.content, errand).d
        return await self._complete(read, errand, deadline, answer.headers.get("etag"))

    async def version(self, number: str, deadline: Deadline) -> str:
        errand = self._service.errand("read the version of an order")
        return (await self._version(number, errand, deadline))[0]

    async def change(
        self,
        patch: OrderPatch,
        deadline: Deadline,
        *,
        reread: bool,
        between: Between | None = None,  # noqa: ARG002  there is nothing between: it is one changeset
    ) -> Changed:
        errand = self._service.errand("change an order", writes=True)
        customer_po = ""
        if not writing.header_fields(patch):
            # Part of a change, but itself a read: its failures are those of a read.
            looking = self._service.errand(errand.operation)
            etag, customer_po = await self._version(patch.number, looking, deadline)
            if etag != patch.etag:
                raise errand.moved("ETAG", "the order was changed since")
        try:
            parts = writing.change(patch, customer_po, self._service.units)
        except UnitUnknown as unknown:
            raise errand.refused(UnitUnknown.CODE, str(unknown), 0) from unknown
        owners.guard_parts(errand, self._words, parts)
        said = await self._service.change(parts, errand, deadline, partial(blame.culprit, parts=parts))
        order = None
        if reread:
            try:
                order = await self.read(patch.number, deadline)
            except UpstreamError:
                order = None  # it is changed all the same
        return Changed(reading.messages(said), order)

    async def ping(self, deadline: Deadline) -> None:
        await self._service.get("", self._service.errand("ping"), deadline, method="HEAD")

    def _created(self, answer: httpx.Response, errand: SapErrand) -> Order:
        try:
            granted = self._service.granted(answer, errand)
        except SystemRefused as refused:
            if refused.code == DONE_BEFORE:
                raise errand.no_answer("it was done before, and the ERP no longer keeps its answer") from refused
            raise
        read: wire.Order = decoded(self._order, granted.content, errand).d
        warnings = complaints.warnings(granted.headers.get("sap-message"))
        return reading.order(read, errand, granted.headers.get("etag"), warnings)

    async def _version(self, number: str, errand: SapErrand, deadline: Deadline) -> tuple[str, str]:
        """The ETag, byte for byte, and the customer's PO number."""
        options = odata.query(select=",".join(("SalesOrder", "LastChangeDateTime", *wire.names(wire.Version))))
        path = f"{odata.entity('A_SalesOrder', SalesOrder=number)}{options}"
        answer = await self._service.get(path, errand, deadline)
        read = decoded(_VERSION, answer.content, errand).d
        etag = read.metadata.etag or answer.headers.get("etag")
        if not etag:
            raise errand.unreadable("an order without an ETag")
        return etag, read.customer_po

    async def _complete(
        self, read: wire.Order, errand: SapErrand, deadline: Deadline, header_etag: str | None = None
    ) -> Order:
        """The order with every page of its items, of their schedule lines and of its partners."""
        items = [
            msgspec.structs.replace(item, schedule=await self._whole(item.schedule, _SCHEDULE, errand, deadline))
            for item in (await self._whole(read.items, _ITEMS, errand, deadline)).results
        ]
        partners = await self._whole(read.partners, _PARTNERS, errand, deadline)
        whole = msgspec.structs.replace(read, items=wire.Results(tuple(items)), partners=partners)
        return reading.order(whole, errand, header_etag)

    async def _whole(
        self,
        first: wire.Results[wire.T],
        decoder: msgspec.json.Decoder[wire.Envelope[wire.Results[wire.T]]],
        errand: SapErrand,
        deadline: Deadline,
    ) -> wire.Results[wire.T]:
        if first.deferred is not None:
            raise errand.unreadable("a part of the order that was asked for is not in the answer")
        if first.next is None:
            return first
        return wire.Results(await self._service.rest(first, decoder, errand, deadline))
