"""`python -m benchmarks.operations`: throughput, CPU and latencies of conversions on SQLite and PostgreSQL, with 10,
1,000 and 100,000 finished operations behind them.

One replica of the gateway (PostgreSQL: one that answers and one that works), a sandbox, a closed loop of clients. CPU
is the processes' own user and system time: the steady figure. Latencies and throughput belong to the machine and its
other guests. Ends with 1 where a budget is missed and --strict was given.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.chaos.asked import Quote
from benchmarks.chaos.campaign import quotes_of
from benchmarks.chaos.replicas import Replica
from benchmarks.chaos.settings import environment, write_world
from benchmarks.chaos.stage import THE_SERVER
from benchmarks.operations.figures import Cell, quantile
from benchmarks.operations.filling import fill
from benchmarks.operations.load import Client, Heard
from benchmarks.operations.probes import crm_reads, sequential_reads
from benchmarks.processes import cpu_s
from tests.postgres import free_port, running_postgres
from tests.redis_server import running_redis
from tests.sandbox import RunningSandbox, start_sandbox, stop_sandbox

FINISHED = (10, 1_000, 100_000)
WARM_UP = 10
CPU_MS, PER_SECOND, ACK_MS, WRITTEN_MS = 30.0, 25.0, 50.0, 500.0
"""The budgets: CPU of an operation, operations per second of one worker, what we add to the neighbours' time."""
_IDLE_S = 5.0
console = Console(width=132, highlight=False)


@dataclass(frozen=True)
class Bench:
    store: str
    url: str
    sandbox: RunningSandbox
    replicas: tuple[Replica, ...]

    def cpu(self) -> list[float]:
        """Of each replica, then of the sandbox."""
        pids = [replica.process.pid for replica in self.replicas if replica.process]
        return [cpu_s(pid) for pid in (*pids, self.sandbox.process.pid)]


@contextmanager
def bench(store: str, quotes: int) -> Iterator[Bench]:
    """A store, a sandbox with enough quotes, and the gateway, all new; gone with the block."""
    with ExitStack() as ends:
        where = Path(tempfile.mkdtemp(prefix="ordergate-operations-"))
        ends.callback(shutil.rmtree, where, ignore_errors=True)
        postgres = store == "PostgreSQL"
        url = ends.enter_context(running_postgres()).url if postgres else f"sqlite+aiosqlite:///{where}/operations.db"
        redis = ends.enter_context(running_redis()).url
        sandbox = start_sandbox(where, "--quotes", str(quotes))
        ends.callback(stop_sandbox, sandbox)
        world = write_world(where)
        replicas = []
        for role in ("api", "worker") if postgres else ("all",):
            told = environment(sandbox, world, url, redis, (free_port(), free_port()))
            replicas.append(Replica(role, THE_SERVER, told | {"ORDERGATE_ROLE": role}, where / f"{role}.log"))
            ends.callback(replicas[-1].end)
            replicas[-1].start()
        for replica in replicas:
            replica.await_ready()
        yield Bench(store, url, sandbox, tuple(replicas))


async def cells(on: Bench, quotes: list[Quote], loads: list[int], count: int) -> list[Cell]:
    client = Client(on.replicas[0].url, on.sandbox.urls["issuer"])
    await client.convert(quotes[:WARM_UP])
    measured = []
    for place, finished in enumerate(loads):
        rows = await asyncio.to_thread(fill, on.url, finished)
        console.print(f"{on.store}: {finished} finished operations, {rows} rows")
        first = WARM_UP + place * count
        before = await asyncio.to_thread(sequential_reads, on.url)
        measured.append(await _cell(on, client, quotes[first : first + count], finished))
        after = await asyncio.to_thread(sequential_reads, on.url)
        for table, read in (after - before).most_common(5):
            if read / count > 1_000:  # noqa: PLR2004  more than an index would
                console.print(f"  [yellow]{table}: {read / count:.0f} rows read without an index per operation[/]")
    await client.http.aclose()
    return measured


