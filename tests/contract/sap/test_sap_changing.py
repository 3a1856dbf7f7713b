"""The SAP client against payloads of the published contract: orders changed, as a whole or not at all."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import httpx
import msgspec
import pytest

from system_apis.errors import (
    ObjectLocked,
    OutcomeUnknown,
    SystemRefused,
    VersionMoved,
    VersionRequired,
)
from system_apis.sap.models import (
    Changed,
    Demand,
    ItemChange,
    OrderPatch,
    ScheduleChange,
)
from tests.contract.sap.answers import (
    DAY,
    ETAG,
    NO_CONTENT,
    ORDERS,
    SAID,
    WARNING,
    asked_parts,
    batch,
    erp,
    refused_part,
    soon,
    token,
)
from tests.contract.tape import Player, json_answer

PATCH = OrderPatch(
    "4711",
    ETAG,
    items=(
        ItemChange("10", quantity=Decimal("55.5"), unit="C62", requested_date=date(2026, 12, 3), schedule_line="2"),
        ItemChange("20", reject="61"),
    ),
    added=(Demand("n", "TG12", Decimal(3), "C62", DAY, "1710"),),
)


async def test_a_change_is_one_changeset_whose_first_part_is_the_guarded_header() -> None:
    player = Player([token(), ("GET", json_answer("sap_version")), ("POST", batch(*[NO_CONTENT] * 4, NO_CONTENT))])
    await erp(player).change_order(PATCH, deadline=soon())
    (post,) = player.asked("POST")
    assert post.url.path == f"{ORDERS}/$batch"
    assert post.headers["content-type"].startswith("multipart/mixed; boundary=batch_")
    parts = post.content.decode().split("Content-ID: ")[1:]
    lines = [part.split("\r\n\r\n", 2)[1].split("\r\n")[0] for part in parts]
    assert lines == [
        "PATCH A_SalesOrder('4711') HTTP/1.1",
        "PATCH A_SalesOrderItem(SalesOrder='4711',SalesOrderItem='10') HTTP/1.1",
        "PATCH A_SalesOrderScheduleLine(SalesOrder='4711',SalesOrderItem='10',ScheduleLine='2') HTTP/1.1",
        "PATCH A_SalesOrderItem(SalesOrder='4711',SalesOrderItem='20') HTTP/1.1",
        "POST A_SalesOrder('4711')/to_Item HTTP/1.1",
    ]
    assert f"If-Match: {ETAG}\r\n" in parts[0]
    assert '{"PurchaseOrderByCustomer":"PO-9"}' in parts[0], "re-sent as it stands: nothing changes"
    assert "If-Match" not in "".join(parts[1:])
    assert '{"RequestedQuantity":"55.5","RequestedQuantityUnit":"PC"}' in parts[1]
    assert '{"RequestedDeliveryDate":"/Date(1796256000000)/"}' in parts[2]
    assert '{"SalesDocumentRjcnReason":"61"}' in parts[3]
    assert '"Material":"TG12"' in parts[4]
    assert "SalesOrderItem" not in parts[4].split("\r\n\r\n")[2], "SAP numbers an added item"


async def test_a_new_header_date_needs_no_read_before() -> None:
    player = Player([token(), ("POST", batch(NO_CONTENT))])
    patch = OrderPatch("4711", ETAG, items=(), requested_date=date(2026, 12, 3))
    await erp(player).change_order(patch, deadline=soon())
    assert b'{"RequestedDeliveryDate":"/Date(1796256000000)/"}' in player.asked("POST")[0].content


async def test_blocks_and_the_customers_number_are_changed_at_the_header() -> None:
    player = Player([token(), ("POST", batch(NO_CONTENT))])
    patch = OrderPatch("4711", ETAG, items=(), delivery_block="01", billing_block="", customer_po="PO-10")
    await erp(player).change_order(patch, deadline=soon())
    body = b'{"DeliveryBlockReason":"01","HeaderBillingBlockReason":"","PurchaseOrderByCustomer":"PO-10"}'
    assert body in player.asked("POST")[0].content


async def test_schedule_lines_are_changed_made_and_removed() -> None:
    later = date(2026, 12, 3)
    schedule = (
        ScheduleChange("1", quantity=Decimal(30), block="01"),
        ScheduleChange(None, later, Decimal(10)),
        ScheduleChange("3", removed=True),
    )
    items = (ItemChange("10", plant="1720", schedule=schedule), ItemChange("20", reject=""))
    player = Player([token(), ("POST", batch(*[NO_CONTENT] * 6))])
    await erp(player).change_order(OrderPatch("4711", ETAG, items, requested_date=DAY), deadline=soon())
    (post,) = player.asked("POST")
    assert asked_parts(post)[1:] == [
        "PATCH A_SalesOrderItem(SalesOrder='4711',SalesOrderItem='10') HTTP/1.1",
        "PATCH A_SalesOrderScheduleLine(SalesOrder='4711',SalesOrderItem='10',ScheduleLine='1') HTTP/1.1",
        "POST A_SalesOrderItem(SalesOrder='4711',SalesOrderItem='10')/to_ScheduleLine HTTP/1.1",
        "DELETE A_SalesOrderScheduleLine(SalesOrder='4711',SalesOrderItem='10',ScheduleLine='3') HTTP/1.1",
        "PATCH A_SalesOrderItem(SalesOrder='4711',SalesOrderItem='20') HTTP/1.1",
    ]
    for body in (
        b'{"ProductionPlant":"1720"}',
        b'{"ScheduleLineOrderQuantity":"30","DelivBlockReasonForSchedLine":"01"}',
        b'{"RequestedDeliveryDate":"/Date(1796256000000)/","ScheduleLineOrderQuantity":"10"}',
        b'{"SalesDocumentRjcnReason":""}',
    ):
        assert body in post.content


async def test_what_sap_says_beside_a_change_is_kept_and_the_new_state_read_where_it_is_wanted() -> None:
    noted = NO_CONTENT.replace("\r\n\r\n", f"\r\nsap-message: {WARNING}\r\n\r\n")
    patch = OrderPatch("4711", ETAG, items=(), requested_date=DAY)
    for again, known in ((json_answer("sap_order"), True), (httpx.Response(400, text="no"), False)):
        player = Player([token(), ("POST", batch(noted)), ("GET", again)])
        changed = await erp(player).change_order(patch, deadline=soon(), reread=True)
        assert changed.warnings == SAID
        assert (changed.order is not None) == known, "a change that can't be read again is a change all the same"
    player = Player([token(), ("POST", batch(NO_CONTENT))])
    assert await erp(player).change_order(patch, deadline=soon()) == Changed(())


async def test_a_rolled_back_changeset_names_the_part_that_was_not_taken() -> None:
    no = refused_part("400 Bad Request", "V1/520", "quantity below delivered", ContentID="2")
    player = Player([token(), ("GET", json_answer("sap_version")), ("POST", batch(no, failed=True))])
    with pytest.raises(SystemRefused) as met:
        await erp(player).change_order(PATCH, deadline=soon())
    assert (met.value.code, met.value.part) == ("V1/520", 1)


async def test_a_lock_is_known_by_a_code_of_this_instance() -> None:
    no = refused_part("400 Bad Request", "ZSD/077", "Later, please")
    player = Player([token(), ("GET", json_answer("sap_version")), ("POST", batch(no, failed=True))])
    with pytest.raises(ObjectLocked):
        await erp(player, lock_codes=("ZSD/077",)).change_order(PATCH, deadline=soon())


async def test_an_order_that_moved_is_not_written_to() -> None:
    player = Player([("GET", json_answer("sap_version"))])
    with pytest.raises(VersionMoved):
        await erp(player).change_order(msgspec.structs.replace(PATCH, etag='W/"old"'), deadline=soon())
    assert player.asked("POST") == []


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (refused_part("412 Precondition Failed", "/IWBEP/CM_MGW_RT/190", "changed"), VersionMoved),
        (refused_part("428 Precondition Required", "/IWBEP/CM_MGW_RT/199", "If-Match is missing"), VersionRequired),
        (refused_part("400 Bad Request", "VL/045", "currently being processed by user X"), ObjectLocked),
        (refused_part("400 Bad Request", "V1/520", "quantity below delivered"), SystemRefused),
        ("HTTP/1.1 500 Internal Server Error\r\n\r\n<html>", OutcomeUnknown),
    ],
)
async def test_a_failed_changeset_has_one_reason(part: str, kind: type[Exception]) -> None:
    player = Player([token(), ("GET", json_answer("sap_version")), ("POST", batch(part, failed=True))])
    with pytest.raises(kind) as met:
        await erp(player).change_order(PATCH, deadline=soon())
    assert type(met.value) is kind


@pytest.mark.parametrize("answer", [batch(NO_CONTENT), httpx.Response(202, json={})])
async def test_a_batch_answer_that_does_not_fit_is_an_unknown_outcome(answer: httpx.Response) -> None:
    player = Player([token(), ("GET", json_answer("sap_version")), ("POST", answer)])
    with pytest.raises(OutcomeUnknown):
        await erp(player).change_order(PATCH, deadline=soon())


@pytest.mark.parametrize("etag", ['W/"1"\r\nX-Evil: 1', 'W/"\u20ac"'])
async def test_a_version_that_no_header_holds_is_refused_and_nothing_is_sent(etag: str) -> None:
    player = Player([])
    with pytest.raises(SystemRefused) as met:
        await erp(player).change_order(OrderPatch("4711", etag, items=(), requested_date=DAY), deadline=soon())
    assert met.value.code == "UNSENDABLE"
    assert player.asked("POST") == []
