"""The rows behind the services of engineering: bills of material and production routings."""

from __future__ import annotations

from collections.abc import Iterator

from system_apis.sandbox.sap.catalogue import Row, Source
from system_apis.sandbox.world import World
from system_apis.sandbox.world.recipes import bills, routings

_MATERIAL_BILL = "M"
_ACTIVE_BILL = "1"
_RELEASED_ROUTING = "4"


def _bills(world: World) -> Iterator[Row]:
    for bill in bills(world.today):
        yield {
            "BillOfMaterial": bill.number,
            "BillOfMaterialCategory": _MATERIAL_BILL,
            "BillOfMaterialVariant": "1",
            "BillOfMaterialVersion": "",
            "EngineeringChangeDocument": bill.change,
            "Material": bill.material,
            "Plant": bill.plant,
            "BillOfMaterialVariantUsage": bill.usage,
            "BillOfMaterialStatus": _ACTIVE_BILL,
            "HeaderValidityStartDate": bill.first,
            "HeaderValidityEndDate": bill.last,
        }


def _routings(world: World) -> Iterator[Row]:
    for routing in routings(world.today):
        yield {
            "ProductionRoutingGroup": routing.group,
            "ProductionRouting": "1",
            "ProductionRoutingInternalVers": str(routing.version),
            "Plant": routing.plant,
            "ChangeNumber": routing.change,
            "BillOfOperationsStatus": _RELEASED_ROUTING,
            "ValidityStartDate": routing.first,
            "ValidityEndDate": routing.last,
        }


def _assignments(world: World) -> Iterator[Row]:
    for routing in routings(world.today):
        yield {
            "ProductionRoutingGroup": routing.group,
            "ProductionRouting": "1",
            "ProductionRoutingMatlAssgmt": "1",
            "ProductionRtgMatlAssgmtIntVers": str(routing.version),
            "Product": routing.material,
            "Plant": routing.plant,
            "ChangeNumber": routing.change,
            "ValidityStartDate": routing.first,
            "ValidityEndDate": routing.last,
        }


SOURCES: dict[str, dict[str, Source]] = {
    "API_BILL_OF_MATERIAL_SRV;v=0002": {"MaterialBOM": _bills},
    "API_PRODUCTION_ROUTING": {"ProductionRoutingMatlAssgmt": _assignments, "ProductionRoutingHeader": _routings},
}
"""By service and entity set."""
