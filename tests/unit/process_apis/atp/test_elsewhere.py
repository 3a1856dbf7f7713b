"""What another plant offers is its own: an ERP may deliver from a third one what lines there have got already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import msgspec

from policies.clients import Client
from process_apis.atp.inquiries import Inquiries
from process_apis.atp.models import AtpCheckRequest
from process_apis.atp.process import check_availability
from process_apis.caller import Caller
from process_apis.seals import Seals
from system_apis.deadline import Deadline
from system_apis.sap.goods import Place
from system_apis.sap.models import Demand, SalesArea, Simulation
from tests.unit.process_apis.atp.town import Erp, Town, today, town

NAMES_P2_AND_P3 = Client("dealer", "Dealer", "partner", frozenset(), ("*",), ("P2", "P3"), "internal")
SEALS = Seals(["a-key-of-the-house-for-the-tests-1"])


class Sourcing(Erp):
    """Whatever plant it is asked for, it delivers from P1."""

    async def simulate(self, sold_to: str, area: SalesArea, lines: Sequence[Demand], **more: Any) -> Simulation:
        return await super().simulate(
            sold_to, area, [msgspec.structs.replace(one, plant="P1") for one in lines], **more
        )


def world() -> Town:
    made = town(Random(1))
    made.rung, made.stock, made.receipts, made.made = "simulation", {Place("A", "P1"): Decimal(10)}, {}, {}
    made.closed, made.refused, made.substitutes = set(), set(), {}
    return made


async def test_what_the_erp_would_bring_from_a_third_plant_is_no_alternative_of_the_one_that_was_asked() -> None:
    there = world()
    landscape: Any = there.landscape()
    landscape.erps["s4-a"] = Sourcing("s4-a", there)
    line = {
        "lineId": "a",
        "product": {"id": "A"},
        "quantity": {"value": "8", "unit": "C62"},
        "requestedDate": (today() + timedelta(days=5)).isoformat(),
        "plant": "P3",
    }
    wish = {
        "soldTo": {"id": "17100001"},
        "mode": "atp",
        "lines": [line],
        "allow": {"alternativePlants": True},
    }
    inquiries = Inquiries()
    caller = Caller(NAMES_P2_AND_P3, "corr", Deadline.after(60))
    request = msgspec.convert(wish, AtpCheckRequest)
    answer: Any = await check_availability(caller, request, landscape=landscape, seals=SEALS, inquiries=inquiries)
    await inquiries.settle()
    assert answer.lines[0].status != "confirmed"
    assert [piece.plant for one in answer.lines[0].alternatives for piece in one.schedule] == []
