"""The landscape that promises are asked of."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from process_apis.landscape import Landscape
from tests.integration.landscape import open_landscape, urls_of
from tests.sandbox import RunningSandbox


@pytest.fixture
async def landscape(fresh_sandbox: RunningSandbox) -> AsyncIterator[Landscape]:
    async with open_landscape(urls_of(fresh_sandbox)) as opened:
        yield opened
