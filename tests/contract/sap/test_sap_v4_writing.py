"""Orders created and changed by OData version 4: each update for itself, guarded, and what stands half way is told."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest

from system_apis.errors import (
    HalfDone,
    ObjectLocked,
    OutcomeUnknown,
    OwnerViolation,
    SystemRefused,
    SystemUnavailable,
    UpstreamError,
    VersionMoved,
    VersionRequired,
)
from system_apis.sap.models import Demand, ItemChange, OrderPatch, Predecessor, ScheduleChange, SourceMessage
from system_apis.sap.units import DeclaredUnit, Units
from tests.contract.sap.answers import DAY, LINE, NEW, soon, token
from tests.contract.sap.answers_v4 import ETAG, EXACT, ROOT, answer, changed, erp, order, refused, version, warning
from tests.contract.tape import Player, json_answer, tape

LATER = date(2026, 12, 3)
TWO = (
    ItemChange("10", quantity=Decimal("55.5"), unit="C62", requested_date=LATER, schedule_line="2"),
    ItemChange("20", reject="61"),
)


def body_of(request: httpx.Request) -> dict[str, Any]:
    return msgspec.json.decode(request.content, type=dict[str, Any])


def steps(player: Player) -> list[tuple[str, str, str | None, dict[str, Any]]]:
    return [
        (one.method, one.url.path.removeprefix(f"{ROOT}/"), one.headers.get("if-match"), body_of(one))
        for one in player.seen
        if one.method in {"PATCH", "POST"}
    ]


async def test_an_order_is_created_by_one_deep_insert_with_a_day_for_each_line() -> None:
    lines = (LINE, Demand("b", "TG16", Decimal("12.5"), "KGM", LATER))
    new = msgspec.structs.replace(NEW, lines=lines, ship_to="17100004")
    player = Player([token(), ("POST", json_answer("sap_v4_order", 201)), ("GET", json_answer("sap_v4_order"))])
    made = await erp(player).create_order(new, deadline=soon())
    assert (made.number, made.etag) == ("4711", ETAG)
    assert player.seen[0].url.path == f"{ROOT}/", "the session is one with the service that is written to"
    (post,) = player.asked("POST")
    assert post.url.path == f"{ROOT}/SalesOrder"
    assert (post.headers["content-type"], post.headers["x-csrf-token"]) == (EXACT, "T1")
    assert post.headers["cookie"] == "SAP_SESSIONID_S4H_100=S1; sap-usercontext=sap-client=100"
    assert not {"requestid", "repeatabilitycreation", "prefer"} & set(post.headers)
    assert body_of(post) == {
        "SalesOrderType": "OR",
        "SalesOrganization": "1710",
        "DistributionChannel": "10",
        "OrganizationDivision": "00",
        "SoldToParty": "17100001",
        "PurchaseOrderByCustomer": "PO-9",
        "PurchaseOrderByShipToParty": "op_01",
        "RequestedDeliveryDate": "2026-11-26",
        "_Item": [
            {
                "SalesOrderItem": "10",
                "Product": "TG11",
                "RequestedQuantity": "40",
                "RequestedQuantitySAPUnit": "ST",
                "RequestedDeliveryDate": "2026-11-26",
                "Plant": "1710",
            },
            {
                "SalesOrderItem": "20",
                "Product": "TG16",
                "RequestedQuantity": "12.5",
                "RequestedQuantitySAPUnit": "KG",
                "RequestedDeliveryDate": "2026-12-03",
            },
        ],
        "_Partner": [{"PartnerFunction": "SH", "Customer": "17100004"}],
    }


async def test_a_unit_of_the_installations_own_is_sent_by_its_name() -> None:
    units = Units([DeclaredUnit("PF", "PAL")])
    new = msgspec.structs.replace(NEW, lines=(msgspec.structs.replace(LINE, unit="PF"),))
    player = Player([token(), ("POST", json_answer("sap_v4_order", 201)), ("GET", json_answer("sap_v4_order"))])
    await erp(player, units=units).create_order(new, deadline=soon())
    assert body_of(player.asked("POST")[0])["_Item"][0]["RequestedQuantitySAPUnit"] == "PAL"


async def test_what_sap_says_beside_a_created_order_is_kept_each_thing_once() -> None:
    said = [warning("V1/028", "Material has a status"), warning("V1/000", "Saved", 1)]
    made = order(SAP__Messages=[said[0], warning("SLS_LORD/033", "Incomplete")])
    header = msgspec.json.encode(said).decode()
    for again in (json_answer("sap_v4_order"), httpx.Response(503)):
        player = Player([token(), ("POST", answer(made, 201, **{"sap-messages": header})), *[("GET", again)] * 9])
        created = await erp(player).create_order(NEW, deadline=soon())
        assert created.number == "4711", "it is told even if it can't be read again"
        assert created.warnings == (
            SourceMessage("V1/028", "Material has a status"),
            SourceMessage("SLS_LORD/033", "Incomplete"),
        )


@pytest.mark.parametrize("header", ["no json", "{}", '[{"code":1}]', "[" * 5000])
async def test_a_remark_that_can_not_be_read_costs_nothing(header: str) -> None:
    made = json_answer("sap_v4_order", 201, **{"sap-messages": header})
    player = Player([token(), ("POST", made), ("GET", json_answer("sap_v4_order"))])
    assert (await erp(player).create_order(NEW, deadline=soon())).warnings == ()


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (httpx.Response(202, headers={"location": f"{ROOT}/monitor"}), OutcomeUnknown),
        (httpx.Response(201, text="<html>"), OutcomeUnknown),
        (httpx.Response(500, text="<html>"), OutcomeUnknown),
        (refused(400, "V1/384", "Sold-to party 1 is not maintained"), SystemRefused),
        (refused(423, "ANY/001", "Locked"), ObjectLocked),
        (refused(400, "VL/045", "currently being processed by user X"), ObjectLocked),
    ],
)
async def test_what_comes_back_from_a_create_is_typed(said: httpx.Response, kind: type[Exception]) -> None:
    player = Player([token(), ("POST", said)])
    with pytest.raises(UpstreamError) as met:
        await erp(player).create_order(NEW, deadline=soon())
    assert type(met.value) is kind
    assert len(player.asked("POST")) == 1


async def test_a_stale_token_is_fetched_anew_and_a_change_replayed_once() -> None:
    stale = httpx.Response(403, headers={"x-csrf-token": "Required"}, text="CSRF token validation failed")
    player = Player([token(), ("PATCH", stale), token("T2", "S2"), ("PATCH", changed())])
    patch = OrderPatch("4711", ETAG, (), requested_date=LATER)
    await erp(player).change_order(patch, deadline=soon())
    assert [one.headers["x-csrf-token"] for one in player.asked("PATCH")] == ["T1", "T2"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (msgspec.structs.replace(LINE, follows=Predecessor("20000001", "10")), "PREDECESSOR_READ_ONLY"),
        (msgspec.structs.replace(LINE, unit="XYZ"), "UNIT_UNKNOWN"),
    ],
)
async def test_what_version_4_can_not_say_is_refused_before_any_call(line: Demand, code: str) -> None:
    player = Player([])
    with pytest.raises(SystemRefused) as met:
        await erp(player).create_order(msgspec.structs.replace(NEW, lines=(line,)), deadline=soon())
    assert met.value.code == code
    with pytest.raises(SystemRefused):
        await erp(player).change_order(OrderPatch("4711", ETAG, (), added=(line,)), deadline=soon())


@pytest.mark.parametrize(
    "items",
    [
        (ItemChange("10", schedule=(ScheduleChange("1", quantity=Decimal(3)),)),),
        (ItemChange("10", schedule=(ScheduleChange("1", block="01"),)),),
        (ItemChange("10", schedule=(ScheduleChange(None, DAY),)),),
        (ItemChange("10", schedule=(ScheduleChange("1", removed=True),)),),
        (ItemChange("10", requested_date=DAY, schedule=(ScheduleChange("1", LATER),)),),
        (ItemChange("10", requested_date=DAY), ItemChange("10", requested_date=LATER)),
    ],
)
async def test_schedule_lines_are_read_only_and_that_is_said(items: tuple[ItemChange, ...]) -> None:
    with pytest.raises(SystemRefused) as met:
        await erp(Player([])).change_order(OrderPatch("4711", ETAG, items), deadline=soon())
    assert met.value.code == "SCHEDULE_READ_ONLY"


async def test_all_that_is_wanted_of_one_item_is_one_guarded_update() -> None:
    items = (ItemChange("10", quantity=Decimal(8), unit="C62"), ItemChange("10", requested_date=LATER, plant="1720"))
    player = Player([token(), ("GET", version(ETAG, "000010")), ("PATCH", changed())])
    await erp(player).change_order(OrderPatch("4711", ETAG, items), deadline=soon())
    fields = {"RequestedQuantity": "8", "RequestedQuantitySAPUnit": "ST", "Plant": "1720"}
    fields["RequestedDeliveryDate"] = "2026-12-03"
    address = "SalesOrderItem(SalesOrder='4711',SalesOrderItem='10')"
    assert steps(player) == [("PATCH", address, ETAG, fields)]


async def test_a_change_goes_from_version_to_version_header_first_and_new_items_last() -> None:
    patch = OrderPatch("4711", ETAG, TWO, added=(LINE,), requested_date=LATER, delivery_block="", customer_po="PO-10")
    looks = [("GET", version('W/"2"', "10", "20")), ("GET", version('W/"4"', "10", "20"))]
    made = [("PATCH", changed('W/"2"')), ("PATCH", changed('W/"3"')), ("PATCH", changed('W/"4"')), ("POST", changed())]
    player = Player([token(), *looks, *made])
    told: list[str | None] = []

    async def between(at: str | None) -> None:
        told.append(at)

    await erp(player).change_order(patch, deadline=soon(), between=between)
    assert [(method, path, guard) for method, path, guard, _ in steps(player)] == [
        ("PATCH", "SalesOrder('4711')", ETAG),
        ("PATCH", "SalesOrderItem(SalesOrder='4711',SalesOrderItem='10')", 'W/"2"'),
        ("PATCH", "SalesOrderItem(SalesOrder='4711',SalesOrderItem='20')", 'W/"3"'),
        ("POST", "SalesOrder('4711')/_Item", None),
    ]
    header, _, _, new = (body for *_, body in steps(player))
    assert header == {
        "RequestedDeliveryDate": "2026-12-03",
        "DeliveryBlockReason": "",
        "PurchaseOrderByCustomer": "PO-10",
    }
    assert new["Product"] == "TG11" and "SalesOrderItem" not in new, "SAP numbers an added item"
    assert told == ['W/"2"', 'W/"3"', 'W/"4"']
    assert "$batch" not in str([one.url for one in player.seen])


async def test_items_with_versions_of_their_own_are_guarded_by_those() -> None:
    look = version(ETAG, "10", "20", own={"10": 'W/"i10"', "20": 'W/"i20"'})
    again = version('W/"2"', "10", "20", own={"10": 'W/"j10"', "20": 'W/"j20"'})
    player = Player([token(), ("GET", look), ("PATCH", changed('W/"j10"')), ("GET", again), ("PATCH", changed())])
    await erp(player).change_order(OrderPatch("4711", ETAG, TWO), deadline=soon())
    assert [guard for _, _, guard, _ in steps(player)] == ['W/"i10"', 'W/"j20"']


async def test_a_change_that_says_nothing_about_its_version_is_looked_at_before_the_next() -> None:
    looks = [("GET", version(ETAG, "10", "20")), ("GET", version('W/"2"', "10", "20"))]
    player = Player([token(), *looks, ("PATCH", changed()), ("PATCH", changed())])
    await erp(player).change_order(OrderPatch("4711", ETAG, TWO), deadline=soon())
    assert [guard for _, _, guard, _ in steps(player)] == [ETAG, 'W/"2"']


async def test_an_order_that_moved_is_not_written_to() -> None:
    for patch in (OrderPatch("4711", 'W/"old"', TWO), OrderPatch("4711", 'W/"old"', (), added=(LINE,))):
        player = Player([("GET", version(ETAG, "10", "20"))])
        with pytest.raises(VersionMoved) as met:
            await erp(player).change_order(patch, deadline=soon())
        assert (steps(player), met.value.half_done) == ([], None)
    with pytest.raises(VersionMoved):
        player = Player([("GET", version(ETAG))])
        await erp(player).change_order(OrderPatch("4711", 'W/"old"', ()), deadline=soon())


@pytest.mark.parametrize(
    ("no", "kind"),
    [
        (json_answer("sap_v4_stale", 412), VersionMoved),
        (refused(428, "/IWBEP/CM_V4_RUNTIME/020", "try using If-Match"), VersionRequired),
        (refused(423, "ANY/001", "Locked"), ObjectLocked),
        (refused(400, "V1/520", "quantity below delivered"), SystemRefused),
        (httpx.Response(429, headers={"retry-after": "7"}), SystemUnavailable),
        (httpx.Response(500, text="<html>"), OutcomeUnknown),
        (httpx.Response(202), OutcomeUnknown),
    ],
)
async def test_a_step_that_fails_says_what_stands(no: httpx.Response, kind: type[Exception]) -> None:
    patch = OrderPatch("4711", ETAG, TWO)
    for before in (0, 1):
        done = [("PATCH", changed('W/"2"'))] * before
        player = Player([token(), ("GET", version(ETAG, "10", "20")), *done, ("PATCH", no)])
        with pytest.raises(UpstreamError) as met:
            await erp(player).change_order(patch, deadline=soon())
        assert type(met.value) is kind
        assert met.value.half_done == (HalfDone(1, 2, 'W/"2"') if before else None)
        if isinstance(met.value, SystemRefused):
            assert met.value.part == before


async def test_a_look_that_fails_half_way_leaves_the_version_unknown_and_says_so() -> None:
    player = Player([token(), ("GET", version(ETAG, "10")), ("PATCH", changed()), *[("GET", httpx.Response(500))] * 9])
    told: list[str | None] = []

    async def between(at: str | None) -> None:
        told.append(at)

    with pytest.raises(SystemUnavailable) as met:
        await erp(player).change_order(OrderPatch("4711", ETAG, TWO), deadline=soon(), between=between)
    assert (met.value.half_done, told) == (HalfDone(1, 2, None), [None])
    assert len(steps(player)) == 1


async def test_whoever_is_not_let_go_on_stops_between_two_steps() -> None:
    class NotMine(Exception):
        pass

    async def between(_: str | None) -> None:
        raise NotMine

    player = Player([token(), ("GET", version(ETAG, "10", "20")), ("PATCH", changed('W/"2"'))])
    with pytest.raises(NotMine):
        await erp(player).change_order(OrderPatch("4711", ETAG, TWO), deadline=soon(), between=between)
    assert len(steps(player)) == 1


async def test_what_sap_says_beside_each_step_is_kept_and_the_new_state_read_where_it_is_wanted() -> None:
    said = warning("V1/260", "Confirmed in part")
    made = [("PATCH", changed('W/"2"', said)), ("PATCH", changed('W/"3"', said, warning("V1/261", "Late")))]
    player = Player([token(), ("GET", version(ETAG, "10", "20")), *made, ("GET", json_answer("sap_v4_order"))])
    done = await erp(player).change_order(OrderPatch("4711", ETAG, TWO), deadline=soon(), reread=True)
    assert done.warnings == (SourceMessage("V1/260", "Confirmed in part"), SourceMessage("V1/261", "Late"))
    assert done.order is not None and done.order.number == "4711"


@pytest.mark.parametrize("etag", ['W/"1"\r\nX-Evil: 1', 'W/"\u20ac"'])
async def test_a_version_that_no_header_holds_is_refused_and_nothing_is_sent(etag: str) -> None:
    with pytest.raises(SystemRefused) as met:
        await erp(Player([])).change_order(OrderPatch("4711", etag, (), requested_date=DAY), deadline=soon())
    assert met.value.code == "UNSENDABLE"


@pytest.mark.parametrize("etag", ['W/"1"\r\nX-Evil: 1', 'W/"\u20ac"'])
async def test_a_version_on_the_way_that_no_header_holds_ends_the_change_there(etag: str) -> None:
    player = Player([token(), ("GET", version(ETAG, "10", "20")), ("PATCH", changed(etag)), ("PATCH", changed())])
    with pytest.raises(SystemRefused) as met:
        await erp(player).change_order(OrderPatch("4711", ETAG, TWO), deadline=soon())
    assert (met.value.code, met.value.half_done) == ("UNSENDABLE", HalfDone(1, 2, etag))
    assert len(player.asked("PATCH")) == 1


async def test_a_reference_field_that_belongs_to_the_erp_is_not_written() -> None:
    player = Player([])
    with pytest.raises(OwnerViolation, match=r"SalesOrder\.AssignmentReference"):
        await erp(player, reference_field="AssignmentReference").create_order(NEW, deadline=soon())


async def test_the_useful_one_of_several_reasons_is_told() -> None:
    framework = msgspec.json.decode(tape("sap_v4_wrong_value"))
    reason = {"code": "V1/384", "message": "Sold-to party is not maintained", "@SAP__common.Severity": "error"}
    beside = {"code": "V1/028", "message": "has a status", "@SAP__common.numericSeverity": 3}
    framework["error"]["details"] += [beside, reason]
    for body, code in ((framework, "V1/384"), (msgspec.json.decode(tape("sap_v4_wrong_value")), "CX_SXML_PARSE_ERROR")):
        player = Player([token(), ("POST", answer(body, 400))])
        with pytest.raises(SystemRefused) as met:
            await erp(player).create_order(NEW, deadline=soon())
        assert met.value.code == code
