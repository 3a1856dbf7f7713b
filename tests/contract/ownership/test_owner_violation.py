"""System by system: a write of a field that belongs to another is refused, and nothing has been sent."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest

from process_apis.exceptions import Finding, SourceMessage, opened
from system_apis.deadline import Deadline
from system_apis.errors import OwnerViolation, UpstreamError
from system_apis.http import Upstream
from system_apis.salesforce.rest import Org
from system_apis.salesforce.transaction import Node, commit
from system_apis.sap import owners, writing
from system_apis.sap.batch import Part
from system_apis.sap.client import connect
from system_apis.sap.models import Demand, ItemChange, NewOrder, OrderPatch, SalesArea
from system_apis.scheduler import http_adapter
from system_apis.scheduler.wire import Commit

LINE = Demand("1", "TG11", Decimal(5), "C62", date(2030, 3, 15), "1710")
ORDER = NewOrder("op_1", "PO-1", SalesArea("1710", "10", "00"), "17100001", "17100009", LINE.requested_date, (LINE,))
ADDRESS = "A_SalesOrder('1')"


class Silent:
    """A wire that must stay silent; what went over it is kept."""

    def __init__(self) -> None:
        self.sent: list[httpx.Request] = []
        self.transport = httpx.MockTransport(self.take)

    def take(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        return httpx.Response(500)

    def upstream(self, system: str) -> Upstream:
        return Upstream(system=system, instance="i-1", base_url="https://x.example", transport=self.transport)


def soon() -> Deadline:
    return Deadline.after(5)


@pytest.mark.parametrize("field", ["AccountingExchangeRate", "ExternalDocumentID", "NobodysField"])
async def test_sap_an_order_that_would_set_what_the_erp_decides_is_not_sent(field: str) -> None:
    """A reference field that is configured wrongly would do it: one of SAP's own that is not for references."""
    wire = Silent()
    erp = connect(
        instance="s4",
        base_url="https://sap.example",
        user="U",
        password="P",
        sap_client="100",
        settle_s=1,
        reference_field=field,
        transport=wire.transport,
    )
    with pytest.raises(OwnerViolation, match=f"A_SalesOrder.{field}"):
        await erp.create_order(ORDER, deadline=soon())
    assert wire.sent == []
    await erp.aclose()


@pytest.mark.parametrize("field", ["PurchaseOrderByShipToParty", "YY1_Ordergate_SDH", "ZZREFERENCE"])
async def test_sap_an_order_with_our_reference_in_a_field_of_its_own_is_sent(field: str) -> None:
    wire = Silent()
    erp = connect(
        instance="s4",
        base_url="https://sap.example",
        user="U",
        password="P",
        sap_client="100",
        settle_s=1,
        reference_field=field,
        transport=wire.transport,
    )
    with pytest.raises(UpstreamError):
        await erp.create_order(ORDER, deadline=soon())
    assert wire.sent, "it was on its way, and met a wire that says nothing"
    await erp.aclose()


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("PATCH", ADDRESS, "TotalNetAmount"),
        ("PATCH", "A_SalesOrderItem(SalesOrder='1',SalesOrderItem='10')", "NetAmount"),
        ("PATCH", "A_SalesOrderItem(SalesOrder='1',SalesOrderItem='10')", "DeliveryStatus"),
        ("POST", f"{ADDRESS}/to_Item", "NetAmount"),
        (
            "PATCH",
            "A_SalesOrderScheduleLine(SalesOrder='1',SalesOrderItem='10',ScheduleLine='1')",
            "ConfirmedDeliveryDate",
        ),
        ("PATCH", "/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder('1')", "TotalCreditCheckStatus"),
        ("PATCH", "A_BusinessPartner('1')", "BusinessPartnerName"),
        ("PATCH", "nonsense ' path", "Material"),
    ],
)
def test_sap_a_part_of_a_change_that_touches_what_the_erp_decides_does_not_pass(
    method: str, path: str, field: str
) -> None:
    errand = Silent().upstream("sap").errand("change an order", writes=True)
    parts = (*writing.change(PATCH, ""), Part(method, path, msgspec.json.encode({field: "1"})))
    with pytest.raises(OwnerViolation, match=field):
        owners.guard_parts(errand, owners.WORDS, parts)


PATCH = OrderPatch(
    "1",
    'W/"1"',
    (ItemChange("10", Decimal(3), "C62", date(2030, 3, 16), "1", "61"),),
    added=(LINE,),
    requested_date=date(2030, 3, 16),
)


def test_sap_every_change_that_a_change_request_can_ask_for_passes() -> None:
    errand = Silent().upstream("sap").errand("change an order", writes=True)
    parts = writing.change(PATCH, "")
    assert {part.path.partition("(")[0] for part in parts} >= {
        "A_SalesOrder",
        "A_SalesOrderItem",
        "A_SalesOrderScheduleLine",
    }
    owners.guard_parts(errand, owners.WORDS, parts)


@pytest.mark.parametrize(
    ("entity", "field"),
    [
        ("Quote", "Status"),
        ("Quote", "ExpirationDate"),
        ("Quote", "Revision__c"),
        ("QuoteLineItem", "UnitPrice"),
        ("QuoteLineItem", "Quantity"),
        ("Account", "Name"),
        ("Opportunity", "StageName"),
        ("Contact", "Email"),
    ],
)
async def test_salesforce_a_write_of_what_sales_people_keep_is_not_sent(entity: str, field: str) -> None:
    wire = Silent()
    org = Org(wire.upstream("salesforce"), "v68.0")
    good = Node("QuoteLineItem", "0QL000000000001AAA", {"Confirmed_Date__c": "2030-03-15"})
    bad = Node(entity, "0Q0000000000001AAA", {field: "x"})
    with pytest.raises(OwnerViolation, match=f"{entity}.{field}"):
        await commit(org, [good, bad], org.errand("write the outcome back", writes=True), soon())
    assert wire.sent == [], "not even the part that is ours"
    await org.aclose()


async def test_scheduler_a_commit_that_would_set_planned_dates_is_not_sent() -> None:
    class TooMuch(Commit, frozen=True, rename="camel"):
        lines: list[dict[str, Any]]

    errand = Silent().upstream("scheduler").errand("commit the schedule", writes=True)
    assert http_adapter.guarded(errand, Commit("sc-1")) == b'{"scenarioId":"sc-1"}'
    with pytest.raises(OwnerViolation, match=r"commitments\.lines belongs to the scheduler"):
        http_adapter.guarded(errand, TooMuch("sc-1", [{"date": "2030-03-15"}]))


def test_the_exception_of_an_operation_says_so_whichever_step_tried() -> None:
    source = SourceMessage("owner-violation", "Quote.Status belongs to the crm")
    tried = Finding("write-back-pending", "the CRM does not take it", "crm", "crm-main", blocking=False, source=source)
    seen = opened(tried, step="writeBack", at=datetime.now(UTC), correlation_id="c-1")
    assert (seen.code, seen.category, seen.owner.role, seen.retryable) == (
        "owner-violation",
        "integrity",
        "operations",
        False,
    )
