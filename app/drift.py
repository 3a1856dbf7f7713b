"""Each system compared with what we use of it: by `ordergate systems check`, and beside a running gateway."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from app.neighbours import Neighbours, System
from process_apis.provenance import System as SystemWord
from process_apis.systems.models import DriftFinding, DriftState
from process_apis.systems.watch import Watch
from system_apis.deadline import Deadline
from system_apis.drift import Finding
from system_apis.errors import UpstreamError

LONGEST_S = 30.0
AGAIN_S, UNREAD_AGAIN_S = 6 * 3600.0, 600.0
"""A system is changed while we run: it is looked at again, and sooner if it could not be read."""

log = logging.getLogger("ordergate.drift")


class Compared(Struct, frozen=True):
    """One instance: what differs, or why it could not be compared."""

    system: SystemWord
    instance: str
    findings: tuple[Finding, ...] = ()
    unread: str | None = None


async def compare(neighbours: Neighbours) -> list[Compared]:
    """All of them, side by side."""
    named: list[tuple[SystemWord, System]] = [
        *(("erp", each) for each in neighbours.erps.values()),
        ("crm", neighbours.crm),
        *(("scheduler", each) for each in neighbours.schedulers.values()),
    ]
    return list(await asyncio.gather(*(_compared(system, each) for system, each in named)))


async def keep_comparing(neighbours: Neighbours, watch: Watch) -> None:
    """Compare, warn, and after a while again. Never in the way: a system that does not answer is a line in the log."""
    while True:
        compared = await compare(neighbours)
        for each in compared:
            note(each, watch, watch.now())
        await asyncio.sleep(UNREAD_AGAIN_S if any(each.unread for each in compared) else AGAIN_S)


def note(compared: Compared, watch: Watch, at: datetime) -> None:
    """Remember it for operators, and log what was not known before."""
    before = watch.drifts.get(compared.instance)
    findings = tuple(DriftFinding(each.kind, each.entity, each.field, each.detail) for each in compared.findings)
    watch.drifts[compared.instance] = DriftState(at, findings, compared.unread)
    named = {"system": compared.system, "instance": compared.instance}
    if compared.unread:
        log.info("%s could not be compared with what we use: %s", compared.instance, compared.unread, extra=named)
        return
    for each in findings:
        if before is None or each not in before.findings:
            facts: Mapping[str, str | None] = {"kind": each.kind, "entity": each.entity, "field": each.field}
            log.warning("%s has drifted: %s", compared.instance, each.detail, extra={**named, **facts})


async def _compared(system: SystemWord, each: System) -> Compared:
    try:
        async with asyncio.timeout(LONGEST_S):
            return Compared(system, each.instance, await each.drift(deadline=Deadline.after(LONGEST_S)))
    except UpstreamError as failure:
        return Compared(system, each.instance, unread=str(failure))
    except TimeoutError:
        return Compared(system, each.instance, unread=f"no answer within {LONGEST_S:.0f} s")
