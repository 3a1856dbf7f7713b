"""Many materials are asked in one `$batch`, and each is answered for itself: what becomes of one says nothing of the
others, and what SAP may not tell us of a material is never none of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from process_apis.atp.inquiries import Inquiries
from process_apis.errors import NoSourceAnswered
from process_apis.landscape import Landscape
from system_apis.sap.client import connect
from tests.integration.atp.counter import check, line, request
from tests.sandbox import RunningSandbox

SIMULATION, AVAILABILITY, STOCK = (
    "API_SALES_ORDER_SIMULATION_SRV",
    "API_PRODUCT_AVAILY_INFO_BASIC",
    "API_MATERIAL_STOCK_SRV",
)
TWO = (line("1", "TG11", "40"), line("2", "TG12", "40"))
NOT_AUTHORISED = (403, b'{"error":{"code":"M3/351","message":{"lang":"en","value":"No authorization for plant 1710"}}}')
NOT_ACTIVE = (403, b"<html>Forbidden</html>")
UNKNOWN = (404, b'{"error":{"code":"M3/305","message":{"lang":"en","value":"Material TG11 does not exist"}}}')
DUMP = (500, b"<html>Runtime error</html>")
NONSENSE = (200, b"[]")
WORD_OF_ANOTHER = (200, b'{"d":{"results":[{"MaterialBaseUnit":"?"}]}}')
NOT_TOLD = [NOT_AUTHORISED, NOT_ACTIVE, DUMP, NONSENSE, WORD_OF_ANOTHER]
PART = re.compile(rb"HTTP/1.1 \d{3} [^\r\n]*\r\n(.*?)\r\n\r\n(.*?)(?=\r\n--)", re.DOTALL)


class Parts(httpx.AsyncHTTPTransport):
    """The real transport; `instead` stands in for the first parts of a service's `$batch` answers."""

    def __init__(self) -> None:
        super().__init__()
        self.instead: dict[str, tuple[int, bytes]] = {}
        self.parts = 1
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        answer = await super().handle_async_request(request)
        spoilt = next((told for service, told in self.instead.items() if service in request.url.path), None)
        if spoilt is None or not request.url.path.endswith("$batch"):
            return answer
        status, body = spoilt
        part = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
            status,
            len(body),
            body,
        )
        content = PART.sub(lambda _: part, await answer.aread(), count=self.parts)
        kept = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
        return httpx.Response(answer.status_code, headers=kept, content=content)


@pytest.fixture
def wire() -> Parts:
    return Parts()


@pytest.fixture
async def landscape(fresh_sandbox: RunningSandbox, landscape: Landscape, wire: Parts) -> AsyncIterator[Landscape]:
    erp = connect(
        instance="s4-1710",
        base_url=fresh_sandbox.urls["sap"],
        user="SANDBOX",
        password="Welcome1",
        sap_client="100",
        settle_s=1,
        transport=wire,
    )
    try:
        yield replace(landscape, erps={"s4-1710": erp})
    finally:
        await erp.aclose()


def sources(answer: Any) -> list[tuple[str, str]]:
    return [(one.rung, one.outcome) for one in answer.sources]


@pytest.mark.parametrize("told", NOT_TOLD)
async def test_what_the_availability_of_one_material_may_not_tell_is_unknown(
    landscape: Landscape, wire: Parts, told: tuple[int, bytes]
) -> None:
    wire.instead[AVAILABILITY] = told
    answer = await check(landscape, request(*TWO, purpose="browse", mode="atp"))
    first, second = answer.lines
    assert (first.status, first.confirmed_quantity) == ("unknown", None)
    assert [one.code for one in first.exceptions] == ["source-unavailable"]
    assert (second.status, second.confirmed_quantity.value) == ("confirmed", 40)
    assert answer.status == "degraded"
    assert "source-error" in [one.code for one in answer.warnings]


@pytest.mark.parametrize("told", NOT_TOLD)
async def test_so_it_is_with_stock(
    landscape: Landscape, fresh_sandbox: RunningSandbox, wire: Parts, told: tuple[int, bytes]
) -> None:
    for service in (SIMULATION, AVAILABILITY):
        fresh_sandbox.fault("sap", "forbidden", path=service)
    wire.instead[STOCK] = told
    answer = await check(landscape, request(*TWO, mode="atp"))
    assert [one.status for one in answer.lines] == ["unknown", "confirmed"]
    assert answer.lines[0].confirmed_quantity is None


async def test_a_material_that_is_not_there_is_refused(landscape: Landscape, wire: Parts) -> None:
    wire.instead[AVAILABILITY] = UNKNOWN
    answer = await check(landscape, request(*TWO, purpose="browse", mode="atp"))
    assert [one.status for one in answer.lines] == ["rejected", "confirmed"]
    assert answer.lines[0].exceptions[0].source_message.code == "M3/305"
    assert answer.status == "complete"


@pytest.mark.parametrize("told", [NOT_AUTHORISED, DUMP])
async def test_an_interface_that_tells_nothing_of_any_material_is_followed_by_the_next(
    landscape: Landscape, wire: Parts, told: tuple[int, bytes]
) -> None:
    """And is asked again by the next check: a right that lacks for one plant does not close it to all."""
    wire.instead[AVAILABILITY], wire.parts = told, 0
    shared = Inquiries()
    for _ in range(2):
        asked = len(wire.asked)
        answer = await check(landscape, request(*TWO, purpose="browse", mode="atp"), inquiries=shared)
        assert sources(answer) == [("availability", "error"), ("simulation", "ok")]
        assert [one.status for one in answer.lines] == ["confirmed", "confirmed"]
        assert any(AVAILABILITY in path for path in wire.asked[asked:])
    await shared.settle()


@pytest.mark.parametrize("told", [NOT_AUTHORISED, DUMP])
async def test_units_that_may_not_be_told_of_one_material_are_missed_only_where_they_are_needed(
    landscape: Landscape, wire: Parts, told: tuple[int, bytes]
) -> None:
    """TG17 is kept in pieces, and asked for in cartons of twelve."""
    wire.instead["API_PRODUCT_SRV"], wire.parts = told, 2
    cartons = {"quantity": {"value": "2", "unit": "CT"}}
    lines = (line("1", "TG17", "1") | cartons, line("2", "TG18", "1") | cartons, line("3", "TG11", "1"))
    answer = await check(landscape, request(*lines, purpose="browse", mode="atp"))
    assert answer.lines[0].status == "unknown"
    assert [one.status for one in answer.lines[1:]] == ["confirmed", "confirmed"]
    assert ("masterData", "error") in sources(answer)


@pytest.mark.parametrize("told", [NOT_AUTHORISED, NOT_ACTIVE, DUMP])
async def test_a_ship_to_party_that_may_not_be_looked_up_is_not_a_stranger(
    landscape: Landscape, wire: Parts, told: tuple[int, bytes]
) -> None:
    wire.instead["API_BUSINESS_PARTNER"] = told
    with pytest.raises(NoSourceAnswered):
        await check(landscape, request(*TWO, shipTo={"id": "17100003"}))
