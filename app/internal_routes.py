"""The face of the internal door on one page: what operators may ask, each with what it asks of them."""

from __future__ import annotations

from app.route import Route, route
from policies.sheet import guarded
from process_apis.systems.models import AvailabilityQuery, StockQuery
from process_apis.systems.process import (
    list_systems,
    read_commitments,
    read_crm_quote,
    read_erp_availability,
    read_erp_order,
    read_erp_stock,
)

SYSTEMS = "Systems"
LOOKS = guarded("ops:read", kinds=("operator",))
"""Operators looking at something."""

INTERNAL: tuple[Route, ...] = (
    route(
        "GET",
        "/internal/v1/systems",
        list_systems,
        LOOKS,
        operation_id="listSystems",
        summary="How is each system doing?",
        tag=SYSTEMS,
    ),
    route(
        "GET",
        "/internal/v1/systems/erp/{instance}/orders/{orderNumber}",
        read_erp_order,
        LOOKS,
        operation_id="readErpOrder",
        summary="An order as the ERP holds it",
        tag=SYSTEMS,
    ),
    route(
        "GET",
        "/internal/v1/systems/erp/{instance}/availability",
        read_erp_availability,
        LOOKS,
        query=AvailabilityQuery,
        operation_id="readErpAvailability",
        summary="What the ERP's availability check says",
        tag=SYSTEMS,
    ),
    route(
        "GET",
        "/internal/v1/systems/erp/{instance}/stock",
        read_erp_stock,
        LOOKS,
        query=StockQuery,
        operation_id="readErpStock",
        summary="What lies at a plant",
        tag=SYSTEMS,
    ),
    route(
        "GET",
        "/internal/v1/systems/crm/{instance}/quotes/{quoteId}",
        read_crm_quote,
        LOOKS,
        operation_id="readCrmQuote",
        summary="A quote as the CRM holds it",
        tag=SYSTEMS,
    ),
    route(
        "GET",
        "/internal/v1/systems/scheduler/{instance}/commitments/{orderReference}",
        read_commitments,
        LOOKS,
        operation_id="readCommitments",
        summary="What the plan holds for an order",
        tag=SYSTEMS,
    ),
)
