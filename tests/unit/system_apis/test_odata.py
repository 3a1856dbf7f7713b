"""OData literals, dates and decimals as SAP writes them."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from system_apis.errand import Errand
from system_apis.errors import UnreadableAnswer
from system_apis.sap import odata

ERRAND = Errand("sap", "s4", "read an order", writes=False)


def test_a_day_is_read_from_milliseconds() -> None:
    assert odata.day("/Date(1130112000000)/", ERRAND) == date(2005, 10, 24)


def test_a_day_before_1970_is_read() -> None:
    assert odata.day("/Date(-86400000)/", ERRAND) == date(1969, 12, 31)


def test_an_instant_is_utc_whatever_offset_is_shown() -> None:
    shown = datetime(2005, 10, 24, 15, 36, 52, tzinfo=UTC)
    assert odata.instant("/Date(1130168212000+0000)/", ERRAND) == shown
    assert odata.instant("/Date(1130168212000+0120)/", ERRAND) == shown


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-20",
        "/Date()/",
        "/Date(1130112000000)",
        "/Date(1130112000000)/x",
        "/Date(1.5)/",
        "/Date(1130112000001)/",  # not midnight: which day would that be?
        "/Date(999993600000000)/",  # a midnight, but of the year 33658
        "",
    ],
)
def test_what_is_no_day_is_refused(value: str) -> None:
    with pytest.raises(UnreadableAnswer):
        odata.day(value, ERRAND)


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(9999, 12, 31)))
def test_a_day_survives_the_way_there_and_back(value: date) -> None:
    assert odata.day(odata.written_day(value), ERRAND) == value


@pytest.mark.parametrize(("value", "written"), [("1E+3", "1000"), ("0.100", "0.100"), ("12", "12")])
def test_a_decimal_is_written_without_exponent(value: str, written: str) -> None:
    assert odata.written_decimal(Decimal(value)) == written


def test_a_quote_in_a_literal_is_doubled() -> None:
    assert odata.text("O'Neil") == "'O''Neil'"


def test_a_single_key_stands_alone_and_several_are_named() -> None:
    assert odata.entity("A_SalesOrder", SalesOrder="1") == "A_SalesOrder('1')"
    assert (
        odata.entity("A_SalesOrderItem", SalesOrder="1", SalesOrderItem="10")
        == "A_SalesOrderItem(SalesOrder='1',SalesOrderItem='10')"
    )


def test_a_key_can_not_leave_its_place_in_the_path() -> None:
    assert odata.entity("A_SalesOrder", SalesOrder="1') or ('/?#%") == "A_SalesOrder('1'')%20or%20(''%2F%3F%23%25')"


def test_a_filter_is_escaped_with_percent_and_never_with_plus() -> None:
    assert odata.query(filter="A eq 'x y+z&$top=1'") == "?$filter=A%20eq%20'x%20y%2Bz%26$top%3D1'"


@pytest.mark.parametrize(
    ("number", "stripped"), [("0000004711", "4711"), ("000010", "10"), ("0000", "0"), ("AB01", "AB01"), ("", "")]
)
def test_leading_zeros_go_from_numbers_only(number: str, stripped: str) -> None:
    assert odata.stripped(number) == stripped


@pytest.mark.parametrize(
    ("link", "path"),
    [
        ("https://inner.sap/root/A_SalesOrder?$skiptoken=2", "A_SalesOrder?$skiptoken=2"),
        ("https://proxy/prefix/root/A_SalesOrder?$skiptoken='a'", "A_SalesOrder?$skiptoken='a'"),
        ("/root/A_SalesOrder('1')/to_Item?$skiptoken=2", "A_SalesOrder('1')/to_Item?$skiptoken=2"),
        ("A_SalesOrder?$skiptoken=2", "A_SalesOrder?$skiptoken=2"),
    ],
)
def test_a_next_page_is_asked_of_the_configured_host(link: str, path: str) -> None:
    assert odata.next_page(link, "/root", ERRAND) == path


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/elsewhere?x=1",
        "//evil.example/A_SalesOrder",
        "/other/A_SalesOrder",
        "/root/../other/A_SalesOrder",
        "/root/%2e%2e/other",
        "../other",
        "/root/",
        "",
        "http://[no-address/root/A_SalesOrder",
        "A_SalesOrder?$skiptoken=\x00",
        "A_SalesOrder?$skiptoken=" + "x" * 70_000,
    ],
    ids=lambda link: ascii(link[:40]),
)
def test_a_next_page_outside_the_service_is_not_followed(link: str) -> None:
    with pytest.raises(UnreadableAnswer):
        odata.next_page(link, "/root", ERRAND)


def test_a_function_takes_its_parameters_as_escaped_literals() -> None:
    asked = odata.function(
        "DetermineAvailabilityAt",
        Material=odata.text("TG'11&x=1"),
        RequestedUTCDateTime=odata.instant_literal(datetime(2030, 1, 1, 2, 30, tzinfo=timezone(timedelta(hours=2)))),
        RequestedQuantityInBaseUnit=odata.decimal_literal(Decimal("120.5")),
    )
    assert asked == (
        "DetermineAvailabilityAt?Material='TG''11%26x%3D1'"
        "&RequestedUTCDateTime=datetimeoffset'2030-01-01T00%3A30%3A00Z'"
        "&RequestedQuantityInBaseUnit=120.5m"
    )


@pytest.mark.parametrize(
    ("number", "condition"),
    [
        ("4711", "(SalesOrder eq '4711' or SalesOrder eq '0000004711')"),
        ("0000004711", "(SalesOrder eq '4711' or SalesOrder eq '0000004711')"),
        ("O'1", "(SalesOrder eq 'O''1')"),
    ],
)
def test_a_document_number_is_compared_with_and_without_leading_zeros(number: str, condition: str) -> None:
    assert odata.either("SalesOrder", number, 10) == condition
