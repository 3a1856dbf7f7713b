"""Clients that are closed again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from system_apis.salesforce.client import Salesforce
from system_apis.sap.books import SalesOrderApi
from system_apis.sap.client import SapErp
from system_apis.scheduler.http_adapter import HttpScheduler
from tests.integration.neighbours.clients import crm_of, erp_of, scheduler_of
from tests.sandbox import RunningSandbox

EITHER_DIALECT = pytest.mark.parametrize("erp", ["v2", "v4"], indirect=True)
"""On an instance that serves its sales orders by version 2 only, and on one that does by version 4 only."""


@pytest.fixture
async def erp(fresh_sandbox: RunningSandbox, request: pytest.FixtureRequest) -> AsyncIterator[SapErp]:
    dialect: SalesOrderApi = getattr(request, "param", "v2")
    fresh_sandbox.sap_settings(sales_order=dialect)
    client = erp_of(fresh_sandbox, sales_orders=dialect)
    yield client
    await client.aclose()


@pytest.fixture
async def crm(fresh_sandbox: RunningSandbox) -> AsyncIterator[Salesforce]:
    client = crm_of(fresh_sandbox)
    yield client
    await client.aclose()


@pytest.fixture
async def scheduler(fresh_sandbox: RunningSandbox) -> AsyncIterator[HttpScheduler]:
    client = scheduler_of(fresh_sandbox)
    yield client
    await client.aclose()
