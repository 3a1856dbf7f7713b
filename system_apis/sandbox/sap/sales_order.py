"""API_SALES_ORDER_SRV: sales orders with items, schedule lines and partners."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from system_apis.sandbox.sap import order_entry, projection
from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.sap.errors import refused
from system_apis.sandbox.sap.model import Model
from system_apis.sandbox.sap.service import Book
from system_apis.sandbox.sap.wire import Keys, Node, Payload, Reach
from system_apis.sandbox.world.orders import Item, Order, Value

SERVICE = "API_SALES_ORDER_SRV"
HEADER, ITEM, LINE, PARTNER = (
    "A_SalesOrder",
    "A_SalesOrderItem",
    "A_SalesOrderScheduleLine",
    "A_SalesOrderHeaderPartner",
)
_PLANT = "ProductionPlant"
_LINE_UNITS = ("OrderQuantityUnit", "OrderQuantitySAPUnit", "OrderQuantityISOUnit")


class SalesOrders(Book):
    def __init__(self, model: Model) -> None:
        self._model = model

    def rows(self, changes: Changes, entity: str) -> Iterable[Node]:
        for order in changes.orders():
            if entity == HEADER:
                yield self._header(changes, order)
            elif entity == PARTNER:
                yield from self._partners(order)
            else:
                for item in order.items.values():
                    yield from [self._item(changes, order, item)] if entity == ITEM else self._lines(order, item)

    def find(self, changes: Changes, entity: str, keys: Keys) -> Node | None:
        order = changes.order(keys["SalesOrder"])
        if order is None:
            return None
        if entity == HEADER:
            return self._header(changes, order)
        if entity == PARTNER:
            return next(
                (p for p in self._partners(order) if p.fields["PartnerFunction"] == keys["PartnerFunction"]), None
            )
        item = order.items.get(keys["SalesOrderItem"])
        if item is None:
            return None
        if entity == ITEM:
            return self._item(changes, order, item)
        return next(
            (line for line in self._lines(order, item) if line.fields["ScheduleLine"] == keys["ScheduleLine"]), None
        )

    def insert(self, changes: Changes, entity: str, parent: Keys | None, body: Payload) -> Node:
        """A whole order (deep insert), or one more item of an order. Schedule lines are not part of either."""
        if entity == HEADER and parent is None:
            return self._create(changes, body)
        if entity == ITEM and parent is not None:
            _only(body, set(), ITEM)
            order = changes.opened(parent["SalesOrder"])
            (item,) = order_entry.add_items(changes, order, [body], _PLANT)
            order_entry.settle(changes, order, [item])
            return self._item(changes, order, item)
        raise refused(405, "/IWFND/CM_MGW/405", f"{entity} cannot be created here")

    def change(self, changes: Changes, entity: str, keys: Keys, body: Payload) -> None:
        order = changes.opened(keys["SalesOrder"])
        if entity == HEADER:
            _change_header(changes, order, body.fields)
        elif entity == ITEM:
            order_entry.change_item(changes, order, order.items[keys["SalesOrderItem"]], body.fields, _PLANT)
        elif entity == LINE:
            _change_line(changes, order, order.items[keys["SalesOrderItem"]], keys["ScheduleLine"], body.fields)
        else:
            super().change(changes, entity, keys, body)

    def _create(self, changes: Changes, body: Payload) -> Node:
        _only(body, {"to_Item", "to_Partner"}, HEADER)
        if body.fields.get("SalesOrder"):
            raise refused(400, "V1/309", "No external number assignment for sales document type OR")
        order = order_entry.new_order(changes, changes.next_number(), body.fields)
        for partner in body.navigations.get("to_Partner", []):
            order_entry.assign(changes, order, partner.fields)
        for item in (items := body.navigations.get("to_Item", [])):
            _only(item, set(), ITEM)
        changes.add(order)
        order_entry.settle(changes, order, order_entry.add_items(changes, order, items, _PLANT))
        node = self._header(changes, order)
        node.inline = frozenset(body.navigations)
        return node

    def _header(self, changes: Changes, order: Order) -> Node:
        fields = self._model.entities[HEADER].blank() | projection.header(changes, order) | _statuses(order)
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
            "to_Item": lambda: [self._item(changes, order, item) for item in items],
            "to_Partner": lambda: list(self._partners(order)),
        }
        return Node(fields, navigations)

    def _item(self, changes: Changes, order: Order, item: Item) -> Node:
        fields = self._model.entities[ITEM].blank() | projection.item(changes, order, item)
        fields |= {
            "ProductionPlant": item.plant,
            "SDProcessStatus": item.delivery_status or "C",
            "DeliveryStatus": item.delivery_status,
        }
        navigations: dict[str, Reach] = {
            "to_ScheduleLine": lambda: self._lines(order, item),
            "to_SalesOrder": lambda: self._header(changes, order),
        }
        return Node(fields, navigations)

    def _lines(self, order: Order, item: Item) -> list[Node]:
        blank = self._model.entities[LINE].blank()
        return [Node(blank | projection.schedule_line(order, item, line)) for line in item.schedule]

    def _partners(self, order: Order) -> Iterator[Node]:
        for function, customer in order.partners.items():
            yield Node(
                {
                    "SalesOrder": order.number,
                    "PartnerFunction": function,
                    "PartnerFunctionInternalCode": order_entry.PARTNER_FUNCTIONS[function],
                    "Customer": customer,
                }
            )


def _only(body: Payload, allowed: set[str], entity: str) -> None:
    strange = next((name for name in body.navigations if name not in allowed), None)
    if strange:
        raise refused(400, "/IWBEP/CM_MGW_RT/022", f"Deep insert of '{strange}' is not supported for '{entity}'")


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


def _statuses(order: Order) -> dict[str, Value]:
    """Of the order as a whole: A nothing, B partly, C complete; delivered is as good as done here."""
    alive, all_items = len(order.living), len(order.items)
    rejection = "A" if alive == all_items else "B" if alive else "C"
    found = {item.delivery_status for item in order.living}
    delivery = "" if not found else found.pop() if len(found) == 1 else "B"
    return {
        "OverallDeliveryStatus": delivery,
        "OverallTotalDeliveryStatus": delivery,
        "OverallSDProcessStatus": delivery or ("C" if all_items else "A"),
        "OverallSDDocumentRejectionSts": rejection,
    }
