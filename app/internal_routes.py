"""The face of the internal door on one page: what operators may ask, each with what it asks of them."""

from __future__ import annotations

from app.credential_routes import CREDENTIALS
from app.operator_routes import OPERATOR_ROUTES
from app.route import Route, route
from policies.sheet import guarded
from process_apis.errors import RequestFaulty
from process_apis.figures.process import read_figures
from process_apis.oversight.audit import list_audit, verify_audit
from process_apis.oversight.models import AuditQuery, ProofQuery, UsageQuery
from process_apis.oversight.process import explain_refusal, list_version_uses
from process_apis.retention.models import RetentionQuery
from process_apis.retention.process import show_retention
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
LOOKS = guarded("ops:read", kinds=("operator",), role=("operator", "auditor"))
"""Operators looking at something, and those who look at operators."""
AUDITS = guarded("ops:audit", kinds=("operator",), role="auditor")
"""Auditors looking at what was done, by operators too."""
OVERSIGHT = "Oversight"

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
    route(
        "GET",
        "/internal/v1/figures",
        read_figures,
        LOOKS,
        operation_id="readFigures",
        summary="How do the operations do?",
        description="Business figures of all replicas: totals since the beginning, and what stands open now. The same "
        "are at /metrics, their names led by `ordergate_`.",
        tag=OVERSIGHT,
    ),
    route(
        "GET",
        "/internal/v1/retention",
        show_retention,
        LOOKS,
        query=RetentionQuery,
        operation_id="showRetention",
        summary="What is kept for how long, and what would go now?",
        description="Nothing goes by asking. With `days`, what would go if everything was kept for so many days.",
        tag=OVERSIGHT,
    ),
    route(
        "GET",
        "/internal/v1/audit",
        list_audit,
        AUDITS,
        query=AuditQuery,
        operation_id="listAudit",
        summary="Who did what, newest first",
        tag=OVERSIGHT,
        refuses=(RequestFaulty,),
    ),
    route(
        "GET",
        "/internal/v1/audit/proof",
        verify_audit,
        AUDITS,
        query=ProofQuery,
        operation_id="verifyAudit",
        summary="Is the audit whole?",
        description="Recomputes entries, chains, seals and checkpoints, a part at a time: go on with `after` = "
        "`through` until it is `done`. Keep `mark` outside the database and send it as `seen` another time: a log that "
        "was cut or replaced since then does not fit it.",
        tag=OVERSIGHT,
    ),
    route(
        "GET",
        "/internal/v1/explanations/{problemInstance}",
        explain_refusal,
        LOOKS,
        operation_id="explainRefusal",
        summary="Why was this call refused?",
        tag=OVERSIGHT,
    ),
    route(
        "GET",
        "/internal/v1/versions/usage",
        list_version_uses,
        LOOKS,
        query=UsageQuery,
        operation_id="listVersionUses",
        summary="Who still calls what?",
        tag=OVERSIGHT,
    ),
    *OPERATOR_ROUTES,
    *CREDENTIALS,
)
