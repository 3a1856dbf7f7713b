"""The SAP client against payloads of the published contract: the simulation that carries every promise."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal

import httpx
import msgspec
import pytest

from system_apis.deadline import Deadline
from system_apis.errors import ObjectLocked, SystemRefused, SystemTimeout, UnreadableAnswer
from system_apis.sap.models import Confirmation, Demand, Predecessor, PriceElement, Simulation, SourceMessage
from system_apis.sap.simulator import SERVICE
from tests.contract.sap.answers import AREA, DAY, erp, soon, token
from tests.contract.tape import Player, json_answer, tape

LINES = (
    Demand("a", "TG11", Decimal(40), "C62", DAY, "1710"),
    Demand("b", "TG12", Decimal(100), "C62", DAY),
)
NOTES = (
    '{"code":"SLS_LORD/098","message":"In simulation mode","severity":"warning","details":'
    '[{"code":"V1/555","message":"Incoterms missing","severity":"warning"}]}'
)


async def simulated(player: Player, lines: tuple[Demand, ...] = LINES, order: str | None = None) -> Simulation:
    return await erp(player).simulate("17100001", AREA, lines, deadline=soon(), order=order)


async def test_a_simulation_is_read_in_our_words() -> None:
    player = Player([token(), ("POST", json_answer("sap_simulation", 201, **{"sap-message": NOTES}))])
    answer = await simulated(player)
    assert [line.line_id for line in answer.lines] == ["a", "b"], "a free good nobody asked for is no line of ours"
    assert (answer.net_amount, answer.tax_amount, answer.currency) == (Decimal("3104.00"), Decimal("248.32"), "USD")
    assert answer.credit == "blocked"
    assert answer.warnings == (SourceMessage("V1/555", "Incoterms missing"),)
    assert answer.lines[1].confirmations == (
        Confirmation(DAY, DAY, Decimal(100), Decimal(60)),
        Confirmation(DAY, date(2026, 12, 3), Decimal(0), Decimal(40)),
    )


async def test_what_is_to_be_answered_is_named_in_the_request() -> None:
    later = Demand("c", "TG16", Decimal("12.5"), "KGM", date(2026, 12, 3))
    player = Player([token(), ("POST", json_answer("sap_simulation", 201))])
    with pytest.raises(UnreadableAnswer):  # the tape answers two items only
        await simulated(player, (*LINES, later), order="4711")
    (post,) = player.asked("POST")
    assert post.url.path == f"/sap/opu/odata/sap/{SERVICE}/A_SalesOrderSimulation"
    assert post.headers["x-csrf-token"] == "T1"
    body = msgspec.json.decode(post.content)
    assert (body["to_Pricing"], body["to_Credit"], body["SalesOrder"]) == ({}, {}, "4711")
    assert body["RequestedDeliveryDate"] == "/Date(1795651200000)/"
    assert [item.get("Plant") for item in body["to_Item"]] == ["1710", None, None]
    assert [item["to_ScheduleLine"] for item in body["to_Item"]] == [
        [],
        [],
        [{"RequestedDeliveryDate": "/Date(1796256000000)/", "ScheduleLineOrderQuantity": "12.5"}],
    ]
    assert body["to_Item"][2]["RequestedQuantityUnit"] == "KG"


async def test_price_elements_are_asked_for_only_where_wanted() -> None:
    player = Player([token(), *(("POST", json_answer("sap_simulation", 201)) for _ in range(2))])
    client = erp(player)
    await client.simulate("17100001", AREA, LINES, deadline=soon())
    answer = await client.simulate("17100001", AREA, LINES, deadline=soon(), with_elements=True)
    plain, wanted = (msgspec.json.decode(post.content) for post in player.asked("POST"))
    assert "to_PricingElement" not in {*plain, *plain["to_Item"][0]}
    assert (wanted["to_PricingElement"], wanted["to_Item"][0]["to_PricingElement"]) == ([], [])
    assert answer.elements == (
        PriceElement("DR03", Decimal(-3), Decimal("-96.00"), "USD", statistical=False, active=True),
    )
    price, cost = answer.lines[0].elements
    assert (price.condition, price.rate, price.amount, price.active) == (
        "PPR0",
        Decimal("17.5"),
        Decimal("700.00"),
        True,
    )
    assert (cost.condition, cost.statistical, cost.active) == ("PCIP", True, False)


async def test_a_configured_line_follows_the_quotation_item_it_was_configured_in() -> None:
    configured = msgspec.structs.replace(LINES[0], follows=Predecessor("20000001", "10"))
    player = Player([token(), ("POST", json_answer("sap_simulation", 201))])
    await simulated(player, (configured, LINES[1]))
    body = msgspec.json.decode(player.asked("POST")[0].content)
    assert body["ReferenceSDDocument"] == "20000001"
    first, second = body["to_Item"]
    assert (first["ReferenceSDDocument"], first["ReferenceSDDocumentItem"]) == ("20000001", "10")
    assert "ReferenceSDDocument" not in second


async def test_a_refused_line_is_set_aside_and_the_others_are_asked_again() -> None:
    rest = msgspec.json.decode(tape("sap_simulation"))
    del rest["d"]["to_Item"]["results"][1:]
    again = httpx.Response(201, content=msgspec.json.encode(rest))
    player = Player([token(), ("POST", json_answer("sap_discontinued", 400)), ("POST", again)])
    answer = await simulated(player)
    assert [line.line_id for line in answer.lines] == ["a"]
    assert answer.refused == {"b": SourceMessage("V1/028", "Material TG12 has status: Discontinued")}
    second = msgspec.json.decode(player.asked("POST")[1].content)
    assert [item["SalesOrderItem"] for item in second["to_Item"]] == ["10"]
    assert len(player.asked("HEAD")) == 1, "one session for all rounds"


async def test_if_every_line_is_refused_nothing_is_simulated() -> None:
    player = Player([token(), ("POST", json_answer("sap_discontinued", 400))])
    answer = await simulated(player, LINES[1:])
    assert (answer.lines, answer.refused.keys(), answer.credit) == ((), {"b"}, "notChecked")


async def test_a_unit_without_counterpart_refuses_its_line_only() -> None:
    rest = msgspec.json.decode(tape("sap_simulation"))
    player = Player([token(), ("POST", httpx.Response(201, content=msgspec.json.encode(rest)))])
    strange = Demand("z", "TG13", Decimal(1), "PF", DAY)
    answer = await simulated(player, (*LINES, strange))
    assert answer.refused["z"].code == "UNIT_UNKNOWN"
    assert len(msgspec.json.decode(player.asked("POST")[0].content)["to_Item"]) == 2


async def test_a_refusal_that_names_no_line_stands_for_the_whole() -> None:
    error = {"error": {"code": "V1/384", "message": {"lang": "en", "value": "Sold-to party 17100001 is blocked"}}}
    player = Player([token(), ("POST", httpx.Response(400, json=error))])
    with pytest.raises(SystemRefused) as met:
        await simulated(player)
    assert met.value.code == "V1/384"


async def test_a_material_somebody_is_editing_is_no_refused_line() -> None:
    error = {"error": {"code": "M3/023", "message": {"lang": "en", "value": "Material TG12 is locked by user X"}}}
    player = Player([token(), ("POST", httpx.Response(400, json=error))])
    with pytest.raises(ObjectLocked):
        await simulated(player)


async def test_refusals_without_end_are_given_up() -> None:
    lines = tuple(Demand(str(n), f"TG{n}", Decimal(1), "C62", DAY) for n in range(11, 16))

    def another(n: int) -> httpx.Response:
        error = {"error": {"code": "V1/028", "message": {"lang": "en", "value": f"Material TG{n} has status"}}}
        return httpx.Response(400, json=error)

    player = Player([token(), *(("POST", another(n)) for n in range(11, 15))])
    with pytest.raises(SystemRefused):
        await simulated(player, lines)
    assert len(player.asked("POST")) == 3


async def test_a_simulation_may_be_asked_again_because_it_saves_nothing() -> None:
    player = Player([token(), ("POST", httpx.Response(503)), ("POST", json_answer("sap_simulation", 201))])
    assert len((await simulated(player)).lines) == 2


async def test_many_first_questions_open_one_session() -> None:
    player = Player([token(), *(("POST", json_answer("sap_simulation", 201)) for _ in range(4))])
    client = erp(player)
    await asyncio.gather(*(client.simulate("17100001", AREA, LINES, deadline=soon()) for _ in range(4)))
    assert len(player.asked("HEAD")) == 1


async def test_no_question_without_time() -> None:
    player = Player([])
    with pytest.raises(SystemTimeout):
        await erp(player).simulate("17100001", AREA, LINES, deadline=Deadline.after(0))
    assert player.seen == []


@pytest.mark.parametrize("shown", [None, {}, {"__deferred": {"uri": "x"}}, {"results": [], "__next": "x"}])
async def test_an_item_whose_schedule_is_not_shown_is_not_one_of_which_nothing_is_confirmed(shown: object) -> None:
    told = msgspec.json.decode(tape("sap_simulation"))
    item = told["d"]["to_Item"]["results"][0]
    if shown == {}:
        del item["to_ScheduleLine"]
    else:
        item["to_ScheduleLine"] = shown
    player = Player([token(), ("POST", httpx.Response(201, json=told))])
    with pytest.raises(UnreadableAnswer):
        await simulated(player)


async def test_a_schedule_line_that_leaves_out_what_it_confirms_does_not_confirm_nothing() -> None:
    told = msgspec.json.decode(tape("sap_simulation"))
    del told["d"]["to_Item"]["results"][0]["to_ScheduleLine"]["results"][0]["ConfdOrderQtyByMatlAvailCheck"]
    player = Player([token(), ("POST", httpx.Response(201, json=told))])
    with pytest.raises(UnreadableAnswer):
        await simulated(player)
