"""What the engine remembers of operations that ended: nobody reads it again, our own tables hold the truth.

Deleted by the same statements, in the same order, as the engine's own `delete_workflows` (its version is pinned, and a
test compares); on our connection, because a second one would wait for ours on a SQLite file.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, String, and_, bindparam, column, delete, select, table
from sqlalchemy.ext.asyncio import AsyncConnection

from policies.kept import Batch

STOPPED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
PAYLOADS = ("workflow_input", "workflow_output", "operation_outputs")
"""Without foreign keys to a workflow, so that they would stay behind it."""


def schema_on(dialect: str) -> str | None:
    """On a server the engine keeps its tables apart."""
    return "dbos" if dialect == "postgresql" else None


def _named(name: str, schema: str | None) -> Any:
    columns = (column("workflow_uuid", String), column("status", String), column("completed_at", BigInteger))
    return table(name, *columns, schema=schema)


async def purge_checkpoints(schema: str | None, connection: AsyncConnection, before: datetime, most: int) -> Batch:
    """Of workflows that will do nothing more. `schema` is where the engine has its tables."""
    gone = list(await connection.scalars(due_checkpoints(schema, before).limit(most)))
    if gone:
        each = [{"gone": one} for one in gone]
        for name in (*PAYLOADS, "workflow_status"):
            held = _named(name, schema)
            # one at a time, by an index whatever the planner thinks of a long list
            await connection.execute(delete(held).where(held.c.workflow_uuid == bindparam("gone")), each)
    return Batch(len(gone), more=len(gone) == most)


def due_checkpoints(schema: str | None, before: datetime) -> Select[Any]:
    held = _named("workflow_status", schema)
    over = and_(held.c.completed_at < int(before.timestamp() * 1000), held.c.status.in_(STOPPED))
    return select(held.c.workflow_uuid).where(over).order_by(held.c.completed_at)
