"""Goods may go to any ship-to party that the ERP has for the customer, and to no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.errors import NotVisible
from process_apis.atp.inquiries import AskedSimulation, Inquiries
from process_apis.atp.shared_reads import Found, Freshness
from process_apis.calendars import Lane, PlantCalendar
from process_apis.errors import NoSourceAnswered
from process_apis.landscape import Landscape
from system_apis.deadline import Deadline
from system_apis.sap.client import SapErp
from system_apis.sap.models import Simulation
from tests.integration.atp.counter import check, line, request
from tests.integration.landscape import CRM, NORTH
from tests.sandbox import RunningSandbox

RENO, NOT_OURS, NOBODY = "17100011", "17100002", "99999999"
SIMULATION, PARTNERS = "API_SALES_ORDER_SIMULATION_SRV", "API_BUSINESS_PARTNER"


def to(party: str, days: int = 8, **more: object):
    return request(line("1", "TG11", "4", days=days), shipTo={"id": party}, **more)


class Listening(Inquiries):
    """Hears where each order that SAP simulates is to go."""

    def __init__(self) -> None:
        super().__init__()
        self.ship_tos: list[str | None] = []

    async def simulation(
        self, erp: SapErp, asked: AskedSimulation, deadline: Deadline, fresh: Freshness
    ) -> Found[Simulation]:
        self.ship_tos.append(asked.ship_to)
        return await super().simulation(erp, asked, deadline, fresh)


async def test_goods_go_where_the_customer_has_them_sent(landscape: Landscape) -> None:
    listening = Listening()
    answer = await check(landscape, to(RENO), NORTH, inquiries=listening)
    assert answer.lines[0].status == "confirmed"
    await check(landscape, to("17100001"), NORTH, inquiries=listening)
    assert listening.ship_tos == [RENO, None]


async def test_the_way_is_the_one_to_the_ship_to_party(landscape: Landscape) -> None:
    lane = Lane("mountains", 6, frozenset({RENO}))
    calendar = PlantCalendar(transit_days=1, lanes=(lane,))
    plants = {name: replace(plant, calendar=calendar) for name, plant in landscape.plants.items()}
    there = replace(landscape, plants=plants)
    near = (await check(there, request(line("1", "TG11", "4", days=8)))).lines[0].schedule[0]
    far = (await check(there, to(RENO))).lines[0].schedule[0]
    assert ((near.delivery_date - near.ship_date).days, (far.delivery_date - far.ship_date).days) == (1, 6)
    shipped = (await check(there, to(RENO, dateBasis="ship"))).lines[0].schedule[0]
    assert (shipped.delivery_date - shipped.ship_date).days == 6


@pytest.mark.parametrize("client", [CRM, NORTH])
async def test_a_foreign_ship_to_party_and_an_unknown_one_are_the_same(
    landscape: Landscape, fresh_sandbox: RunningSandbox, client: object
) -> None:
    told = []
    for party in (NOT_OURS, NOBODY):
        fresh_sandbox.reset()
        with pytest.raises(NotVisible) as refused:
            await check(landscape, to(party), client)
        asked = [(one["method"], one["path"]) for one in fresh_sandbox.journal("sap") if one["method"] != "HEAD"]
        told.append((refused.value.kind, [one for one in asked if PARTNERS in one[1] or SIMULATION in one[1]]))
    assert told[0] == told[1]
    assert told[0][1], "the ERP was asked whose it is"


async def test_an_account_that_nobody_mapped_is_as_unknown(landscape: Landscape) -> None:
    with pytest.raises(NotVisible):
        await check(landscape, request(line("1", "TG11", "4"), shipTo={"id": "001X", "scheme": "crm"}), NORTH)


async def test_nobody_is_promised_to_where_the_erp_does_not_say_that_goods_may_go(
    landscape: Landscape, fresh_sandbox: RunningSandbox
) -> None:
    fresh_sandbox.fault("sap", "serverError", path=PARTNERS)
    with pytest.raises(NoSourceAnswered):
        await check(landscape, to(RENO))


async def test_whose_ship_to_party_it_is_is_asked_once(landscape: Landscape, fresh_sandbox: RunningSandbox) -> None:
    shared = Inquiries()
    for _ in range(3):
        await check(landscape, to(RENO), inquiries=shared)
    asked = {one["path"] for one in fresh_sandbox.journal("sap") if PARTNERS in one["path"]}
    posts = [one for one in fresh_sandbox.journal("sap") if PARTNERS in one["path"] and one["method"] == "POST"]
    assert asked and len(posts) <= 1
