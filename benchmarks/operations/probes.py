"""What the neighbours and the store did meanwhile, asked at their own doors."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import httpx
from sqlalchemy import create_engine, make_url, text

from benchmarks.chaos.asked import Quote
from tests.sandbox import RunningSandbox

_READS = 40
_LINES = "SELECT Id, Quantity, UnitPrice, Product2.ProductCode FROM QuoteLineItems"


async def crm_reads(sandbox: RunningSandbox, quotes: Sequence[Quote]) -> list[float]:
    """How long the CRM itself takes to show a quote with its lines: milliseconds, one after the other."""
    base = sandbox.urls["salesforce"]
    async with httpx.AsyncClient(base_url=base, timeout=30, trust_env=False) as http:
        secret = {"client_id": "ordergate", "client_secret": "salesforce-sandbox-secret"}
        granted = await http.post("/services/oauth2/token", data={"grant_type": "client_credentials", **secret})
        http.headers["Authorization"] = f"Bearer {granted.raise_for_status().json()['access_token']}"
        taken = []
        for quote in quotes[:_READS]:
            sent = time.perf_counter()
            soql = f"SELECT Id, Name, Status, ({_LINES}) FROM Quote WHERE Id = '{quote.quote_id}'"  # noqa: S608  SOQL
            (await http.get("/services/data/v60.0/query", params={"q": soql})).raise_for_status()
            taken.append((time.perf_counter() - sent) * 1000)
    return taken


def sequential_reads(url: str) -> Counter[str]:
    """Rows that PostgreSQL has read so far without an index, by table; nothing of SQLite, which does not count."""
    address = make_url(url)
    if address.get_backend_name() != "postgresql":
        return Counter()
    engine = create_engine(address)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_stat_clear_snapshot()"))
            rows = connection.execute(text("SELECT schemaname, relname, seq_tup_read FROM pg_stat_user_tables"))
            return Counter({f"{row.schemaname}.{row.relname}": int(row.seq_tup_read or 0) for row in rows})
    finally:
        engine.dispose()
