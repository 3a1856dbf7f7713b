"""What was asked, what each source said of it, and what was decided: the values that `rules` works on.

They hold no cycles, so that the garbage collector is spared them (`gc=False`): a check makes dozens for each line.
"""

from __future__ import annotations

import datetime
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Literal

from msgspec import Struct

from process_apis.atp.models import (
    AlternativeKind,
    Confidence,
    ConfirmationRule,
    DateBasis,
    Firmness,
    LineStatus,
    Supply,
)
from process_apis.atp.units import Conversion
from process_apis.exceptions import Finding, SourceMessage
from process_apis.provenance import Outcome, Rung
from system_apis.sap.models import CreditState

ZERO = Decimal(0)
FOUR_PLACES = Decimal("0.0001")
AnswerStatus = Literal["complete", "degraded", "rejected"]


class Asked(Struct, frozen=True, gc=False):
    """A line as asked, references resolved: `unit` is a Rec 20 code, `plant` never open.

    `due` is the day of arrival that `requested_date` means, by the basis that was asked.
    """

    line_id: str
    material: str
    quantity: Decimal
    unit: str
    requested_date: date
    due: date
    plant: str
    basis: DateBasis = "delivery"


class Terms(Struct, frozen=True, gc=False):
    """What the caller accepts as a confirmation."""

    rule: ConfirmationRule = "proposal"
    split_dates: bool = True
    substitutes: bool = False


class Arrival(Struct, frozen=True, gc=False):
    """So much arrives on `delivery`, having left on `ship` (None: not known)."""

    quantity: Decimal
    ship: date | None
    delivery: date
    supply: Supply


class ErpLine(Struct, frozen=True, gc=False):
    """What the ERP has for a line: of which material, from which plant, in which unit, when."""

    material: str
    plant: str
    unit: str
    arrivals: tuple[Arrival, ...]


class ErpFact(Struct, frozen=True, gc=False):
    """What the ERP said about a line, by which rung. `line` is None if it was silent or if it `refused` the line.

    `withheld`: what the order that the check is about holds of it was not given back, so that more may be free.
    """

    source: str
    instance: str
    outcome: Outcome
    line: ErpLine | None = None
    refused: SourceMessage | None = None
    credit: CreditState = "notChecked"
    rung: Rung = "simulation"
    live: bool = True
    withheld: bool = False


class PlanFact(Struct, frozen=True, gc=False):
    """What the scheduler of `plant` said about a line, or that it was asked in vain. `arrivals` is None if the answer
    is in a unit that cannot be turned into the line's. `withheld` as in `ErpFact`."""

    source: str
    instance: str
    outcome: Outcome
    plant: str
    material: str
    unit: str = ""
    arrivals: tuple[Arrival, ...] | None = None
    work_centre: str | None = None
    live: bool = True
    withheld: bool = False


class Estimate(Struct, frozen=True, gc=False):
    """When a material could be had that nothing covers: by its replenishment time."""

    source: str
    plant: str
    ship: date | None
    delivery: date


class There(Struct, frozen=True, gc=False):
    """What another plant has of a line: the ERP's word, and its scheduler's for what the ERP lacks there, if asked."""

    erp: ErpFact
    plan: PlanFact | None = None


class Piece(Struct, frozen=True, gc=False):
    """A part of a line's quantity that arrives on a day, from one supply and one source."""

    quantity: Decimal
    date: date
    plant: str
    supply: Supply
    firmness: Firmness
    confidence: Confidence
    source: str
    ship: datetime.date | None = None


class Factor(Struct, frozen=True, gc=False):
    code: Literal["material", "capacity"]
    ref: str
    plant: str
    message: str


class Alternative(Struct, frozen=True, gc=False):
    """Another way to deliver a line. `plant` is the one it comes from."""

    kind: AlternativeKind
    plant: str
    schedule: tuple[Piece, ...]


class LinePromise(Struct, frozen=True, gc=False):
    """What can be promised for a line. The three quantities are None together, when a source is silent.

    `schedule` is what is confirmed, and after it what is estimated of the rest. `substitute` is the material that would
    be delivered instead of the one asked.
    """

    asked: Asked
    status: LineStatus
    confirmed: Decimal | None
    on_time: Decimal | None
    unconfirmed: Decimal | None
    schedule: tuple[Piece, ...]
    factors: tuple[Factor, ...]
    alternatives: tuple[Alternative, ...]
    findings: tuple[Finding, ...]
    substitute: str | None = None
    conversion: Conversion | None = None

    @property
    def fill_rate(self) -> Decimal | None:
        """The share that arrives by the requested date, rounded down: 0.9999 never reads as 1."""
        if self.on_time is None:
            return None
        return (self.on_time / self.asked.quantity).quantize(FOUR_PLACES, rounding=ROUND_DOWN)
