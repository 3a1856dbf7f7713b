"""Which plant a line is asked of that names none, and that nobody is promised goods from a plant that is not theirs."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from policies.errors import NotVisible
from process_apis.landscape import Landscape
from tests.integration.atp.counter import check, line, request
from tests.integration.landscape import CRM, NORTH
from tests.sandbox import RunningSandbox

BASICS = {"mode": "atp"}


def asked_of(sandbox: RunningSandbox) -> list[Any]:
    return [one for one in sandbox.journal("sap") if one["method"] == "POST"]


async def plants_told(landscape: Landscape, *plants: str) -> set[str]:
    client = replace(CRM, plants=plants)
    answer = await check(landscape, request(line("1", "TG11", "4"), **BASICS), client)
    return {piece.plant for piece in answer.lines[0].schedule}


async def test_the_default_plant_is_taken_where_the_client_may_name_it(landscape: Landscape) -> None:
    assert await plants_told(landscape, "*") == {"1710"}
    assert await plants_told(landscape, "1720", "1710") == {"1710"}


async def test_another_one_is_taken_where_it_may_not(landscape: Landscape) -> None:
    """The first by number of those it may name and we know."""
    assert await plants_told(landscape, "1720") == {"1720"}
    assert await plants_told(landscape, "0001", "1720") == {"1720"}


async def test_who_may_name_no_plant_is_promised_nothing(landscape: Landscape, fresh_sandbox: RunningSandbox) -> None:
    for plants in ((), ("0001",)):
        with pytest.raises(NotVisible) as refused:
            await check(landscape, request(line("1", "TG11", "4"), **BASICS), replace(NORTH, plants=plants))
        assert (refused.value.kind, refused.value.ident) == ("plant", "default")
    assert asked_of(fresh_sandbox) == []
