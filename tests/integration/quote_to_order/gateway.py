"""A gateway without its edge, as a process of its own that can be killed: goes on with what it finds, and starts the
conversion that its last argument names. `python -m tests.integration.quote_to_order.gateway DATABASE URLS [QUOTE]`
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from tests.integration.quote_to_order.shop import open_shop


async def main(database: str, urls: str, quote_id: str | None = None) -> None:
    async with open_shop(Path(database), msgspec.json.decode(urls, type=dict[str, str])) as shop:
        if quote_id:
            started = await shop.convert(quote_id, wait_s=None)
            sys.stdout.write(started.operation_id + "\n")
            sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
