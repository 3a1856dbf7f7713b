"""The business figures as Prometheus reads them: every replica shows the same, so a rule takes the `max` of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.ext.asyncio import AsyncEngine

from policies.errors import StoreUnavailable
from policies.store import store_answers
from process_apis.figures import names
from process_apis.figures.models import Figures
from process_apis.figures.process import figures_now

READ_EVERY_S = 5.0
PREFIX = "ordergate_"
log = logging.getLogger("ordergate.figures")


@dataclass(slots=True, eq=False)
class FiguresPage(Collector):
    """What was read last, and when: a store that is down leaves it standing, and its age tells."""

    engine: AsyncEngine
    _read: Figures | None = None

    async def renew(self) -> None:
        """Read them anew unless that was a moment ago: many scrapers cost no more than one."""
        if self._read is not None and _age_s(self._read) < READ_EVERY_S:
            return
        try:
            with store_answers():
                self._read = await figures_now(self.engine)
        except StoreUnavailable:
            log.warning("the figures are as old as they were: the store does not answer")

    def collect(self) -> Iterator[Metric]:
        read = self._read
        if read is None:
            return
        yield GaugeMetricFamily(f"{PREFIX}figures_age_seconds", "How old the figures are.", _age_s(read))
        for counted in names.COUNTED:
            total = CounterMetricFamily(PREFIX + counted.name, counted.says, labels=counted.labels)
            for one in read.totals:
                if one.name == counted.name:
                    total.add_metric([one.labels[label] for label in counted.labels], one.value)
            yield total
        for measured in names.MEASURED:
            spread = HistogramMetricFamily(PREFIX + measured.name, measured.says, labels=measured.labels)
            for each in read.distributions:
                if each.name == measured.name:
                    buckets = [(bound, float(count)) for bound, count in each.up_to.items()]
                    spread.add_metric([each.labels[label] for label in measured.labels], buckets, each.sum)
            yield spread
        for standing in names.STANDING:
            gauge = GaugeMetricFamily(PREFIX + standing.name, standing.says, labels=standing.labels)
            for one in read.standing:
                if one.name == standing.name:
                    gauge.add_metric([one.labels[label] for label in standing.labels], one.value)
            yield gauge


def _age_s(read: Figures) -> float:
    return (datetime.now(UTC) - read.as_of).total_seconds()
