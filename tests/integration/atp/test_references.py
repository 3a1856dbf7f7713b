"""Products and customers may be named as others name them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.errors import NotVisible
from process_apis.atp.token import open_promise
from process_apis.errors import RequestFaulty
from process_apis.landscape import Landscape
from process_apis.reference_maps import CustomerName, ProductName, ReferenceMaps
from tests.integration.atp.counter import SEALS, check, line, request
from tests.integration.landscape import NORTH, SOUTH

ACCOUNT = "001000000000001AAA"
MAPS = ReferenceMaps.of(
    [ProductName("gtin", "4006381333931", "TG11"), ProductName("customerPart", "NT-7", "TG12", "17100001")],
    [CustomerName(ACCOUNT, "17100001")],
)


@pytest.fixture
def mapped(landscape: Landscape) -> Landscape:
    return replace(landscape, references=MAPS)


async def test_names_of_others_become_materials_and_customers(mapped: Landscape) -> None:
    asked = request(
        line("1", "", "4", product={"id": "4006381333931", "scheme": "gtin"}),
        line("2", "", "4", product={"id": "NT-7", "scheme": "customerPart"}),
        soldTo={"id": ACCOUNT, "scheme": "crm"},
    )
    answer = await check(mapped, asked, NORTH)
    fact = open_promise(SEALS, answer.promise_token)
    assert (fact.sold_to, [one.product for one in fact.lines]) == ("17100001", ["TG11", "TG12"])
    assert {one.status for one in answer.lines} == {"confirmed"}


async def test_a_part_number_is_the_word_of_one_customer_only(mapped: Landscape) -> None:
    asked = request(line("1", "", "4", product={"id": "NT-7", "scheme": "customerPart"}), sold_to="17100002")
    with pytest.raises(RequestFaulty) as refused:
        await check(mapped, asked, SOUTH)
    assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [
        ("#/lines/0/product", "reference-unknown")
    ]


@pytest.mark.parametrize("account", [ACCOUNT, "001000000000009AAA"])
async def test_a_foreign_account_and_one_that_nobody_mapped_are_the_same(mapped: Landscape, account: str) -> None:
    with pytest.raises(NotVisible):
        await check(mapped, request(line("1", "TG11", "1"), soldTo={"id": account, "scheme": "crm"}), SOUTH)


async def test_a_configuration_is_refused_with_what_to_do_instead(landscape: Landscape) -> None:
    with pytest.raises(RequestFaulty) as refused:
        await check(landscape, request(line("1", "FG300", "1", configurationRef={"id": "C-1", "revision": "2"})))
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.code) == ("#/lines/0/configurationRef", "capability-not-available")
    assert "convert the quote" in fault.detail
