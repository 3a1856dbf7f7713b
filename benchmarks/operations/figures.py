"""The figures of one cell, and how they are taken from processes and clocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One load on one store with so many finished operations in it. Times in milliseconds, CPU per operation."""

    store: str
    finished: int
    operations: int
    per_second: float
    api_cpu: float
    worker_cpu: float
    sandbox_cpu: float
    ack_p50: float
    ack_p99: float
    crm_read_p99: float
    written_p95: float
    look_p50: float
    list_p50: float
    idle_cpu: float
    """CPU of all our processes in a second in which nobody asks for anything."""


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
