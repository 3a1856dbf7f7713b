from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.integration.quote_to_order.shop import Shop, open_shop
from tests.sandbox import RunningSandbox


@pytest_asyncio.fixture
async def shop(tmp_path: Path, fresh_sandbox: RunningSandbox) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path / "operations.db", fresh_sandbox.urls) as opened:
        yield opened
