"""Sales orders with items, schedule lines and partners, as both of their services keep them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from system_apis.sandbox.sap import order_entry, projection
from system_apis.sandbox.sap.book import Book
from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.sap.errors import refused
from system_apis.sandbox.sap.model import Model
from system_apis.sandbox.sap.wire import Keys, Node, Payload, Reach
from system_apis.sandbox.sap.words import Words
from system_apis.sandbox.world.orders import Item, Order, Value

SERVICE = "API_SALES_ORDER_SRV"
_PLANT = "ProductionPlant"
_LINE_UNITS = ("OrderQuantityUnit", "OrderQuantitySAPUnit", "OrderQuantityISOUnit")


class SalesOrders(Book):
    def __init__(self, model: Model, words: Words | None = None) -> None:
        self._model, self._words = model, words or Words()

    def rows(self, changes: Changes, entity: str) -> Iterable[Node]:
        words = self._words
        for order in changes.orders():
            if entity == words.header:
                yield self._header(changes, order)
            elif entity == words.partner:
                yield from self._partners(changes, order)
            else:
                for item in order.items.values():
                    own = [self._item(changes, order, item)]
                    yield from own if entity == words.item else self._lines(changes, order, item)

    def find(self, changes: Changes, entity: str, keys: Keys) -> Node | None:
        order = changes.order(keys["SalesOrder"])
        if order is None:
            return None
        if entity == self._words.header:
            return self._header(changes, order)
        if entity == self._words.partner:
            return _keyed(self._partners(changes, order), "PartnerFunction", keys)
        item = order.items.get(keys["SalesOrderItem"])
        if item is None:
            return None
        if entity == self._words.item:
            return self._item(changes, order, item)
        return _keyed(self._lines(changes, order, item), "ScheduleLine", keys)

    def insert(self, changes: Changes, entity: str, parent: Keys | None, body: Payload) -> Node:
        """A whole order (deep insert), or one more item of an order. Schedule lines are not part of either."""
        if entity == self._words.header and parent is None:
            return self._create(changes, self._words.heard(body))
        if entity == self._words.item and parent is not None:
            self._only(body, set(), entity)
            order = changes.opened(parent["SalesOrder"])
            (item,) = order_entry.add_items(changes, order, [self._words.heard(body)], _PLANT)
            order_entry.settle(changes, order, [item])
            return self._item(changes, order, item)
        raise refused(405, "/IWFND/CM_MGW/405", f"{entity} cannot be created here")

    def change(self, changes: Changes, entity: str, keys: Keys, body: Payload) -> None:
        order, fields = changes.opened(keys["SalesOrder"]), self._words.heard(body).fields
        if entity == self._words.header:
            _change_header(changes, order, fields)
        elif entity == self._words.item:
            order_entry.change_item(changes, order, order.items[keys["SalesOrderItem"]], fields, _PLANT)
        elif entity == self._words.line:
            _change_line(changes, order, order.items[keys["SalesOrderItem"]], keys["ScheduleLine"], fields)
        else:
            order_entry.assign(changes, order, {"PartnerFunction": keys["PartnerFunction"], **fields})

    def delete(self, changes: Changes, entity: str, keys: Keys) -> None:
        """An item that nothing follows. Nothing else is ever deleted: orders are rejected, partners replaced."""
        if entity != self._words.item:
            super().delete(changes, entity, keys)
        order = changes.opened(keys["SalesOrder"])
        order_entry.remove_item(changes, order, order.items[keys["SalesOrderItem"]])

    def _create(self, changes: Changes, body: Payload) -> Node:
        words = self._words
        self._only(body, {words.to_items, words.to_partners}, words.header)
        if body.fields.get("SalesOrder"):
            raise refused(400, "V1/309", "No external number assignment for sales document type OR")
        order = order_entry.new_order(changes, changes.next_number(), body.fields)
        for partner in body.navigations.get(words.to_partners, []):
            order_entry.assign(changes, order, partner.fields)
        for item in (items := body.navigations.get(words.to_items, [])):
            self._only(item, set(), words.item)
        changes.add(order)
        order_entry.settle(changes, order, order_entry.add_items(changes, order, items, _PLANT))
        node = self._header(changes, order)
        node.inline = frozenset(body.navigations)
        return node

    @staticmethod
    def _only(body: Payload, allowed: set[str], entity: str) -> None:
        strange = next((name for name in body.navigations if name not in allowed), None)
        if strange:
            raise refused(400, "/IWBEP/CM_MGW_RT/022", f"Deep insert of '{strange}' is not supported for '{entity}'")

    def _header(self, changes: Changes, order: Order) -> Node:
        fields = projection.header(changes, order) | projection.statuses(order)
        fields |= {
            "CreationDate": order.created,
            "CreatedByUser": order.created_by,
            "LastChangeDate": order.changed_at.date(),
            "LastChangeDateTime": order.changed_at,
            "TotalNetAmount": order.net,
            "TotalCreditCheckStatus": order.credit,
        }
        items = order.items.values()
        navigations: dict[str, Reach] = {
            self._words.to_items: lambda: [self._item(changes, order, item) for item in items],
            self._words.to_partners: lambda: list(self._partners(changes, order)),
        }
        return self._node(self._words.header, fields, navigations)

    def _item(self, changes: Changes, order: Order, item: Item) -> Node:
        fields = projection.item(changes, order, item) | {
            "ProductionPlant": item.plant,
            "RequestedDeliveryDate": item.requested,
            "ConfirmedDeliveryDate": item.confirmed_on,
            "SDProcessStatus": item.delivery_status or "C",
            "SDDocumentRejectionStatus": "C" if item.rejection else "A",
            "DeliveryStatus": item.delivery_status,
        }
        navigations: dict[str, Reach] = {
            self._words.to_lines: lambda: self._lines(changes, order, item),
            self._words.to_order: lambda: self._header(changes, order),
        }
        return self._node(self._words.item, fields, navigations)

    def _lines(self, changes: Changes, order: Order, item: Item) -> list[Node]:
        back: dict[str, Reach] = {
            self._words.to_own_item: lambda: self._item(changes, order, item),
            self._words.to_order: lambda: self._header(changes, order),
        }
        return [
            self._node(self._words.line, projection.schedule_line(order, item, line), back) for line in item.schedule
        ]

    def _partners(self, changes: Changes, order: Order) -> Iterator[Node]:
        back: dict[str, Reach] = {self._words.to_order: lambda: self._header(changes, order)}
        for function, customer in order.partners.items():
            fields: dict[str, Value] = {
                "SalesOrder": order.number,
                "PartnerFunction": function,
                "PartnerFunctionInternalCode": order_entry.PARTNER_FUNCTIONS[function],
                "Customer": customer,
            }
            yield self._node(self._words.partner, fields, back)

    def _node(self, entity: str, fields: Mapping[str, Value], navigations: Mapping[str, Reach]) -> Node:
        return Node(self._words.told(self._model.entities[entity], fields), navigations)


def _keyed(nodes: Iterable[Node], key: str, keys: Keys) -> Node | None:
    return next((node for node in nodes if node.fields[key] == keys[key]), None)


def _change_header(changes: Changes, order: Order, fields: Mapping[str, Value]) -> None:
    shown = projection.header(changes, order)
    fixed = order_entry.HEADER_FIELDS - {"RequestedDeliveryDate"}
    moved = next((name for name in fields if name in fixed and fields[name] != shown[name]), None)
    if moved:
        raise refused(400, "V1/295", f"Field {moved} of sales order {order.number} cannot be changed any more")
    order.other |= {name: value for name, value in fields.items() if name not in order_entry.HEADER_FIELDS}
    wanted = fields.get("RequestedDeliveryDate")
    if isinstance(wanted, date) and wanted != order.requested:
        # Items that still have the header's day follow it; those with a day of their own keep theirs.
        following = [item for item in order.items.values() if item.requested == order.requested]
        order.requested = wanted
        for item in following:
            item.requested = wanted
        order_entry.settle(changes, order, following)


def _change_line(changes: Changes, order: Order, item: Item, number: str, fields: Mapping[str, Value]) -> None:
    """Day and quantity of a wish. The item has one line with a wish here, so its quantity is the item's."""
    wanted, quantity = fields.get("RequestedDeliveryDate"), fields.get("ScheduleLineOrderQuantity")
    line = next(line for line in item.schedule if line.number == number)
    changed = set(fields) - {"SalesOrder", "SalesOrderItem", "ScheduleLine", *_LINE_UNITS}
    if not changed or not changed <= {"RequestedDeliveryDate", "ScheduleLineOrderQuantity"}:
        told = "Only the requested delivery date and the order quantity of a schedule line can be changed here"
        raise refused(400, "/IWBEP/CM_MGW_RT/022", told)
    if line.ordered == 0:
        raise refused(
            400, "V1/374", f"Schedule line {number.zfill(4)} of item {item.number.zfill(6)} has no order quantity"
        )
    if isinstance(wanted, date):
        item.requested = wanted
    sent: dict[str, Value] = {} if quantity is None else {"RequestedQuantity": quantity}
    order_entry.change_item(changes, order, item, sent, _PLANT)
