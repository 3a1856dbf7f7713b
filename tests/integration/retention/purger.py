"""A process that forgets operations until none is left: `python -m tests.integration.retention.purger <url>`.

With `freezes` behind it, it stops itself (SIGSTOP) in the middle of its first batch. The address says for how long the
server keeps its turn.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import make_engine
from policies.kept import Batch, Kept
from process_apis.retention.ended import due_operations, purge_operations
from process_apis.retention.process import forget

AT_ONCE = 10


async def purge_and_freeze(connection: AsyncConnection, before: datetime, most: int) -> Batch:
    batch = await purge_operations(connection, before, most)
    await connection.execute(select(1))  # the server's clock does not run behind the driver's pipeline of many rows
    os.kill(os.getpid(), signal.SIGSTOP)
    return batch


async def main(url: str, *, freezes: bool) -> None:
    store = make_engine(url)
    purge = purge_and_freeze if freezes else purge_operations
    kinds = [Kept("operations", timedelta(days=10), purge, due_operations, AT_ONCE)]
    while True:
        try:
            await forget(store, kinds, lambda: datetime.now(UTC))
        except DBAPIError:
            sys.exit("the server let go of me")
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], freezes="freezes" in sys.argv))
