"""Reading the figures: the totals from where they are kept, what stands open from the rows themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from process_apis.caller import Caller
from process_apis.figures import names
from process_apis.figures.counting import INFINITE, key_of
from process_apis.figures.models import Distribution, Figure, Figures
from process_apis.figures.standing import Stand, standing
from process_apis.figures.tables import figures

Totals = Mapping[str, Mapping[str, float]]
"""By name, and by labels as JSON."""


async def read_figures(_caller: Caller, _request: None, *, store: AsyncEngine) -> Figures:
    """How the operations of all replicas did since the beginning, and what stands open now."""
    return await figures_now(store)


async def figures_now(store: AsyncEngine) -> Figures:
    now = datetime.now(UTC)
    totals: dict[str, dict[str, float]] = defaultdict(dict)
    async with store.connect() as connection:
        for row in await connection.execute(select(figures)):
            totals[row.name][row.labels] = row.total
        open_now = await standing(connection, now)
    return Figures(
        as_of=now,
        totals=tuple(one for figure in names.COUNTED for one in _counted(figure, totals)),
        distributions=tuple(one for figure in names.MEASURED for one in _measured(figure, totals)),
        standing=tuple(_standing(one) for one in open_now),
    )


def _counted(figure: names.Counted, totals: Totals) -> Iterator[Figure]:
    begun = {key_of(dict(zip(figure.labels, labels, strict=True))): 0.0 for labels in figure.begins}
    for labels, total in sorted({**begun, **totals.get(figure.name, {})}.items()):
        yield Figure(figure.name, figure.says, _labels(labels), total)


def _measured(figure: names.Measured, totals: Totals) -> Iterator[Distribution]:
    """Buckets are kept apart and shown added up, as everybody reads them."""
    buckets: dict[str, dict[str, float]] = defaultdict(dict)
    for labels, total in totals.get(f"{figure.name}_bucket", {}).items():
        named = _labels(labels)
        bound = named.pop("le")
        buckets[msgspec.json.encode(named).decode()][bound] = total
    bounds = (*(f"{bound:g}" for bound in figure.buckets), INFINITE)
    for labels, held in sorted(buckets.items()):
        up_to: dict[str, int] = {}
        seen = 0.0
        for bound in bounds:
            seen += held.get(bound, 0)
            up_to[bound] = round(seen)
        total = totals.get(f"{figure.name}_sum", {}).get(labels, 0.0)
        yield Distribution(figure.name, figure.says, _labels(labels), round(seen), total, up_to)


def _standing(one: Stand) -> Figure:
    return Figure(one.figure.name, one.figure.says, dict(zip(one.figure.labels, one.labels, strict=True)), one.value)


def _labels(text: str) -> dict[str, str]:
    return msgspec.json.decode(text, type=dict[str, str])
