"""What every step of a conversion has in its hands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from msgspec import Struct

from process_apis.landscape import Landscape
from process_apis.operations import Operation, State
from process_apis.outages import Refused
from process_apis.quote_to_order.models import Terms
from process_apis.stepping import Run
from process_apis.words import bare

T = TypeVar("T")
DECISION_TTL = timedelta(hours=72)


class End(Struct, frozen=True):
    """How a conversion ends without an order, and in one sentence why."""

    state: State
    message: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """One run of one conversion. `operation` is how the run found it; what changes since is in the store."""

    run: Run
    landscape: Landscape
    operation: Operation
    terms: Terms
    decision_ttl: timedelta

    @property
    def ship_to(self) -> str:
        """Where the goods go: the ERP's number, without padding."""
        return bare(self.terms.quote.ship_to or self.terms.quote.customer)

    def today_at(self, plant: str) -> date:
        """The day it is where we deliver from."""
        return self.landscape.day_at(self.run.clock(), plant)


def certain(value: T | Refused) -> T:
    """The value of a step that has nobody to refuse it."""
    if isinstance(value, Refused):
        raise TypeError(f"a step that asks nobody was refused: {value.text}")
    return value
