"""Sales orders in SAP by version 4 (CE_SALESORDER_0001): created once, found by our reference, read, and changed."""

from __future__ import annotations

import httpx
import msgspec

from system_apis.bodies import decoded
from system_apis.deadline import Deadline
from system_apis.errors import UpstreamError
from system_apis.sap import odata, owners
from system_apis.sap.asking import SapErrand
from system_apis.sap.books import Between
from system_apis.sap.models import Changed, NewOrder, Order, OrderPatch
from system_apis.sap.reading import messages
from system_apis.sap.service import Service
from system_apis.sap.units import UnitUnknown
from system_apis.sap.v4 import reading, wire, writing
from system_apis.sap.v4.changing import OrderChange
from system_apis.sap.v4.messages import warnings
from system_apis.sap.v4.owners import ORDER, words_with
from system_apis.sap.v4.pages import listed, rest
from system_apis.sap.v4.writing import NotInVersion4

SERVICE = "CE_SALESORDER_0001"
_ITEMS = msgspec.json.Decoder(wire.Listed[wire.Item])
_SCHEDULE = msgspec.json.Decoder(wire.Listed[wire.ScheduleLine])
_PARTNERS = msgspec.json.Decoder(wire.Listed[wire.Partner])
_VERSION = msgspec.json.Decoder(wire.Version)


class OrdersV4:
    """`reference_field` is the field of the order that holds our reference: creatable, filterable, 35 characters."""

    def __init__(self, service: Service, *, reference_field: str, order_type: str) -> None:
        self._service = service
        self._reference_field = reference_field
        self._order_type = order_type
        self._words = words_with(reference_field)
        order = wire.order_type(reference_field)
        self._order = msgspec.json.Decoder(order)
        self._found = msgspec.json.Decoder(wire.Listed[order])  # type: ignore[valid-type]
        self._shape = {"select": ",".join(wire.names(order)), "expand": wire.expansion()}

    async def create(self, order: NewOrder, deadline: Deadline) -> Order:
        errand = self._service.errand("create an order", writes=True)
        try:
            body = writing.new_order(order, self._order_type, self._reference_field, self._service.units)
        except (UnitUnknown, NotInVersion4) as unsayable:
            raise _unsayable(unsayable, errand) from unsayable
        owners.guard_body(errand, self._words, ORDER, body)
        answer = await self._service.post("SalesOrder", msgspec.json.encode(body), errand, deadline)
        created = self._created(self._service.done(answer, errand), errand)
        try:
            # The answer to the insert has no schedule lines: they exist only once it is saved.
            read = await self.read(created.number, deadline)
        except UpstreamError:
            return created  # the order exists, and that is the news; who needs its dates reads it again
        return msgspec.structs.replace(read, warnings=created.warnings)

    async def find(self, reference: str, sold_to: str, deadline: Deadline) -> tuple[Order, ...]:
        errand = self._service.errand("find an order")
        condition = f"{self._reference_field} eq {odata.text(reference)} and SoldToParty eq {odata.text(sold_to)}"
        path = f"SalesOrder{odata.query(filter=condition, **self._shape)}"
        some: tuple[wire.Order, ...] = await listed(self._service, path, self._found, errand, deadline)
        # SAP may compare without regard to case or blanks at the end; ours is the one that is ours to the letter.
        exact = [one for one in some if one.reference == reference]
        return tuple([await self._complete(one, errand, deadline) for one in exact])

    async def read(self, number: str, deadline: Deadline) -> Order:
        errand = self._service.errand("read an order")
        path = f"{odata.entity('SalesOrder', SalesOrder=number)}{odata.query(**self._shape)}"
        answer = await self._service.get(path, errand, deadline)
        read = decoded(self._order, answer.content, errand)
        return await self._complete(read, errand, deadline, answer.headers.get("etag"))

    async def version(self, number: str, deadline: Deadline) -> str:
        errand = self._service.errand("read the version of an order")
        path = f"{odata.entity('SalesOrder', SalesOrder=number)}{odata.query(select='SalesOrder,LastChangeDateTime')}"
        answer = await self._service.get(path, errand, deadline)
        etag = decoded(_VERSION, answer.content, errand).etag or answer.headers.get("etag")
        if not etag:
            raise errand.unreadable("an order without an ETag")
        return etag

    async def change(
        self, patch: OrderPatch, deadline: Deadline, *, reread: bool, between: Between | None = None
    ) -> Changed:
        errand = self._service.errand("change an order", writes=True)
        try:
            steps = writing.change(patch, self._service.units)
        except (UnitUnknown, NotInVersion4) as unsayable:
            raise _unsayable(unsayable, errand) from unsayable
        owners.guard_parts(errand, self._words, steps)
        said = await OrderChange(self._service, patch, errand, deadline).make(steps, between)
        order = None
        if reread:
            try:
                order = await self.read(patch.number, deadline)
            except UpstreamError:
                order = None  # it is changed all the same
        return Changed(messages(said), order)

    async def ping(self, deadline: Deadline) -> None:
        await self._service.get("", self._service.errand("ping"), deadline, method="HEAD")

    def _created(self, answer: httpx.Response, errand: SapErrand) -> Order:
        read = decoded(self._order, answer.content, errand)
        said = warnings(answer.headers.get("sap-messages"), read.messages)
        return reading.order(read, errand, answer.headers.get("etag"), said)

    async def _complete(
        self, read: wire.Order, errand: SapErrand, deadline: Deadline, header_etag: str | None = None
    ) -> Order:
        """The order with every page of its items, of their schedule lines and of its partners."""
        ask = (errand, deadline)
        items = [
            msgspec.structs.replace(
                item, schedule=await rest(self._service, item.schedule, item.more_schedule, _SCHEDULE, *ask)
            )
            for item in await rest(self._service, read.items, read.more_items, _ITEMS, *ask)
        ]
        partners = await rest(self._service, read.partners, read.more_partners, _PARTNERS, *ask)
        whole = msgspec.structs.replace(read, items=tuple(items), partners=partners)
        return reading.order(whole, errand, header_etag)


def _unsayable(what: UnitUnknown | NotInVersion4, errand: SapErrand) -> UpstreamError:
    code = UnitUnknown.CODE if isinstance(what, UnitUnknown) else what.code
    return errand.refused(code, str(what), 0)
