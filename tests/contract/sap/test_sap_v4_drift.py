"""Drift of a version 4 order service: what we use of it against annotated metadata, one change at a time."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest

from system_apis.drift import Finding
from system_apis.errors import OwnerViolation, UnreadableAnswer
from system_apis.ownership import owner_of
from system_apis.sap import owners as guards
from system_apis.sap.batch import Part
from system_apis.sap.models import ItemChange, NewOrder, OrderPatch
from system_apis.sap.units import STANDARD
from system_apis.sap.used import used
from system_apis.sap.v4 import owners
from system_apis.sap.v4.used import used as used_of_orders
from system_apis.sap.v4.writing import change, new_order
from system_apis.sap.wire import DEFAULT_REFERENCE_FIELD
from tests.contract.ownership.test_owner_violation import Silent
from tests.contract.sap import edmx as v2
from tests.contract.sap.answers import AREA, DAY, LINE, soon
from tests.contract.sap.answers_v4 import ROOT, erp
from tests.contract.sap.edmx_v4 import at_property, at_set, edmx
from tests.contract.tape import Player

ORDERS = "CE_SALESORDER_0001"
OTHERS = {each.service: each for each in used(DEFAULT_REFERENCE_FIELD, "v4") if each.service != ORDERS}
USE = used_of_orders()


async def findings(document: bytes, reference_field: str = DEFAULT_REFERENCE_FIELD) -> tuple[Finding, ...]:
    def live(request: httpx.Request) -> httpx.Response:
        if request.url.path == f"{ROOT}/$metadata":
            return httpx.Response(200, content=document)
        name = request.url.path.removeprefix("/sap/opu/odata/sap/").removesuffix("/$metadata")
        return httpx.Response(200, content=v2.edmx(OTHERS[name]))

    player = Player([("GET", live)] * (len(OTHERS) + 1))
    return await erp(player, reference_field=reference_field).drift(deadline=soon())


async def test_an_instance_that_has_all_we_use_has_not_drifted_and_its_other_dialect_is_not_asked() -> None:
    assert await findings(edmx(USE)) == ()
    assert "API_SALES_ORDER_SRV" not in OTHERS


@pytest.mark.parametrize(
    ("document", "kind", "entity", "field"),
    [
        (edmx(USE, without="SalesOrderItem.Plant"), "missing", "SalesOrder/_Item", "Plant"),
        (edmx(USE, without="SalesOrderItem._ScheduleLine"), "missing", "SalesOrder/_Item/_ScheduleLine", None),
        (
            edmx(USE, at_property("SalesOrder_Type/SoldToParty", "Computed")),
            "notCreatable",
            "SalesOrder",
            "SoldToParty",
        ),
        (
            edmx(USE, at_property("SalesOrderItem_Type/SalesDocumentRjcnReason", "Immutable")),
            "notUpdatable",
            "SalesOrder/_Item",
            "SalesDocumentRjcnReason",
        ),
        (
            edmx(
                USE,
                at_set(
                    "SalesOrder",
                    "FilterRestrictions",
                    '<PropertyValue Property="NonFilterableProperties"><Collection><PropertyPath>SoldToParty'
                    "</PropertyPath></Collection></PropertyValue>",
                ),
            ),
            "notFilterable",
            "SalesOrder",
            "SoldToParty",
        ),
        (edmx(USE, insertable="false"), "notCreatable", "SalesOrder/_Item", None),
        (
            edmx(
                USE,
                at_set("SalesOrderItem", "UpdateRestrictions", '<PropertyValue Property="Updatable" Bool="false"/>'),
            ),
            "notUpdatable",
            "SalesOrder/_Item",
            None,
        ),
        (
            edmx(USE).replace(
                b'Name="PurchaseOrderByShipToParty" Type="Edm.String"',
                b'Name="PurchaseOrderByShipToParty" Type="Edm.String" MaxLength="20"',
            ),
            "tooShort",
            "SalesOrder",
            "PurchaseOrderByShipToParty",
        ),
    ],
)
async def test_each_difference_is_told_with_its_place(
    document: bytes, kind: str, entity: str, field: str | None
) -> None:
    (finding,) = await findings(document)
    assert (finding.kind, finding.entity, finding.field) == (kind, f"{ORDERS}/{entity}", field)


async def test_an_annotation_that_says_no_to_itself_says_nothing() -> None:
    assert await findings(edmx(USE, at_property("SalesOrder_Type/SoldToParty", "Computed", 'Bool="false"'))) == ()


async def test_a_reference_field_that_is_not_there_is_told() -> None:
    kinds = {(one.kind, one.field) for one in await findings(edmx(USE), "YY1_Ordergate_SDH")}
    assert kinds == {("missing", "YY1_Ordergate_SDH")}


@pytest.mark.parametrize(
    "document",
    [
        b"<html>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        b"<Edmx/>",
        b"<Schema>" + b"<Annotation>" * 500 + b"</Annotation>" * 500 + b"</Schema>",
    ],
)
async def test_what_is_no_metadata_says_nothing_about_drift(document: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        await findings(document)


LATER = date(2026, 12, 3)
EVERYTHING = OrderPatch(
    "4711", "W/x", (ItemChange("10", Decimal(2), "C62", LATER, "1", "61", "1720"),), (LINE,), DAY, "01", "02", "PO-10"
)
NEW = NewOrder("op_1", "PO", AREA, "17100001", "17100004", DAY, (LINE,))
PATHS = {"SalesOrder": "SalesOrder", "SalesOrderItem": "SalesOrder/_Item", "_Item": "SalesOrder/_Item"}


def sent(path: str, body: dict[str, Any]) -> set[tuple[str, str]]:
    """Every property of a deep insert with the path it stands at."""
    found: set[tuple[str, str]] = set()
    for name, value in body.items():
        if not name.startswith("_"):
            found.add((path, name))
        for each in value if isinstance(value, list) else ():
            found |= sent(f"{path}/{name}", each)
    return found


def declared(what: str) -> set[tuple[str, str]]:
    return {(use.path, name) for use in USE.uses for name in getattr(use, what)}


def test_what_an_order_is_made_with_and_what_a_change_sends_is_declared() -> None:
    assert sent("SalesOrder", new_order(NEW, "OR", DEFAULT_REFERENCE_FIELD, STANDARD)) <= declared("create")
    for part in change(EVERYTHING, STANDARD):
        fields = sent(PATHS[part.path.split("/")[-1].partition("(")[0]], msgspec.json.decode(part.body))
        assert fields, "a step that changes nothing would prove nothing"
        assert fields <= declared("create" if part.method == "POST" else "update")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("SalesOrder('1')", "TotalNetAmount"),
        ("SalesOrder('1')", "ReferenceSDDocument"),
        ("SalesOrderItem(SalesOrder='1',SalesOrderItem='10')", "NetAmount"),
        ("SalesOrder('1')/_Item", "ConfirmedDeliveryDate"),
        (f"{ROOT}/SalesOrder('1')", "TotalCreditCheckStatus"),
        (
            "SalesOrderScheduleLine(SalesOrder='1',SalesOrderItem='10',ScheduleLine='1')",
            "ConfdOrderQtyByMatlAvailCheck",
        ),
        ("SalesOrderText(SalesOrder='1')", "LongText"),
    ],
)
def test_a_step_that_touches_what_the_erp_decides_does_not_pass(path: str, field: str) -> None:
    errand = Silent().upstream("sap").errand("change an order", writes=True)
    parts = change(EVERYTHING, STANDARD)
    guards.guard_parts(errand, owners.WORDS, parts)
    with pytest.raises(OwnerViolation, match=re.escape(field)):
        guards.guard_parts(errand, owners.WORDS, (*parts, Part("PATCH", path, msgspec.json.encode({field: "1"}))))


def test_every_word_of_a_field_has_an_owner() -> None:
    assert all(owner_of(one.thing, word) for one in owners.WORDS.values() for word in one.fields.values())
