"""API_SALES_ORDER_SIMULATION_SRV: price, availability and credit of an order that is never saved.

What is to be answered beyond the items must stand in the request as an empty navigation: `to_Pricing: {}`,
`to_Credit: {}`, `to_PricingElement: []`, and per item `to_ScheduleLine: []`, `to_PricingElement: []`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from system_apis.sandbox.sap import order_entry, projection
from system_apis.sandbox.sap.book import Book
from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.sap.errors import Message
from system_apis.sandbox.sap.model import Model
from system_apis.sandbox.sap.wire import Keys, Node, Payload, Reach
from system_apis.sandbox.world.customers import TAX_PERCENT
from system_apis.sandbox.world.orders import Item, Order, Value

SERVICE = "API_SALES_ORDER_SIMULATION_SRV"
HEADER, ITEM, LINE = "A_SalesOrderSimulation", "A_SalesOrderItemSimulation", "A_SalesOrderScheduleLineSimln"
CREDIT, PRICING = "A_SalesOrderCreditSimulation", "A_SalesOrderPricingSimulation"
HEADER_PRICE, ITEM_PRICE, PARTNER = (
    "A_SalesOrderPrcgElmntSimln",
    "A_SalesOrderItmPrcgElmntSimln",
    "A_SalesOrderPartnerSimulation",
)
_NOT_SAVED = Message("SLS_LORD/098", "In simulation mode, the document must not be saved.", "warning")
_NINE = Decimal("0.000000001")
_KINDS = {"PPR0": ("10", "C", "B"), "K007": ("100", "A", "A"), "TTX1": ("600", "A", "D")}
"""Condition type: step in the pricing procedure, calculation (quantity, percent), class (price, discount, tax)."""


class Simulation(Book):
    def __init__(self, model: Model) -> None:
        self._model = model

    def insert(self, changes: Changes, entity: str, parent: Keys | None, body: Payload) -> Node:
        if entity != HEADER or parent is not None:
            return super().insert(changes, entity, parent, body)
        # Its own view of the orders: whatever is staged for commit must not learn of a simulated order.
        apart = Changes(changes.world)
        named = str(body.fields.get("SalesOrder") or "")
        if apart.order(named) is not None:
            # The order this is about: what was promised to it is its own to ask for again.
            apart.opened(named).items.clear()
        fields = {name: value for name, value in body.fields.items() if name != "SalesOrder"}
        order = order_entry.new_order(apart, "", fields)
        for partner in body.navigations.get("to_Partner", []):
            order_entry.assign(apart, order, partner.fields)
        apart.add(order)
        asked = body.navigations.get("to_Item", [])
        items = order_entry.add_items(apart, order, asked, "Plant")
        for item, sent in zip(items, asked, strict=True):
            item.requested = _own_day(sent) or order.requested
        order_entry.settle(apart, order, items)
        wanted = [frozenset(sent.navigations) for sent in asked]
        changes.messages += [_NOT_SAVED, *apart.messages]
        return self._header(apart, order, frozenset(body.navigations), wanted)

    def _header(self, changes: Changes, order: Order, inline: frozenset[str], wanted: list[frozenset[str]]) -> Node:
        credit: dict[str, Value] = {"TotalCreditCheckStatus": order.credit}
        pricing: dict[str, Value] = {"TotalNetAmount": order.net, "TransactionCurrency": "USD"}
        rows = list(zip(order.items.values(), wanted, strict=True))
        navigations: dict[str, Reach] = {
            "to_Item": lambda: [self._item(changes, order, item, asked) for item, asked in rows],
            "to_Credit": lambda: self._node(CREDIT, credit),
            "to_Pricing": lambda: self._node(PRICING, pricing),
            "to_PricingElement": lambda: [
                self._node(HEADER_PRICE, row.shown()) for row in _conditions(changes, order, order.items.values())
            ],
            "to_Partner": lambda: [
                self._node(PARTNER, {"PartnerFunction": function, "Customer": customer})
                for function, customer in order.partners.items()
            ],
        }
        shown = projection.header(changes, order) | {"SDPricingProcedure": "17J001"}
        return Node(self._model.entities[HEADER].blank | shown, navigations, inline)

    def _item(self, changes: Changes, order: Order, item: Item, asked: frozenset[str]) -> Node:
        navigations: dict[str, Reach] = {
            "to_ScheduleLine": lambda: [
                self._node(LINE, projection.schedule_line(order, item, x)) for x in item.schedule
            ],
            "to_PricingElement": lambda: [
                self._node(ITEM_PRICE, row.shown() | {"SalesOrderItem": item.number})
                for row in _conditions(changes, order, [item])
            ],
        }
        shown = projection.item(changes, order, item) | {"Plant": item.plant}
        return Node(self._model.entities[ITEM].blank | shown, navigations, asked)

    def _node(self, entity: str, fields: dict[str, Value]) -> Node:
        return Node(self._model.entities[entity].blank | fields)


def _own_day(item: Payload) -> date | None:
    """The requested day of the item's own schedule line, if one was sent."""
    days = (line.fields.get("RequestedDeliveryDate") for line in item.navigations.get("to_ScheduleLine", []))
    return next((day for day in days if isinstance(day, date)), None)


@dataclass(frozen=True)
class _Condition:
    kind: str
    base: Decimal
    rate: Decimal
    amount: Decimal

    def shown(self) -> dict[str, Value]:
        step, calculation, condition_class = _KINDS[self.kind]
        return {
            "PricingProcedureStep": step,
            "PricingProcedureCounter": "1",
            "ConditionType": self.kind,
            "ConditionCalculationType": calculation,
            "ConditionBaseValue": self.base.quantize(_NINE),
            "ConditionRateValue": self.rate.quantize(_NINE),
            "ConditionAmount": self.amount,
            "TransactionCurrency": "USD",
            "ConditionClass": condition_class,
        }


def _conditions(changes: Changes, order: Order, items: Iterable[Item]) -> list[_Condition]:
    """List price, customer discount (if there is one) and output tax; of several items added up by type."""
    found: dict[str, _Condition] = {}
    discount = changes.world.customers[order.customer].discount_percent
    for item in items:
        price = order_entry.price(changes, order, item)
        each = order_entry.list_price(changes, item)
        for new in (
            _Condition("PPR0", item.quantity, each, price.gross),
            _Condition("K007", price.gross, -discount, -price.discount),
            _Condition("TTX1", price.net, TAX_PERCENT, price.tax),
        ):
            old = found.get(new.kind, _Condition(new.kind, Decimal(0), new.rate, Decimal(0)))
            found[new.kind] = _Condition(new.kind, old.base + new.base, new.rate, old.amount + new.amount)
    return [condition for condition in found.values() if condition.rate]
