"""Every status a line can have, reached through real sockets; and what comes with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from process_apis.landscape import Landscape
from process_apis.reference_maps import ReferenceMaps, Substitute
from tests.integration.atp.counter import check, line, request
from tests.integration.landscape import CRM, NOBODY_LISTENS, NORTH, Overheard, open_landscape, urls_of
from tests.sandbox import RunningSandbox

SUBSTITUTES = ReferenceMaps.of(substitutes=[Substitute("TG14", "TG13"), Substitute("TG20", "TG21")])


@pytest.mark.parametrize(
    ("status", "asked", "more"),
    [
        ("confirmed", line("1", "TG11", "40"), {}),
        ("confirmedLate", line("1", "TG12", "100"), {}),
        ("partiallyConfirmed", line("1", "FG126", "50"), {"mode": "atp"}),
        ("backordered", line("1", "TG20", "7"), {"mode": "atp"}),
        ("unavailable", line("1", "TG20", "7"), {"mode": "ctp"}),
        ("datePending", line("1", "TG11", "5"), {"sold_to": "17100003"}),
        ("rejected", line("1", "TG14", "1"), {}),
        ("substituted", line("1", "TG14", "1"), {"allow": {"substitutes": True}}),
    ],
)
async def test_a_status_is_reached(landscape: Landscape, status: str, asked: dict, more: dict) -> None:
    landscape = replace(landscape, references=SUBSTITUTES)
    (one,) = (await check(landscape, request(asked, **more))).lines
    assert one.status == status


async def test_a_dead_scheduler_leaves_a_short_line_unknown(fresh_sandbox: RunningSandbox) -> None:
    async with open_landscape(replace(urls_of(fresh_sandbox), scheduler=NOBODY_LISTENS)) as landscape:
        (one,) = (await check(landscape, request(line("1", "FG126", "50")))).lines
    assert (one.status, one.confirmed_quantity, one.fill_rate) == ("unknown", None, None)


async def test_a_substitute_replaces_the_whole_line_and_is_named(landscape: Landscape) -> None:
    landscape = replace(landscape, references=SUBSTITUTES)
    answer = await check(landscape, request(line("1", "TG14", "300", days=9), allow={"substitutes": True}))
    (one,) = answer.lines
    assert (one.status, one.substitute, one.confirmed_quantity.value) == ("substituted", "TG13", 300)
    again = await check(landscape, request(line("1", "TG14", "300", days=9)))
    assert (again.lines[0].status, again.lines[0].substitute) == ("rejected", None)


async def test_a_substitute_that_is_not_there_either_changes_nothing(landscape: Landscape) -> None:
    landscape = replace(landscape, references=ReferenceMaps.of(substitutes=[Substitute("TG14", "TG20")]))
    asked = request(line("1", "TG14", "3"), allow={"substitutes": True}, mode="atp")
    assert [one.status for one in (await check(landscape, asked)).lines] == ["rejected"]


async def test_another_plant_is_offered_where_it_is_better_and_allowed(landscape: Landscape) -> None:
    asked = line("1", "TG12", "90")
    (alone,) = (await check(landscape, request(asked))).lines
    assert "alternativePlant" not in [one.kind for one in alone.alternatives]
    (late,) = (await check(landscape, request(line("1", "TG12", "40", plant="1710")))).lines
    assert late.alternatives == ()  # nothing to better
    (short,) = (await check(landscape, request(line("1", "TG22", "20", plant="1720"), mode="atp"))).lines
    assert short.status == "confirmed"
    wish = request(line("1", "FG226", "8"), mode="atp", allow={"alternativePlants": True})
    (made,) = (await check(landscape, wish)).lines
    first = made.alternatives[0]
    assert (made.status, first.kind, first.rank) == ("partiallyConfirmed", "alternativePlant", 1)
    assert {piece.plant for piece in first.schedule} == {"1720"}
    assert first.summary == f"all 8 from 1720 together on {first.schedule[0].delivery_date}"
    (outside,) = (await check(landscape, wish, NORTH)).lines
    assert {piece.plant for piece in outside.alternatives[0].schedule} == {"Denver"}
    assert "1720" not in outside.alternatives[0].summary


async def test_plants_that_the_client_may_not_name_are_not_offered(landscape: Landscape) -> None:
    only_here = replace_client(NORTH, plants=("1710",))
    wish = request(line("1", "FG226", "8"), mode="atp", allow={"alternativePlants": True})
    (one,) = (await check(landscape, wish, only_here)).lines
    assert [other.kind for other in one.alternatives] == []


def replace_client(client, **new):
    return type(client)(**{name: getattr(client, name) for name in client.__struct_fields__} | new)


async def test_cartons_are_planned_in_pieces_and_answered_in_cartons(landscape: Landscape) -> None:
    asked = line("1", "TG17", "600", quantity={"value": "600", "unit": "CT"})
    answer = await check(landscape, request(asked, mode="atp", purpose="browse"))
    (one,) = answer.lines
    conversion = one.uom_conversion
    assert (conversion.from_unit, conversion.to_unit, conversion.numerator, conversion.denominator) == (
        "CT",
        "C62",
        12,
        1,
    )
    assert (one.confirmed_quantity.value, one.confirmed_quantity.unit) == (500, "CT")  # 6000 pieces
    assert "masterData" in [source.rung for source in answer.sources]


async def test_the_same_unit_shows_no_conversion(landscape: Landscape) -> None:
    assert (await check(landscape, request(line("1", "TG11", "4")))).lines[0].uom_conversion is None


async def test_split_dates_can_be_refused(landscape: Landscape) -> None:
    asked = request(line("1", "TG12", "100"), allow={"splitDates": False})
    (one,) = (await check(landscape, asked)).lines
    assert {piece.delivery_date for piece in one.schedule} == {landscape.today + timedelta(days=12)}
    assert (one.on_time_quantity.value, [other.kind for other in one.alternatives]) == (0, ["split"])


async def test_one_time_gives_up_what_comes_later(landscape: Landscape) -> None:
    (one,) = (await check(landscape, request(line("1", "TG12", "100"), confirmationRule="oneTime"))).lines
    assert (one.status, one.confirmed_quantity.value, one.unconfirmed_quantity.value) == ("partiallyConfirmed", 60, 40)


async def test_internal_clients_read_what_limits_a_line(landscape: Landscape) -> None:
    (one,) = (await check(landscape, request(line("1", "FG126", "50")), CRM)).lines
    assert [(factor.code, factor.ref) for factor in one.limiting_factors] == [
        ("material", "FG126"),
        ("capacity", "WC-ASSY-1"),
    ]


async def test_the_scheduler_of_another_plant_is_asked_for_what_that_plant_lacks(fresh_sandbox: RunningSandbox) -> None:
    overheard = Overheard()
    wish = request(line("1", "FG226", "12", days=1), allow={"alternativePlants": True})
    async with open_landscape(urls_of(fresh_sandbox), overheard) as landscape:
        (one,) = (await check(landscape, wish)).lines
    asked = {scenario["plant"]: scenario["requirements"] for scenario in overheard.bodies("/v1/scenarios")}
    assert {plant: [need["quantity"] for need in needs] for plant, needs in asked.items()} == {
        "1710": ["8"],
        "1720": ["4"],
    }
    assert one.on_time_quantity.value < 12
