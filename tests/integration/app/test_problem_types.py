"""The type of a problem leads somewhere: to the section of its code on a page of this very door."""

from __future__ import annotations

import httpx
import pytest

from app.problem_table import ROWS
from app.problems import UNFORESEEN

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_type_of_a_refusal_can_be_followed(nobody: httpx.AsyncClient) -> None:
    for path, code in (("/nothing", "route-unknown"), ("/v1/events", "credentials-missing")):
        address, _, section = (await nobody.get(path)).json()["type"].partition("#")
        assert (address, section) == ("https://gateway.example/docs/problems", code)
    page = await nobody.get("/docs/problems")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for row in (*ROWS.values(), UNFORESEEN):
        assert f'<section id="{row.code}">' in page.text
