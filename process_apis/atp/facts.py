"""What was asked, what each source said of it, and what was decided: the values that `rules` works on."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Literal

from msgspec import Struct

from process_apis.atp.models import Confidence, Firmness, LineStatus, Supply
from process_apis.exceptions import Finding, SourceMessage
from process_apis.provenance import Outcome
from system_apis.sap.models import CreditState, SimulatedLine
from system_apis.scheduler.models import PlannedLine

ZERO = Decimal(0)
FOUR_PLACES = Decimal("0.0001")
AnswerStatus = Literal["complete", "degraded", "rejected"]


class Asked(Struct, frozen=True):
    """A line as asked, references resolved: `unit` is a Rec 20 code, `plant` never open."""

    line_id: str
    material: str
    quantity: Decimal
    unit: str
    requested_date: date
    plant: str


class ErpFact(Struct, frozen=True):
    """What the ERP said about a line. `line` is None if it was silent or if it `refused` the line."""

    source: str
    instance: str
    outcome: Outcome
    line: SimulatedLine | None = None
    refused: SourceMessage | None = None
    credit: CreditState = "notChecked"


class PlanFact(Struct, frozen=True):
    """What the scheduler of `plant` said about a line, or that it was asked in vain."""

    source: str
    instance: str
    outcome: Outcome
    plant: str
    line: PlannedLine | None = None


class Piece(Struct, frozen=True):
    """A part of a line's quantity that arrives on a day, from one supply and one source."""

    quantity: Decimal
    date: date
    plant: str
    supply: Supply
    firmness: Firmness
    confidence: Confidence
    source: str


class Factor(Struct, frozen=True):
    code: Literal["material", "capacity"]
    ref: str
    plant: str
    message: str


class Alternative(Struct, frozen=True):
    kind: Literal["laterDate", "split", "alternativePlant"]
    summary: str
    schedule: tuple[Piece, ...]


class LinePromise(Struct, frozen=True):
    """What can be promised for a line. The three quantities are None together, when a source is silent."""

    asked: Asked
    status: LineStatus
    confirmed: Decimal | None
    on_time: Decimal | None
    unconfirmed: Decimal | None
    schedule: tuple[Piece, ...]
    factors: tuple[Factor, ...]
    alternatives: tuple[Alternative, ...]
    findings: tuple[Finding, ...]

    @property
    def fill_rate(self) -> Decimal | None:
        """The share that arrives by the requested date, rounded down: 0.9999 never reads as 1."""
        if self.on_time is None:
            return None
        return (self.on_time / self.asked.quantity).quantize(FOUR_PLACES, rounding=ROUND_DOWN)