async def _cell(on: Bench, client: Client, quotes: list[Quote], finished: int) -> Cell:
    idle = on.cpu()
    await asyncio.sleep(_IDLE_S)
    began = on.cpu()
    heard: Heard = await client.convert(quotes)
    spent = [(after - before) * 1000 / len(quotes) for before, after in zip(began, on.cpu(), strict=True)]
    looks = await client.looks(f"/v1/operations/{heard.operations[-1]}")
    lists = await client.looks("/v1/operations?limit=20")
    return Cell(
        store=on.store,
        finished=finished,
        operations=len(quotes),
        per_second=len(quotes) / heard.seconds,
        api_cpu=spent[0],
        worker_cpu=spent[1] if len(on.replicas) > 1 else 0.0,
        sandbox_cpu=spent[-1],
        ack_p50=quantile(heard.acks, 0.5),
        ack_p99=quantile(heard.acks, 0.99),
        crm_read_p99=quantile(await crm_reads(on.sandbox, quotes), 0.99),
        written_p95=quantile(heard.written, 0.95),
        look_p50=quantile(looks, 0.5),
        list_p50=quantile(lists, 0.5),
        idle_cpu=sum(began[:-1]) * 1000 / _IDLE_S - sum(idle[:-1]) * 1000 / _IDLE_S,
    )


def show(found: list[Cell]) -> None:
    columns = ("store", "finished", "ops/s", "CPU api", "worker", "sandbox", "ack p50", "p99", "CRM p99", "written p95")
    table = Table(*columns, "GET p50", "list p50", "idle ms/s", box=None, title="milliseconds; CPU per operation")
    for cell in found:
        figures = (cell.per_second, cell.api_cpu, cell.worker_cpu, cell.sandbox_cpu, cell.ack_p50, cell.ack_p99)
        more = (cell.crm_read_p99, cell.written_p95, cell.look_p50, cell.list_p50, cell.idle_cpu)
        table.add_row(cell.store, f"{cell.finished:,}", *(f"{figure:.1f}" for figure in (*figures, *more)))
    console.print(table)


def missed(found: list[Cell]) -> list[str]:
    """The budgets of one worker on PostgreSQL, and what the past may cost."""
    told = []
    for cell in (cell for cell in found if cell.store == "PostgreSQL"):
        with_past = f"with {cell.finished:,} finished"
        if cell.api_cpu + cell.worker_cpu > CPU_MS:
            told.append(f"{with_past}: {cell.api_cpu + cell.worker_cpu:.0f} ms CPU per operation, {CPU_MS:.0f} allowed")
        if cell.per_second < PER_SECOND:
            told.append(f"{with_past}: {cell.per_second:.0f} operations per second, {PER_SECOND:.0f} wanted")
        if cell.ack_p99 > cell.crm_read_p99 + ACK_MS:
            told.append(f"{with_past}: ack p99 {cell.ack_p99:.0f} ms, the CRM's own {cell.crm_read_p99:.0f}")
    return told


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operations", description=__doc__)
    parser.add_argument("--stores", nargs="+", default=["SQLite", "PostgreSQL"], choices=["SQLite", "PostgreSQL"])
    parser.add_argument("--finished", nargs="+", type=int, default=list(FINISHED), metavar="N")
    parser.add_argument("--operations", type=int, default=150, metavar="N", help="measured per cell (150)")
    parser.add_argument("--strict", action="store_true", help="end with 1 where a budget is missed")
    given = parser.parse_args()
    found: list[Cell] = []
    for store in given.stores:
        needed = WARM_UP + given.operations * len(given.finished)
        with bench(store, needed) as on:
            found += asyncio.run(cells(on, quotes_of(on.sandbox, needed), given.finished, given.operations))
    show(found)
    over = missed(found)
    for told in over:
        console.print(f"[red]over budget[/] {told}")
    if over and given.strict:
        sys.exit(1)


if __name__ == "__main__":
    main()
