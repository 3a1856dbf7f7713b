from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.limits.stores import Store
from tests.redis_server import RedisServer, redis_of_all, redis_server  # noqa: F401  fixtures


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest, redis_server: RedisServer) -> AsyncIterator[Store]:  # noqa: F811
    store = Store(request.param, redis_server)
    yield store
    await store.aclose()
