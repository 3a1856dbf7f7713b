"""A process with the engine and nothing else in it. Its one neighbour is a table that remembers every call.

`python -m tests.integration.scale_out.toy URL [SECONDS_PER_STEP]` says its executor id, then takes orders from its
standard input: `start <operation> <steps>`, one per line. The operation named `poison` kills the process that runs it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress

import psycopg
from sqlalchemy import make_url

from process_apis.durable import Durable

MOST_DEATHS = 2
TABLES = """
CREATE TABLE IF NOT EXISTS toy_calls (
    operation text, step int, executor text, at timestamptz DEFAULT clock_timestamp()
);
CREATE TABLE IF NOT EXISTS toy_deaths (operation text);
CREATE TABLE IF NOT EXISTS toy_ends (operation text, at timestamptz DEFAULT clock_timestamp());
"""


async def main(url: str, seconds: float) -> None:
    server = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    durable = Durable(url)

    async def said(query: str, *values: object) -> int:
        while True:
            with suppress(psycopg.OperationalError):  # the neighbour lives on the server that is restarted
                async with await psycopg.AsyncConnection.connect(server, autocommit=True) as connection:
                    return (await connection.execute(query, values)).rowcount
            await asyncio.sleep(0.05)

    async def count(operation: str) -> None:
        for step in range(int(operation.rpartition("/")[2])):

            async def call(step: int = step) -> int:
                await said("INSERT INTO toy_calls VALUES (%s, %s, %s)", operation, step, durable.executor_id)
                if operation.startswith("poison"):
                    os._exit(9)
                await asyncio.sleep(seconds)
                return step

            await durable.step(f"call{step}", call, int)
        await said("INSERT INTO toy_ends VALUES (%s)", operation)

    async def died(operation: str, _run: int) -> bool:
        await said("INSERT INTO toy_deaths VALUES (%s)", operation)
        return await said("SELECT FROM toy_deaths WHERE operation = %s", operation) <= MOST_DEATHS

    durable.workflow("count", count, after_death=died)
    await durable.launch()
    loop, gone = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, gone.set)
    sys.stdout.write(durable.executor_id + "\n")
    sys.stdout.flush()
    listening = asyncio.create_task(_listen(durable))
    await gone.wait()
    listening.cancel()
    await durable.close()


async def _listen(durable: Durable) -> None:
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async for line in orders:
        _start, operation, steps = line.decode().split()
        await durable.start_once("count", f"{operation}/{steps}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0.05))
