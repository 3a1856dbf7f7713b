"""The SAP client against the published contract of the availability functions: many lines, one `$batch`, base units."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from system_apis.errors import ObjectLocked, SystemUnavailable, UnreadableAnswer
from system_apis.sap.goods import Availability, AvailabilityQuestion, AvailablePeriod
from system_apis.sap.models import SourceMessage
from tests.contract.sap.answers import ROOT, asked_parts, erp, found, looked_up, refused_part, soon, taped, token
from tests.contract.tape import Player

CARTONS = AvailabilityQuestion("a", "TG17", "1710", Decimal(3), "CT", datetime(2026, 11, 26, 23, 59, 59, tzinfo=UTC))
PIECES = AvailabilityQuestion("b", "TG17", "1720", Decimal(100), "C62", datetime(2026, 11, 27, 8, tzinfo=UTC))
CHECKS = f"{ROOT}/API_PRODUCT_AVAILY_INFO_BASIC"


def record(quantity: str, since: str = '"\\/Date(1795651200000)\\/"', unit: str = "PC") -> str:
    return (
        f'{{"PeriodStartUTCDateTime":{since},"PeriodStartTimeZone":"UTC","PeriodEndUTCDateTime":null,'
        f'"PeriodEndTimeZone":"","AvailableQuantityInBaseUnit":"{quantity}","BaseUnit":"{unit}"}}'
    )


def at(quantity: str, **more: str) -> str:
    return found('{"d":{"DetermineAvailabilityAt":' + record(quantity, **more) + "}}")


def of(quantity: str, **more: str) -> str:
    return found('{"d":{"DetermineAvailabilityOf":' + record(quantity, **more) + "}}")


def player(*answers: httpx.Response) -> Player:
    products = looked_up(taped("sap_product"))
    return Player([token(), ("POST", products), token("T2"), *(("POST", answer) for answer in answers)])


async def test_many_lines_are_one_batch_of_two_questions_each_in_base_units() -> None:
    asked = player(looked_up(at("500.000"), of("36.000"), at("60.000"), of("0.000", since="null")))
    first, second = await erp(asked, checking_rule="B").check_availability([CARTONS, PIECES], deadline=soon())
    assert first == Availability(
        "a", "TG17", "1710", "C62", Decimal(36), Decimal(500), datetime(2026, 11, 26, tzinfo=UTC)
    )
    assert (second.asked, second.available, second.complete_at) == (Decimal(100), Decimal(60), None)
    products, checks = asked.asked("POST")
    assert len(asked_parts(products)) == 1, "a material is read once for all its lines"
    assert checks.url.path == f"{CHECKS}/$batch"
    common = "Material='TG17'&SupplyingPlant='{}'&ATPCheckingRule='B'"
    assert asked_parts(checks) == [
        f"GET DetermineAvailabilityAt?{common.format('1710')}"
        "&RequestedUTCDateTime=datetimeoffset'2026-11-26T23%3A59%3A59Z' HTTP/1.1",
        f"GET DetermineAvailabilityOf?{common.format('1710')}&RequestedQuantityInBaseUnit=36.000m HTTP/1.1",
        f"GET DetermineAvailabilityAt?{common.format('1720')}"
        "&RequestedUTCDateTime=datetimeoffset'2026-11-27T08%3A00%3A00Z' HTTP/1.1",
        f"GET DetermineAvailabilityOf?{common.format('1720')}&RequestedQuantityInBaseUnit=100m HTTP/1.1",
    ]


async def test_the_units_of_a_material_are_not_asked_again_at_once() -> None:
    asked = player(looked_up(at("1.000"), of("36.000")), looked_up(at("1.000"), of("36.000")))
    client = erp(asked)
    for _ in range(2):
        await client.check_availability([CARTONS], deadline=soon())
    assert [post.url.path.split("/")[-2] for post in asked.asked("POST")] == [
        "API_PRODUCT_SRV",
        "API_PRODUCT_AVAILY_INFO_BASIC",
        "API_PRODUCT_AVAILY_INFO_BASIC",
    ]


async def test_less_than_all_of_it_is_not_complete() -> None:
    asked = player(looked_up(at("10.000"), of("35.999")))
    (answer,) = await erp(asked).check_availability([CARTONS], deadline=soon())
    assert (answer.available, answer.complete_at) == (Decimal(10), None)


async def test_the_last_day_of_the_calendar_is_never() -> None:
    never = '"\\/Date(253402300799000)\\/"'
    asked = player(looked_up(at("10.000"), of("36.000", since=never)))
    (answer,) = await erp(asked).check_availability([CARTONS], deadline=soon())
    assert answer.complete_at is None


async def test_a_function_result_without_its_name_is_read_too() -> None:
    flat = found('{"d":' + record("36.000") + "}")
    (answer,) = await erp(player(looked_up(flat, flat))).check_availability([CARTONS], deadline=soon())
    assert answer.complete_at == datetime(2026, 11, 26, tzinfo=UTC)


async def test_a_line_the_erp_has_no_answer_for_is_refused_and_the_others_stand() -> None:
    no = refused_part("400 Bad Request", "M7/018", "Material TG17 not maintained in plant 1720")
    asked = player(looked_up(at("500.000"), of("36.000"), no, no))
    first, second = await erp(asked).check_availability([CARTONS, PIECES], deadline=soon())
    assert first.refused is None
    assert second == Availability(
        "b", "TG17", "1720", refused=SourceMessage("M7/018", "Material TG17 not maintained in plant 1720")
    )


async def test_an_unknown_material_and_a_unit_it_is_not_kept_in_are_refused_unasked() -> None:
    gone = refused_part("404 Not Found", "/IWBEP/CM_MGW_RT/020", "Resource not found")
    unknown = AvailabilityQuestion("x", "NO", "1710", Decimal(1), "C62", CARTONS.wanted_at)
    litres = AvailabilityQuestion("y", "TG17", "1710", Decimal(1), "LTR", CARTONS.wanted_at)
    asked = Player([token(), ("POST", looked_up(gone, taped("sap_product")))])
    answers = await erp(asked).check_availability([unknown, litres], deadline=soon())
    assert [one.refused and one.refused.code for one in answers] == ["/IWBEP/CM_MGW_RT/020", "UNIT_UNKNOWN"]
    assert len(asked.asked("POST")) == 1


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/html\r\n\r\n<html>dump", SystemUnavailable),
        (refused_part("400 Bad Request", "M3/024", "Valuation data is locked by user X"), ObjectLocked),
        (found('{"d":{"DetermineAvailabilityAt":{}}}'), UnreadableAnswer),
        (at("NaN"), UnreadableAnswer),
        (at("1.000", unit="??"), UnreadableAnswer),
    ],
)
async def test_what_says_nothing_about_the_line_is_a_failure_of_the_whole(part: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        await erp(player(looked_up(part, of("36.000")))).check_availability([CARTONS], deadline=soon())


async def test_fewer_answers_than_questions_are_not_matched_up() -> None:
    with pytest.raises(UnreadableAnswer):
        await erp(player(looked_up(at("1.000")))).check_availability([CARTONS], deadline=soon())


async def test_no_question_asks_nothing() -> None:
    assert await erp(Player([])).check_availability([], deadline=soon()) == ()


async def test_a_batch_of_reads_is_repeated_because_it_changes_nothing() -> None:
    asked = player(httpx.Response(503), looked_up(at("1.000"), of("36.000")))
    (answer,) = await erp(asked).check_availability([CARTONS], deadline=soon())
    assert answer.available == 1


async def test_availability_over_time_is_read_period_by_period() -> None:
    later = record("-5.000").replace("null", '"\\/Date(1796256000000)\\/"')
    series = f'{{"d":{{"results":[{record("60.000")},{later}'
    asked = Player([("GET", httpx.Response(200, text=series + "]}}"))])
    first, second = await erp(asked).availability_series("TG12", "1710", deadline=soon())
    assert first == AvailablePeriod(datetime(2026, 11, 26, tzinfo=UTC), None, Decimal(60), "C62")
    assert (second.available, second.until) == (Decimal(-5), datetime(2026, 12, 3, tzinfo=UTC))
    assert asked.seen[0].url.path == f"{CHECKS}/CalculateAvailabilityTimeseries"
