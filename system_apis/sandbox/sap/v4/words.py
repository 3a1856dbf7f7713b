"""What the V4 service calls the things that the V2 service has too."""

from __future__ import annotations

from system_apis.sandbox.sap.words import Words

WORDS = Words(
    header="SalesOrder",
    item="SalesOrderItem",
    line="SalesOrderScheduleLine",
    partner="SalesOrderPartner",
    to_items="_Item",
    to_partners="_Partner",
    to_lines="_ScheduleLine",
    to_order="_SalesOrder",
    to_own_item="_Item",
    fields={"Material": "Product", "MaterialGroup": "ProductGroup", "ProductionPlant": "Plant"},
)
