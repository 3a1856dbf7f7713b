"""The rows behind the services that are only read: products, partners, stock, deliveries, production orders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

from system_apis.sandbox.sap.catalogue import Row, Source
from system_apis.sandbox.sap.order_entry import PARTNER_FUNCTIONS
from system_apis.sandbox.world import World
from system_apis.sandbox.world.documents import Delivery
from system_apis.sandbox.world.materials import UNITS, Material
from system_apis.sandbox.world.plants import SALES_AREA

_DISCONTINUED = "02"
_UNRESTRICTED = "01"
_RELEASED, _PARTLY_CONFIRMED = ("I0002", "REL", "Released"), ("I0010", "PCNF", "Partially confirmed")
_BOUGHT, _MADE = "F", "E"


def _products(world: World) -> Iterator[Row]:
    for made in world.materials.values():
        yield {
            "Product": made.number,
            "ProductType": "KMAT" if made.configurable else "FERT" if made.made_at else "HAWA",
            "CrossPlantStatus": _DISCONTINUED if made.discontinued else "",
            "LastChangeDateTime": datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
            "ProductGroup": made.group,
            "BaseUnit": _base_unit(made),
            "ItemCategoryGroup": "0002" if made.configurable else "NORM",
            "ProductIsConfigurable": made.configurable,
        }


def _descriptions(world: World) -> Iterator[Row]:
    for made in world.materials.values():
        yield {"Product": made.number, "Language": "EN", "ProductDescription": made.text}


def _product_plants(world: World) -> Iterator[Row]:
    for made in world.materials.values():
        for plant in made.plants:
            in_house = plant in made.made_at
            yield {
                "Product": made.number,
                "Plant": plant,
                "AvailabilityCheckType": "02",
                "MRPType": "PD",
                "ProcurementType": _MADE if in_house else _BOUGHT,
                "ProductIsConfigurable": made.configurable,
                "BaseUnit": _base_unit(made),
                "PlannedDeliveryDurationInDays": Decimal(0 if in_house else 10),
                "TotalReplenishmentLeadTime": Decimal(15 if in_house else 10),
            }


def _units(world: World) -> Iterator[Row]:
    for made in world.materials.values():
        for unit, holds in {made.base_unit: Decimal(1), **made.conversions}.items():
            yield {
                "Product": made.number,
                "AlternativeUnit": UNITS[unit].external,
                "QuantityNumerator": holds,
                "QuantityDenominator": Decimal(1),
                "BaseUnit": _base_unit(made),
            }


def _sales_data(world: World) -> Iterator[Row]:
    for made in world.materials.values():
        yield {
            "Product": made.number,
            "ProductSalesOrg": SALES_AREA[0],
            "ProductDistributionChnl": SALES_AREA[1],
            "SupplyingPlant": made.plants[0],
            "ProductSalesStatus": _DISCONTINUED if made.discontinued else "",
            "MinimumOrderQuantity": made.least,
            "SalesMeasureUnit": UNITS[made.sales_unit].external if made.sales_unit else "",
            "BaseUnit": _base_unit(made),
        }


def _stock(world: World) -> Iterator[Row]:
    for (material, plant), quantity in world.stock.items():
        made = world.materials[material]
        yield {
            "Material": material,
            "Plant": plant,
            "StorageLocation": "171A" if plant == "1710" else "172A",
            "InventoryStockType": _UNRESTRICTED,
            "MaterialBaseUnit": _base_unit(made),
            "MatlWrhsStkQtyInMatlBaseUnit": quantity.quantize(Decimal(1).scaleb(-UNITS[made.base_unit].decimals)),
        }


def _stocked(world: World) -> Iterator[Row]:
    for made in world.materials.values():
        yield {"Material": made.number, "MaterialBaseUnit": _base_unit(made)}


def _partners(world: World) -> Iterator[Row]:
    for customer in world.customers.values():
        for number, name in ((customer.number, customer.name), *customer.ship_to.items()):
            yield {
                "BusinessPartner": number,
                "Customer": number,
                "BusinessPartnerCategory": "2",
                "BusinessPartnerFullName": name,
                "BusinessPartnerName": name,
                "SearchTerm1": name.split()[0].upper(),
                "CustomerName": name,
            }


def _sales_areas(world: World) -> Iterator[Row]:
    organization, channel, division = SALES_AREA
    for customer in world.customers.values():
        yield {
            "Customer": customer.number,
            "SalesOrganization": organization,
            "DistributionChannel": channel,
            "Division": division,
            "Currency": customer.currency,
            "CustomerPaymentTerms": "NT30",
            "CreditControlArea": "1710",
        }


def _partner_functions(world: World) -> Iterator[Row]:
    for row in _sales_areas(world):
        own = str(row["Customer"])
        others = (("SH", number) for number in world.customers[own].ship_to)
        for counter, (function, number) in enumerate((*((each, own) for each in PARTNER_FUNCTIONS), *others)):
            yield {
                **row,
                "PartnerCounter": str(counter),
                "PartnerFunction": function,
                "BPCustomerNumber": number,
                "DefaultPartner": number == own,
            }


def _deliveries(world: World) -> Iterator[Row]:
    for each in world.deliveries:
        customer = world.orders[each.order].customer
        yield _delivery(each) | {
            "ActualGoodsMovementDate": each.issued,
            "DeliveryDate": each.planned,
            "DeliveryDocumentType": "LF",
            "OverallDelivReltdBillgStatus": "A",
            "OverallGoodsMovementStatus": "C" if each.issued else "A",
            "OverallPickingStatus": "C" if each.issued else "B",
            "OverallSDProcessStatus": "B" if each.issued else "A",
            "PlannedGoodsIssueDate": each.planned,
            "ShippingPoint": "1710",
            "ShipToParty": customer,
            "SoldToParty": customer,
        }


def _delivery_items(world: World) -> Iterator[Row]:
    for each in world.deliveries:
        for number, quantity in each.items.items():
            item = world.orders[each.order].items[number]
            yield _delivery(each) | {
                "DeliveryDocumentItem": number.zfill(6),
                "ActualDeliveryQuantity": quantity,
                "DeliveryQuantityUnit": UNITS[item.unit].external,
                "GoodsMovementStatus": "C" if each.issued else "A",
                "PickingStatus": "C" if each.issued else "B",
                "SDProcessStatus": "B" if each.issued else "A",
                "Material": item.material,
                "Plant": item.plant,
                # This service shows the zeros that the sales order service hides.
                "ReferenceSDDocument": each.order.zfill(10),
                "ReferenceSDDocumentCategory": "C",
                "ReferenceSDDocumentItem": number.zfill(6),
            }


def _delivery(each: Delivery) -> dict[str, str | date | None]:
    moved = each.issued or each.planned
    return {"DeliveryDocument": each.number.zfill(10), "DeliveryVersion": "0001", "LastChangeDate": moved}


def _production_orders(world: World) -> Iterator[Row]:
    for each in world.production_orders:
        item = world.orders[each.order].items[each.item]
        unit = UNITS[item.unit]
        yield {
            "ManufacturingOrder": each.number.zfill(12),
            "ManufacturingOrderCategory": "10",
            "ManufacturingOrderType": "PP01",
            "OrderIsReleased": "X",
            "OrderIsPartiallyConfirmed": "X" if each.done else "",
            "LastChangeDateTime": f"{each.starts:%Y%m%d}093000",
            "Material": item.material,
            "ProductionPlant": item.plant,
            "SalesOrder": each.order.zfill(10),
            "SalesOrderItem": each.item.zfill(6),
            "MfgOrderPlannedStartDate": each.starts,
            "MfgOrderPlannedEndDate": each.ends,
            "MfgOrderScheduledStartDate": each.starts,
            "MfgOrderScheduledEndDate": each.ends,
            "MfgOrderActualReleaseDate": each.starts,
            "ProductionUnit": unit.external,
            "ProductionUnitISOCode": unit.iso,
            "ProductionUnitSAPCode": unit.sap,
            "TotalQuantity": each.quantity,
            "MfgOrderConfirmedYieldQty": each.done,
        }


def _production_statuses(world: World) -> Iterator[Row]:
    for each in world.production_orders:
        for code, short, name in [_RELEASED] + [_PARTLY_CONFIRMED] * bool(each.done):
            number = {"ManufacturingOrder": each.number.zfill(12)}
            yield number | {"StatusCode": code, "StatusShortName": short, "StatusName": name}


def _base_unit(made: Material) -> str:
    return UNITS[made.base_unit].external


SOURCES: dict[str, dict[str, Source]] = {
    "API_PRODUCT_SRV": {
        "A_Product": _products,
        "A_ProductDescription": _descriptions,
        "A_ProductPlant": _product_plants,
        "A_ProductSupplyPlanning": _product_plants,
        "A_ProductUnitsOfMeasure": _units,
        "A_ProductSalesDelivery": _sales_data,
    },
    "API_BUSINESS_PARTNER": {
        "A_BusinessPartner": _partners,
        "A_Customer": _partners,
        "A_CustomerSalesArea": _sales_areas,
        "A_CustSalesPartnerFunc": _partner_functions,
    },
    "API_MATERIAL_STOCK_SRV": {"A_MaterialStock": _stocked, "A_MatlStkInAcctMod": _stock},
    "API_OUTBOUND_DELIVERY_SRV": {"A_OutbDeliveryHeader": _deliveries, "A_OutbDeliveryItem": _delivery_items},
    "API_PRODUCTION_ORDER_2_SRV": {
        "A_ProductionOrder_2": _production_orders,
        "A_ProductionOrderStatus_2": _production_statuses,
    },
}
"""By service and entity set."""
