"""`python -m benchmarks.retention`: what a batch of forgetting costs with 10, 1,000 and 100,000 finished operations
behind it, and what a conversion costs while the gateway forgets.

The past is that of `benchmarks.operations`, made three years old. Batches are timed from outside, each in a transaction
that is taken back; then the worker is left to forget, and conversions are measured beside it. CPU is the replicas' own;
milliseconds belong to the machine and its other guests: compare within one run.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from app.database import Store, make_engine
from app.keeping import RetentionEntry, kinds
from benchmarks.chaos.asked import Quote
from benchmarks.chaos.campaign import quotes_of
from benchmarks.operations.__main__ import WARM_UP, Bench, bench
from benchmarks.operations.figures import quantile
from benchmarks.operations.filling import fill
from benchmarks.operations.load import Client
from policies.audit_seals import Notary
from policies.kept import Kept

FINISHED = (10, 1_000, 100_000)
TIMED = ("operations", "events", "engineMemory")
ROUNDS = 5
LONG_AGO = timedelta(days=3 * 365)
console = Console(width=120, highlight=False)


def timed_kinds(store: Store) -> list[Kept]:
    every = kinds(RetentionEntry(), Notary(["-" * 32]), store.dialect.name, audit_days=1, ended_keys_days=1)
    return [kept for kept in every if kept.kind in TIMED]


async def batch_ms(store: Store, kept: Kept) -> tuple[float, int]:
    """Of one batch, the middle of a few, each taken back; and how many things it forgot."""
    took, gone = [], 0
    for _ in range(ROUNDS):
        async with store.connect() as connection:
            await connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
            began = perf_counter()
            gone = (await kept.purge(connection, datetime.now(UTC) - kept.kept_for, kept.most)).gone
            took.append((perf_counter() - began) * 1000)
            await connection.rollback()
    return median(took), gone


async def grow_old(store: Store) -> None:
    """Whatever has ended by now did so three years ago."""
    then = datetime.now(UTC) - LONG_AGO
    at = then if store.dialect.name == "postgresql" else then.strftime("%Y-%m-%d %H:%M:%S.%f")
    schema = "dbos." if store.dialect.name == "postgresql" else ""
    async with store.begin() as connection:
        for change in ("operations SET updated_at", "exceptions SET state = 'resolved', ended_at", "events SET time"):
            await connection.execute(text(f"UPDATE {change} = :at"), {"at": at})
        ended = f"UPDATE {schema}workflow_status SET completed_at = :at WHERE completed_at IS NOT NULL"  # noqa: S608  ours
        await connection.execute(text(ended), {"at": int(then.timestamp() * 1000)})


async def gone_so_far(store: Store) -> int:
    async with store.connect() as connection:
        return int(await connection.scalar(text("SELECT sum(total) FROM figures WHERE name = 'rows_purged'")) or 0)


async def conversions(on: Bench, client: Client, quotes: Sequence[Quote]) -> tuple[float, float, float]:
    """CPU per operation of all replicas, and how long the 202 took, its middle and its worst hundredth."""
    began = sum(on.cpu()[:-1])
    heard = await client.convert(list(quotes))
    spent = (sum(on.cpu()[:-1]) - began) * 1000 / len(quotes)
    return spent, quantile(heard.acks, 0.5), quantile(heard.acks, 0.99)


async def measured(on: Bench, quotes: list[Quote], loads: Sequence[int], count: int) -> None:
    store, client = make_engine(on.url, breaks=False), Client(on.replicas[0].url, on.sandbox.urls["issuer"])
    await client.convert(quotes[:WARM_UP])
    batches = Table("finished", *(f"{kind}: ms" for kind in TIMED), "gone", box=None, title=f"{on.store}: one batch")
    for finished in loads:
        await asyncio.to_thread(fill, on.url, finished)
        await grow_old(store)
        each = [await batch_ms(store, kept) for kept in timed_kinds(store)]
        batches.add_row(f"{finished:,}", *(f"{ms:.1f}" for ms, _ in each), " ".join(str(gone) for _, gone in each))
    console.print(batches)
    beside = Table("", "CPU", "ack p50", "p99", "gone meanwhile", box=None, title=f"{on.store}: conversions, ms")
    alone, rest = quotes[WARM_UP : WARM_UP + count], quotes[WARM_UP + count :]
    beside.add_row("alone", *(f"{one:.1f}" for one in await conversions(on, client, alone)), "")
    async with store.begin() as connection:
        await connection.execute(text("UPDATE retention SET next_at = '1970-01-01 00:00:00'"))
    before = await gone_so_far(store)
    while (at_first := await gone_so_far(store)) == before:  # noqa: ASYNC110  the worker looks once a minute
        await asyncio.sleep(0.2)
    figures = await conversions(on, client, rest)
    gone = await gone_so_far(store) - at_first
    beside.add_row("while it forgets", *(f"{one:.1f}" for one in figures), str(gone))
    console.print(beside)
    await client.http.aclose()
    await store.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retention", description=__doc__)
    parser.add_argument("--stores", nargs="+", default=["SQLite", "PostgreSQL"], choices=["SQLite", "PostgreSQL"])
    parser.add_argument("--finished", nargs="+", type=int, default=list(FINISHED), metavar="N")
    parser.add_argument("--operations", type=int, default=100, metavar="N", help="measured each time (100)")
    given = parser.parse_args()
    for store in given.stores:
        needed = WARM_UP + 2 * given.operations
        with bench(store, needed) as on:
            asyncio.run(measured(on, quotes_of(on.sandbox, needed), given.finished, given.operations))


if __name__ == "__main__":
    main()
