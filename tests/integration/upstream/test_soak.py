"""A short soak with every run of the tests; the long one is `python -m benchmarks.upstream.soak`."""

from __future__ import annotations

from benchmarks.upstream.soak import Tallies, grown, soaked
from tests.sandbox import RunningSandbox


async def test_a_thousand_calls_at_ten_per_cent_faults_leave_nothing_behind(fresh_sandbox: RunningSandbox) -> None:
    tallies = Tallies()
    samples = await soaked(fresh_sandbox, 1000, 0.1, tallies)
    assert grown(samples) == []
    assert tallies.calls.total() == 1000
    assert tallies.calls["answered"] > 800
    assert sum(fault["fired"] for fault in fresh_sandbox.faults()) > 40
