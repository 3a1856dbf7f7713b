"""The sources of an answer: who said what it is made of, numbered in the order in which they are first named."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from process_apis.atp.shared_reads import Found
from process_apis.provenance import Outcome, Rung, Source
from system_apis.scheduler.models import Scenario

ERP_APIS: dict[Rung, str] = {
    "simulation": "API_SALES_ORDER_SIMULATION_SRV",
    "availability": "API_PRODUCT_AVAILY_INFO_BASIC",
    "stock": "API_MATERIAL_STOCK_SRV",
    "masterData": "API_PRODUCT_SRV",
}
SCHEDULER_API = "scenarios"


class SourceBook:
    """`s1`, `s2` …: equal sources are one."""

    def __init__(self) -> None:
        self._ids: dict[Source, str] = {}

    def id_of(self, source: Source) -> str:
        return self._ids.setdefault(source, f"s{len(self._ids) + 1}")

    def adopt(self, heard: SourceBook) -> dict[str, str]:
        """The sources of another book, noted in this one: their new names by the old ones."""
        return {ident: self.id_of(source) for source, ident in heard._ids.items()}

    def note(self, sources: Iterable[Source]) -> None:
        for source in sources:
            self.id_of(source)

    @property
    def sources(self) -> list[Source]:
        return [replace(source, id=ident) for source, ident in self._ids.items()]


class Reading(NamedTuple):
    """How an answer came: its outcome, when it was read, and whether for another call."""

    outcome: Outcome
    fetched_at: datetime | None = None
    kept: bool = False


def reading(found: Found[Any]) -> Reading:
    """A clear no to one of many questions is an answer too; it does not say when it was given."""
    if found.value is not None:
        return Reading("ok", getattr(found.value, "fetched_at", None), found.kept)
    return Reading(found.outcome)


def erp_source(instance: str, rung: Rung, how: Reading) -> Source:
    """The ERP states no as-of time: the answer is as old as its reading."""
    basis = "inferred" if how.fetched_at else None
    api = ERP_APIS[rung]
    return Source("", "erp", instance, api, how.outcome, how.fetched_at, how.fetched_at, basis, rung, how.kept)  # type: ignore[arg-type]


def scheduler_source(instance: str, found: Found[Scenario] | None, at: datetime | None = None) -> Source:
    """None: not asked, because what it would be asked for is itself unknown. `at` is when the answer was heard."""
    if found is None:
        return Source("", "scheduler", instance, SCHEDULER_API, "skipped", rung="scenario")
    if found.value is None:
        return Source("", "scheduler", instance, SCHEDULER_API, found.outcome, rung="scenario")
    as_of = found.value.as_of
    return Source("", "scheduler", instance, SCHEDULER_API, "ok", at or as_of, as_of, "stated", "scenario", found.kept)
