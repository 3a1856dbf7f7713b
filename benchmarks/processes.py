"""What a process has used, told from outside (Linux): CPU of itself and all that it started, and memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


def cpu_s(pid: int) -> float:
    """User and system time so far, of the process and of its living descendants."""
    return sum(_own_cpu_s(each) for each in _tree(pid))


def waited_s(pid: int) -> float:
    """How long its threads could have run and had no core: whatever else runs on the machine, and what they did to each
    other."""
    tasks = (task for each in _tree(pid) for task in Path(f"/proc/{each}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[1]) for task in tasks) / 1e9


def rss_mib(pid: int) -> float:
    """What of the process and its descendants is in memory now; what they share counts for each."""
    return sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in _tree(pid)) * _PAGE_KIB / 1024


def _own_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _tree(int(child))
