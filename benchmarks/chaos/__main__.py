"""`python -m benchmarks.chaos`: convert a crowd of quotes while everything breaks, then ask the neighbours.

Two replicas of the gateway on a PostgreSQL and a Redis of their own, clients that repeat with the same key, replicas
killed and frozen, stores emptied and restarted, every fault the sandbox knows at every call. Ends with 0 if nothing was
lost, doubled, out of step or stuck. The same --seed brings the same quotes, clients and troubles.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import secrets
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from app.cli.processes import ended_by_signals
from benchmarks.chaos import stage as stages
from benchmarks.chaos import verdict
from benchmarks.chaos.asked import Asked
from benchmarks.chaos.campaign import Progress, quotes_of, run
from benchmarks.chaos.mischief import Mischief
from benchmarks.chaos.neighbours import plan_version, read_neighbours
from benchmarks.chaos.reconciler import manual, reconcile
from benchmarks.chaos.troubles import Trouble, plan

_PER_S = 4.0
"""Conversions begun per second, unless --seconds says otherwise."""
_ALL_BLOWS_S = 32.0
"""So long it takes until each kind of blow has had its turn."""
_TOLD_EVERY_S = 5.0
_BLIND = "the look-up of orders is switched off: doubles are to be expected"


def main() -> None:
    given = _parsed()
    where = Path(tempfile.mkdtemp(prefix="ordergate-chaos-"))
    logging.basicConfig(filename=where / "troubles.log", format="%(message)s")
    logging.getLogger("chaos").setLevel(logging.INFO)
    verdict.console.print(f"seed {given.seed}: {given.conversions} conversions, {given.seconds:.0f} s of troubles")
    if given.blind:
        verdict.console.print(_BLIND)
    wrong = True
    try:
        with ended_by_signals():
            wrong = _campaign(given, where)
    except KeyboardInterrupt:
        verdict.console.print("stopped")
        sys.exit(130)
    finally:
        if wrong or given.keep:
            verdict.console.print(f"logs and findings: {where}")
        else:
            shutil.rmtree(where, ignore_errors=True)
    if wrong:
        verdict.console.print(f"again: python -m benchmarks.chaos {_again(given)}")
        sys.exit(1)


def _campaign(given: argparse.Namespace, where: Path) -> bool:
    """True if something was wrong."""
    launcher = stages.BLIND if given.blind else stages.THE_SERVER
    with stages.set_stage(where, quotes=given.conversions, seed=given.seed, launcher=launcher) as stage:
        since = plan_version(stage.sandbox.urls)
        asked = [Asked(quote) for quote in quotes_of(stage.sandbox, given.conversions)]
        progress, mischief = Progress("breaking things", asked), Mischief(stage)
        troubles = plan(given.seed, given.seconds, tuple(replica.name for replica in stage.replicas))
        asyncio.run(_watched(stage, mischief, troubles, progress, given))
        held = read_neighbours(stage.sandbox.urls, since)
        crashed = [replica.name for replica in stage.replicas if replica.ended_by_itself]
        verdict.tell_troubles(mischief.done, mischief.struck, sum(replica.deaths for replica in stage.replicas))
    found, left = reconcile(asked, held), manual(asked)
    verdict.tell(asked, found, left, len(held.orders))
    verdict.keep(where, asked, found, left)
    if crashed:
        verdict.console.print(f"[red]replica {', '.join(crashed)} ended by itself[/]")
    return bool(found or crashed)


async def _watched(
    stage: stages.Stage, mischief: Mischief, troubles: list[Trouble], progress: Progress, given: argparse.Namespace
) -> None:
    began = time.monotonic()

    async def tell() -> None:
        while True:
            await asyncio.sleep(_TOLD_EVERY_S)
            verdict.tell_progress(progress, time.monotonic() - began, await asyncio.to_thread(mischief.count_struck))

    telling = asyncio.create_task(tell())
    try:
        await run(
            stage,
            mischief,
            troubles,
            progress,
            seed=given.seed,
            duration_s=given.seconds,
            patience_s=given.patience,
        )
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--conversions", type=int, default=120, metavar="N", help="quotes to convert (120)")
    parser.add_argument(
        "--seconds", type=float, metavar="S", help="how long things break (a quarter second per quote, 32 at least)"
    )
    parser.add_argument("--patience", type=float, default=120.0, metavar="S", help="until all must be at rest (120)")
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="of quotes, clients and troubles (any)")
    parser.add_argument("--blind", action="store_true", help="switch the look-up of orders off: this must find doubles")
    parser.add_argument("--keep", action="store_true", help="keep the logs of a campaign that found nothing")
    given = parser.parse_args()
    given.seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    given.seconds = given.seconds or max(_ALL_BLOWS_S, given.conversions / _PER_S)
    return given


def _again(given: argparse.Namespace) -> str:
    blind = " --blind" if given.blind else ""
    return f"--seed {given.seed} --conversions {given.conversions} --seconds {given.seconds:g}{blind}"


if __name__ == "__main__":
    main()
