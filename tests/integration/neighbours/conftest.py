"""Clients that are closed again."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from system_apis.salesforce.client import Salesforce
from system_apis.sap.client import SapErp
from system_apis.scheduler.http_adapter import HttpScheduler
from tests.integration.neighbours.clients import crm_of, erp_of, scheduler_of
from tests.sandbox import RunningSandbox


@pytest.fixture
async def erp(fresh_sandbox: RunningSandbox) -> AsyncIterator[SapErp]:
    client = erp_of(fresh_sandbox)
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
