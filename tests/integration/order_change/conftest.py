from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.integration.order_change.counter import Counter, open_counter
from tests.sandbox import RunningSandbox


@pytest_asyncio.fixture
async def counter(tmp_path: Path, fresh_sandbox: RunningSandbox) -> AsyncIterator[Counter]:
    async with open_counter(tmp_path / "operations.db", fresh_sandbox) as opened:
        yield opened
