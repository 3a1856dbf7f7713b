"""The campaign on a small scale, with troubles that are not left to chance: it passes, and it can fail."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks.chaos.asked import Asked
from benchmarks.chaos.campaign import Progress, quotes_of, run
from benchmarks.chaos.mischief import Mischief
from benchmarks.chaos.neighbours import plan_version, read_neighbours
from benchmarks.chaos.reconciler import Finding, reconcile
from benchmarks.chaos.stage import BLIND, THE_SERVER, set_stage
from benchmarks.chaos.troubles import Trouble

QUOTES, SEED = 6, 5
LOST_ANSWERS = Trouble(
    0.0,
    "dropAfterCommit",
    "at createOrder",
    fault={"system": "sap", "kind": "dropAfterCommit", "method": "POST", "path": "/A_SalesOrder$", "count": 2},
)
"""SAP makes two orders of which nobody hears: only who looks for them knows that they are there."""


async def judged(where: Path, launcher: Sequence[str], *troubles: Trouble) -> tuple[list[Asked], list[Finding]]:
    with set_stage(where, quotes=QUOTES, seed=SEED, launcher=launcher) as stage:
        since = plan_version(stage.sandbox.urls)
        asked = [Asked(quote) for quote in quotes_of(stage.sandbox, QUOTES)]
        mischief = Mischief(stage)
        await run(stage, mischief, troubles, Progress("", asked), seed=SEED, duration_s=2, patience_s=60)
        return asked, reconcile(asked, read_neighbours(stage.sandbox.urls, since))


@pytest.mark.timeout(150)
async def test_lost_answers_and_a_killed_replica_leave_one_order_per_quote(tmp_path: Path) -> None:
    asked, found = await judged(tmp_path, THE_SERVER, LOST_ANSWERS, Trouble(2.5, "kill", "a", 1.0))
    assert found == []
    assert {state for one in asked for state in one.states} <= {"completed", "completedWithExceptions"}


@pytest.mark.timeout(150)
async def test_a_gateway_that_does_not_look_for_its_orders_is_found_out(tmp_path: Path) -> None:
    """The same server with its look-up replaced in its process: the campaign must see two doubles."""
    _, found = await judged(tmp_path, BLIND, LOST_ANSWERS)
    assert [finding.kind for finding in found].count("doubled") == LOST_ANSWERS.fault["count"]
