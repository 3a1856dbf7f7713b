"""The clients of this folder talk to the sandbox through the engine that production uses."""

from __future__ import annotations

import gc
from types import FunctionType, ModuleType

import httpx
from opentelemetry.instrumentation.httpx import AsyncOpenTelemetryTransport

from system_apis.engine import Engine
from system_apis.salesforce.client import Salesforce
from system_apis.sap.client import SapErp
from system_apis.scheduler.http_adapter import HttpScheduler
from system_apis.traced import Traced
from tests.integration.neighbours.clients import soon

SEEN_THROUGH = {Traced, AsyncOpenTelemetryTransport}
"""They carry nothing themselves."""


def transports_of(client: object) -> list[httpx.AsyncBaseTransport]:
    """Everything below the client that carries requests, wherever it keeps it."""
    seen, found, todo = {id(client)}, [], [client]
    while todo:
        one = todo.pop()
        if isinstance(one, httpx.AsyncBaseTransport):
            found.append(one)
        for below in gc.get_referents(one):
            if id(below) not in seen and not isinstance(below, type | ModuleType | FunctionType):
                seen.add(id(below))
                todo.append(below)
    return found


async def test_every_client_runs_on_the_production_engine(
    erp: SapErp, crm: Salesforce, scheduler: HttpScheduler
) -> None:
    for client in (erp, crm, scheduler):
        await client.ping(deadline=soon())
        kinds = {type(one) for one in transports_of(client)}
        assert kinds - SEEN_THROUGH == {Engine}, type(client).__name__
