"""What the ERP does with an order that somebody enters or changes: checks, price, availability, credit.

The sales order service and the simulation share it; a simulated order is simply never committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from system_apis.sandbox.sap import availability
from system_apis.sandbox.sap.changes import Changes
from system_apis.sandbox.sap.errors import Message, Refused, refused
from system_apis.sandbox.sap.wire import Payload
from system_apis.sandbox.world.customers import TAX_PERCENT, Customer
from system_apis.sandbox.world.materials import UNITS
from system_apis.sandbox.world.orders import Item, Order, Value
from system_apis.sandbox.world.plants import SALES_AREA

ORDER_TYPE = "OR"
PARTNER_FUNCTIONS = {"SP": "AG", "SH": "WE", "BP": "RE", "PY": "RG"}
"""Sold-to, ship-to, bill-to, payer: as shown in English, and SAP's internal code."""

_CENT = Decimal("0.01")
_AREA_FIELDS = ("SalesOrganization", "DistributionChannel", "OrganizationDivision")
# The fields that the ERP works with; every other one is only kept and shown.
HEADER_FIELDS = {
    "SalesOrder",
    "SalesOrderType",
    *_AREA_FIELDS,
    "SoldToParty",
    "TransactionCurrency",
    "RequestedDeliveryDate",
}
_UNIT_FIELDS = {
    "RequestedQuantityUnit": "external",
    "RequestedQuantitySAPUnit": "sap",
    "RequestedQuantityISOUnit": "iso",
}
_ITEM_FIELDS = {
    "SalesOrder",
    "SalesOrderItem",
    "Material",
    "RequestedQuantity",
    *_UNIT_FIELDS,
    "RequestedDeliveryDate",
    "SalesDocumentRjcnReason",
}


@dataclass(frozen=True)
class Price:
    gross: Decimal
    discount: Decimal
    net: Decimal
    tax: Decimal


def new_order(changes: Changes, number: str, fields: Mapping[str, Value]) -> Order:
    """An order without items; the header is checked."""
    area = tuple(fields.get(name) for name in _AREA_FIELDS)
    if fields.get("SalesOrderType") != ORDER_TYPE:
        raise refused(400, "V1/302", f"Sales document type {fields.get('SalesOrderType', '')} is not defined")
    if area != SALES_AREA:
        raise refused(400, "V1/384", f"Sales area {' '.join(str(part or '') for part in area)} is not defined")
    customer = str(fields.get("SoldToParty", ""))
    if customer not in changes.world.customers:
        raise refused(400, "VP/204", f"Sold-to party {customer} not maintained for sales area {' '.join(SALES_AREA)}")
    if fields.get("TransactionCurrency") not in (None, "", _customer(changes, customer).currency):
        raise refused(
            400, "V1/806", f"Enter rate {fields['TransactionCurrency']} / USD rate type M in the system settings"
        )
    requested = fields.get("RequestedDeliveryDate")
    return Order(
        number=number,
        customer=customer,
        requested=requested if isinstance(requested, date) else changes.world.today,
        created=changes.world.today,
        changed_at=changes.stamp,
        partners=dict.fromkeys(PARTNER_FUNCTIONS, customer),
        other={name: value for name, value in fields.items() if name not in HEADER_FIELDS},
    )


def add_items(changes: Changes, order: Order, bodies: Iterable[Payload], plant_field: str) -> list[Item]:
    """Adds items; all that cannot be taken are refused together, each message naming its item."""
    wrong: list[Message] = []
    added = []
    for body in bodies:
        number = str(body.fields.get("SalesOrderItem") or _next_item(order))
        if not (number.isascii() and number.isdecimal()):
            raise refused(400, "CX_SXML_PARSE_ERROR", f"Property 'SalesOrderItem' has invalid value '{number}'")
        item = Item(number, "", "", Decimal(0), "", order.requested)
        try:
            if number in order.items:
                raise refused(400, "V1/331", f"{_named(number)}: item number is already used")
            _fill(changes, item, body.fields, plant_field)
        except Refused as refusal:
            wrong += refusal.messages
        order.items[number] = item
        added.append(item)
    if wrong:
        raise Refused(400, wrong)
    return added


def change_item(changes: Changes, order: Order, item: Item, fields: Mapping[str, Value], plant_field: str) -> None:
    _fill(changes, item, fields, plant_field)
    settle(changes, order, [item])


def remove_item(changes: Changes, order: Order, item: Item) -> None:
    """Takes an item out of the order as if it had never been there; refused once another document follows it."""
    world = changes.world
    followed = any(order.number == each.order and item.number in each.items for each in world.deliveries)
    followed |= any((order.number, item.number) == (each.order, each.item) for each in world.production_orders)
    if followed or item.delivered:
        raise refused(400, "ZSB/004", f"{_named(item.number)}: subsequent documents exist, it cannot be deleted")
    del order.items[item.number]
    settle(changes, order, [])


