"""The CRM's side of the world: accounts, products, price book, and quotes in every state that matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType

from system_apis.sandbox.salesforce.errors import Row
from system_apis.sandbox.salesforce.records import Crm
from system_apis.sandbox.world.capacity import REC20
from system_apis.sandbox.world.customers import CUSTOMERS
from system_apis.sandbox.world.materials import MATERIALS

REQUESTED_IN = 5
"""Days from the first one until a line is wanted."""
_CELL = {
    "Configuration_Id__c": "CFG-300-A",
    "Bundle_Revision__c": "B300-1",
    "BOM_Revision__c": "C300-3",
    "Routing_Revision__c": "R300-4",
}
_NORTH, _SOUTH, _ON_HOLD = "17100001", "17100002", "17100003"


@dataclass(frozen=True)
class Line:
    material: str
    quantity: float
    plant: str = "1710"
    unit: str = ""
    """Rec 20; the material's base unit if empty."""
    days: int = REQUESTED_IN
    configuration: Mapping[str, str] = field(default_factory=dict)
    """What a configurator put on the line."""


@dataclass(frozen=True)
class Sketch:
    """A quote before it has ids. `valid_days` may be negative: it has expired."""

    customer: str
    lines: tuple[Line, ...]
    status: str = "Approved"
    valid_days: int = 30
    ship_to: str | None = None


_NO_MORE: Mapping[int, Sketch] = MappingProxyType({})
_SIMPLE = Sketch(_NORTH, (Line("TG11", 5),))
_SKETCHES = (
    Sketch(_NORTH, (Line("TG11", 40), Line("TG12", 100), Line("FG126", 50))),
    Sketch(_SOUTH, (Line("TG11", 5), Line("TG13", 4))),
    Sketch(_NORTH, (Line("TG11", 10),), status="Draft"),
    Sketch(_NORTH, (Line("TG11", 10),), status="Rejected"),
    Sketch(_NORTH, (Line("TG11", 10),), valid_days=-10),
    Sketch(_NORTH, (Line("TG10", 20), Line("TG11", 10), Line("TG14", 3), Line("TG15", 8), Line("TG21", 6))),
    Sketch(_ON_HOLD, (Line("TG11", 20),)),
    Sketch(_NORTH, (Line("FG300", 1, configuration=_CELL),)),
    Sketch(_NORTH, (Line("TG16", 25.5), Line("TG17", 10, unit="CT"), Line("FG226", 6, plant="1720"))),
    *(_SIMPLE,) * 10,
    Sketch(_NORTH, (Line("TG11", 5),), ship_to="17100011"),
    Sketch(_NORTH, (Line("TG18", 10), Line("TG19", 5), Line("TG11", 5))),
)
"""Q-1001, Q-1002 … in this order: the demo's; another dealer's; a draft; a rejected and an expired one; one with a
discontinued material; one on credit hold; a configured product; odd units and a second plant; ten plain ones; one that
goes to another place; one with a quantity between two boxes and one below the least that is sold."""


def seed(crm: Crm, today: date, more: Mapping[int, Sketch] = _NO_MORE) -> None:
    """Fills an empty organisation. Ids are the same each time: Q-1001 is 0Q0Hp0000001001 and its checksum.

    `more` are further quotes by number.
    """
    crm.clear()
    book = crm.insert("Pricebook2", {"Name": "Standard Price Book", "IsStandard": True, "IsActive": True})["Id"]
    entries = {number: _sellable(crm, book, number) for number in MATERIALS}
    deals = {number: _deal(crm, number, today) for number in CUSTOMERS}
    for number, sketch in (dict(enumerate(_SKETCHES, start=1001)) | dict(more)).items():
        expires = (today + timedelta(days=sketch.valid_days)).isoformat()
        head = {"Name": f"Q-{number}", "Status": sketch.status, "Revision__c": "1", "ExpirationDate": expires}
        head |= {"ERP_Ship_To__c": sketch.ship_to} if sketch.ship_to else {}
        quote = crm.insert("Quote", head | {"OpportunityId": deals[sketch.customer], "Pricebook2Id": book})
        for place, line in enumerate(sketch.lines, start=1):
            facts = {"QuoteId": quote["Id"], "PricebookEntryId": entries[line.material], "SortOrder": place}
            crm.insert("QuoteLineItem", facts | _line(line, sketch.customer, today))


def _sellable(crm: Crm, book: str, number: str) -> str:
    material = MATERIALS[number]
    wanted = {"Name": material.text, "ProductCode": number, "IsActive": not material.discontinued}
    product = crm.insert("Product2", wanted | {"QuantityUnitOfMeasure": REC20[material.base_unit]})
    entry = {"Pricebook2Id": book, "Product2Id": product["Id"], "UnitPrice": float(material.price), "IsActive": True}
    return str(crm.insert("PricebookEntry", entry)["Id"])


def _deal(crm: Crm, number: str, today: date) -> str:
    name = CUSTOMERS[number].name
    account = crm.insert("Account", {"Name": name, "AccountNumber": number, "ERP_Customer__c": number})
    wanted = {"Name": f"{name}: spare parts", "StageName": "Proposal/Price Quote", "AccountId": account["Id"]}
    return str(crm.insert("Opportunity", wanted | {"CloseDate": (today + timedelta(days=60)).isoformat()})["Id"])


def _line(line: Line, customer: str, today: date) -> Row:
    material = MATERIALS[line.material]
    unit = line.unit or REC20[material.base_unit]
    sap_unit = next(sap for sap, rec20 in REC20.items() if rec20 == unit)
    # What the customer pays per unit, as the ERP's conditions have it: list price less the customer's discount.
    price = material.price * material.per(sap_unit) * (100 - CUSTOMERS[customer].discount_percent) / 100
    return {
        "Quantity": float(line.quantity),
        "UnitPrice": float(price),
        "Requested_Date__c": (today + timedelta(days=line.days)).isoformat(),
        "Plant__c": line.plant,
        "Unit__c": unit,
        **line.configuration,
    }
