"""How something is made, as far as a sale depends on it: which revisions of bill of material and routing are in force.

API_BILL_OF_MATERIAL_SRV (version 2) and API_PRODUCTION_ROUTING. A revision is the version of a bill where bills are
kept in versions, and otherwise the change document it became valid with; a routing's is its change number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from system_apis.deadline import Deadline
from system_apis.sap import odata, wire_goods
from system_apis.sap.asking import SapErrand
from system_apis.sap.goods import BillOfMaterial, BillUsage, Routing
from system_apis.sap.service import Service
from system_apis.sap.wire import Envelope, Results, names

BILLS = "API_BILL_OF_MATERIAL_SRV;v=0002"
ROUTINGS = "API_PRODUCTION_ROUTING"
_USAGES: dict[str, BillUsage] = {"1": "production", "3": "universal", "5": "sales"}
_ACTIVE = frozenset({"1", "01"})
_RELEASED = frozenset({"4", "004"})
_HEADERS_AT_ONCE = 20
_BILL_ROWS = msgspec.json.Decoder(Envelope[Results[wire_goods.MaterialBill]])
_ASSIGNED = msgspec.json.Decoder(Envelope[Results[wire_goods.RoutingAssignment]])
_HEADERS = msgspec.json.Decoder(Envelope[Results[wire_goods.RoutingHeader]])


async def bills(service: Service, material: str, plant: str, deadline: Deadline) -> tuple[BillOfMaterial, ...]:
    """Every bill of material of a material at a plant, in force or not."""
    errand = service.errand("read bills of material")
    condition = f"Material eq {odata.text(material)} and Plant eq {odata.text(plant)}"
    options = odata.query(filter=condition, select=",".join(names(wire_goods.MaterialBill)))
    rows = await service.collection(f"MaterialBOM{options}", _BILL_ROWS, errand, deadline)
    return tuple(
        BillOfMaterial(
            usage=_USAGES.get(row.usage, "other"),
            revision=row.version.strip() or row.change.strip(),
            active=row.status in _ACTIVE and not row.deleted,
            valid_from=_day(row.valid_from, date.min, errand),
            valid_until=_day(row.valid_until, date.max, errand),
        )
        for row in rows
    )


async def routings(service: Service, material: str, plant: str, deadline: Deadline) -> tuple[Routing, ...]:
    """Every routing that is assigned to a material at a plant: the assignment and the routing both bound its time."""
    errand = service.errand("read routings")
    condition = f"Product eq {odata.text(material)} and Plant eq {odata.text(plant)}"
    options = odata.query(filter=condition, select=",".join(names(wire_goods.RoutingAssignment)))
    rows = await service.collection(f"ProductionRoutingMatlAssgmt{options}", _ASSIGNED, errand, deadline)
    assigned = [row for row in rows if not row.deleted]
    headers = await _headers(service, {(row.group, row.counter) for row in assigned}, errand, deadline)
    return tuple(
        _routing(row, header, errand)
        for row in assigned
        for header in headers
        if (header.group, header.counter) == (row.group, row.counter)
    )


async def _headers(
    service: Service, keys: Iterable[tuple[str, str]], errand: SapErrand, deadline: Deadline
) -> Sequence[wire_goods.RoutingHeader]:
    wanted = sorted(keys)
    found: list[wire_goods.RoutingHeader] = []
    for start in range(0, len(wanted), _HEADERS_AT_ONCE):
        condition = " or ".join(
            f"(ProductionRoutingGroup eq {odata.text(group)} and ProductionRouting eq {odata.text(counter)})"
            for group, counter in wanted[start : start + _HEADERS_AT_ONCE]
        )
        options = odata.query(filter=condition, select=",".join(names(wire_goods.RoutingHeader)))
        found += await service.collection(f"ProductionRoutingHeader{options}", _HEADERS, errand, deadline)
    return found


def _routing(row: wire_goods.RoutingAssignment, header: wire_goods.RoutingHeader, errand: SapErrand) -> Routing:
    return Routing(
        revision=header.change.strip() or header.version.strip(),
        released=header.status in _RELEASED and not header.deleted,
        valid_from=max(_day(row.valid_from, date.min, errand), _day(header.valid_from, date.min, errand)),
        valid_until=min(_day(row.valid_until, date.max, errand), _day(header.valid_until, date.max, errand)),
    )


def _day(value: str | None, otherwise: date, errand: SapErrand) -> date:
    return odata.day(value, errand) if value else otherwise
