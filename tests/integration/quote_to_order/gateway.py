"""A gateway without its edge, as a process of its own that can be killed: goes on with what it finds, and starts the
conversion that its last argument names.
`python -m tests.integration.quote_to_order.gateway DATABASE URLS SALES_ORDERS [QUOTE]`
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from system_apis.sap.books import SalesOrderApi
from tests.integration.quote_to_order.shop import open_shop


async def main(database: str, urls: str, sales_orders: SalesOrderApi, quote_id: str | None = None) -> None:
    where = msgspec.json.decode(urls, type=dict[str, str])
    async with open_shop(Path(database), where, sales_orders=sales_orders) as shop:
        if quote_id:
            started = await shop.convert(quote_id, wait_s=None)
            sys.stdout.write(started.operation_id + "\n")
            sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3], msgspec.convert(sys.argv[3], SalesOrderApi), *sys.argv[4:]))