def settle(changes: Changes, order: Order, items: Iterable[Item]) -> None:
    """Prices the given items anew, runs their availability check, then the credit check of the order."""
    for item in items:
        found = price(changes, order, item)
        item.net, item.tax = found.net, found.tax
        item.schedule = availability.schedule(changes, item)
        if not item.rejection and item.confirmed < item.quantity:
            told = (
                f"{_named(item.number)}: {item.confirmed:f} of {item.quantity:f} {UNITS[item.unit].external} confirmed"
            )
            changes.messages.append(Message("ZSB/001", told, "warning"))
    customer = _customer(changes, order.customer)
    others = (o.net for o in changes.orders() if o.customer == order.customer and o is not order)
    exposure = customer.exposure + sum(others, order.net)
    order.credit = "B" if exposure > customer.credit_limit else "A"
    if order.credit == "B":
        told = f"Credit limit of customer {customer.number} exceeded: delivery is blocked"
        changes.messages.append(Message("ZSB/002", told, "warning"))


def price(changes: Changes, order: Order, item: Item) -> Price:
    """List price less the customer's discount, and tax on it; each rounded to cents."""
    gross = (list_price(changes, item) * item.quantity).quantize(_CENT, ROUND_HALF_UP)
    discount = (gross * _customer(changes, order.customer).discount_percent / 100).quantize(_CENT, ROUND_HALF_UP)
    net = gross - discount
    return Price(gross, discount, net, (net * TAX_PERCENT / 100).quantize(_CENT, ROUND_HALF_UP))


def list_price(changes: Changes, item: Item) -> Decimal:
    """USD for one unit of the item's own unit."""
    material = changes.world.materials[item.material]
    return material.price * material.per(item.unit)


def assign(changes: Changes, order: Order, fields: Mapping[str, Value]) -> None:
    """Gives the order a partner of its own for a function. Any customer will do, and any of their further places."""
    function, number = str(fields.get("PartnerFunction", "")), str(fields.get("Customer", ""))
    if function not in PARTNER_FUNCTIONS:
        raise refused(400, "VP/199", f"Partner function {function} is not defined")
    known = changes.world.customers
    if number not in known and not any(number in customer.ship_to for customer in known.values()):
        raise refused(400, "VP/201", f"Partner {number} with function {function} does not exist")
    order.partners[function] = number


def _customer(changes: Changes, number: str) -> Customer:
    return changes.world.customers[number]


def _fill(changes: Changes, item: Item, fields: Mapping[str, Value], plant_field: str) -> None:
    """Writes what was sent into `item` and checks the whole. Raises Refused, naming the item."""
    if "Material" in fields:
        item.material = str(fields["Material"])
    quantity = fields.get("RequestedQuantity")
    if isinstance(quantity, Decimal):
        item.quantity = quantity
    wanted = fields.get("RequestedDeliveryDate")
    if isinstance(wanted, date):
        item.requested = wanted
    item.rejection = str(fields.get("SalesDocumentRjcnReason", item.rejection))
    material = changes.world.materials.get(item.material)
    where = _named(item.number)
    if material is None:
        area = f"sales org.{SALES_AREA[0]}, distr.chan.{SALES_AREA[1]}, language EN"
        raise refused(400, "V1/382", f"{where}: Material {item.material} is not defined for {area}")
    if material.discontinued:
        raise refused(400, "V1/028", f"{where}: Material {material.number} has status: Discontinued")
    item.unit = _unit(fields, where) or item.unit or material.sales_unit or material.base_unit
    if item.unit != material.base_unit and item.unit not in material.conversions:
        raise refused(400, "V1/369", f"{where}: Sales unit {item.unit} is not defined for material {material.number}")
    if item.quantity < 0 or item.quantity != round(item.quantity, UNITS[item.unit].decimals):
        raise refused(400, "V1/399", f"{where}: Quantity {item.quantity} {item.unit} is not possible")
    if item.delivered and (item.rejection or item.quantity < item.delivered):
        raise refused(400, "ZSB/003", f"{where}: {item.delivered:f} {item.unit} have been delivered already")
    item.plant = str(fields.get(plant_field) or item.plant or material.plants[0])
    if item.plant not in material.plants:
        raise refused(400, "V1/394", f"{where}: Material {material.number} is not maintained in plant {item.plant}")
    kept = _ITEM_FIELDS | {plant_field}
    item.other |= {name: value for name, value in fields.items() if name not in kept}


def _unit(fields: Mapping[str, Value], where: str) -> str | None:
    """The unit in SAP's internal code, from whichever of the three spellings was sent."""
    found: set[str] = set()
    for name, spelling in _UNIT_FIELDS.items():
        code = fields.get(name)
        if code:
            match = next((unit.sap for unit in UNITS.values() if getattr(unit, spelling) == code), None)
            if match is None:
                raise refused(400, "BM/302", f"{where}: Unit {code} is not created in language EN")
            found.add(match)
    if len(found) > 1:
        raise refused(400, "BM/303", f"{where}: The units sent contradict each other")
    return found.pop() if found else None


def _next_item(order: Order) -> int:
    """10, 20, 30 …: the next ten after the highest."""
    highest = max((int(number) for number in order.items), default=0)
    return highest // 10 * 10 + 10


def _named(number: str) -> str:
    return f"Item {number.zfill(6)}"
