"""How a migration runs: on the connection that `app.database.migrate` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from app.database import TABLES

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=list(TABLES),
    compare_type=True,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
