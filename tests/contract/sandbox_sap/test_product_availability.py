"""API_PRODUCT_AVAILY_INFO_BASIC: one material in one plant, through three functions, alone and in a batch."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.contract.sandbox_sap.conftest import TODAY, after, create, item, text_of

SERVICE = "/sap/opu/odata/sap/API_PRODUCT_AVAILY_INFO_BASIC"
TG12 = {"Material": "'TG12'", "SupplyingPlant": "'1710'", "ATPCheckingRule": "'A'"}


def asked(reader: httpx.Client, function: str, **more: str) -> Any:
    answer = reader.get(f"{SERVICE}/{function}", params={**TG12, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["d"]


def noon(day: date) -> str:
    return f"datetimeoffset'{day}T12:00:00Z'"


def begins(record: dict[str, Any]) -> datetime:
    found = re.fullmatch(r"/Date\((\d+)\)/", record["PeriodStartUTCDateTime"])
    assert found, "Edm.DateTime has no offset"
    return datetime.fromtimestamp(int(found[1]) / 1000, UTC)


def test_at_a_day_there_is_what_is_free_from_then_on(reader: httpx.Client) -> None:
    for day, free in ((-3, "60.000"), (0, "60.000"), (11, "60.000"), (12, "260.000"), (40, "260.000")):
        told = asked(reader, "DetermineAvailabilityAt", RequestedUTCDateTime=noon(after(day)))
        (record,) = told.values()
        assert (list(told), record["AvailableQuantityInBaseUnit"]) == (["DetermineAvailabilityAt"], free)
        assert record["__metadata"] == {"type": "API_PRODUCT_AVAILY_INFO_BASIC.AvailabilityRecord"}
        assert (record["BaseUnit"], record["PeriodStartTimeZone"]) == ("PC", "PST")


@pytest.mark.parametrize(("quantity", "day"), [("1m", 0), ("60.000M", 0), ("61m", 12), ("260m", 12)])
def test_of_a_quantity_there_is_the_first_period_that_has_it(reader: httpx.Client, quantity: str, day: int) -> None:
    (record,) = asked(reader, "DetermineAvailabilityOf", RequestedQuantityInBaseUnit=quantity).values()
    midnight = datetime(TODAY.year, TODAY.month, TODAY.day, 8, tzinfo=UTC) + timedelta(day)
    summer = timedelta(hours=1 if day else 0)  # Palo Alto puts its clocks forward on 10 March 2030
    assert begins(record) == midnight - summer


def test_of_a_quantity_that_never_comes_there_is_nothing_at_the_end_of_all_days(reader: httpx.Client) -> None:
    (record,) = asked(reader, "DetermineAvailabilityOf", RequestedQuantityInBaseUnit="261m").values()
    assert (begins(record).year, record["AvailableQuantityInBaseUnit"]) == (9999, "0.000")


def test_the_series_has_a_period_for_every_level_and_they_join(writer: httpx.Client) -> None:
    create(writer, item("TG12", "10"))
    records = asked(writer, "CalculateAvailabilityTimeseries")["results"]
    assert [Decimal(each["AvailableQuantityInBaseUnit"]) for each in records] == [Decimal(50), Decimal(250)]
    assert records[0]["PeriodEndUTCDateTime"] == records[1]["PeriodStartUTCDateTime"]


def test_what_an_order_still_waits_for_is_not_free_but_what_has_left_counts_no_more(reader: httpx.Client) -> None:
    tg15 = {"Material": "'TG15'"}  # 400 in stock; of 40 ordered, 15 have been delivered
    (record,) = asked(reader, "DetermineAvailabilityAt", RequestedUTCDateTime=noon(TODAY), **tg15).values()
    assert record["AvailableQuantityInBaseUnit"] == "375.000"


def test_it_reads_and_reserves_nothing(reader: httpx.Client) -> None:
    for _ in range(2):
        (record,) = asked(reader, "DetermineAvailabilityOf", RequestedQuantityInBaseUnit="60m").values()
        assert record["AvailableQuantityInBaseUnit"] == "60.000"


def test_many_materials_are_asked_for_in_one_batch(writer: httpx.Client) -> None:
    parts = [
        "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        f"GET DetermineAvailabilityAt?Material='{material}'&SupplyingPlant='1710'&ATPCheckingRule='A'"
        f"&RequestedUTCDateTime={noon(TODAY).replace(':', '%3A')} HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n"
        for material in ("TG11", "NONE", "FG126")
    ]
    headers = {"Content-Type": "multipart/mixed; boundary=b"}
    answer = writer.post(f"{SERVICE}/$batch", content="".join(parts) + "--b--\r\n", headers=headers)
    assert re.findall(r"HTTP/1.1 (\d+)", answer.text) == ["200", "400", "200"]
    assert re.findall(r'"AvailableQuantityInBaseUnit":"([\d.]+)"', answer.text) == ["500.000", "10.000"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"Material": "'TG22'"}, "not maintained in plant 1710"),
        ({"ATPCheckingRule": "'ZZ'"}, "Checking rule ZZ"),
        ({"RequestedUTCDateTime": "datetime'2030-03-04T00:00:00'"}, "Invalid literal"),
    ],
)
def test_what_cannot_be_answered_is_refused(reader: httpx.Client, more: dict[str, str], says: str) -> None:
    asking = {**TG12, "RequestedUTCDateTime": noon(TODAY), **more}
    answer = reader.get(f"{SERVICE}/DetermineAvailabilityAt", params=asking)
    assert answer.status_code == 400
    assert says in text_of(answer)


def test_a_missing_parameter_is_named(reader: httpx.Client) -> None:
    answer = reader.get(f"{SERVICE}/DetermineAvailabilityAt", params=TG12)
    assert (answer.status_code, "RequestedUTCDateTime" in text_of(answer)) == (400, True)
