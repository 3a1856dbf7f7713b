"""Records a store with operations in the middle of everything, as a release leaves it behind.

`python -m tests.integration.upgrade.record` writes `parked-<application version>.sql` beside this file. What was
recorded by a released version is never recorded again: later versions have to finish it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from app.database import make_engine, migrate
from process_apis.durable_engine import APPLICATION_VERSION
from tests.integration.quote_to_order.shop import open_shop
from tests.sandbox import RunningSandbox, start_sandbox, stop_sandbox

HERE = Path(__file__).parent


async def park(database: Path, sandbox: RunningSandbox) -> None:
    """One operation waits for its caller, one for the ERP to simulate, one for the ERP to take the order."""
    store = make_engine(f"sqlite+aiosqlite:///{database}")
    await migrate(store)
    await store.dispose()
    async with open_shop(database, sandbox.urls) as shop:
        asked = await shop.convert(sandbox.quote_id("Q-1001"), onLate="propose")
        assert asked.state == "awaitingDecision"
        simulating = await _waiting(sandbox, "SIMULATION")
        validating = await shop.convert(sandbox.quote_id("Q-1010"), wait_s=None)
        await shop.until(validating.operation_id, lambda seen: seen.waiting_for is not None)
        sandbox.lift(simulating)
        await _waiting(sandbox, "/A_SalesOrder$")
        ordering = await shop.convert(sandbox.quote_id("Q-1011"), wait_s=None)
        await shop.until(
            ordering.operation_id, lambda seen: seen.waiting_for is not None and seen.state == "creatingOrder"
        )
        assert (await shop.look(validating.operation_id)).state == "validating"


async def _waiting(sandbox: RunningSandbox, path: str) -> str:
    return sandbox.fault("sap", "unavailable", path=path)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        sandbox = start_sandbox(Path(scratch))
        try:
            asyncio.run(park(Path(scratch) / "o.db", sandbox))
        finally:
            stop_sandbox(sandbox)
        with closing(sqlite3.connect(Path(scratch) / "o.db")) as connection:
            dump = "\n".join(connection.iterdump())
    file = HERE / f"parked-{APPLICATION_VERSION}.sql"
    file.write_text(f"-- recorded on {datetime.now(UTC).date()}\n{dump}\n")
    sys.stdout.write(f"{file}: {file.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
